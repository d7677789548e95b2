# SPDX-License-Identifier: BSD-2-Clause
# `make bench-defrag`: what defragmentation gains and costs. BENCH_DEFRAG="--patterns ttl --json" passes options on.

EXTRA_PROGRAMS += bench/defrag
CLEANFILES += bench/defrag
bench_defrag_SOURCES = \
	bench/defrag.c \
	bench/defrag_heap.c \
	bench/defrag_heap.h \
	bench/defrag_rules.c \
	bench/defrag_rules.h
bench_defrag_LDADD = libzmalloc.la $(ZM_SYSTEM_LIBS) -lm

bench-defrag: bench/defrag
	bench/defrag $(BENCH_DEFRAG)
.PHONY: bench-defrag
