# SPDX-License-Identifier: BSD-2-Clause
# Tests of the flame graph: its text, and what a browser makes of it.

zm_check_tests += tests/test_flame
zm_once_tests += tests/check_flame.sh
EXTRA_DIST += tests/flame/drive.js

check_LIBRARIES += tests/libflame.a
tests_libflame_a_SOURCES = \
	lib/base/builder.c \
	lib/base/builder.h \
	$(zm_flame_sources)
nodist_tests_libflame_a_SOURCES = $(zm_flame_made)
tests_libflame_a_CPPFLAGS = $(AM_CPPFLAGS)
tests_test_flame_LDADD = tests/libflame.a $(LDADD)

# Writes the graphs that the browser opens.
check_PROGRAMS += tests/flame_program
tests_flame_program_LDADD = tests/libflame.a
