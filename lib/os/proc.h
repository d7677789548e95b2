/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/proc.h - what the files of /proc say, from their text: 0 or an errno value.
 */
#ifndef ZM_OS_PROC_H
#define ZM_OS_PROC_H

#include "os/lines.h"

/* /proc/PID/statm: the second number, pages resident. */
int zm_proc_statm_rss(struct zm_span text, uint64_t *pages);

/* /proc/PID/stat: as zm_os_stat_field(). */
int zm_proc_stat_field(struct zm_span text, int field, long long *value);

/*
 * /proc/PID/smaps or smaps_rollup: the sum of a field, colon included, in bytes. Lines of the field
 * without the unit kB are counts or flags and do not belong to the sum: ENOENT if there is no
 * other.
 */
int zm_proc_smaps_sum(struct zm_lines *lines, const char *field, uint64_t *bytes);

#endif
