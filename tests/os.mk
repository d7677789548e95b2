# SPDX-License-Identifier: BSD-2-Clause
# Tests of the operating system's side: lib/os and lib/stats/process.c.

zm_os_tests = \
	tests/test_os_cgroup \
	tests/test_os_mapping \
	tests/test_os_proc \
	tests/test_os_system \
	tests/test_os_text \
	tests/test_process

zm_internal_tests += $(zm_os_tests)
EXTRA_DIST += tests/fixtures/os

zm_os_ldadd = $(zm_internal_ldadd)
if !ZM_OS_LINUX
check_LTLIBRARIES += libzmalloc_proc.la
libzmalloc_proc_la_SOURCES = $(zm_os_proc_sources)
zm_os_ldadd += libzmalloc_proc.la
endif

tests_test_os_cgroup_SOURCES = tests/test_os_cgroup.c $(zm_os_fixture)
tests_test_os_cgroup_LDADD = $(zm_os_ldadd)
tests_test_os_mapping_LDADD = $(zm_os_ldadd)
tests_test_os_proc_SOURCES = tests/test_os_proc.c $(zm_os_fixture)
tests_test_os_proc_LDADD = $(zm_os_ldadd)
tests_test_os_system_LDADD = $(zm_os_ldadd)
tests_test_os_text_LDADD = $(zm_os_ldadd)
tests_test_process_LDADD = $(zm_os_ldadd)

zm_os_fixture = tests/os_fixture.c tests/os_fixture.h

# What lib/os may call, and what becomes of a real control group.
zm_script_tests += tests/check_os_calls.sh tests/check_cgroup.sh
EXTRA_DIST += tests/cgroup.sh
check_PROGRAMS += tests/show_limit
tests_show_limit_SOURCES = tests/show_limit.c
tests_show_limit_LDADD = libzmalloc.la

# Whether the environment is listened to. A program with rights of its own is told no library path.
zm_script_tests += tests/check_secure.sh
check_PROGRAMS += tests/show_published
tests_show_published_SOURCES = tests/show_published.c
tests_show_published_LDADD = libzmalloc.la $(ZM_MALLOC_LIBS) $(ZM_SYSTEM_LIBS)
tests_show_published_LDFLAGS = $(AM_LDFLAGS) -static

# Each parser of lib/os on texts made up by libFuzzer, FUZZ_SECONDS (60) long; FUZZ="stat smaps" picks.
fuzz: config.h
	$(SHELL) $(srcdir)/tests/fuzz/run.sh $(FUZZ)

# The rows of the matrix that force each probe of configure to "no".
check-probes:
	$(SHELL) $(srcdir)/tests/matrix.sh `sed -n 's/^\(no-[a-z-]*\) .*/\1/p' $(srcdir)/tests/probes.rows`

# Other releases of Debian, by README, allocator and package: tests/debian/run.sh. Needs root.
SUITES = trixie sid
check-debian:
	$(SHELL) $(srcdir)/tests/debian/run.sh $(SUITES)

# Every other machine and system that can be had here: tests/portability/run.sh.
portability:
	$(SHELL) $(srcdir)/tests/portability/run.sh $(TARGETS)

.PHONY: fuzz check-probes check-debian portability
zm_once_tests += tests/check_probes.sh
EXTRA_DIST += tests/debian tests/fuzz tests/portability tests/probes.rows
