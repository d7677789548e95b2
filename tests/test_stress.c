/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_stress.c - all that threads may do to the library at once, for ThreadSanitizer and for
 * whoever wants to see it fall: test_stress [SECONDS [KIND...]], a second and all kinds if none are
 * given.
 *
 * Each thread does one kind of thing, and all kinds go on at the same time. Blocks know what they hold,
 * pass from thread to thread by an exchange, and are looked at by whoever frees them. At the end nothing
 * is used that was not used before, to the byte.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/redis.h>
#include <zmalloc/stats.h>

enum {
	SLOTS = 64,
	CHURNERS = 3,
	ARENA_MAKERS = 2,
	ARENA_BLOCKS = 50,
	DEFRAG_BLOCKS = 4000,
	CHILD_SECONDS = 60 /* a child that takes longer hangs */
};

static atomic_bool stop;
static atomic_ulong rounds; /* of all threads */
static char runtime[64];

static bool goes_on(void)
{
	atomic_fetch_add_explicit(&rounds, 1, memory_order_relaxed);
	return !atomic_load_explicit(&stop, memory_order_relaxed);
}

/* ---- Blocks that know what they hold ---- */

struct block {
	size_t bytes;
	uint64_t seed;
	unsigned char contents[];
};

static _Atomic(struct block *) slots[SLOTS];

static struct block *fill_block(void *at, size_t bytes, uint64_t seed)
{
	struct block *block = at;

	if (block == NULL)
		return NULL;
	block->bytes = bytes;
	block->seed = seed;
	fill(block->contents, bytes, seed);
	return block;
}

static void look_and_free(struct block *block)
{
	if (block == NULL)
		return;
	REQUIRE(filled(block->contents, block->bytes, block->seed));
	zfree(block);
}

static struct block *new_block(struct chance *chance)
{
	size_t bytes = chance_size(chance, 14), whole = sizeof(struct block) + bytes;
	void *at;

	switch (chance_below(chance, 4)) {
	case 0:
		at = zcalloc(whole);
		break;
	case 1:
		at = zmalloc_aligned((size_t)64 << chance_below(chance, 5), whole);
		break;
	default:
		at = zmalloc(whole);
	}
	return fill_block(at, bytes, chance_next(chance));
}

static struct block *resize_block(struct block *block, struct chance *chance)
{
	size_t bytes = chance_size(chance, 14);

	block = zrealloc(block, sizeof(*block) + bytes);
	REQUIRE(filled(block->contents, block->bytes < bytes ? block->bytes : bytes, block->seed));
	return fill_block(block, bytes, chance_next(chance));
}

static void churn(struct chance *chance)
{
	struct block *block = new_block(chance);

	if (chance_below(chance, 3) == 0)
		block = resize_block(block, chance);
	if (zdefrag_hint(block)) {
		struct block *moved = zmalloc_no_tcache(sizeof(*block) + block->bytes);

		memcpy(moved, block, sizeof(*block) + block->bytes);
		zfree_no_tcache(block);
		block = moved;
	}
	block = atomic_exchange_explicit(&slots[chance_below(chance, SLOTS)], block,
					 memory_order_acq_rel);
	look_and_free(block);
}

/* ---- What threads do ---- */

/* seed: of the thread, a number that is no other's. */
static void *allocate(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);

	while (goes_on())
		churn(&chance);
	return NULL;
}

/* As after a hint, but of blocks that nobody asked about: they are looked up without a lock. */
static void *copy_and_free(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);

	while (goes_on()) {
		size_t bytes = 1 + chance_size(&chance, 10);

		zfree_no_tcache(memset(zmalloc_no_tcache(bytes), 1, bytes));
	}
	return NULL;
}

static pthread_key_t late_key;

/* Other keys' destructors run when the thread has left the account. */
static void allocate_late(void *block)
{
	zfree(block);
	zfree(zmalloc(100));
}

static void *come_and_go(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);

	REQUIRE_EQ(pthread_setspecific(late_key, zmalloc(50)), 0);
	for (int i = 0; i < 20; i++)
		churn(&chance);
	return NULL;
}

static void *start_others(void *seed)
{
	uintptr_t next = (uintptr_t)seed * 1000000;

	while (goes_on()) {
		pthread_t thread[4];

		for (size_t i = 0; i < COUNT_OF(thread); i++)
			thread[i] = start_thread(come_and_go, (void *)next++);
		for (size_t i = 0; i < COUNT_OF(thread); i++)
			join_thread(thread[i]);
	}
	return NULL;
}

