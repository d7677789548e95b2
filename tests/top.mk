# SPDX-License-Identifier: BSD-2-Clause
# Tests of `zmalloc top`: its model with made-up processes, and the whole in a real terminal.

zm_top_tests = \
	tests/test_top_gather \
	tests/test_top_growth \
	tests/test_top_list
zm_check_tests += $(zm_top_tests)

# The tool's objects, and what is made up.
check_LIBRARIES += tests/libtop.a
tests_libtop_a_SOURCES = \
	lib/base/builder.c \
	lib/base/builder.h \
	tests/top_rows.c \
	tests/top_rows.h \
	tools/command.h \
	tools/common.c \
	$(zm_top_model)
tests_libtop_a_CPPFLAGS = $(AM_CPPFLAGS)
zm_top_ldadd = tests/libtop.a $(LDADD)
tests_test_top_gather_LDADD = $(zm_top_ldadd)
tests_test_top_growth_LDADD = $(zm_top_ldadd)
tests_test_top_list_LDADD = $(zm_top_ldadd)
