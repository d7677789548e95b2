# SPDX-License-Identifier: BSD-2-Clause
# The tests of defragmentation. All but test_defrag_driver need an allocator that can.

zm_defrag_tests = \
	tests/test_defrag_average \
	tests/test_defrag_busy \
	tests/test_defrag_contents \
	tests/test_defrag_driver \
	tests/test_defrag_fork \
	tests/test_defrag_hint_threads \
	tests/test_defrag_hints \
	tests/test_defrag_pointers
zm_check_tests += $(zm_defrag_tests)

# Hints on a clock that is put ahead.
zm_defrag_internal_tests = \
	tests/test_defrag_hint_end \
	tests/test_defrag_hint_orders \
	tests/test_defrag_hint_work
zm_internal_tests += $(zm_defrag_internal_tests)

zm_defrag_blocks = tests/defrag_blocks.c tests/defrag_blocks.h
zm_defrag_program = $(zm_defrag_blocks) tests/defrag_program.c tests/defrag_program.h

# It has the C library's names of the clock, so it is in those programs alone that ask for it: a linker
# that optimizes finds out late that Check asks for a clock, and cannot have it from an archive then.
zm_own_time = tests/own_time.c tests/own_time.h

tests_test_defrag_average_SOURCES = tests/test_defrag_average.c $(zm_defrag_blocks) $(zm_own_time)
tests_test_defrag_busy_SOURCES = tests/test_defrag_busy.c $(zm_defrag_blocks)
tests_test_defrag_contents_SOURCES = tests/test_defrag_contents.c $(zm_defrag_blocks) $(zm_own_time)
tests_test_defrag_driver_SOURCES = tests/test_defrag_driver.c $(zm_defrag_blocks) $(zm_own_time)
tests_test_defrag_fork_SOURCES = tests/test_defrag_fork.c $(zm_defrag_blocks)
tests_test_defrag_hints_SOURCES = tests/test_defrag_hints.c $(zm_defrag_blocks)
tests_test_defrag_hint_end_SOURCES = tests/test_defrag_hint_end.c $(zm_defrag_program)
tests_test_defrag_hint_end_LDADD = $(zm_internal_ldadd)
tests_test_defrag_hint_orders_SOURCES = tests/test_defrag_hint_orders.c $(zm_defrag_program)
tests_test_defrag_hint_orders_LDADD = $(zm_internal_ldadd)
tests_test_defrag_hint_work_SOURCES = tests/test_defrag_hint_work.c $(zm_defrag_program)
tests_test_defrag_hint_work_LDADD = $(zm_internal_ldadd)
tests_test_defrag_hint_threads_SOURCES = tests/test_defrag_hint_threads.c $(zm_defrag_blocks)
tests_test_defrag_pointers_SOURCES = tests/test_defrag_pointers.c $(zm_defrag_blocks)

# The static library finds sizes another way, and in a program that is linked with the allocator itself.
if ZM_STATIC
zm_check_tests += tests/static_defrag_busy
endif
tests_static_defrag_busy_SOURCES = tests/test_defrag_busy.c $(zm_defrag_blocks)
tests_static_defrag_busy_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_defrag_busy_LDADD = $(zm_static_ldadd)