static void use_arena(zarena *arena, struct chance *chance)
{
	struct block *held[ARENA_BLOCKS];

	for (size_t i = 0; i < COUNT_OF(held); i++) {
		size_t bytes = chance_size(chance, 12);

		held[i] = fill_block(zarena_malloc(arena, sizeof(struct block) + bytes), bytes,
				     chance_next(chance));
	}
	for (size_t i = 0; i < COUNT_OF(held); i++) {
		REQUIRE(filled(held[i]->contents, held[i]->bytes, held[i]->seed));
		if (i % 2 == 0)
			zfree(held[i]);
	}
	REQUIRE_EQ(zarena_reset(arena), 0);
}

static void *make_arenas(void *seed)
{
	struct chance chance = chance_of((uintptr_t)seed);

	while (goes_on()) {
		zarena *arena = zarena_create();
		struct zarena_stats stats = {.size = sizeof(stats)};

		if (arena == NULL)
			continue;
		for (int i = 0; i < 3; i++)
			use_arena(arena, &chance);
		REQUIRE_EQ(zarena_get_stats(arena, 1, &stats), 0);
		REQUIRE_EQ(stats.used_bytes, 0);
		REQUIRE_EQ(zarena_destroy(arena), 0);
	}
	return NULL;
}

static int count_bin(const struct zmalloc_bin_stats *bin, void *sum)
{
	*(uint64_t *)sum += bin->free_bytes;
	return 0;
}

static void *look_at_figures(void *unused)
{
	size_t peak = 0;

	while (goes_on()) {
		struct zmalloc_stats stats = {.size = sizeof(stats)};
		uint64_t sum = 0;
		size_t used = zmalloc_used_memory();

		/* The peak only rises, and is over whatever was said before. */
		REQUIRE(zmalloc_peak_memory() >= used && zmalloc_peak_memory() >= peak);
		peak = zmalloc_peak_memory();
		REQUIRE_EQ(zmalloc_stats_get(&stats, (int)(sum % 2)), 0);
		REQUIRE(stats.peak_bytes >= stats.used_bytes);
		zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, count_bin, &sum);
		REQUIRE(zmalloc_allocator()[0] != '\0');
	}
	return unused;
}

static void *change_settings(void *unused)
{
	while (goes_on()) {
		zmalloc_set_oom_handler(NULL);
		zmalloc_purge();
		REQUIRE(ztrymalloc(opaque_size((size_t)PTRDIFF_MAX + 1)) == NULL &&
			errno == ENOMEM);
		usleep(50);
	}
	return unused;
}

static void *publish(void *unused)
{
	while (goes_on()) {
		struct zmalloc_process process = {.size = sizeof(process)};

		if (zmalloc_stats_publish() == 0 && zmalloc_process_read(getpid(), &process) == 0) {
			REQUIRE(process.stats.peak_bytes >= process.stats.used_bytes);
			REQUIRE(strcmp(process.allocator, zmalloc_allocator()) == 0);
		}
		usleep(200);
		REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	}
	return unused;
}

/* ---- One that defragments its own ---- */

static struct block *own[DEFRAG_BLOCKS];

/* A walk in one go. */
static int show_own(zdefrag *d, int begin, void *unused)
{
	(void)begin, (void)unused;
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (own[i] != NULL)
			own[i] = zdefrag_visit(d, own[i]);
	return 1;
}

static void make_holes(struct chance *chance)
{
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		size_t bytes = 100 + chance_below(chance, 300);

		look_and_free(own[i]);
		own[i] = fill_block(zmalloc(sizeof(struct block) + bytes), bytes,
				    chance_next(chance));
	}
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (chance_below(chance, 3) != 0) {
			look_and_free(own[i]);
			own[i] = NULL;
		}
}

static void *defragment(void *seed)
{
	struct zdefrag_settings settings;
	struct zdefrag_stats stats = {.size = sizeof(stats)};
	struct chance chance = chance_of((uintptr_t)seed);
	zdefrag *d;

	zdefrag_settings_init(&settings);
	settings.ignore_bytes = settings.lower_percent = 1;
	settings.purge_ms = 2;
	d = zdefrag_new(show_own, NULL, &settings);
	while (d != NULL && goes_on()) {
		make_holes(&chance);
		zdefrag_run(d);
		REQUIRE_EQ(zdefrag_get_stats(d, &stats), 0);
		/* For the hints of other threads. */
		usleep(2000);
	}
	zdefrag_free(d);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		look_and_free(own[i]);
	return NULL;
}

