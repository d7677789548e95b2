/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/metric_list.h - what `zmalloc export` tells beside the figures of lib/stats/figure_list.h.
 *
 * Names and meanings stay: dashboards and alerts of others rely on them. zmalloc_metrics(7) says the same
 * sentences, as tests/check_export.sh proves.
 *
 *   METRIC(name, unit, value, help)
 *
 * name   behind "zmalloc_"; it ends with the unit
 * unit   BYTES, SECONDS or COUNT
 * value  of `const struct series *series`; ZMALLOC_STATS_UNKNOWN where it is not known; SECONDS are
 *        given in milliseconds
 * help   a sentence without its full stop
 */
#ifndef ZM_METRIC_LIST_H
#define ZM_METRIC_LIST_H

/* clang-format off */
#define ZM_METRICS(METRIC)                                                                         \
	METRIC(processes, COUNT, series->processes,                                                \
		"Processes that the figures with the same labels are the sum of")                  \
	METRIC(silent_processes, COUNT, series->silent,                                            \
		"Those of them that did not answer, whose figures are their last ones")            \
	METRIC(figures_time_seconds, SECONDS, series->oldest_ms,                                   \
		"When the figures were taken; of several processes the oldest")                    \
	METRIC(uptime_seconds, SECONDS, series->youngest_ms,                                       \
		"How long the process runs; of several the youngest")                              \
	METRIC(limit_bytes, BYTES, series->limit_bytes,                                            \
		"The tightest limit on its memory, as it sees it itself; of several the lowest")   \
	METRIC(swap_bytes, BYTES, series->swap_bytes,                                              \
		"Memory of the process that is swapped out")                                       \
	METRIC(pss_bytes, BYTES, series->pss_bytes,                                                \
		"Resident set, a page that n processes have counted as one n-th")
/* clang-format on */

/* Without labels: of the file itself. */
#define ZM_EXPORT_TIME_NAME "export_time_seconds"
#define ZM_EXPORT_TIME_HELP "When the figures were written down"

/* With two labels more, `allocator` and `version`. */
#define ZM_BUILD_INFO_NAME "build_info"
#define ZM_BUILD_INFO_HELP "Allocator and version of libzmalloc; always 1"

#endif
