/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_enomem.c - memory that really runs out: RLIMIT_AS in a child.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <zmalloc.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* What the child may still take, and a power of two that is over it. */
#define ROOM (96 * MIB)
#define TOO_MUCH (256 * MIB)
#define STEP MIB

struct scene {
	char *string; /* of TOO_MUCH characters */
	char *block;  /* of STEP bytes, filled with seed 11 */
	size_t used;
};

/* After a call that failed: all as before. */
static void check_scene(const struct scene *scene, size_t handler_calls, size_t handler_size)
{
	REQUIRE_EQ(errno, ENOMEM);
	REQUIRE_EQ(oom_calls, handler_calls);
	REQUIRE_EQ(oom_size, handler_size);
	REQUIRE_EQ(zmalloc_used_memory(), scene->used);
	REQUIRE(filled(scene->block, STEP, 11));
	oom_calls = oom_size = 0;
	errno = 0;
}

#define REFUSES(scene, call, calls, size)                                                          \
	do {                                                                                       \
		REQUIRE((call) == NULL);                                                           \
		check_scene((scene), (calls), (size));                                             \
	} while (0)

static void refuse_all(const struct scene *scene)
{
	size_t usable = 1, old = 1, size = opaque_size(TOO_MUCH);
	void *block = scene->block;

	errno = 0;
	REFUSES(scene, zmalloc(size), 1, size);
	REFUSES(scene, ztrymalloc(size), 0, 0);
	REFUSES(scene, zcalloc(size), 1, size);
	REFUSES(scene, ztrycalloc(size), 0, 0);
	REFUSES(scene, zcalloc_num(size / 4, 4), 1, size);
	REFUSES(scene, ztrycalloc_num(size / 4, 4), 0, 0);
	REFUSES(scene, zmalloc_aligned(4096, size), 1, size);
	REFUSES(scene, ztrymalloc_aligned(4096, size), 0, 0);
	REFUSES(scene, zmalloc_aligned(size, 1), 1, 1);
	REFUSES(scene, ztrymalloc_aligned(size, 1), 0, 0);
	REFUSES(scene, zmalloc_usable(size, &usable), 1, size);
	REQUIRE_EQ(usable, 0);
	REFUSES(scene, ztrymalloc_usable(size, &usable), 0, 0);
	REFUSES(scene, zcalloc_usable(size, &usable), 1, size);
	REFUSES(scene, ztrycalloc_usable(size, &usable), 0, 0);
	usable = 77;
	REFUSES(scene, zrealloc(block, size), 1, size);
	REFUSES(scene, ztryrealloc(block, size), 0, 0);
	REFUSES(scene, zrealloc_usable(block, size, &usable), 1, size);
	REFUSES(scene, ztryrealloc_usable(block, size, &usable), 0, 0);
	REFUSES(scene, zrealloc_usable2(block, size, &usable, &old), 1, size);
	REQUIRE_EQ(old, zmalloc_usable_size(block));
	old = 1;
	REFUSES(scene, ztryrealloc_usable2(block, size, &usable, &old), 0, 0);
	REQUIRE_EQ(old, zmalloc_usable_size(block));
	REQUIRE_EQ(usable, 77);
	REFUSES(scene, zmemdup(scene->string, size), 1, size);
	REFUSES(scene, zstrdup(scene->string), 1, size + 1);
	REFUSES(scene, zstrdup_usable(scene->string, &usable), 1, size + 1);
	REQUIRE_EQ(usable, 0);
	REFUSES(scene, zstrndup(scene->string, size - 2), 1, size - 1);
	REFUSES(scene, ztrymemdup(scene->string, size), 0, 0);
	REFUSES(scene, ztrystrdup(scene->string), 0, 0);
	REFUSES(scene, ztrystrndup(scene->string, size - 2), 0, 0);
}

static struct scene set_scene(void)
{
	struct scene scene;

