# SPDX-License-Identifier: BSD-2-Clause
# The stacks that samples come from.

zm_stack_sources = \
	lib/profile/stack.h \
	lib/profile/stack_code.c \
	lib/profile/stack_code.h \
	lib/profile/stack_machine.h \
	lib/profile/stack_reach.c \
	lib/profile/stack_reach.h

# Unwind tables are read where configure knows the processor (m4/zm_platform.m4).
if ZM_STACK_TABLES
zm_stack_sources += \
	lib/profile/stack.c \
	lib/profile/stack_bytes.c \
	lib/profile/stack_bytes.h \
	lib/profile/stack_entry.c \
	lib/profile/stack_row.c \
	lib/profile/stack_row.h \
	lib/profile/stack_rows.c \
	lib/profile/stack_rows.h \
	lib/profile/stack_rules.c \
	lib/profile/stack_signal.c \
	lib/profile/stack_sum.c \
	lib/profile/stack_sum.h \
	lib/profile/stack_table.h
else
zm_stack_sources += lib/profile/stack_records.c
endif
