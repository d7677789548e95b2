/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/gzip.h - a builder whose bytes arrive in another one as gzip, by zlib. In a build without zlib they
 * arrive as they are.
 */
#ifndef ZM_PROFILE_GZIP_H
#define ZM_PROFILE_GZIP_H

#include <stdbool.h>

#include "base/builder.h"

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

/* How much zlib gets of the memory that it is given. */
struct zm_gzip_memory {
	unsigned char *at;
	size_t left;
};

struct zm_gzip {
	struct zm_builder plain; /* what is built here is compressed */
	struct zm_builder *out;
#ifdef HAVE_ZLIB
	struct zm_gzip_memory memory;
	z_stream stream;
#endif
};

bool zm_gzip_is_there(void);

/* memory: aligned for anything; ZM_PROFILE_GZIP_BYTES are enough. ENOMEM: they are not. */
int zm_gzip_start(struct zm_gzip *gzip, struct zm_builder *out, void *memory, size_t bytes);

/* The end of it. 0, or what `out` says; to be called after every start that went well. */
int zm_gzip_finish(struct zm_gzip *gzip);

#endif
