# SPDX-License-Identifier: BSD-2-Clause
# Figures of process, allocator, arenas and bins, and their writers.

zm_stats_sources = \
	lib/stats/figure_list.h \
	lib/stats/figures.c \
	lib/stats/figures.h \
	lib/stats/info.c \
	lib/stats/process.c \
	lib/stats/stats.c \
	lib/stats/stats.h \
	lib/stats/write.c \
	lib/stats/write.h \
	lib/stats/write_json.c \
	lib/stats/write_openmetrics.c \
	lib/stats/write_scopes.c \
	lib/stats/write_table.c
