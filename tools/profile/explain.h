/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/explain.h - why a process has no profile to show, and what to do.
 */
#ifndef ZM_TOOL_EXPLAIN_H
#define ZM_TOOL_EXPLAIN_H

#include <zmalloc/process.h>

/* error: as of take_profile(), or of stopping. Returns FAILED. */
int explain_profile(const struct zmalloc_process *process, int error);

/* error: as of zmalloc_process_profile_start(). */
int explain_start(const struct zmalloc_process *process, uint64_t mean_bytes, int error);

#endif
