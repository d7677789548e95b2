/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_errno.c - errno survives every free, also those in which the allocator's system calls
 * fail.
 */
#include "config.h"

#if !defined(__has_include)
#define __has_include(x) 0
#endif

#include "tests/support.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<linux/seccomp.h>) && __has_include(<linux/filter.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#define HAVE_SECCOMP 1
#endif

#include <zmalloc.h>

/* No error has this number. */
#define MARK 12345

static void free_one_way(size_t way, void *ptr, size_t asked)
{
	size_t usable;

	switch (way) {
	case 0:
		zfree(ptr);
		break;
	case 1:
		zfree_with_size(ptr, asked);
		break;
	case 2:
		zfree_with_size(ptr, zmalloc_usable_size(ptr));
		break;
	case 3:
		zfree_usable(ptr, &usable);
		break;
	default:
		/* With NULL it would allocate. */
		if (ptr != NULL && zrealloc(ptr, 0) != NULL)
			abort();
		break;
	}
}
#define FREE_WAYS ((size_t)5)

/* ---- Many ----------------------------------------------------------------------------------- */

#define HELD ((size_t)1000)

static void *free_at_random(void *seed)
{
	static _Thread_local struct {
		void *ptr;
		size_t asked;
	} held[HELD];
	struct chance chance = chance_of(*(uint64_t *)seed);
	size_t frees = steps(100000, 5000);

	for (size_t i = 0; i < frees; i++) {
		size_t at = chance_below(&chance, HELD), way = chance_below(&chance, FREE_WAYS);
		size_t asked = chance_size(&chance, i % 100 == 0 ? 22 : 13);

		errno = MARK;
		free_one_way(way, held[at].ptr, held[at].asked);
		REQUIRE_EQ(errno, MARK);
		held[at].ptr = zmalloc(asked);
		held[at].asked = asked;
	}
	for (size_t i = 0; i < HELD; i++) {
		errno = MARK;
		free_one_way(i % FREE_WAYS, held[i].ptr, held[i].asked);
		REQUIRE_EQ(errno, MARK);
	}
	return NULL;
}

static void *call_first(void *unused)
{
	void *block;

	errno = MARK;
	block = zmalloc(100);
	REQUIRE_EQ(errno, MARK);
	zfree(block);
	return unused;
}

/* It makes the thread known, by calls that may fail or set errno. */
START_TEST(test_errno_survives_the_first_call_of_a_thread)
{
	join_thread(start_thread(call_first, NULL));
}
END_TEST

START_TEST(test_errno_survives_many_frees)
{
	uint64_t seed = 4;

	free_at_random(&seed);
}
END_TEST

START_TEST(test_errno_survives_frees_of_threads)
{
	uint64_t seeds[] = {5, 6, 7, 8};
	pthread_t threads[COUNT_OF(seeds)];

	for (size_t i = 0; i < COUNT_OF(seeds); i++)
		threads[i] = start_thread(free_at_random, &seeds[i]);
	for (size_t i = 0; i < COUNT_OF(seeds); i++)
		join_thread(threads[i]);
}
END_TEST

/* ---- Frees in which the system refuses ------------------------------------------------------ */

#if defined(HAVE_SECCOMP)

/*
 * From here on the kernel refuses whatever gives memory back, with an errno that nobody else sets.
 */
#define REFUSAL ECHILD
#define MIN_BYTES(a, b) ((a) < (b) ? (a) : (b))

static bool refuse_giving_back(void)
{
	struct sock_filter steps_of_filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_munmap, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | REFUSAL),
	};
	struct sock_fprog filter = {COUNT_OF(steps_of_filter), steps_of_filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/* Pages that are freed go back at once: jemalloc's names, tcmalloc's; unknown to the others. */
static void give_back_at_once(void)
{
	char name[64];
	ssize_t now = 0;
	size_t yes = 1;

	(void)zmalloc_ctl("tcmalloc.aggressive_memory_decommit", NULL, NULL, &yes, sizeof(yes));

	for (int arena = 0; arena < 64; arena++) {
		snprintf(name, sizeof(name), "arena.%d.dirty_decay_ms", arena);
		(void)zmalloc_ctl(name, NULL, NULL, &now, sizeof(now));
		snprintf(name, sizeof(name), "arena.%d.muzzy_decay_ms", arena);
		(void)zmalloc_ctl(name, NULL, NULL, &now, sizeof(now));
	}
}

static void free_refused(void *was_refused)
{
	enum {
		BLOCKS = 300
	};
	static void *blocks[BLOCKS];
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct chance chance = chance_of(9);

	(void)was_refused;
	give_back_at_once();
	/* Some larger than any piece that an allocator keeps for itself. */
	for (size_t i = 0; i < BLOCKS; i++) {
		blocks[i] = zmalloc(i % 60 == 0  ? 48 * MIB
				    : i % 3 == 0 ? 2 * MIB
						 : chance_size(&chance, 17));
		fill(blocks[i], MIN_BYTES(zmalloc_usable_size(blocks[i]), 100 * KIB), i);
	}
	REQUIRE(refuse_giving_back());
	REQUIRE(madvise(page, 4096, MADV_DONTNEED) == -1 && errno == REFUSAL);
	for (size_t i = 0; i < BLOCKS; i++) {
		errno = MARK;
		free_one_way(i % FREE_WAYS, blocks[i], zmalloc_usable_size(blocks[i]));
		REQUIRE_EQ(errno, MARK);
	}
}

static void try_to_refuse(void *unused)
{
	(void)unused;
	REQUIRE(refuse_giving_back());
}

START_TEST(test_errno_survives_refused_system_calls)
{
	static struct child child;

	run_child(&child, try_to_refuse, NULL);
	if (under_checker() || child.status != 0) {
		skip_part("system calls cannot be made to fail here");
		return;
	}
	run_child_ok(free_refused, NULL);
}
END_TEST

#endif

/* Pages that are locked cannot be given back one by one: madvise(2), EINVAL. */
static void free_locked(void *unused)
{
	static void *blocks[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(blocks); i++)
		blocks[i] = zmalloc(100 * KIB + i * 1000);
	if (mlockall(MCL_CURRENT) != 0)
		skip_part("memory cannot be locked here");
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		errno = MARK;
		free_one_way(i % FREE_WAYS, blocks[i], 100 * KIB + i * 1000);
		REQUIRE_EQ(errno, MARK);
	}
}

