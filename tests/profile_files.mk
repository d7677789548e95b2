# SPDX-License-Identifier: BSD-2-Clause
# Tests of the heap profile's files: lib/profile.

zm_internal_tests += tests/test_profile_file tests/test_profile_moment tests/test_profile_write
zm_profile_sheet = tests/profile_sheet.c tests/profile_sheet.h
tests_test_profile_file_SOURCES = tests/test_profile_file.c $(zm_profile_sheet)
tests_test_profile_file_LDADD = $(zm_internal_ldadd)
tests_test_profile_moment_SOURCES = tests/test_profile_moment.c $(zm_own_time)
tests_test_profile_moment_LDADD = $(zm_internal_ldadd)
tests_test_profile_write_SOURCES = tests/test_profile_write.c $(zm_profile_sheet)
tests_test_profile_write_LDADD = $(zm_internal_ldadd)

# What real readers make of them: check_profile_formats.sh.
EXTRA_DIST += tests/decode_pprof.pl
check_PROGRAMS += tests/profile_program tests/profile_writer
tests_profile_program_SOURCES = tests/profile_program.c
tests_profile_program_LDADD = libzmalloc.la $(ZM_SYSTEM_LIBS)
tests_profile_writer_SOURCES = tests/profile_writer.c $(zm_profile_sheet)
tests_profile_writer_LDADD = $(zm_internal_ldadd)
