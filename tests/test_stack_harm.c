/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_stack_harm.c - whatever a stack holds, taking it ends and faults nowhere: words of it are
 * overwritten with what leads astray, code goes away, objects come and go.
 */
#include "config.h"

#include "tests/stack_chain.h"
#include "tests/stack_made.h"
#include "tests/support.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/profile/stack.h"

#define DEPTH 64

/* Rows are read anew at the latest after so many walks of one thread. */
#define AGE 1024

#if defined(__GNUC__)
#define UNCHECKED __attribute__((__no_sanitize_address__, __no_sanitize_thread__))
#else
#define UNCHECKED
#endif

typedef unsigned chain_function(struct chain *chain, unsigned levels);
static chain_function *const chains[] = {chain_without_pointers, chain_with_pointers};

/* ---- Words overwritten ---------------------------------------------------------------------- */

/* A mapping that ends at a page which cannot be read, with one that is gone after that. */
static struct {
	char *begin, *wall, *gone;
	size_t page_bytes;
} land;

/* ThreadSanitizer takes more of a stack than programs do. */
#define LAND ((SANITIZED ? 4096 : 256) * KIB)

static void make_land(void)
{
	land.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	land.begin = mmap(NULL, LAND + 2 * land.page_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(land.begin, MAP_FAILED);
	land.wall = land.begin + LAND;
	land.gone = land.wall + land.page_bytes;
	ck_assert_int_eq(mprotect(land.wall, land.page_bytes, PROT_NONE), 0);
	ck_assert_int_eq(munmap(land.gone, land.page_bytes), 0);
}

static struct made made;
static bool have_made;

/* What a word may have become, by number; `at` is where it is. */
#define STRAYS 22
static uintptr_t stray_of(size_t which, uintptr_t at, uintptr_t top, struct chance *chance)
{
	const uintptr_t strays[STRAYS] = {
		0,
		1,
		8,
		UINTPTR_MAX,
		UINTPTR_MAX - 15,
		(uintptr_t)1 << (sizeof(uintptr_t) * 8 - 1),
		at,
		at + sizeof(at),
		at - sizeof(at),
		at + 1,
		at + 2 * sizeof(at),
		top,
		top + 4096,
		(uintptr_t)land.begin,
		(uintptr_t)land.wall - 8,
		(uintptr_t)land.wall,
		(uintptr_t)land.gone,
		have_made ? (uintptr_t)made.page + 6 : 6,
		(uintptr_t)qsort + chance_below(chance, 64 * KIB),
		(uintptr_t)chain_with_pointers + chance_below(chance, 1024),
		at + chance_below(chance, 64 * KIB) / 8 * 8,
		(uintptr_t)chance_next(chance),
	};

	return strays[which];
}

static void take_and_see(void)
{
	uintptr_t frames[DEPTH];
	unsigned count = zm_stack_take(frames, DEPTH, 0);

	REQUIRE(count >= 1 && count <= DEPTH);
}

struct harm {
	uintptr_t top; /* words below it may be overwritten */
	struct chance chance;
};

/* Each word from one in the caller on, with each stray. */
UNCHECKED __attribute__((__noinline__)) static void harm_each(struct harm *harm, uintptr_t *from)
{
	volatile uintptr_t *slot;
	size_t which;

	for (slot = from; (uintptr_t)slot < harm->top; slot++) {
		uintptr_t kept = *slot;

		for (which = 0; which < STRAYS; which++) {
			*slot = stray_of(which, (uintptr_t)slot, harm->top, &harm->chance);
			take_and_see();
			*slot = kept;
		}
	}
	take_and_see();
}

/* Several words at once, by chance. */
#define AT_ONCE 6
UNCHECKED __attribute__((__noinline__)) static void harm_some(struct harm *harm, uintptr_t *from)
{
	volatile uintptr_t *slots = from;
	size_t count = (harm->top - (uintptr_t)slots) / sizeof(*slots), round, i;

	for (round = 0; round < steps(20000, 200); round++) {
		size_t at[AT_ONCE];
		uintptr_t kept[AT_ONCE];

		for (i = 0; i < AT_ONCE; i++) {
			at[i] = chance_below(&harm->chance, count);
			kept[i] = slots[at[i]];
			slots[at[i]] = stray_of(chance_below(&harm->chance, STRAYS),
						(uintptr_t)&slots[at[i]], harm->top, &harm->chance);
		}
		take_and_see();
		for (i = AT_ONCE; i-- > 0;)
			slots[at[i]] = kept[i];
	}
}

static void begin_each(struct chain *chain)
{
	uintptr_t here;

	harm_each(chain->argument, &here);
	AND_RETURN;
}

static void begin_some(struct chain *chain)
{
	uintptr_t here;

	harm_some(chain->argument, &here);
	AND_RETURN;
}

/* The struct is above all that is called from here. */
static void *harm_chains(void *unused)
{
	struct harm harm = {.chance = chance_of(16)};
	struct chain chain = {.argument = &harm};
	size_t i;

	harm.top = (uintptr_t)&harm;
	for (i = 0; i < COUNT_OF(chains); i++) {
		chain.at_end = begin_each;
		chains[i](&chain, 9);
		chain.at_end = begin_some;
		chains[i](&chain, 30);
	}
	return unused;
}

START_TEST(test_no_word_of_a_stack_leads_astray)
{
	make_land();
	have_made = make_code(&made);
	harm_chains(NULL);
}
END_TEST

/* The stack ends where nothing can be read. */
START_TEST(test_nothing_past_a_stack_is_read)
{
	pthread_attr_t attributes;
	pthread_t thread;

	make_land();
	have_made = make_code(&made);
	ck_assert_int_eq(pthread_attr_init(&attributes), 0);
	ck_assert_int_eq(pthread_attr_setstack(&attributes, land.begin, LAND), 0);
	ck_assert_int_eq(pthread_create(&thread, &attributes, harm_chains, NULL), 0);
	ck_assert_ptr_null(join_thread(thread));
	pthread_attr_destroy(&attributes);
}
END_TEST

/* ---- Records without an end ------------------------------------------------------------------- */

#if defined(HAVE_STACK_TABLES) && defined(__x86_64__)
static unsigned found_in_loop;

/* The record of the made code is above the address that it is returned to by. */
UNCHECKED static void make_loop(void *unused)
{
	volatile uintptr_t *slot = __builtin_frame_address(0);
	uintptr_t frames[DEPTH], next, returns;

	while (*slot < (uintptr_t)made.page || *slot >= (uintptr_t)made.page + made.page_bytes)
		slot++;
	next = slot[1];
	returns = slot[2];
	slot[1] = (uintptr_t)&slot[1];
	slot[2] = slot[0];
	found_in_loop = zm_stack_take(frames, DEPTH, 0);
	slot[1] = next;
	slot[2] = returns;
	(void)unused;
}

START_TEST(test_a_frame_that_leads_to_itself_ends_the_stack)
{
	if (!make_code(&made))
		return;
	made.with_pointer(NULL, make_loop);
	ck_assert_uint_ge(found_in_loop, 2);
	ck_assert_uint_lt(found_in_loop, 6);
}
END_TEST
#endif

#if defined(HAVE_STACK_TABLES)
/* ---- Code that is gone ------------------------------------------------------------------------ */

/* One that nothing else has loaded, of every glibc; it is where there is none that nothing can be seen. */
static void *load(void)
{
	return dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
}

static bool is_loaded(void)
{
	void *found = dlopen("libresolv.so.2", RTLD_NOW | RTLD_NOLOAD);

	if (found)
		dlclose(found);
	return found != NULL;
}

static uintptr_t gone;
static bool was_there, is_there;

static bool has_gone(void)
{
	uintptr_t frames[DEPTH];
	unsigned count = zm_stack_take(frames, DEPTH, 0), i;

	for (i = 0; i < count && frames[i] != gone; i++)
		;
	return i < count;
}

/* The chain's own note of an address is above all that it called; compilers keep copies below. */
UNCHECKED static void replace(struct chain *chain, uintptr_t old, uintptr_t new)
{
	volatile uintptr_t *slot = __builtin_frame_address(0);

	for (; (uintptr_t)slot < (uintptr_t)chain; slot++) {
		if (*slot == old)
			*slot = new;
	}
}

/* As if an object had called the chain that is unloaded by it. */
static void unload_caller(struct chain *chain)
{
	const uintptr_t *returns = &chain->returns[2];
	size_t i;

	replace(chain, *returns, gone);
	was_there = has_gone();
	dlclose(chain->argument);
	for (i = 0; i < AGE; i++)
		is_there = has_gone();
	replace(chain, gone, *returns);
}

START_TEST(test_rows_of_an_object_that_is_gone_are_forgotten)
{
	struct chain chain = {.at_end = unload_caller};
	bool before = is_loaded();
	void *function;

	chain.argument = before ? NULL : load();
	function = chain.argument ? dlsym(chain.argument, "ns_format_ttl") : NULL;
	if (!function) {
		skip_part("there is no object that comes and goes");
		return;
	}
	gone = (uintptr_t)function + 1;
	chain_without_pointers(&chain, 5);
	ck_assert(was_there);
	if (is_loaded())
		skip_part("the C library keeps what it has loaded");
	else
		ck_assert(!is_there);
}
END_TEST

/* ---- While objects come and go ----------------------------------------------------------------- */

static unsigned stop_loading;

static void *load_and_unload(void *unused)
{
	while (!__atomic_load_n(&stop_loading, __ATOMIC_ACQUIRE)) {
		void *object = load();

		if (object)
			dlclose(object);
	}
	return unused;
}

static void take_deep(struct chain *chain)
{
	uintptr_t frames[DEPTH];
	unsigned count = zm_stack_take(frames, DEPTH, 0), i;

	for (i = 0; i < chain->levels; i++)
		REQUIRE(i + 2 < count && frames[i + 2] == chain->returns[i]);
}

START_TEST(test_stacks_are_whole_while_objects_come_and_go)
{
	pthread_t loader = start_thread(load_and_unload, NULL);
	struct chain chain = {.at_end = take_deep};
	size_t i;

	for (i = 0; i < steps(20000, 200); i++)
		chain_without_pointers(&chain, 5 + (unsigned)(i % 20));
	__atomic_store_n(&stop_loading, 1, __ATOMIC_RELEASE);
	ck_assert_ptr_null(join_thread(loader));
}
END_TEST
#endif

int main(void)
{
	TCase *tests = tests_named("stack_harm");

	/* Memcheck says of each stray that leads to what nobody wrote that it is followed. */
	if (!under_valgrind()) {
		tcase_add_test(tests, test_no_word_of_a_stack_leads_astray);
		tcase_add_test(tests, test_nothing_past_a_stack_is_read);
	}
#if defined(HAVE_STACK_TABLES)
#if defined(__x86_64__)
	tcase_add_test(tests, test_a_frame_that_leads_to_itself_ends_the_stack);
#endif
	if (!emulated()) {
		if (!under_valgrind())
			tcase_add_test(tests, test_rows_of_an_object_that_is_gone_are_forgotten);
		tcase_add_test(tests, test_stacks_are_whole_while_objects_come_and_go);
	}
#endif
	return run_tests(tests);
}
