# SPDX-License-Identifier: BSD-2-Clause
# `make bench-live`: how soon others see the truth about a process, what it pays while nobody looks, and how long an
# answer takes. As root it also looks at one that dropped its rights, and from outside of namespaces.

EXTRA_PROGRAMS += bench/live
CLEANFILES += bench/live
bench_live_SOURCES = \
	bench/live.c \
	bench/live_others.c \
	bench/live_others.h
bench_live_LDADD = libzmalloc.la $(ZM_SYSTEM_LIBS)

bench-live: bench/live
	bench/live
.PHONY: bench-live

# `make bench-scope`: what it costs to enter and leave scopes.
EXTRA_PROGRAMS += bench/scope
CLEANFILES += bench/scope
bench_scope_SOURCES = bench/scope.c
bench_scope_LDADD = libzmalloc.la

bench-scope: bench/scope
	$(SHELL) $(srcdir)/bench/scope.sh bench/scope
.PHONY: bench-scope
EXTRA_DIST += bench/scope.sh
