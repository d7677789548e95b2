# SPDX-License-Identifier: BSD-2-Clause
# Tests of the heap profile.

zm_profile_sites = tests/profile_sites.c tests/profile_sites.h

zm_internal_tests += tests/test_profile_truth
tests_test_profile_truth_SOURCES = tests/test_profile_truth.c $(zm_profile_sites)
tests_test_profile_truth_LDADD = $(zm_internal_ldadd)
# As in accounts.mk.
tests_test_profile_truth_CPPFLAGS = $(AM_CPPFLAGS)
if ZM_JE_PRIVATE
tests_test_profile_truth_CPPFLAGS += -DPIC
endif

zm_check_tests += tests/test_profile tests/test_profile_defrag tests/test_profile_start
tests_test_profile_SOURCES = tests/test_profile.c $(zm_profile_sites)
tests_test_profile_defrag_SOURCES = tests/test_profile_defrag.c $(zm_defrag_blocks)
