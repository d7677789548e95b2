/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/limit.c - the tightest of several limits, and whose it is.
 */
#include "config.h"

#include "os/limit.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

void zm_limit_init(struct zm_limit *limit, char *source, size_t source_size)
{
	limit->bytes = UINT64_MAX;
	limit->source = source_size ? source : NULL;
	limit->source_size = source_size;
	if (limit->source)
		limit->source[0] = '\0';
}

void zm_limit_lower_by(struct zm_limit *limit, uint64_t bytes, const struct zm_span *pieces,
		       size_t count)
{
	size_t length = 0;

	if (bytes >= limit->bytes)
		return;
	limit->bytes = bytes;
	if (!limit->source)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t size = zm_span_size(pieces[i]), room = limit->source_size - 1 - length;

		if (size > room)
			size = room;
		memcpy(limit->source + length, pieces[i].at, size);
		length += size;
	}
	limit->source[length] = '\0';
}

void zm_limit_lower(struct zm_limit *limit, uint64_t bytes, struct zm_span source)
{
	zm_limit_lower_by(limit, bytes, &source, 1);
}

static void lower_by_rlimit(struct zm_limit *limit, int resource, const char *name)
{
	struct rlimit soft;

	if (getrlimit((unsigned)resource, &soft) == 0 && soft.rlim_cur != RLIM_INFINITY)
		zm_limit_lower(limit, (uint64_t)soft.rlim_cur, zm_span_of(name));
}

void zm_limit_common(struct zm_limit *limit)
{
	size_t physical;

	/* What a size_t of 32 bits can say is what its process can address. */
#if SIZE_MAX < UINT64_MAX
	zm_limit_lower(limit, SIZE_MAX, zm_span_of("address space"));
#endif
	if (zm_os_memory_size(&physical) == 0)
		zm_limit_lower(limit, physical, zm_span_of("physical memory"));
#ifdef RLIMIT_AS
#ifdef RLIMIT_RSS
	/* Darwin has one number for both, and holds no one to it. */
	if ((int)RLIMIT_AS != (int)RLIMIT_RSS)
#endif
		lower_by_rlimit(limit, RLIMIT_AS, "RLIMIT_AS");
#endif
#ifdef RLIMIT_DATA
	lower_by_rlimit(limit, RLIMIT_DATA, "RLIMIT_DATA");
#endif
}

int zm_limit_result(const struct zm_limit *limit, size_t *bytes)
{
	size_t page = zm_os_page_size();

	if (limit->bytes == UINT64_MAX)
		return ENOTSUP;
	return zm_store_size(0, limit->bytes < page ? page : limit->bytes, bytes);
}
