# SPDX-License-Identifier: BSD-2-Clause
# Tests of figures, publishing, the tool and arenas.

zm_check_tests += \
	tests/test_arena \
	tests/test_publish \
	tests/test_stats

zm_script_tests += tests/check_tool.sh
check_PROGRAMS += tests/publisher
tests_publisher_SOURCES = tests/publisher.c
tests_publisher_LDADD = libzmalloc.la
