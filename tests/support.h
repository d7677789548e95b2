/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/support.h - what the test programs share.
 *
 * A test compares differences, never absolute figures: without fork (CK_FORK=no) the tests of a
 * program run in one process, and the allocator's and the account's figures outlive each of them.
 */
#ifndef ZM_TESTS_SUPPORT_H
#define ZM_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define KIB ((size_t)1024)
#define MIB (KIB * 1024)

/* ---- The program ---------------------------------------------------------------------------- */

/*
 * A main() is:
 *
 *     TCase *tests = tests_named("...");
 *
 *     tcase_add_test(tests, ...);      for each
 *     return run_tests(tests);
 */
TCase *tests_named(const char *name);
int run_tests(TCase *tests);

/* With ZMALLOC_TEST_ONLY in the environment, the one test of that name; loop tests run always. */
bool test_is_wanted(const char *name);
#undef tcase_add_test
#define tcase_add_test(tests, test)                                                                \
	do {                                                                                       \
		if (test_is_wanted(#test))                                                         \
			tcase_add_loop_test(tests, test, 0, 1);                                    \
	} while (0)

/* Ends the whole program as skipped, with the reason. Call it in main() only. */
void skip_program(const char *reason) __attribute__((__noreturn__));

/* Says on stderr that part of a test was left out. */
void skip_part(const char *reason);

/* ---- Where we run --------------------------------------------------------------------------- */

/*
 * A checker (sanitizer, valgrind) replaces malloc() or watches it:
 * limits and system calls are not as usual.
 */
bool under_checker(void);

/* The file that holds a function, as the dynamic linker sees it; NULL if it does not tell. */
const char *file_of_function(const char *function);

/*
 * False: with mimalloc 3.6 in the process, the library's or the program's own, a thread begins and ends
 * under locks that fork() does not wait for. Where threads come and go while their process forks, a
 * child that starts one may wait for ever.
 */
bool children_start_threads(void);

/* The program's own malloc() is known to be that of the C library. */
bool malloc_is_the_c_librarys(void);

/* A sanitizer is compiled in; its run-time library has threads and locks of its own. */
#if !defined(__has_feature)
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                     \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
bool sanitized(void);

/* A function of the program that shared libraries are to find. */
#define ZM_SEEN __attribute__((__visibility__("default")))
bool under_valgrind(void);

/*
 * The program is for another processor, and an emulator's user mode runs it (ZMALLOC_TEST_EMULATED
 * is set): limits do not bind, and the child of a process with threads may hang, whatever it runs.
 */
bool emulated(void);

/*
 * `full`, or `small` where every step costs a multiple:
 * under a checker, or with ZMALLOC_TEST_SLOW set.
 */
size_t steps(size_t full, size_t small);

/* ---- Chance --------------------------------------------------------------------------------- */

struct chance {
	uint64_t state;
};

/* The same figures for the same seed; ZMALLOC_TEST_SEED in the environment is mixed in. */
struct chance chance_of(uint64_t seed);
uint64_t chance_next(struct chance *chance);
/* 0 to bound - 1. */
size_t chance_below(struct chance *chance, size_t bound);
/* As programs ask: every power of two up to 1 << bits as likely as the next. */
size_t chance_size(struct chance *chance, unsigned bits);

/* ---- Contents ------------------------------------------------------------------------------- */

void fill(void *at, size_t size, uint64_t seed);
/* The first `size` bytes are what fill() put there, of which it may have written more. */
bool filled(const void *at, size_t size, uint64_t seed);
bool all_zero(const void *at, size_t size);

/* ---- Threads -------------------------------------------------------------------------------- */

struct barrier {
	pthread_mutex_t lock;
	pthread_cond_t open;
	size_t expected, arrived, round;
};

void barrier_init(struct barrier *barrier, size_t expected);
void barrier_wait(struct barrier *barrier);
void barrier_done(struct barrier *barrier);

pthread_t start_thread(void *(*body)(void *), void *argument);
void *join_thread(pthread_t thread);

/*
 * A thread's body: holds between one and two blocks of 64 KiB at any time, until `stop`, a bool that
 * is read and written atomically, is true.
 */
void *swap_blocks(void *stop);

/* ---- Thresholds ------------------------------------------------------------------------------- */

/*
 * The calling thread allocates more than any ceiling leaves, and keeps it, so that it passes its threshold
 * with the account. All of it is freed by the other.
 */
void pass_the_threshold(void);
void free_what_passed(void);

/* ---- Descriptors ------------------------------------------------------------------------------ */

/* How many this process has, of the first thousand. */
int descriptors(void);

/* ---- A handler that counts ------------------------------------------------------------------ */

extern size_t oom_calls;
extern size_t oom_size;
/* Sets it as the handler, from nought. */
void count_oom(void);

/* ---- Children ------------------------------------------------------------------------------- */

struct child {
	int status; /* as of waitpid(2) */
	char output[8192];
	size_t output_bytes;
};

/*
 * Runs the body in a forked child and waits; it may return (exit status 0), exit or die.
 * What it writes on stderr comes back terminated. Dumps no core.
 */
void run_child(struct child *child, void (*body)(void *), void *argument);
/* The same; fails the test, with what the child wrote, unless its exit status is 0. */
void run_child_ok(void (*body)(void *), void *argument);

/*
 * A check that allocates nothing and may be made where Check's cannot: in a child, in a thread of
 * a child, at exit. Ends the process with status 99.
 */
#define REQUIRE(condition)                                                                         \
	((condition) ? (void)0 : require_failed(__FILE__, __LINE__, #condition, 0, 0))
#define REQUIRE_EQ(a, b) require_equal(__FILE__, __LINE__, #a " == " #b, (size_t)(a), (size_t)(b))
void require_failed(const char *file, int line, const char *text, size_t left, size_t right)
	__attribute__((__noreturn__));
void require_equal(const char *file, int line, const char *text, size_t left, size_t right);

/* Leaves the process `bytes` more of address space than it has. False if the system cannot. */
bool limit_address_space(size_t bytes);

/* No compiler may see through it: neither what size it is, nor that it is not used. */
void *opaque(void *ptr);
size_t opaque_size(size_t size);

#endif
