/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_stack_take.c - a stack that is taken has every frame of it, whatever its code was compiled
 * with: held against what the functions say themselves.
 */
#include "config.h"

#include "tests/stack_chain.h"
#include "tests/stack_made.h"
#include "tests/support.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(HAVE_DL_ITERATE_PHDR)
#include <link.h>
#endif
#if defined(HAVE_MAKECONTEXT)
#include <ucontext.h>
#endif

#include "lib/profile/stack.h"

#define DEPTH 64

struct taken {
	uintptr_t frames[DEPTH];
	unsigned count;
};

/* Of those that share a stack of their own; the signal handler has nothing else. */
static struct taken seen;

static void take_seen(void)
{
	seen.count = zm_stack_take(seen.frames, DEPTH, 0);
	AND_RETURN;
}

__attribute__((__noinline__)) static void take_at_end(struct chain *chain)
{
	struct taken *taken = chain->argument;

	taken->count = zm_stack_take(taken->frames, DEPTH, 0);
	AND_RETURN;
}

/* Where the chain begins in what was taken; the count if it is not there. */
static unsigned begin_of(const struct taken *taken, const struct chain *chain)
{
	unsigned i;

	for (i = 0; i < taken->count && taken->frames[i] != chain->returns[0]; i++)
		;
	return i;
}

/* Every frame of the chain is there, in order, as far as there was room. */
static bool has_chain(const struct taken *taken, const struct chain *chain)
{
	unsigned begin = begin_of(taken, chain), i;

	if (begin == taken->count)
		return false;
	for (i = 0; i < chain->levels && begin + i < DEPTH; i++) {
		if (begin + i >= taken->count || taken->frames[begin + i] != chain->returns[i])
			return false;
	}
	return true;
}

typedef unsigned chain_function(struct chain *chain, unsigned levels);
static chain_function *const chains[] = {chain_without_pointers, chain_with_pointers};

/* ---- Chains --------------------------------------------------------------------------------- */

START_TEST(test_every_frame_is_there_with_frame_pointers_and_without)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};
	unsigned levels;

	for (levels = 1; levels <= 50; levels++) {
		chains[_i](&chain, levels);
		ck_assert(has_chain(&taken, &chain));
		/* take_at_end() and the last function of the chain come before. */
		ck_assert_uint_eq(begin_of(&taken, &chain), 2);
		ck_assert_uint_ge(taken.count, levels + 3);
	}
}
END_TEST

START_TEST(test_a_deep_stack_is_cut)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};

	chains[_i](&chain, CHAIN_MOST);
	ck_assert_uint_eq(taken.count, DEPTH);
	ck_assert(has_chain(&taken, &chain));
}
END_TEST

static void take_parts(struct chain *chain)
{
	uintptr_t all[DEPTH], part[DEPTH];
	unsigned count = zm_stack_take(all, DEPTH, 0), skip, max;

	ck_assert_uint_gt(count, 10);
	/* The first one is in this very function, which calls from two places. */
	for (skip = 1; skip < count; skip++) {
		ck_assert_uint_eq(zm_stack_take(part, DEPTH, skip), count - skip);
		ck_assert_mem_eq(part, all + skip, (count - skip) * sizeof(*part));
	}
	ck_assert_uint_eq(zm_stack_take(part, DEPTH, count), 0);
	for (max = 1; max < count; max++) {
		part[max] = 1;
		ck_assert_uint_eq(zm_stack_take(part, max, 1), max < count - 1 ? max : count - 1);
		ck_assert_mem_eq(part, all + 1,
				 (max < count - 1 ? max : count - 1) * sizeof(*part));
		ck_assert_uint_eq(part[max], 1);
	}
	ck_assert_uint_eq(zm_stack_take(part, 0, 0), 0);
	(void)chain;
}

#if ZM_STACK_TAKES_FROM

/* The first of all is in this function, and its caller the second. */
static void take_from_record(struct chain *chain)
{
	uintptr_t record = (uintptr_t)__builtin_frame_address(0);
	uintptr_t caller = (uintptr_t)__builtin_return_address(0), all[DEPTH], part[DEPTH + 1];
	unsigned count = zm_stack_take(all, DEPTH, 0), max;

	ck_assert_uint_gt(count, 10);
	for (max = 1; max < count; max++) {
		part[max] = 1;
		ck_assert_uint_eq(zm_stack_take_from(part, max, record, caller), max);
		ck_assert_mem_eq(part, all + 1, max * sizeof(*part));
		ck_assert_uint_eq(part[max], 1);
	}
	ck_assert_uint_eq(zm_stack_take_from(part, DEPTH, record, caller), count - 1);
	ck_assert_uint_eq(zm_stack_take_from(part, 0, record, caller), 0);
	ck_assert_uint_eq(zm_stack_take_from(part, DEPTH, record, caller + 1), 0);
	(void)chain;
}

