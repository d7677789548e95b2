# SPDX-License-Identifier: BSD-2-Clause
# Tests of the flame graph.

zm_check_tests += tests/test_flame

check_LIBRARIES += tests/libflame.a
tests_libflame_a_SOURCES = \
	lib/base/builder.c \
	lib/base/builder.h \
	$(zm_flame_sources)
nodist_tests_libflame_a_SOURCES = $(zm_flame_made)
tests_libflame_a_CPPFLAGS = $(AM_CPPFLAGS)
tests_test_flame_LDADD = tests/libflame.a $(LDADD)
