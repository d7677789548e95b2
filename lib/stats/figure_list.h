/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/figure_list.h - the list of all figures. Whatever fills, publishes, reads or writes figures
 * follows from it.
 *
 * A row is a member of struct zmalloc_stats, and rows stand in the order of the members. Programs and
 * published pages rely on that order: a new row goes to the end, and no row ever leaves. CONTRIBUTING.md
 * says which other places want to know of a row; the compiler or tests/check_figures.sh names those that
 * do not.
 *
 *   INTEGER(member, unit, kind, group, known, source, column, help)
 *   RATIO(member, of, to, column, help)
 *
 * member  name in the struct and in JSON; OpenMetrics puts "zmalloc_" before it and, for the samples of a
 *         counter, "_total" behind. It ends with _bytes or _ratio if, and only if, that is its unit.
 * unit    BYTES or COUNT
 * kind    GAUGE: it goes up and down; COUNTER: it never goes down
 * group   PROCESS: only a process has it; ALLOCATOR: an arena of the allocator has it as well
 * known   ALWAYS, or MAYBE: the allocator or the system may not tell. On a page of an older library, and in
 *         a struct of an older program, any figure may be missing.
 * source  the value, as an expression in zm_figures_fill(); ZM_UNKNOWN where the source does not know it
 * of, to  the members whose ratio it is
 * column  heading in tables that have a line for each process; "" for a figure without a column there
 * help    a sentence without its full stop; it stands in the table for people, in OpenMetrics, and with a
 *         full stop in zmalloc_stats(3)
 */
#ifndef ZM_FIGURE_LIST_H
#define ZM_FIGURE_LIST_H

/* clang-format off */
#define ZM_FIGURES(INTEGER, RATIO)                                                                 \
	INTEGER(used_bytes, BYTES, GAUGE, PROCESS, ALWAYS, zm_account_used(), "USED",              \
		"Live blocks allocated through libzmalloc")                                        \
	INTEGER(peak_bytes, BYTES, GAUGE, PROCESS, ALWAYS, zm_account_peak(), "PEAK",              \
		"The highest that used has been")                                                  \
	INTEGER(rss_bytes, BYTES, GAUGE, PROCESS, MAYBE, resident_set(), "RSS",                    \
		"Resident set of the process")                                                     \
	INTEGER(allocated_bytes, BYTES, GAUGE, ALLOCATOR, ALWAYS, info->allocated, "",             \
		"Live blocks of the allocator")                                                    \
	INTEGER(active_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->active, "",                    \
		"Pages that hold live blocks")                                                     \
	INTEGER(resident_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->resident, "",                \
		"Allocator pages that may be in memory")                                           \
	INTEGER(retained_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->retained, "",                \
		"Addresses kept, given back to the kernel")                                        \
	INTEGER(muzzy_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->muzzy, "",                      \
		"Pages that the kernel may take")                                                  \
	INTEGER(metadata_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->metadata, "",                \
		"The allocator's own bookkeeping")                                                 \
	INTEGER(frag_smallbins_bytes, BYTES, GAUGE, ALLOCATOR, MAYBE, info->frag_smallbins, "",    \
		"Free space inside slabs in use")                                                  \
	INTEGER(threads, COUNT, GAUGE, PROCESS, ALWAYS, zm_account_threads(), "",                  \
		"Live threads that have used libzmalloc")                                          \
	RATIO(allocator_frag_ratio, active_bytes, allocated_bytes, "FRAG",                         \
		"Active over allocated")                                                           \
	RATIO(allocator_rss_ratio, resident_bytes, active_bytes, "",                               \
		"Allocator resident over active")                                                  \
	RATIO(rss_overhead_ratio, rss_bytes, resident_bytes, "",                                   \
		"Process resident over allocator resident")                                        \
	RATIO(mem_fragmentation_ratio, rss_bytes, used_bytes, "",                                  \
		"Process resident over used")                                                      \
	INTEGER(hard_limit_bytes, BYTES, GAUGE, PROCESS, MAYBE, zm_limit_hard(), "",               \
		"The hard limit of used, if there is one")                                         \
	INTEGER(hard_limit_refusals, COUNT, GAUGE, PROCESS, ALWAYS, zm_limit_refusals(), "",       \
		"Allocations and resizes that the hard limit refused")                             \
	/* The next row goes here. */
/* clang-format on */

/* In place of INTEGER or RATIO, for who does not want those rows. */
#define ZM_NO_FIGURE(...)

#endif