/* A record of a stack that was left, as it may be. */
static void take_from_nowhere(void)
{
	uintptr_t frames[DEPTH], gone[2] = {0, 1};
	void *page = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(page, MAP_FAILED);
	ck_assert_uint_eq(zm_stack_take_from(frames, DEPTH, (uintptr_t)page, 1), 0);
	ck_assert_uint_eq(zm_stack_take_from(frames, DEPTH, UINTPTR_MAX - 15, 1), 0);
	ck_assert_uint_eq(zm_stack_take_from(frames, DEPTH, (uintptr_t)gone + 1, 1), 0);
	ck_assert_uint_eq(zm_stack_take_from(frames, DEPTH, 16, 1), 0);
	munmap(page, 65536);
}

#endif

START_TEST(test_a_stack_is_the_same_from_a_frame_record_on)
{
#if ZM_STACK_TAKES_FROM
	struct chain chain = {.at_end = take_from_record};

	chains[_i](&chain, 20);
	take_from_nowhere();
#endif
}
END_TEST

START_TEST(test_frames_are_left_out_and_no_more_than_wanted)
{
	struct chain chain = {.at_end = take_parts};

	chains[_i](&chain, 10);
}
END_TEST

/* ---- Through the C library, and beside it ---------------------------------------------------- */

static int compare(const void *left, const void *right)
{
	if (seen.count == 0)
		take_seen();
	return *(const int *)left - *(const int *)right;
}

static void sort(struct chain *chain)
{
	int numbers[] = {4, 2, 3, 1};

	(void)chain;
	seen.count = 0;
	qsort(numbers, COUNT_OF(numbers), sizeof(*numbers), compare);
}

START_TEST(test_who_is_called_back_by_the_c_library_has_its_callers)
{
	struct chain chain = {.at_end = sort};

	chains[_i](&chain, 10);
	ck_assert(has_chain(&seen, &chain));
	ck_assert_uint_gt(begin_of(&seen, &chain), 3);
}
END_TEST

static void take_in_handler(int unused)
{
	(void)unused;
	take_seen();
	AND_RETURN;
}

static void raise_at_end(struct chain *chain)
{
	(void)chain;
	seen.count = 0;
	raise(SIGUSR1);
	AND_RETURN;
}

static void handle(int flags)
{
	struct sigaction action = {.sa_handler = take_in_handler, .sa_flags = flags};

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

START_TEST(test_a_signal_handler_has_whom_it_interrupted)
{
	struct chain chain = {.at_end = raise_at_end};

	handle(0);
	chains[_i](&chain, 10);
	ck_assert(has_chain(&seen, &chain));
}
END_TEST

/* Above the stack of the thread or below it: one of both is against the way of the walk. */
START_TEST(test_a_signal_handler_on_a_stack_of_its_own_has_whom_it_interrupted)
{
	static char below[64 * 1024];
	size_t size = sizeof(below);
	void *maps[2] = {below, mmap(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
	struct chain chain = {.at_end = raise_at_end};
	size_t i;

	ck_assert_ptr_ne(maps[1], MAP_FAILED);
	handle(SA_ONSTACK);
	for (i = 0; i < COUNT_OF(maps); i++) {
		stack_t stack = {.ss_sp = maps[i], .ss_size = size},
			none = {.ss_flags = SS_DISABLE};

		ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
		chains[_i](&chain, 10);
		ck_assert(has_chain(&seen, &chain));
		ck_assert_int_eq(sigaltstack(&none, NULL), 0);
	}
	munmap(maps[1], size);
}
END_TEST

#if defined(HAVE_DL_ITERATE_PHDR)
static int take_in_loader(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)info, (void)size, (void)unused;
	take_seen();
	return 1;
}

static void ask_loader(struct chain *chain)
{
	(void)chain;
	dl_iterate_phdr(take_in_loader, NULL);
	AND_RETURN;
}

START_TEST(test_a_callback_of_the_loader_has_its_callers)
{
	struct chain chain = {.at_end = ask_loader};

	chains[_i](&chain, 10);
	ck_assert(has_chain(&seen, &chain));
}
END_TEST
#endif

static jmp_buf to_caller;

__attribute__((__noinline__, __noreturn__)) static void take_and_leave(void)
{
	take_seen();
	longjmp(to_caller, 1);
}

/* What would come after the call is of another function, or of none. */
__attribute__((__noinline__, __noreturn__)) static void call_at_the_very_end(void)
{
	char room[100];

	__asm__ volatile("" : : "r"(room) : "memory");
	take_and_leave();
}

static void call_what_leaves(struct chain *chain)
{
	(void)chain;
	if (setjmp(to_caller) == 0)
		call_at_the_very_end();
}

START_TEST(test_a_call_that_never_returns_is_of_its_function)
{
	struct chain chain = {.at_end = call_what_leaves};

	chains[_i](&chain, 10);
	ck_assert(has_chain(&seen, &chain));
	/* The three functions above, and the last one of the chain. */
	ck_assert_uint_ge(begin_of(&seen, &chain), 4);
}
END_TEST

/* ---- Made code ------------------------------------------------------------------------------- */

static struct made made;

__attribute__((__noinline__)) static void take_called_back(void *argument)
{
	take_at_end(argument);
	AND_RETURN;
}

static void call_made(struct chain *chain)
{
	made.with_pointer(chain, take_called_back);
	AND_RETURN;
}

static void call_made_without(struct chain *chain)
{
	made.without_pointer(chain, take_called_back);
	AND_RETURN;
}

START_TEST(test_code_without_a_table_is_passed_by_its_frame_pointer)
{
	struct taken taken;
	struct chain chain = {.at_end = call_made, .argument = &taken};

	if (!make_code(&made))
		return;
	chains[_i](&chain, 10);
	ck_assert(has_chain(&taken, &chain));
	/* take_at_end, take_called_back, the made code, call_made, the chain. */
	ck_assert_uint_eq(begin_of(&taken, &chain), 5);
	unmake_code(&made);
}
END_TEST

START_TEST(test_code_with_neither_ends_the_stack_or_does_no_harm)
{
	struct taken taken;
	struct chain chain = {.at_end = call_made_without, .argument = &taken};

	if (!make_code(&made))
		return;
	chains[_i](&chain, 10);
	ck_assert_uint_ge(taken.count, 3);
	ck_assert(taken.frames[2] >= (uintptr_t)made.page &&
		  taken.frames[2] < (uintptr_t)made.page + made.page_bytes);
	unmake_code(&made);
}
END_TEST

/* ---- Stacks ---------------------------------------------------------------------------------- */

static void *take_in_thread(void *which)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};
	size_t i;

	for (i = 0; i < steps(1000, 10); i++) {
		chains[i % 2](&chain, 1 + (unsigned)(i % 20));
		if (!has_chain(&taken, &chain))
			return which;
	}
	return NULL;
}

