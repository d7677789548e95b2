/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/defrag_heap.h - the heaps that bench/defrag works on: filled, then freed in part.
 */
#ifndef BENCH_DEFRAG_HEAP_H
#define BENCH_DEFRAG_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_spec {
	const char *pattern; /* "rand50", "rand70", "alt", "age", "ttl" */
	bool skewed;         /* 16 B to 14 KB log-uniform, else 16 to 512 B as Redis has them */
	unsigned arenas;     /* 1: the calling thread's own */
	size_t fill_bytes;
	unsigned unknown_permille; /* blocks that the walk never shows */
	bool churn;                /* 256 frees and allocations for each 1,024 blocks examined */
	uint64_t seed;
};

struct block {
	uint64_t *at;
	uint32_t bytes;
	uint32_t stamp; /* what the block says */
	uint16_t arena;
	bool unknown;
};

struct heap {
	struct heap_spec spec;
	struct block *blocks; /* in the shuffled order in which they are examined */
	size_t count;
	int flags[16];      /* for allocating in each arena */
	unsigned own_arena; /* the calling thread's */
	uint64_t random;
	uint32_t stamps;
};

/* Bins of one arena: how many slabs hold how many regions. */
struct slab_census;

/* Free space in slabs, and what it is of live bytes; what a cycle holds counts as free. */
struct frag {
	double percent;
	size_t frag_bytes, live_bytes;
};

void heap_build(struct heap *heap, const struct heap_spec *spec);

/* Every block still says what it was given. Exits with a message if not. */
void heap_check(const struct heap *heap);

/* The churn due after `examined` more blocks. */
void heap_churn(struct heap *heap, size_t examined);

struct frag heap_frag(void);

/*
 * The slabs as they are now; and, after some of them were released,
 * the fewest bytes that had to move for that.
 */
struct slab_census *heap_census(const struct heap *heap);
size_t heap_floor(const struct slab_census *census);

/*
 * Functions of the allocator behind libzmalloc,
 * found at run time so that the program's malloc() stays the C library's.
 */
struct raw {
	void *(*mallocx)(size_t size, int flags);
	void (*dallocx)(void *ptr, int flags);
	size_t (*sallocx)(const void *ptr, int flags);
	int (*mallctlnametomib)(const char *name, size_t *mib, size_t *depth);
	int (*mallctlbymib)(const size_t *mib, size_t depth, void *old, size_t *old_size,
			    void *new_value, size_t new_size);
};
extern struct raw raw;

struct bin {
	size_t region_bytes, slab_bytes;
	uint32_t regions;
};
extern struct bin bins[256];
extern unsigned bin_count;
extern unsigned char bin_of_size[(64 << 10) / 8];

/* False: no such allocator behind. */
bool raw_open(void);

size_t raw_bin_stat(const char *name, unsigned arena, unsigned bin);
unsigned raw_arenas(void);
void raw_refresh(void);

struct usage {
	size_t free, regions, bytes;
};
void raw_query(void *const *ptrs, struct usage *usage, size_t count);
unsigned raw_arena_of(const void *ptr);

#endif
