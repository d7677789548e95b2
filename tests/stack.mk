# SPDX-License-Identifier: BSD-2-Clause
# Tests of the stacks that samples come from. What calls there is compiled with frame pointers and without.

zm_internal_tests += tests/test_stack_take tests/test_stack_harm

check_LIBRARIES += tests/libchain_with.a tests/libchain_without.a
tests_libchain_with_a_SOURCES = tests/stack_chain.c tests/stack_chain.h
tests_libchain_with_a_CPPFLAGS = $(AM_CPPFLAGS) -DCHAIN=chain_with_pointers
tests_libchain_with_a_CFLAGS = $(AM_CFLAGS) -fno-omit-frame-pointer
tests_libchain_without_a_SOURCES = tests/stack_chain.c tests/stack_chain.h
tests_libchain_without_a_CPPFLAGS = $(AM_CPPFLAGS) -DCHAIN=chain_without_pointers
tests_libchain_without_a_CFLAGS = $(AM_CFLAGS) -fomit-frame-pointer

zm_stack_ldadd = tests/libchain_with.a tests/libchain_without.a $(zm_internal_ldadd)
tests_test_stack_take_SOURCES = tests/test_stack_take.c tests/stack_made.c tests/stack_made.h
tests_test_stack_take_LDADD = $(zm_stack_ldadd)
tests_test_stack_harm_SOURCES = tests/test_stack_harm.c tests/stack_made.c tests/stack_made.h
tests_test_stack_harm_LDADD = $(zm_stack_ldadd)

# `make bench-stack`: what it costs to take one.
if ZM_STACK_TABLES
EXTRA_PROGRAMS += bench/stack
CLEANFILES += bench/stack
bench_stack_SOURCES = bench/stack.c
bench_stack_LDADD = $(zm_stack_ldadd)

bench-stack: bench/stack
	bench/stack
else
EXTRA_DIST += bench/stack.c
endif
.PHONY: bench-stack
