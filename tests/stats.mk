# SPDX-License-Identifier: BSD-2-Clause
# Tests of figures, publishing, the tool and arenas.

zm_check_tests += \
	tests/test_arena \
	tests/test_stats

EXTRA_DIST += tests/publishers.sh

# A process that others look at: in memory, and where there is none, in a file.
zm_internal_tests += tests/test_publish_file
tests_test_publish_file_SOURCES = tests/test_publish_file.c tests/refuse.c tests/refuse.h
tests_test_publish_file_LDADD = $(zm_internal_ldadd)
if ZM_OS_LINUX
zm_internal_tests += tests/test_live tests/test_live_passive tests/test_profile_live tests/test_scope_live
endif
tests_test_profile_live_LDADD = $(zm_internal_ldadd)
tests_test_scope_live_LDADD = $(zm_internal_ldadd)
tests_test_live_SOURCES = tests/test_live.c tests/refuse.c tests/refuse.h
tests_test_live_LDADD = $(zm_internal_ldadd)
tests_test_live_passive_SOURCES = tests/test_live_passive.c tests/refuse.c tests/refuse.h
tests_test_live_passive_LDADD = $(zm_internal_ldadd)
check_PROGRAMS += tests/publisher tests/sites
tests_sites_SOURCES = tests/sites.c
tests_sites_LDADD = libzmalloc.la
EXTRA_DIST += tests/sites.cc
tests_publisher_SOURCES = tests/publisher.c
tests_publisher_LDADD = libzmalloc.la

# The list of figures, and what becomes of programs and pages when it has one more: the rooms that know the list,
# and a program, compiled with one more member and row. None of it is installed.
zm_script_tests += tests/check_figures.sh
check_PROGRAMS += tests/figures_now tests/figures_next tests/figures_now_on_next tests/figures_next_on_now
check_LTLIBRARIES += libzmalloc_next.la
zm_next_cppflags = -Itests/next/include -Itests/next/lib $(AM_CPPFLAGS)
zm_next_ldadd = libzmalloc_next.la $(zm_internal_ldadd)
libzmalloc_next_la_SOURCES = $(zm_stats_sources) $(zm_live_sources)
libzmalloc_next_la_CPPFLAGS = $(zm_next_cppflags)
tests_figures_now_SOURCES = tests/figures_program.c
tests_figures_now_LDADD = libzmalloc.la
tests_figures_next_SOURCES = tests/figures_program.c
tests_figures_next_CPPFLAGS = $(zm_next_cppflags)
tests_figures_next_LDADD = $(zm_next_ldadd)
tests_figures_now_on_next_SOURCES = tests/figures_program.c
tests_figures_now_on_next_LDADD = $(zm_next_ldadd)
tests_figures_next_on_now_SOURCES = tests/figures_program.c
tests_figures_next_on_now_CPPFLAGS = $(zm_next_cppflags)
tests_figures_next_on_now_LDADD = libzmalloc.la

zm_next_headers = tests/next/include/zmalloc/process.h tests/next/include/zmalloc/profile.h \
	tests/next/include/zmalloc/scope.h \
	tests/next/include/zmalloc/stats.h \
	tests/next/lib/stats/figure_list.h
CLEANFILES += $(zm_next_headers)
$(libzmalloc_next_la_OBJECTS) $(tests_figures_next_OBJECTS) $(tests_figures_next_on_now_OBJECTS): $(zm_next_headers)

# The new member follows the last one of today; the new figure is the peak once more.
tests/next/include/zmalloc/stats.h: include/zmalloc/stats.h
	@$(MKDIR_P) tests/next/include/zmalloc
	$(AM_V_GEN)awk '/^struct zmalloc_stats \{/ { inside = 1 } \
		/^};/ && inside { print "\tuint64_t next_bytes;"; inside = 0 } \
		{ sub(/"\.\.\/zmalloc.h"/, "<zmalloc.h>"); print }' $(srcdir)/include/zmalloc/stats.h >$@-new
	@mv $@-new $@
# Beside the other, for it includes its neighbour.
tests/next/include/zmalloc/process.h: include/zmalloc/process.h
	@$(MKDIR_P) tests/next/include/zmalloc
	$(AM_V_GEN)cp $(srcdir)/include/zmalloc/process.h $@
tests/next/include/zmalloc/profile.h: include/zmalloc/profile.h
	@$(MKDIR_P) tests/next/include/zmalloc
	$(AM_V_GEN)sed 's,"\.\./zmalloc\.h",<zmalloc.h>,' $(srcdir)/include/zmalloc/profile.h >$@
tests/next/include/zmalloc/scope.h: include/zmalloc/scope.h
	@$(MKDIR_P) tests/next/include/zmalloc
	$(AM_V_GEN)cp $(srcdir)/include/zmalloc/scope.h $@
tests/next/lib/stats/figure_list.h: lib/stats/figure_list.h
	@$(MKDIR_P) tests/next/lib/stats
	$(AM_V_GEN)awk '/The next row goes here/ { \
		print "INTEGER(next_bytes, BYTES, COUNTER, PROCESS, ALWAYS, zm_account_peak(), \"NEXT\", \"The next figure\") \\" } \
		{ print }' $(srcdir)/lib/stats/figure_list.h >$@-new
	@mv $@-new $@