/* ---- One that forks ---- */

/*
 * The child has every block of the slots, and no other thread. A sanitizer's own locks may be held by one
 * that it has not got; an emulator's may be, too.
 */
static void live_in_child(void)
{
	struct chance chance = chance_of((uint64_t)getpid());
	zarena *arena;
	size_t used;

	alarm(CHILD_SECONDS);
	for (int i = 0; i < 100; i++)
		churn(&chance);
	used = zmalloc_used_memory();
	zfree(zmalloc(5000));
	REQUIRE_EQ(zmalloc_used_memory(), used);
	REQUIRE(zmalloc_peak_memory() >= used);
	arena = zarena_create();
	if (arena != NULL) {
		use_arena(arena, &chance);
		REQUIRE_EQ(zarena_destroy(arena), 0);
	}
	REQUIRE_EQ(zmalloc_used_memory(), used);
	if (zmalloc_stats_publish() == 0)
		REQUIRE_EQ(zmalloc_stats_unpublish(), 0);
	_exit(0);
}

/* valgrind takes the stacks of threads that a child has not got for leaks. */
static void *fork_often(void *unused)
{
	while (!under_valgrind() && goes_on()) {
		int status;
		pid_t child = fork();

		if (child == 0 && !sanitized() && !emulated())
			live_in_child();
		else if (child == 0)
			_exit(0);
		REQUIRE(child > 0);
		while (waitpid(child, &status, 0) < 0)
			REQUIRE(errno == EINTR);
		REQUIRE_EQ(status, 0);
		usleep(1000);
	}
	return unused;
}

/* ---- All of them ---- */

static const struct kind {
	const char *name;
	void *(*body)(void *seed);
	size_t threads;
} kinds[] = {
	{"allocate", allocate, CHURNERS}, {"copies", copy_and_free, 2},
	{"threads", start_others, 1},     {"arenas", make_arenas, ARENA_MAKERS},
	{"figures", look_at_figures, 1},  {"publish", publish, 2},
	{"settings", change_settings, 1}, {"defrag", defragment, 1},
	{"fork", fork_often, 1},
};

static bool is_wanted(const struct kind *kind, char *const *names)
{
	if (names[0] == NULL)
		return true;
	for (; *names != NULL; names++)
		if (strcmp(*names, kind->name) == 0)
			return true;
	return false;
}

/*
 * One kind after the other: what is done once, such as opening the table for the first cycle, is then met
 * by those that do without locks, before the locks of all others order nearly everything.
 */
static void run_all(unsigned seconds, char *const *names)
{
	pthread_t thread[32];
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		for (size_t j = 0; j < kinds[i].threads && is_wanted(&kinds[i], names); j++) {
			thread[count] = start_thread(kinds[i].body, (void *)(count + 1));
			count++;
		}
		usleep(20000);
	}
	sleep(seconds);
	atomic_store_explicit(&stop, true, memory_order_relaxed);
	while (count > 0)
		join_thread(thread[--count]);
	for (size_t i = 0; i < SLOTS; i++)
		look_and_free(atomic_exchange(&slots[i], NULL));
}

static void make_runtime_directory(void)
{
	strcpy(runtime, "/tmp/zmalloc-stress.XXXXXX");
	REQUIRE(mkdtemp(runtime) != NULL);
	REQUIRE_EQ(setenv("XDG_RUNTIME_DIR", runtime, 1), 0);
}

/* Whoever published has given up its page: nothing is left but the directory. */
static void remove_runtime_directory(void)
{
	char pages[80];

	snprintf(pages, sizeof(pages), "%s/zmalloc", runtime);
	REQUIRE(rmdir(pages) == 0 || errno == ENOENT);
	REQUIRE_EQ(rmdir(runtime), 0);
}

int main(int argc, char **argv)
{
	char *const *names = argc > 2 ? argv + 2 : argv + argc;
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	size_t used;

	make_runtime_directory();
	REQUIRE_EQ(pthread_key_create(&late_key, allocate_late), 0);
	zfree(zmalloc(1));
	used = zmalloc_used_memory();
	run_all(seconds, names);
	REQUIRE_EQ(zmalloc_used_memory(), used);
	remove_runtime_directory();
	printf("%s: %lu rounds in %u s\n", zmalloc_allocator(), rounds, seconds);
	return 0;
}