START_TEST(test_threads_take_theirs_at_once)
{
	pthread_t threads[8];
	size_t i;

	for (i = 0; i < COUNT_OF(threads); i++)
		threads[i] = start_thread(take_in_thread, &threads[i]);
	for (i = 0; i < COUNT_OF(threads); i++)
		ck_assert_ptr_null(join_thread(threads[i]));
}
END_TEST

static void *take_on_small_stack(void *unused)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};

	chain_without_pointers(&chain, 5);
	return has_chain(&taken, &chain) ? NULL : unused;
}

START_TEST(test_a_small_stack_is_enough)
{
	size_t size = sanitized() ? 256 * KIB : 24 * KIB;
	pthread_attr_t small;
	pthread_t thread;
	void *result;

	ck_assert_int_eq(pthread_attr_init(&small), 0);
	if (size < (size_t)PTHREAD_STACK_MIN)
		size = (size_t)PTHREAD_STACK_MIN;
	ck_assert_int_eq(pthread_attr_setstacksize(&small, size), 0);
	ck_assert_int_eq(pthread_create(&thread, &small, take_on_small_stack, &seen), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_null(result);
	pthread_attr_destroy(&small);
}
END_TEST

#if defined(HAVE_MAKECONTEXT)
static ucontext_t back, other;
static struct chain of_coroutine;

static void coroutine(void)
{
	for (;;) {
		chain_without_pointers(&of_coroutine, 5);
		swapcontext(&other, &back);
	}
}

START_TEST(test_coroutines_have_stacks_of_their_own)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};
	size_t size = 64 * KIB, i;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(stack, MAP_FAILED);
	of_coroutine = chain;
	ck_assert_int_eq(getcontext(&other), 0);
	other.uc_stack.ss_sp = stack;
	other.uc_stack.ss_size = size;
	other.uc_link = &back;
	makecontext(&other, coroutine, 0);
	for (i = 0; i < 10; i++) {
		swapcontext(&back, &other);
		ck_assert(has_chain(&taken, &of_coroutine));
		chain_with_pointers(&chain, 20);
		ck_assert(has_chain(&taken, &chain));
	}
}
END_TEST
#endif

static void take_in_child(void *unused)
{
	struct taken taken;
	struct chain chain = {.at_end = take_at_end, .argument = &taken};

	(void)unused;
	chain_without_pointers(&chain, 20);
	REQUIRE(has_chain(&taken, &chain));
}

START_TEST(test_the_child_of_a_fork_takes_its_own)
{
	take_in_child(NULL);
	run_child_ok(take_in_child, NULL);
}
END_TEST