	scene.string = mmap(NULL, TOO_MUCH + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	REQUIRE(scene.string != MAP_FAILED);
	memset(scene.string, 'x', TOO_MUCH);
	scene.string[TOO_MUCH] = '\0';
	scene.block = zmalloc(STEP);
	fill(scene.block, STEP, 11);
	count_oom();
	REQUIRE(limit_address_space(ROOM));
	scene.used = zmalloc_used_memory();
	return scene;
}

static void refuse_in_child(void *unused)
{
	struct scene scene = set_scene();

	(void)unused;
	refuse_all(&scene);
}

/* Blocks of one size until there is none left; the chain's first. */
static void **take_everything(size_t size)
{
	void **first = NULL, **block;

	while ((block = ztrymalloc(size)) != NULL) {
		*block = first;
		first = block;
	}
	REQUIRE_EQ(errno, ENOMEM);
	return first;
}

static size_t charged(void **first)
{
	size_t bytes = 0;

	for (; first != NULL; first = *first)
		bytes += zmalloc_size(first);
	return bytes;
}

static void free_chain(void **first)
{
	while (first != NULL) {
		void **next = *first;

		zfree(first);
		first = next;
	}
}

static void take_and_give_back(void *unused)
{
	struct scene scene = set_scene();
	void **large, **small, **late, *block;

	(void)unused;
	for (int round = 0; round < 3; round++) {
		large = take_everything(STEP);
		REQUIRE(charged(large) > ROOM / 4);
		small = take_everything(3000);
		/* An allocator whose pages decay with time may have found room since. */
		late = take_everything(STEP);
		REQUIRE_EQ(zmalloc_used_memory() - scene.used,
			   charged(large) + charged(small) + charged(late));
		REQUIRE_EQ(oom_calls, 0);
		REQUIRE(zmalloc(STEP) == NULL);
		REQUIRE_EQ(oom_calls, 1);
		REQUIRE_EQ(oom_size, STEP);
		oom_calls = 0;
		/* No room to move to: the block stays, and what was charged for it. */
		REQUIRE(ztryrealloc(scene.block, 32 * MIB) == NULL);
		REQUIRE(filled(scene.block, STEP, 11));
		free_chain(large);
		free_chain(small);
		free_chain(late);
		REQUIRE_EQ(zmalloc_used_memory(), scene.used);
		block = ztrymalloc(STEP);
		REQUIRE(block != NULL);
		zfree(block);
	}
}

/* A thread finds no memory with its very first call. */
static void *first_call_fails(void *unused)
{
	(void)unused;
	errno = 0;
	REQUIRE(ztrymalloc(opaque_size(TOO_MUCH)) == NULL);
	REQUIRE_EQ(errno, ENOMEM);
	REQUIRE_EQ(zmalloc_thread_used_memory(), 0);
	return NULL;
}

static void refuse_first_call(void *unused)
{
	size_t used;

	(void)unused;
	REQUIRE(limit_address_space(ROOM));
	used = zmalloc_used_memory();
	join_thread(start_thread(first_call_fails, NULL));
	REQUIRE_EQ(zmalloc_used_memory(), used);
}

START_TEST(test_every_function_finds_no_memory)
{
	run_child_ok(refuse_in_child, NULL);
}
END_TEST

START_TEST(test_memory_runs_out_and_comes_back)
{
	run_child_ok(take_and_give_back, NULL);
}
END_TEST

START_TEST(test_first_call_of_a_thread_finds_no_memory)
{
	run_child_ok(refuse_first_call, NULL);
}
END_TEST

static void try_limit(void *unused)
{
	(void)unused;
	REQUIRE(limit_address_space(ROOM));
	REQUIRE(mmap(NULL, TOO_MUCH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

int main(void)
{
	struct child child;
	TCase *tests;

	run_child(&child, try_limit, NULL);
	if (child.status != 0)
		skip_program("RLIMIT_AS does not bind here (sanitizer, valgrind or system)");
	tests = tests_named("enomem");
	tcase_add_test(tests, test_every_function_finds_no_memory);
	tcase_add_test(tests, test_memory_runs_out_and_comes_back);
	tcase_add_test(tests, test_first_call_of_a_thread_finds_no_memory);
	return run_tests(tests);
}
