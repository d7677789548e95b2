/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/probe_program.c - passes every static probe that this allocator has a way to. On standard output: a line
 * "expect NAME ARGUMENT..." for each, with what is to be told there, "*" what nobody knows beforehand; and
 * "count NAME NUMBER" for those that are passed so many times.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/profile.h>
#include <zmalloc/scope.h>

#include "tests/defrag_blocks.h"
#include "tests/support.h"

static void *volatile kept;

static void ignore_oom(size_t size)
{
	(void)size;
}

static void pass_soft(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)argument;
	printf("expect soft_limit %zu %zu\n", limit_bytes, used_bytes);
}

static void run_into_limits(void)
{
	size_t limit_bytes = zmalloc_used_memory() + 64 * MIB;
	zmalloc_scope *scope = zmalloc_scope_new("probed");
	int number = zmalloc_soft_limit_add(limit_bytes - 60 * MIB, 0, pass_soft, NULL);

	REQUIRE(number >= 0);
	kept = zmalloc(16 * MIB);
	zfree(kept);
	REQUIRE(zmalloc_soft_limit_remove(number) == 0);

	REQUIRE(zmalloc_limit_set(limit_bytes) == 0);
	zmalloc_set_oom_handler(ignore_oom);
	REQUIRE(ztrymalloc(128 * MIB) == NULL);
	printf("expect limit_refused * %zu -\nexpect try_failed\n", limit_bytes);
	REQUIRE(zmalloc(100 * MIB) == NULL);
	printf("expect out_of_memory %zu\n", (size_t)100 * MIB);
	REQUIRE(zmalloc_limit_set(0) == 0);

	REQUIRE(scope != NULL && zmalloc_scope_set_limit(scope, MIB) == 0);
	zmalloc_scope_enter(scope);
	REQUIRE(ztrymalloc(4 * MIB) == NULL);
	zmalloc_scope_leave(scope);
	printf("expect limit_refused * %zu probed\n", (size_t)MIB);
	zmalloc_scope_set_limit(scope, 0);
	zmalloc_set_oom_handler(NULL);
}

static void fill_arena(zarena *arena, const char *end)
{
	struct zarena_stats stats = {.size = sizeof(stats)};

	for (int i = 0; i < 100; i++)
		REQUIRE(zarena_malloc(arena, 1000) != NULL);
	REQUIRE(zarena_get_stats(arena, 0, &stats) == 0);
	printf("expect %s %zu %zu\n", end, (size_t)(uintptr_t)arena, (size_t)stats.used_bytes);
}

static void end_arena(void)
{
	zarena *arena = zarena_create();

	REQUIRE(arena != NULL);
	printf("expect arena_create %zu\n", (size_t)(uintptr_t)arena);
	fill_arena(arena, "arena_reset");
	REQUIRE(zarena_reset(arena) == 0);
	fill_arena(arena, "arena_destroy");
	zarena_destroy(arena);
}

static void sample(void)
{
	REQUIRE(zmalloc_profile_start(1) == 0);
	kept = zmalloc(3000);
	printf("expect sample %zu %zu *\n", (size_t)(uintptr_t)kept, zmalloc_size(kept));
	zmalloc_profile_stop();
	zfree(kept);
}

static void purge(void)
{
	int error = zmalloc_purge() == 0 ? 0 : errno;

	printf("expect purge_begin\nexpect purge_end %d\n", error);
}

static void defragment(void)
{
	struct blocks blocks = {0};
	struct zdefrag_stats stats;
	zdefrag *d;

	blocks_fill(&blocks, block_steps(100000, 40000), 300, 1);
	blocks_thin(&blocks, 40);
	d = blocks_driver(&blocks);
	if (zdefrag_run(d) == 0 && (stats = stats_of(d)).cycles != 0) {
		printf("expect defrag_cycle_begin %zu * *\n", (size_t)(uintptr_t)d);
		printf("expect defrag_cycle_end %zu %zu %zu %zu\n", (size_t)(uintptr_t)d,
		       (size_t)stats.moved, (size_t)stats.moved_bytes,
		       (size_t)stats.released_bytes);
		printf("count defrag_slab %zu\n", (size_t)stats.slabs_released);
		if (stats.purge_ns != 0)
			printf("expect defrag_purge *\n");
	}
	zdefrag_free(d);
	blocks_free(&blocks);
}

int main(void)
{
	kept = zmalloc(MIB);
	zfree(kept);
	printf("expect threshold * *\n");
	run_into_limits();
	end_arena();
	sample();
	purge();
	if (zdefrag_supported())
		defragment();
	return 0;
}