/* The kernel is asked when a stack is new: errno would tell. */
static void *keep_errno(void *unused)
{
	uintptr_t frames[DEPTH];

	(void)unused;
	errno = 12345;
	zm_stack_take(frames, DEPTH, 0);
	return errno == 12345 ? NULL : &seen;
}

START_TEST(test_errno_is_kept)
{
	ck_assert_ptr_null(join_thread(start_thread(keep_errno, NULL)));
}
END_TEST

/* ---- Every instruction ------------------------------------------------------------------------ */

#if defined(HAVE_STACK_TABLES) && defined(HAVE_MAKECONTEXT) && defined(__x86_64__) && !SANITIZED
/*
 * One instruction after the other, from the call into the chain to its return: prologues, epilogues, the
 * PLT. From each, the walk comes to who began it.
 */
static volatile sig_atomic_t stepping, stepped, lost;
static uintptr_t began_by;

/* The flag of the processor that has it trap after each instruction. */
#define TRAP 0x100

static void look_for_beginning(int number, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;
	struct taken taken;
	unsigned i;

	(void)number, (void)info;
	taken.count = zm_stack_take(taken.frames, DEPTH, 0);
	for (i = 0; i < taken.count && taken.frames[i] != began_by; i++)
		;
	stepped++;
	lost += i == taken.count;
	if (stepping)
		interrupted->uc_mcontext.gregs[REG_EFL] |= TRAP;
	else
		interrupted->uc_mcontext.gregs[REG_EFL] &= ~TRAP;
}

/* sort() asks for a stack within, unless there is one. */
static void sort_only(struct chain *chain)
{
	sort(chain);
	AND_RETURN;
}

__attribute__((__noinline__)) static void step_through(chain_function *begin)
{
	struct chain chain = {.at_end = sort_only};

	began_by = RETURN_ADDRESS;
	stepping = 1;
	raise(SIGTRAP);
	begin(&chain, 8);
	stepping = 0;
	AND_RETURN;
}

START_TEST(test_the_walk_begins_at_any_instruction)
{
	struct sigaction action = {.sa_sigaction = look_for_beginning, .sa_flags = SA_SIGINFO};

	if (under_valgrind() || emulated())
		return;
	ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
	step_through(chains[_i]);
	ck_assert_int_gt(stepped, 500);
	ck_assert_int_eq(lost, 0);
}
END_TEST
#define CAN_STEP 1
#endif

#define ADD_BOTH(tests, test)                                                                      \
	do {                                                                                       \
		if (test_is_wanted(#test))                                                         \
			tcase_add_loop_test(tests, test, 0, COUNT_OF(chains));                     \
	} while (0)

int main(void)
{
	TCase *tests = tests_named("stack_take");

#if !defined(HAVE_STACK_TABLES)
	skip_program("no unwind tables are read here: a stack may be the caller alone");
#endif
	if (emulated() && zm_stack_take(seen.frames, DEPTH, 0) < 3)
		skip_program("the emulator does not say what can be read");
	ADD_BOTH(tests, test_every_frame_is_there_with_frame_pointers_and_without);
	ADD_BOTH(tests, test_a_deep_stack_is_cut);
	ADD_BOTH(tests, test_frames_are_left_out_and_no_more_than_wanted);
	ADD_BOTH(tests, test_a_stack_is_the_same_from_a_frame_record_on);
	ADD_BOTH(tests, test_who_is_called_back_by_the_c_library_has_its_callers);
	ADD_BOTH(tests, test_a_signal_handler_has_whom_it_interrupted);
	ADD_BOTH(tests, test_a_signal_handler_on_a_stack_of_its_own_has_whom_it_interrupted);
#if defined(HAVE_DL_ITERATE_PHDR)
	ADD_BOTH(tests, test_a_callback_of_the_loader_has_its_callers);
#endif
	ADD_BOTH(tests, test_a_call_that_never_returns_is_of_its_function);
	ADD_BOTH(tests, test_code_without_a_table_is_passed_by_its_frame_pointer);
	ADD_BOTH(tests, test_code_with_neither_ends_the_stack_or_does_no_harm);
	tcase_add_test(tests, test_threads_take_theirs_at_once);
	tcase_add_test(tests, test_a_small_stack_is_enough);
#if defined(HAVE_MAKECONTEXT)
	tcase_add_test(tests, test_coroutines_have_stacks_of_their_own);
#endif
	tcase_add_test(tests, test_the_child_of_a_fork_takes_its_own);
	tcase_add_test(tests, test_errno_is_kept);
#if defined(CAN_STEP)
	ADD_BOTH(tests, test_the_walk_begins_at_any_instruction);
#endif
	return run_tests(tests);
}
