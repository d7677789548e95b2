/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/limit.h - the tightest of several limits, and whose it is.
 */
#ifndef ZM_OS_LIMIT_H
#define ZM_OS_LIMIT_H

#include "base/text.h"

struct zm_limit {
	uint64_t bytes; /* UINT64_MAX while there is none */
	char *source;   /* may be NULL */
	size_t source_size;
};

void zm_limit_init(struct zm_limit *limit, char *source, size_t source_size);

/* Lower the limit to `bytes` if that is tighter; `source` is copied, and cut if it is too long. */
void zm_limit_lower(struct zm_limit *limit, uint64_t bytes, struct zm_span source);
/* The same with a source in several pieces. */
void zm_limit_lower_by(struct zm_limit *limit, uint64_t bytes, const struct zm_span *pieces,
		       size_t count);

/* Lower it by what every system has: physical memory, RLIMIT_AS and RLIMIT_DATA. */
void zm_limit_common(struct zm_limit *limit);

/* The answer of zm_os_memory_limit(); ENOTSUP if no limit was found. */
int zm_limit_result(const struct zm_limit *limit, size_t *bytes);

#endif
