# SPDX-License-Identifier: BSD-2-Clause
# Active defragmentation; lib/defrag/cycle.h says which file does what.

zm_defrag_sources = \
	lib/defrag/average.c \
	lib/defrag/check.c \
	lib/defrag/count.c \
	lib/defrag/cycle.c \
	lib/defrag/cycle.h \
	lib/defrag/driver.c \
	lib/defrag/driver.h \
	lib/defrag/end.c \
	lib/defrag/gate.c \
	lib/defrag/hint.c \
	lib/defrag/hint.h \
	lib/defrag/hint_copy.c \
	lib/defrag/hint_copy.h \
	lib/defrag/hint_cycle.c \
	lib/defrag/hint_shown.c \
	lib/defrag/hint_tick.c \
	lib/defrag/hook.c \
	lib/defrag/hook.h \
	lib/defrag/move.c \
	lib/defrag/object.c \
	lib/defrag/plan.c \
	lib/defrag/purge.c \
	lib/defrag/table.c \
	lib/defrag/table.h \
	lib/defrag/text.c
