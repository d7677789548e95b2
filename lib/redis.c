/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/redis.c - what <zmalloc/redis.h> needs beyond <zmalloc.h>.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc/redis.h>

#include "allocator/allocator.h"
#include "allocator/native.h"
#include "os/os.h"

int zmalloc_redis_stat_field(int field, long long *value)
{
	return zm_os_stat_field(field, value) == 0;
}

/* The system takes whole pages that begin on one; what is asked for may begin and end anywhere. */
void zmalloc_redis_dontneed_range(void *ptr, size_t size)
{
	if (ptr != NULL)
		zm_os_dontneed(ptr, size);
}

/* ---- Controls ---- */

static bool creates_store(const char *name)
{
	return strcmp(name, "arenas.create") == 0 || strcmp(name, "tcache.create") == 0;
}

static bool ends_store(const char *name)
{
	return strcmp(name, "tcache.flush") == 0 || strcmp(name, "tcache.destroy") == 0;
}

/* Where there is one arena and one cache for all, every number stands for it; jemalloc's type. */
static int create_store(void *old, const size_t *old_size, const void *new_value)
{
	if (new_value != NULL)
		return ENOTSUP;
	if (old == NULL || old_size == NULL || *old_size != sizeof(unsigned))
		return EINVAL;
	memset(old, 0, sizeof(unsigned));
	return 0;
}

int zmalloc_redis_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		      size_t new_size)
{
	if (!zm_native_arenas() && creates_store(name))
		return create_store(old, old_size, new_value);
	if (!zm_native_arenas() && ends_store(name))
		return 0;
	return zm_allocator_ctl(name, old, old_size, new_value, new_size);
}

size_t zmalloc_redis_nallocx(size_t size, int flags)
{
	(void)flags;
	return zmalloc_has(ZMALLOC_CAN_USABLE_SIZE) ? zmalloc_good_size(size) : 0;
}

/* ---- The report ---- */

struct sink {
	void (*write)(void *opaque, const char *text);
	void *opaque;
};

static void put(const struct sink *sink, const char *format, ...)
#if defined(__GNUC__)
	__attribute__((__format__(__printf__, 2, 3)))
#endif
	;

static void put(const struct sink *sink, const char *format, ...)
{
	char line[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	sink->write(sink->opaque, line);
}

/* The allocator does not know the figures that are 0. */
static void put_figure(const struct sink *sink, const char *name, size_t bytes)
{
	if (bytes != 0 && bytes != ZM_UNKNOWN)
		put(sink, "%-28s %20zu\n", name, bytes);
}

static void write_to_stderr(void *opaque, const char *text)
{
	(void)opaque;
	zm_os_write(STDERR_FILENO, text, strlen(text));
}

void zmalloc_redis_stats_print(void (*write)(void *opaque, const char *text), void *opaque,
			       const char *options)
{
	const struct sink sink = {.write = write != NULL ? write : write_to_stderr,
				  .opaque = opaque};
	struct zm_allocator_info info = {0};

	if (zm_native_print(write, opaque, options))
		return;
	zm_allocator_info(true, &info);
	put(&sink, "%s, bytes:\n", zmalloc_allocator());
	put_figure(&sink, "allocated", info.allocated);
	put_figure(&sink, "active", info.active);
	put_figure(&sink, "resident", info.resident);
	put_figure(&sink, "retained", info.retained);
	put_figure(&sink, "muzzy", info.muzzy);
	put_figure(&sink, "free in slabs", info.frag_smallbins);
	put_figure(&sink, "used through the library", zmalloc_used_memory());
}
