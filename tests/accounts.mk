# SPDX-License-Identifier: BSD-2-Clause
# The tests of the accounts, and the same once more where figures are found another way: linked with
# the static library, which has a counter of its own and the allocator as the program's malloc(), and
# with an allocator preloaded or linked as that (check_other_malloc.sh).

zm_check_tests += \
	tests/test_aligned_threads \
	tests/test_arena_race \
	tests/test_ended_threads \
	tests/test_exit \
	tests/test_fork \
	tests/test_fork_handlers \
	tests/test_fork_locks \
	tests/test_fork_purge \
	tests/test_hooks \
	tests/test_limit \
	tests/test_limit_soft \
	tests/test_limit_start \
	tests/test_own_malloc \
	tests/test_peak \
	tests/test_scope \
	tests/test_scope_limit \
	tests/test_scope_write \
	tests/test_thread_used \
	tests/test_threads

zm_internal_tests += tests/test_account_clients tests/test_account_edges tests/test_assert tests/test_refusals
tests_test_account_clients_SOURCES = tests/test_account_clients.c $(zm_defrag_blocks)
tests_test_account_clients_LDADD = $(zm_internal_ldadd)
tests_test_account_clients_CPPFLAGS = $(AM_CPPFLAGS)
tests_test_account_edges_LDADD = $(zm_internal_ldadd)
tests_test_account_edges_CPPFLAGS = $(AM_CPPFLAGS)
tests_test_refusals_LDADD = $(zm_internal_ldadd)
tests_test_refusals_CPPFLAGS = $(AM_CPPFLAGS)
# What a thread has differs where counters are borrowed: the objects that the tests are linked with know
# by this that they are the shared library's.
if ZM_JE_PRIVATE
tests_test_account_clients_CPPFLAGS += -DPIC
tests_test_account_edges_CPPFLAGS += -DPIC
tests_test_refusals_CPPFLAGS += -DPIC
endif
tests_test_assert_LDADD = $(zm_internal_ldadd)

zm_script_tests += tests/check_cxx.sh tests/check_cxx_headers.sh tests/check_hooks.sh tests/check_own_malloc.sh tests/check_plugin.sh \
	tests/check_private.sh

# Programs with a malloc() of their own, built on ours.
if ZM_OS_LINUX
check_PROGRAMS += tests/own_malloc tests/own_malloc_sizeless
if ZM_STATIC
if !ZM_STATIC_TAKES_MALLOC
check_PROGRAMS += tests/static_own_malloc_program tests/static_own_malloc_full
endif
endif
endif
tests_own_malloc_SOURCES = tests/own_malloc.c
tests_own_malloc_LDADD = libzmalloc.la $(ZM_SYSTEM_LIBS)
tests_own_malloc_sizeless_SOURCES = tests/own_malloc.c
tests_own_malloc_sizeless_CPPFLAGS = $(AM_CPPFLAGS) -DWITHOUT_USABLE_SIZE
tests_own_malloc_sizeless_LDADD = libzmalloc.la $(ZM_SYSTEM_LIBS)
tests_static_own_malloc_program_SOURCES = tests/own_malloc.c
tests_static_own_malloc_program_LDADD = $(zm_static_ldadd)
tests_static_own_malloc_program_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_own_malloc_full_SOURCES = tests/own_malloc.c
tests_static_own_malloc_full_CPPFLAGS = $(AM_CPPFLAGS) -DWITH_FULL_TABLES
tests_static_own_malloc_full_LDADD = $(zm_static_ldadd)
tests_static_own_malloc_full_LDFLAGS = $(AM_LDFLAGS) -static
EXTRA_DIST += \
	tests/hooks/curl.c \
	tests/hooks/glib.c \
	tests/hooks/jansson.c \
	tests/hooks/libbpf.c \
	tests/hooks/libevent.c \
	tests/hooks/libuv.c \
	tests/hooks/libxml2.c \
	tests/hooks/lua.c \
	tests/hooks/openssl.c \
	tests/hooks/sqlite.c \
	tests/hooks/use.h \
	tests/hooks/zlib.c
EXTRA_DIST += tests/plugin/plugin.c tests/plugin/program.c tests/cxx/checks.h tests/cxx/headers.cc tests/cxx/new.cc tests/cxx/plugin.cc tests/cxx/program.c tests/private/options.c

if ZM_STATIC
zm_check_tests += \
	tests/static_errno \
	tests/static_exit \
	tests/static_fork \
	tests/static_fork_locks \
	tests/static_limit \
	tests/static_limit_soft \
	tests/static_own_malloc \
	tests/static_peak \
	tests/static_scope \
	tests/static_scope_limit \
	tests/static_shadow \
	tests/static_thread_used \
	tests/static_threads
endif

tests_static_errno_SOURCES = tests/test_errno.c
tests_static_errno_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_errno_LDADD = $(zm_static_ldadd)
tests_static_exit_SOURCES = tests/test_exit.c
tests_static_exit_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_exit_LDADD = $(zm_static_ldadd)
tests_static_fork_SOURCES = tests/test_fork.c
tests_static_fork_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_fork_LDADD = $(zm_static_ldadd)
tests_static_fork_locks_SOURCES = tests/test_fork_locks.c
tests_static_fork_locks_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_fork_locks_LDADD = $(zm_static_ldadd)
tests_static_limit_SOURCES = tests/test_limit.c
tests_static_limit_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_limit_LDADD = $(zm_static_ldadd)
tests_static_limit_soft_SOURCES = tests/test_limit_soft.c
tests_static_limit_soft_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_limit_soft_LDADD = $(zm_static_ldadd)
tests_static_own_malloc_SOURCES = tests/test_own_malloc.c
tests_static_own_malloc_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_own_malloc_LDADD = $(zm_static_ldadd)
tests_static_peak_SOURCES = tests/test_peak.c
tests_static_peak_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_peak_LDADD = $(zm_static_ldadd)
tests_static_scope_SOURCES = tests/test_scope.c
tests_static_scope_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_scope_LDADD = $(zm_static_ldadd)
tests_static_scope_limit_SOURCES = tests/test_scope_limit.c
tests_static_scope_limit_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_scope_limit_LDADD = $(zm_static_ldadd)
tests_static_shadow_SOURCES = tests/test_shadow.c
tests_static_shadow_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_shadow_LDADD = $(zm_static_ldadd)
tests_static_thread_used_SOURCES = tests/test_thread_used.c
tests_static_thread_used_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_thread_used_LDADD = $(zm_static_ldadd)
tests_static_threads_SOURCES = tests/test_threads.c
tests_static_threads_LDFLAGS = $(AM_LDFLAGS) -static
tests_static_threads_LDADD = $(zm_static_ldadd)

EXTRA_DIST += tests/valgrind.supp
