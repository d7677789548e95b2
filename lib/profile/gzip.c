/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/gzip.c - a builder whose bytes arrive in another one as gzip.
 *
 * zlib would allocate by malloc(), which may be the heap that has nothing left. All that it needs it asks for
 * at the start, and gets it from the memory that it is given here.
 *
 * The static library does without: libz.a has a function zcalloc() of its own, and so cannot be in a program with
 * ours. The tool has a copy of this file.
 */
#include "config.h"

#include "profile/gzip.h"

#include <errno.h>

#if defined(HAVE_ZLIB) && (defined(PIC) || defined(ZM_TOOL))

enum {
	/* Of the stream with the head and the tail of gzip. */
	WINDOW_BITS = 15 + 16,
	MEMORY_LEVEL = 8,
	ALIGNMENT = 16
};

bool zm_gzip_is_there(void)
{
	return true;
}

static void *take(void *context, unsigned items, unsigned size)
{
	struct zm_gzip_memory *memory = context;
	size_t bytes = ((size_t)items * size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	void *at = memory->at;

	if (bytes > memory->left)
		return NULL;
	memory->at += bytes;
	memory->left -= bytes;
	return at;
}

static void give(void *context, void *at)
{
	(void)context;
	(void)at;
}

/* flush: Z_NO_FLUSH until the end, then Z_FINISH. */
static int compress_some(struct zm_gzip *gzip, const char *bytes, size_t size, int flush)
{
	unsigned char buffer[512];
	int answer;

	/* zlib's own member of that name is not const in all of its releases. */
	gzip->stream.next_in = (unsigned char *)(uintptr_t)bytes;
	gzip->stream.avail_in = (unsigned)size;
	do {
		gzip->stream.next_out = buffer;
		gzip->stream.avail_out = sizeof(buffer);
		answer = deflate(&gzip->stream, flush);
		zm_build_piece(gzip->out, buffer, sizeof(buffer) - gzip->stream.avail_out);
	} while (gzip->out->error == 0 && answer == Z_OK && gzip->stream.avail_out == 0);
	return gzip->out->error;
}

static int compress_text(void *context, const char *text, size_t size)
{
	return compress_some(context, text, size, Z_NO_FLUSH);
}

int zm_gzip_start(struct zm_gzip *gzip, struct zm_builder *out, void *memory, size_t bytes)
{
	gzip->out = out;
	gzip->memory = (struct zm_gzip_memory){.at = memory, .left = bytes};
	gzip->stream = (z_stream){.zalloc = take, .zfree = give, .opaque = &gzip->memory};
	zm_builder_start_writer(&gzip->plain, compress_text, gzip);
	if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return ENOMEM;
	return 0;
}

int zm_gzip_finish(struct zm_gzip *gzip)
{
	int error = zm_builder_finish(&gzip->plain);

	if (error == 0)
		error = compress_some(gzip, NULL, 0, Z_FINISH);
	deflateEnd(&gzip->stream);
	return error;
}

#else

bool zm_gzip_is_there(void)
{
	return false;
}

static int pass_on(void *context, const char *text, size_t size)
{
	struct zm_gzip *gzip = context;

	zm_build_piece(gzip->out, text, size);
	return gzip->out->error;
}

int zm_gzip_start(struct zm_gzip *gzip, struct zm_builder *out, void *memory, size_t bytes)
{
	(void)memory;
	(void)bytes;
	gzip->out = out;
	zm_builder_start_writer(&gzip->plain, pass_on, gzip);
	return 0;
}

int zm_gzip_finish(struct zm_gzip *gzip)
{
	return zm_builder_finish(&gzip->plain);
}

#endif