START_TEST(test_errno_survives_locked_memory)
{
	run_child_ok(free_locked, NULL);
}
END_TEST

static void free_under_limit(void *unused)
{
	static void *blocks[2000];
	size_t count = 0;

	(void)unused;
	if (!limit_address_space(64 * MIB))
		skip_part("no address space limit");
	while (count < COUNT_OF(blocks) && (blocks[count] = ztrymalloc(count % 2 ? 3000 : MIB)))
		count++;
	for (size_t i = 0; i < count; i++) {
		errno = MARK;
		free_one_way(i % FREE_WAYS, blocks[i], i % 2 ? 3000 : MIB);
		REQUIRE_EQ(errno, MARK);
	}
}

START_TEST(test_errno_survives_address_space_limit)
{
	run_child_ok(free_under_limit, NULL);
}
END_TEST

/*
 * Options of jemalloc are read before main(), so this program starts anew with each of these, and does all
 * that it can: with a processor's arena instead of a thread's, jemalloc cannot be made to keep errno
 * itself; and what it does not retain it unmaps in a free.
 */
static const char *const options[] = {
	"percpu_arena:percpu,dirty_decay_ms:0,muzzy_decay_ms:0",
	"retain:false,dirty_decay_ms:0,muzzy_decay_ms:0",
};

static const char *const variables[] = {"MALLOC_CONF", "JE_MALLOC_CONF"};

static bool has_option(void)
{
	const char *option = getenv(variables[0]);

	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (option != NULL && strcmp(option, options[i]) == 0)
			return true;
	return false;
}

START_TEST(test_the_same_with_options_of_jemalloc)
{
	int status;
	pid_t pid;

	if (under_checker() || access("/proc/self/exe", X_OK) != 0) {
		skip_part("this program cannot start itself anew here");
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < COUNT_OF(variables); i++)
			setenv(variables[i], options[_i], 1);
		unsetenv("ZMALLOC_TEST_ONLY");
		execl("/proc/self/exe", "test_errno", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

#if defined(HAVE_SECCOMP) && defined(CPU_SET)

/* The number of the processors before this one that the thread may run on; false if there are no more. */
static bool move_to_processor(int number)
{
	cpu_set_t all, one;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return false;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all) || number-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		return sched_setaffinity(0, sizeof(one), &one) == 0;
	}
	return false;
}

/* jemalloc looks where a thread runs only if another one has used its arena meanwhile. */
static void *use_arena(void *unused)
{
	zfree(zmalloc(MIB));
	return unused;
}

/* Nobody has told the library that this thread has an arena of another processor now. */
static void free_on_another_processor(void *unused)
{
	static void *blocks[64];
	cpu_set_t all;

	(void)unused;
	REQUIRE(sched_getaffinity(0, sizeof(all), &all) == 0);
	if (CPU_COUNT(&all) < 2) {
		skip_part("there is one processor");
		return;
	}
	REQUIRE(move_to_processor(0));
	zfree(zmalloc(100));
	join_thread(start_thread(use_arena, NULL));
	REQUIRE(sched_setaffinity(0, sizeof(all), &all) == 0);
	REQUIRE(move_to_processor(1));
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		blocks[i] = zmalloc(MIB);
		fill(blocks[i], 10 * KIB, i);
	}
	REQUIRE(refuse_giving_back());
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		errno = MARK;
		free_one_way(i % FREE_WAYS, blocks[i], MIB);
		REQUIRE_EQ(errno, MARK);
	}
}

START_TEST(test_errno_survives_frees_of_another_processors_blocks)
{
	static struct child child;

	run_child(&child, try_to_refuse, NULL);
	if (under_checker() || child.status != 0) {
		skip_part("system calls cannot be made to fail here");
		return;
	}
	run_child_ok(free_on_another_processor, NULL);
}
END_TEST

#endif

int main(void)
{
	TCase *tests = tests_named("errno");

	tcase_add_test(tests, test_errno_survives_the_first_call_of_a_thread);
	tcase_add_test(tests, test_errno_survives_many_frees);
	tcase_add_test(tests, test_errno_survives_frees_of_threads);
#if defined(HAVE_SECCOMP)
	tcase_add_test(tests, test_errno_survives_refused_system_calls);
#endif
#if defined(HAVE_SECCOMP) && defined(CPU_SET)
	tcase_add_test(tests, test_errno_survives_frees_of_another_processors_blocks);
#endif
	tcase_add_test(tests, test_errno_survives_locked_memory);
	tcase_add_test(tests, test_errno_survives_address_space_limit);
	if (strcmp(ZM_ALLOCATOR_NAME, "jemalloc") == 0 && !has_option())
		tcase_add_loop_test(tests, test_the_same_with_options_of_jemalloc, 0,
				    (int)COUNT_OF(options));
	return run_tests(tests);
}
