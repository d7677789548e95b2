/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_refusals.c - a client says no: it is as if the allocator had none left, for every member of the
 * family, and nothing has changed.
 */
#include "config.h"

#include "tests/support.h"

#include <errno.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/limit.h>
#include <zmalloc/scope.h>
#include <zmalloc/profile.h>
#include <zmalloc/redis.h>

#include "lib/account/client.h"
#include "lib/account/state.h"

/* ---- A client that refuses what is large ------------------------------------------------------- */

static ZM_ATOMIC(size_t) most_bytes, questions, asked_bytes;

static bool no_more_than_most(size_t bytes)
{
	REQUIRE(zm_lock_is_mine(&zm_account.lock));
	zm_fetch_add(&questions, 1);
	zm_store(&asked_bytes, bytes);
	return bytes <= zm_load(&most_bytes);
}

static const struct zm_client strict = {
	.needs = ZM_CLIENT_EVERY_CALL | ZM_CLIENT_EVERY_RESIZE,
	.may_grow = no_more_than_most,
};
/* It is asked where a threshold is passed. */
static const struct zm_client lenient = {
	.needs = ZM_CLIENT_EVERY_RESIZE,
	.may_grow = no_more_than_most,
};

static void refuse_over(const struct zm_client *client, size_t bytes)
{
	zm_store(&most_bytes, bytes);
	zm_store(&questions, 0);
	zm_client_set(ZM_CLIENT_LIMIT, client);
}

static void refuse_nothing(void)
{
	zm_client_set(ZM_CLIENT_LIMIT, NULL);
}

/* What nobody may move by a refusal. */
struct figures {
	size_t used, peak, raw_peak;
	int64_t own;
};

/* The peak as it is kept: a look at it by its own function might raise it. */
static struct figures take_figures(void)
{
	struct figures figures = {
		.raw_peak = (size_t)zm_load(&zm_account.peak_bytes),
		.own = zmalloc_thread_used_memory(),
	};

	figures.used = zmalloc_used_memory();
	figures.peak = zmalloc_peak_memory();
	return figures;
}

static void check_figures(const struct figures *before, const char *name)
{
	struct figures now = take_figures();

	ck_assert_msg(now.used == before->used, "%s: used", name);
	ck_assert_msg(now.raw_peak == before->raw_peak, "%s: the peak was raised", name);
	ck_assert_msg(now.peak == before->peak, "%s: the peak", name);
	ck_assert_msg(now.own == before->own, "%s: the thread's figure", name);
	ck_assert_msg(zm_load(&zm_thread.counter->stated_bytes) == ZM_STATES_NOTHING,
		      "%s: still asks", name);
	ck_assert_msg(zm_account.reserved_bytes == 0, "%s: something is reserved", name);
}

/* ---- New blocks --------------------------------------------------------------------------------- */

static zarena *arena;
static char text[3000];

struct way {
	const char *name;
	void *(*call)(void *old, size_t size);
	bool tries;       /* no handler is called */
	bool is_of_arena; /* its old block is */
};

#define WAY(name, expression)                                                                      \
	static void *name##_way(void *old, size_t size)                                            \
	{                                                                                          \
		size_t usable;                                                                     \
                                                                                                   \
		(void)old, (void)size, (void)usable;                                               \
		return expression;                                                                 \
	}

WAY(zmalloc, zmalloc(size))
WAY(zcalloc, zcalloc(size))
WAY(zcalloc_num, zcalloc_num(size / 8, 8))
WAY(zmalloc_usable, zmalloc_usable(size, &usable))
WAY(zcalloc_usable, zcalloc_usable(size, &usable))
WAY(zmalloc_aligned, zmalloc_aligned(256, size))
WAY(zstrdup, zstrdup(text))
WAY(zstrndup, zstrndup(text, size - 1))
WAY(zstrdup_usable, zstrdup_usable(text, &usable))
WAY(zmemdup, zmemdup(text, size))
WAY(zmalloc_with_flags, zmalloc_with_flags(size, 0))
WAY(zmalloc_no_tcache, zmalloc_no_tcache(size))
WAY(zrealloc_of_null, zrealloc(NULL, size))
WAY(zrealloc_with_flags_of_null, zrealloc_with_flags(NULL, size, 0))
WAY(zarena_malloc, zarena_malloc(arena, size))
WAY(zarena_calloc, zarena_calloc(arena, size))
WAY(zarena_realloc_of_null, zarena_realloc(arena, NULL, size))
WAY(valkey_malloc, valkey_malloc(size))
WAY(valkey_calloc, valkey_calloc(size))
WAY(ztrymalloc, ztrymalloc(size))
WAY(ztrycalloc, ztrycalloc(size))
WAY(ztrycalloc_num, ztrycalloc_num(8, size / 8))
WAY(ztrymalloc_usable, ztrymalloc_usable(size, &usable))
WAY(ztrycalloc_usable, ztrycalloc_usable(size, &usable))
WAY(ztrymalloc_aligned, ztrymalloc_aligned(4096, size))
WAY(ztrystrdup, ztrystrdup(text))
WAY(ztrystrndup, ztrystrndup(text, size - 1))
WAY(ztrymemdup, ztrymemdup(text, size))
WAY(ztryrealloc_of_null, ztryrealloc(NULL, size))
WAY(ztryrealloc_usable_of_null, ztryrealloc_usable(NULL, size, &usable))
WAY(zarena_trymalloc, zarena_trymalloc(arena, size))
WAY(zarena_trycalloc, zarena_trycalloc(arena, size))
WAY(zarena_tryrealloc_of_null, zarena_tryrealloc(arena, NULL, size))

/* Each is asked for as many bytes as `text` and its end have. */
#define NEW(name, tries)                                                                           \
	{                                                                                          \
#name, name##_way, tries, false                                                    \
	}
static const struct way news[] = {
	NEW(zmalloc, false),
	NEW(zcalloc, false),
	NEW(zcalloc_num, false),
	NEW(zmalloc_usable, false),
	NEW(zcalloc_usable, false),
	NEW(zmalloc_aligned, false),
	NEW(zstrdup, false),
	NEW(zstrndup, false),
	NEW(zstrdup_usable, false),
	NEW(zmemdup, false),
	NEW(zmalloc_with_flags, false),
	NEW(zmalloc_no_tcache, false),
	NEW(zrealloc_of_null, false),
	NEW(zrealloc_with_flags_of_null, false),
	NEW(zarena_malloc, false),
	NEW(zarena_calloc, false),
	NEW(zarena_realloc_of_null, false),
	NEW(valkey_malloc, false),
	NEW(valkey_calloc, false),
	NEW(ztrymalloc, true),
	NEW(ztrycalloc, true),
	NEW(ztrycalloc_num, true),
	NEW(ztrymalloc_usable, true),
	NEW(ztrycalloc_usable, true),
	NEW(ztrymalloc_aligned, true),
	NEW(ztrystrdup, true),
	NEW(ztrystrndup, true),
	NEW(ztrymemdup, true),
	NEW(ztryrealloc_of_null, true),
	NEW(ztryrealloc_usable_of_null, true),
	NEW(zarena_trymalloc, true),
	NEW(zarena_trycalloc, true),
	NEW(zarena_tryrealloc_of_null, true),
};

static void fails(const struct way *way, void *old, size_t size)
{
	oom_calls = oom_size = 0;
	errno = 0;
	ck_assert_msg(way->call(old, size) == NULL, "%s: not refused", way->name);
	ck_assert_msg(errno == ENOMEM, "%s: errno is %d", way->name, errno);
	ck_assert_msg(oom_calls == !way->tries, "%s: %zu calls of the handler", way->name,
		      oom_calls);
	ck_assert_msg(way->tries || oom_size == size, "%s: the handler was told %zu", way->name,
		      oom_size);
}

static void refuse_new(const struct way *way)
{
	struct figures before;
	void *block;

	refuse_nothing();
	zfree(way->call(NULL, sizeof(text)));
	before = take_figures();
	for (size_t most = 0; most < 2; most++) {
		refuse_over(&strict, most == 0 ? 0 : sizeof(text) - 1);
		/* More than fit into any thread's cache, should they be lost. */
		for (int i = 0; i < 300; i++)
			fails(way, NULL, sizeof(text));
		ck_assert_msg(zm_load(&questions) == 300, "%s: asked %zu times", way->name,
			      zm_load(&questions));
		ck_assert_msg(zm_load(&asked_bytes) >= sizeof(text), "%s: asked for too little",
			      way->name);
		check_figures(&before, way->name);
	}
	refuse_over(&strict, SIZE_MAX);
	block = way->call(NULL, sizeof(text));
	ck_assert_msg(block != NULL, "%s: refused", way->name);
	ck_assert_msg(zmalloc_used_memory() == before.used + zmalloc_size(block), "%s: charged",
		      way->name);
	ck_assert_msg(zm_load(&asked_bytes) == zmalloc_size(block), "%s: asked for %zu", way->name,
		      zm_load(&asked_bytes));
	zfree(block);
	check_figures(&before, way->name);
}

/* The same by the hard limit, which leaves a byte, and all but one that was asked for. */
static void limit_new(const struct way *way)
{
	static const size_t rooms[] = {1, sizeof(text) - 1};
	struct figures before;
	void *block;

	zfree(way->call(NULL, sizeof(text)));
	for (size_t i = 0; i < COUNT_OF(rooms); i++) {
		zmalloc_limit_set(zmalloc_used_memory() + rooms[i]);
		before = take_figures();
		for (int j = 0; j < 300; j++)
			fails(way, NULL, sizeof(text));
		check_figures(&before, way->name);
	}
	/* An aligned block may be as large as one of the size and the alignment. */
	zmalloc_limit_set(zmalloc_used_memory() + sizeof(text) + 10 * KIB);
	for (int i = 0; i < 300; i++) {
		block = way->call(NULL, sizeof(text));
		ck_assert_msg(block != NULL, "%s: refused", way->name);
		zfree(block);
	}
	zmalloc_limit_set(0);
	ck_assert_msg(zmalloc_used_memory() == before.used, "%s: used", way->name);
}

static void begin_ways(void)
{
	memset(text, 'x', sizeof(text) - 1);
	arena = zarena_create();
	ck_assert_ptr_nonnull(arena);
	count_oom();
	/* The peak is far above: what would raise it is seen at once where it begins at what is used. */
	zfree(zmalloc(100));
}

static void end_ways(void)
{
	refuse_nothing();
	zarena_destroy(arena);
}

START_TEST(test_a_new_block_is_refused)
{
	begin_ways();
	for (size_t i = 0; i < COUNT_OF(news); i++)
		refuse_new(&news[i]);
	end_ways();
}
END_TEST

START_TEST(test_a_new_block_is_over_the_hard_limit)
{
	begin_ways();
	for (size_t i = 0; i < COUNT_OF(news); i++)
		limit_new(&news[i]);
	end_ways();
}
END_TEST

/* ---- Resizes -------------------------------------------------------------------------------------- */

WAY(zrealloc, zrealloc(old, size))
WAY(zrealloc_usable, zrealloc_usable(old, size, &usable))
WAY(zrealloc_usable2, zrealloc_usable2(old, size, &usable, NULL))
WAY(zrealloc_with_flags, zrealloc_with_flags(old, size, 0))
WAY(valkey_realloc, valkey_realloc(old, size))
WAY(zarena_realloc, zarena_realloc(arena, old, size))
WAY(ztryrealloc, ztryrealloc(old, size))
WAY(ztryrealloc_usable, ztryrealloc_usable(old, size, &usable))
WAY(ztryrealloc_usable2, ztryrealloc_usable2(old, size, &usable, NULL))
WAY(zarena_tryrealloc, zarena_tryrealloc(arena, old, size))

static const struct way resizes[] = {
	{"zrealloc", zrealloc_way, false, false},
	{"zrealloc, out of an arena", zrealloc_way, false, true},
	{"zrealloc_usable", zrealloc_usable_way, false, false},
	{"zrealloc_usable2", zrealloc_usable2_way, false, false},
	{"zrealloc_with_flags", zrealloc_with_flags_way, false, false},
	{"zrealloc_with_flags, out of an arena", zrealloc_with_flags_way, false, true},
	{"valkey_realloc", valkey_realloc_way, false, false},
	{"zarena_realloc", zarena_realloc_way, false, true},
	{"ztryrealloc", ztryrealloc_way, true, false},
	{"ztryrealloc, out of an arena", ztryrealloc_way, true, true},
	{"ztryrealloc_usable", ztryrealloc_usable_way, true, false},
	{"ztryrealloc_usable2", ztryrealloc_usable2_way, true, false},
	{"zarena_tryrealloc", zarena_tryrealloc_way, true, true},
};

enum {
	OLD_BYTES = 100000,
	NEW_BYTES = 200000
};

static void refuse_resize(const struct way *way, const struct zm_client *client)
{
	void *old = way->is_of_arena ? zarena_malloc(arena, OLD_BYTES) : zmalloc(OLD_BYTES);
	size_t growth = NEW_BYTES - zmalloc_usable_size(old), size = zmalloc_size(old);
	struct figures before = take_figures();

	fill(old, OLD_BYTES, 3);
	refuse_over(client, growth - 1);
	for (int i = 0; i < 50; i++)
		fails(way, old, NEW_BYTES);
	ck_assert_msg(zm_load(&questions) == 50, "%s: asked %zu times", way->name,
		      zm_load(&questions));
	ck_assert_msg(zm_load(&asked_bytes) >= growth, "%s: asked for too little", way->name);
	ck_assert_msg(zmalloc_size(old) == size && filled(old, OLD_BYTES, 3), "%s: the old block",
		      way->name);
	check_figures(&before, way->name);
	/* The growth is asked about, not the whole block, wherever that is copied to. */
	refuse_over(client, growth + 16 * KIB + NEW_BYTES / 4);
	old = way->call(old, NEW_BYTES);
	ck_assert_msg(old != NULL, "%s: refused", way->name);
	ck_assert_msg(filled(old, OLD_BYTES, 3), "%s: the contents", way->name);
	ck_assert_msg(zmalloc_used_memory() == before.used - size + zmalloc_size(old),
		      "%s: charged", way->name);
	/* Nobody may refuse what shrinks. */
	refuse_over(client, 0);
	old = way->call(old, 3000);
	ck_assert_msg(old != NULL && filled(old, 3000, 3), "%s: not shrunk", way->name);
	ck_assert_msg(zm_load(&questions) == 0, "%s: asked when it shrank", way->name);
	zfree(old);
	refuse_nothing();
	ck_assert_msg(zmalloc_used_memory() == before.used - size, "%s: used", way->name);
}

START_TEST(test_a_resize_is_refused_before_anything_moves)
{
	begin_ways();
	for (size_t i = 0; i < COUNT_OF(resizes); i++)
		refuse_resize(&resizes[i], &strict);
	end_ways();
}
END_TEST

static void limit_resize(const struct way *way)
{
	void *old = way->is_of_arena ? zarena_malloc(arena, OLD_BYTES) : zmalloc(OLD_BYTES);
	size_t growth = NEW_BYTES - zmalloc_usable_size(old), size = zmalloc_size(old);
	struct figures before;

	fill(old, OLD_BYTES, 3);
	zmalloc_limit_set(zmalloc_used_memory() + growth - 1);
	before = take_figures();
	for (int i = 0; i < 50; i++)
		fails(way, old, NEW_BYTES);
	ck_assert_msg(zmalloc_size(old) == size && filled(old, OLD_BYTES, 3), "%s: the old block",
		      way->name);
	check_figures(&before, way->name);
	/* Less than is used by now: what shrinks may. */
	zmalloc_limit_set(zmalloc_used_memory() - size / 2);
	fails(way, old, NEW_BYTES);
	old = way->call(old, 3000);
	ck_assert_msg(old != NULL && filled(old, 3000, 3), "%s: not shrunk", way->name);
	zmalloc_limit_set(zmalloc_used_memory() + NEW_BYTES + NEW_BYTES / 4 + 16 * KIB);
	old = way->call(old, NEW_BYTES);
	ck_assert_msg(old != NULL && filled(old, 3000, 3), "%s: refused", way->name);
	zfree(old);
	zmalloc_limit_set(0);
	ck_assert_msg(zmalloc_used_memory() == before.used - size, "%s: used", way->name);
}

START_TEST(test_a_resize_is_over_the_hard_limit)
{
	begin_ways();
	for (size_t i = 0; i < COUNT_OF(resizes); i++)
		limit_resize(&resizes[i]);
	end_ways();
}
END_TEST

static void *see_born(void *ptr)
{
	return ptr;
}

/* The same where the block moves for the sake of those who see it. */
START_TEST(test_a_resize_that_has_to_move_is_refused_too)
{
	static const struct zm_client seeing = {
		.needs = ZM_CLIENT_EVERY_CALL | ZM_CLIENT_EVERY_RESIZE,
		.born = see_born,
	};

	begin_ways();
	zm_client_set(ZM_CLIENT_PROFILE, &seeing);
	for (size_t i = 0; i < COUNT_OF(resizes); i++)
		refuse_resize(&resizes[i], &strict);
	zm_client_set(ZM_CLIENT_PROFILE, NULL);
	end_ways();
}
END_TEST

/* No function may take a size that no allocator has for a question. */
START_TEST(test_nobody_is_asked_about_what_no_allocator_has)
{
	size_t huge = opaque_size((size_t)PTRDIFF_MAX + 99);
	void *block;

	begin_ways();
	block = zmalloc(100);
	refuse_over(&strict, SIZE_MAX);
	ck_assert_ptr_null(zmalloc(huge));
	ck_assert_ptr_null(ztryrealloc(block, huge));
	ck_assert_ptr_null(zrealloc_with_flags(block, huge, 0));
	ck_assert_uint_eq(oom_calls, 2);
	ck_assert_uint_eq(zm_load(&questions), 0);
	ck_assert_ptr_null(ztryrealloc(block, opaque_size(PTRDIFF_MAX)));
	zfree(block);
	end_ways();
}
END_TEST

/* ---- At the threshold only ----------------------------------------------------------------------- */

START_TEST(test_a_client_that_does_not_want_every_call_is_asked_at_the_threshold)
{
	size_t used, base_bytes = zmalloc_peak_memory() - zmalloc_used_memory() + MIB;
	void *base = zmalloc(base_bytes), *block[2000], *old;
	struct figures before;

	begin_ways();
	old = zmalloc(OLD_BYTES);
	before = take_figures();
	refuse_over(&lenient, SIZE_MAX);
	for (size_t i = 0; i < COUNT_OF(block); i++)
		block[i] = zmalloc(KIB);
	ck_assert_uint_ge(zm_load(&questions), COUNT_OF(block) * KIB / (128 * KIB));
	ck_assert_uint_le(zm_load(&questions), COUNT_OF(block) * KIB / (32 * KIB));
	for (size_t i = 0; i < COUNT_OF(block); i++)
		zfree(block[i]);
	/* The peak is now where the thread has been: only what goes beyond is asked about. */
	used = zmalloc_used_memory();
	ck_assert_uint_eq(used, before.used);
	before = take_figures();
	refuse_over(&lenient, 0);
	zfree(zmalloc(KIB));
	old = ztryrealloc(old, OLD_BYTES + 10 * KIB);
	ck_assert_ptr_nonnull(old);
	/* Nor by a thread that goes the slow way for another client. */
	ck_assert_int_eq(zmalloc_profile_start(0), 0);
	old = ztryrealloc(old, OLD_BYTES + 20 * KIB);
	ck_assert_int_eq(zmalloc_profile_stop(), 0);
	ck_assert_ptr_nonnull(old);
	ck_assert_uint_eq(zm_load(&questions), 0);
	before = take_figures();
	for (int i = 0; i < 10; i++)
		ck_assert_ptr_null(ztrymalloc(64 * MIB));
	ck_assert_uint_eq(zm_load(&questions), 10);
	check_figures(&before, "over the threshold");
	ck_assert_ptr_null(ztryrealloc(old, 64 * MIB));
	ck_assert_uint_eq(zm_load(&questions), 11);
	check_figures(&before, "resized over the threshold");
	refuse_nothing();
	zfree(old);
	zfree(base);
	end_ways();
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------------- */

enum {
	THREADS = 4
};
static ZM_ATOMIC(bool) stop;

/*
 * Far over what threads may have besides. The larger it is, the longer is a block there before it
 * is refused; but a checker marks each of its bytes.
 */
static size_t large_bytes(void)
{
	return under_checker() ? 8 * MIB : 64 * MIB;
}

static void *ask_for_too_much(void *unused)
{
	size_t rounds = steps(4000, 300), large = large_bytes();
	void *old = zmalloc(1000), *block;

	for (size_t i = 0; i < rounds; i++) {
		REQUIRE(ztrymalloc(large + i) == NULL);
		REQUIRE(ztryrealloc(old, large) == NULL);
		REQUIRE(ztrymalloc_aligned(64, large) == NULL);
		block = ztrymalloc(100 + i % 1000);
		REQUIRE(block != NULL);
		old = zrealloc(old, 500 + i % 1000);
		zfree(block);
	}
	zfree(old);
	return unused;
}

static void *look(void *unused)
{
	while (!zm_load(&stop)) {
		size_t used = zmalloc_used_memory();

		REQUIRE(zmalloc_peak_memory() >= used);
	}
	return unused;
}

/*
 * Each refused block is large, which nobody who looks meanwhile may take for the peak. 2 MiB are
 * for what the threads have besides, in as many steps. By how much was it raised?
 */
static size_t refuse_threads(const struct zm_client *client)
{
	size_t base_bytes = zmalloc_peak_memory() - zmalloc_used_memory() + MIB;
	void *base = zmalloc(base_bytes);
	size_t used = zmalloc_used_memory(), peak = zmalloc_peak_memory();
	pthread_t thread[THREADS], looker;

	refuse_over(client, large_bytes() / 2);
	zm_store(&stop, false);
	looker = start_thread(look, NULL);
	for (size_t i = 0; i < THREADS; i++)
		thread[i] = start_thread(ask_for_too_much, NULL);
	for (size_t i = 0; i < THREADS; i++)
		join_thread(thread[i]);
	zm_store(&stop, true);
	join_thread(looker);
	refuse_nothing();
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	zfree(base);
	return zmalloc_peak_memory() - peak;
}

/*
 * Where the system puts a thread aside between its allocator and the question, for longer than a look
 * waits, the look is told of the block. It does not do so each time.
 */
static void peak_stays(const struct zm_client *client)
{
	size_t raised = SIZE_MAX;

	for (int tries = 0; tries < 3 && raised > 2 * MIB; tries++)
		raised = refuse_threads(client);
	ck_assert_uint_le(raised, 2 * MIB);
}

START_TEST(test_threads_are_refused_and_the_peak_stays)
{
	peak_stays(&strict);
	peak_stays(&lenient);
}
END_TEST

/*
 * As a borrowing thread is while the question is under way: its allocator counts the block. Where we
 * count, nobody has heard of it.
 */
START_TEST(test_a_block_that_is_asked_about_raises_no_peak)
{
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB), *block;
	struct figures before = take_figures(), now;

	refuse_over(&strict, 0);
	block = zm_raw_malloc(64 * MIB);
	ck_assert_ptr_nonnull(block);
	zm_store_release(&zm_thread.counter->stated_bytes, before.own);
	now = take_figures();
	zm_raw_free(block);
	zm_account_gave_back();
	ck_assert_uint_eq(now.raw_peak, before.raw_peak);
	ck_assert_uint_eq(now.peak, before.peak);
	ck_assert_uint_le(now.used, before.peak);
	zm_store(&zm_thread.counter->stated_bytes, ZM_STATES_NOTHING);
	check_figures(&before, "given back");
	refuse_nothing();
	zfree(base);
}
END_TEST

/* ---- One thread is put aside, another asks ------------------------------------------------------ */

static struct barrier begun, looked_at;

static pthread_t start_holder(void *(*hold)(void *), void *argument)
{
	barrier_init(&begun, 2);
	barrier_init(&looked_at, 2);
	return start_thread(hold, argument);
}

static void let_go_on(pthread_t holder)
{
	barrier_wait(&looked_at);
	join_thread(holder);
	barrier_done(&begun);
	barrier_done(&looked_at);
}

/* What the other thread gets of so many bytes while the first stands still. */
static ZM_ATOMIC(bool) gets_large, gets_small;

static void *ask_beside(void *bytes)
{
	void *large = ztrymalloc(*(size_t *)bytes), *small = ztrymalloc(100);

	zm_store(&gets_large, large != NULL);
	zm_store(&gets_small, small != NULL);
	zfree(large);
	zfree(small);
	return NULL;
}

static void ask_in_another(size_t bytes)
{
	join_thread(start_thread(ask_beside, &bytes));
}

/* A block that the allocator has counted, where it counts for us, and that nobody has been asked about. */
static void *hold_unasked(void *unused)
{
	void *block;

	zfree(zmalloc(1));
	barrier_wait(&begun);
	block = zm_raw_malloc(8 * MIB);
	REQUIRE(block != NULL);
	barrier_wait(&looked_at);
	barrier_wait(&looked_at);
#if ZM_COUNT_BORROWED
	/* As the fast path would see it next, and then settle.c. */
	REQUIRE(zm_account_over());
	REQUIRE(!zm_account_is_under_ceiling(0));
#endif
	zm_raw_free(block);
	return unused;
}

START_TEST(test_a_block_that_its_owner_has_not_asked_about_yet_holds_nobody_up)
{
	size_t peak;
	pthread_t holder;

	holder = start_holder(hold_unasked, NULL);
	zmalloc_limit_set(zmalloc_used_memory() + MIB);
	barrier_wait(&begun);
	barrier_wait(&looked_at);
	peak = (size_t)zm_load(&zm_account.peak_bytes);
	ask_in_another(2 * MIB);
	ck_assert(!zm_load(&gets_large));
	ck_assert(zm_load(&gets_small));
	ask_in_another(MIB / 2);
	ck_assert(zm_load(&gets_large));
	ck_assert(zm_load(&gets_small));
	ck_assert_uint_le((size_t)zm_load(&zm_account.peak_bytes), peak + MIB);
	let_go_on(holder);
	zmalloc_limit_set(0);
}
END_TEST

/* The thread had as much before, so the account alone would not ask. */
static void *hold_unasked_in_scope(void *scope)
{
	void *block = zmalloc(8 * MIB);

	zfree(block);
	REQUIRE(zmalloc_scope_enter(scope) == 0);
	barrier_wait(&begun);
	block = zm_raw_malloc(8 * MIB);
	REQUIRE(block != NULL);
	barrier_wait(&looked_at);
	barrier_wait(&looked_at);
	zm_raw_free(block);
	REQUIRE(zmalloc_scope_leave(scope) == 0);
	return NULL;
}

START_TEST(test_a_block_that_a_scope_has_not_been_asked_about_raises_no_peak)
{
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB), *block;
	zmalloc_scope *scope = zmalloc_scope_new("small");
	size_t used = zmalloc_used_memory();
	pthread_t holder;

	ck_assert_int_eq(zmalloc_scope_set_limit(scope, MIB), 0);
	holder = start_holder(hold_unasked_in_scope, scope);
	barrier_wait(&begun);
	barrier_wait(&looked_at);
	block = zmalloc(8 * MIB);
	ck_assert_uint_le((size_t)zm_load(&zm_account.peak_bytes), used + 9 * MIB);
	let_go_on(holder);
	zfree(block);
	zfree(base);
	zmalloc_scope_set_limit(scope, 0);
}
END_TEST

/* By small steps, until there is no more. */
static void *take_the_rest(void *bytes)
{
	static void *block[1000];
	size_t count = 0, used = zmalloc_used_memory();

	while ((block[count] = ztrymalloc(20 * KIB)) != NULL)
		REQUIRE(++count < COUNT_OF(block));
	*(size_t *)bytes = zmalloc_used_memory() - used;
	while (count > 0)
		zfree(block[--count]);
	return NULL;
}

/* What a resize was granted belongs to it from then on, whether the thread had so much of its own or not. */
static void granted_to_one(size_t own_bytes)
{
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB);
	size_t limit = zmalloc_used_memory() + 8 * MIB, rest = 0;

	zmalloc_limit_set(limit);
	zfree(zmalloc(own_bytes));
	ck_assert(zm_account_may_grow(6 * MIB));
	ask_in_another(6 * MIB);
	ck_assert(!zm_load(&gets_large));
	ck_assert(zm_load(&gets_small));
	join_thread(start_thread(take_the_rest, &rest));
	ck_assert_uint_le(rest, 2 * MIB);
	ck_assert_uint_ge(rest, 2 * MIB - 40 * KIB);
	/* The allocator had none. */
	zm_account_has_grown();
	ask_in_another(6 * MIB);
	ck_assert(zm_load(&gets_large));
	ck_assert_uint_eq(zm_account.reserved_bytes, 0);
	ck_assert_uint_le(zmalloc_peak_memory(), limit);
	zmalloc_limit_set(0);
	zfree(base);
}

START_TEST(test_what_a_resize_was_granted_nobody_else_is)
{
	granted_to_one(1);
	granted_to_one(7 * MIB);
}
END_TEST

/* It comes to the account with its first block, which is refused. */
static void *begin_with_too_much(void *unused)
{
	REQUIRE(ztrymalloc(8 * MIB) == NULL);
	return unused;
}

static void *begin_with_a_little_too_much(void *unused)
{
	REQUIRE(ztrymalloc(60 * KIB) == NULL);
	return unused;
}

START_TEST(test_a_threads_first_block_that_is_refused_raises_no_peak)
{
	void *base = zmalloc(zmalloc_peak_memory() - zmalloc_used_memory() + MIB);
	/* Nearly all that this thread may have unseen, so that the peak is near what is used. */
	void *rest =
		zmalloc((size_t)zm_load(&zm_account.peak_bytes) - zmalloc_used_memory() - 10 * KIB);
	struct figures before = take_figures();

	/* So little that a thread has it without a question where there is room. */
	zmalloc_limit_set(before.used + 50 * KIB);
	join_thread(start_thread(begin_with_a_little_too_much, NULL));
	ck_assert_uint_le((size_t)zm_load(&zm_account.peak_bytes), before.used + 50 * KIB);
	zmalloc_limit_set(before.used + MIB);
	join_thread(start_thread(begin_with_too_much, NULL));
	ck_assert_uint_le((size_t)zm_load(&zm_account.peak_bytes), before.used + MIB);
	zmalloc_limit_set(0);
	zfree(base);
	zfree(rest);
}
END_TEST

/* As if it was cancelled in the allocator. */
static void *end_in_a_resize(void *unused)
{
	zfree(zmalloc(1));
	REQUIRE(zm_account_may_grow(6 * MIB));
	REQUIRE(zm_account.reserved_bytes != 0);
	return unused;
}

START_TEST(test_what_a_thread_was_granted_ends_with_it)
{
	size_t used = zmalloc_used_memory();

	zmalloc_limit_set(used + 8 * MIB);
	join_thread(start_thread(end_in_a_resize, NULL));
	ck_assert_uint_eq(zm_account.reserved_bytes, 0);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
	ask_in_another(6 * MIB);
	ck_assert(zm_load(&gets_large));
	zmalloc_limit_set(0);
}
END_TEST

/* A fork loses the thread that was granted it. */
static void *hold_what_was_granted(void *unused)
{
	zfree(zmalloc(1));
	REQUIRE(zm_account_may_grow(6 * MIB));
	REQUIRE(zm_account.reserved_bytes != 0);
	barrier_wait(&begun);
	barrier_wait(&looked_at);
	zm_account_has_grown();
	return unused;
}

static void ask_after_fork(void *unused)
{
	ptrdiff_t kept;

	(void)unused;
	zm_lock(&zm_account.lock);
	kept = zm_account_kept();
	zm_unlock(&zm_account.lock);
	REQUIRE_EQ(kept, zmalloc_used_memory());
	zfree(zmalloc(6 * MIB));
}

START_TEST(test_what_a_lost_thread_was_granted_a_child_has)
{
	pthread_t holder;

	zfree(zmalloc(1));
	zmalloc_limit_set(zmalloc_used_memory() + 8 * MIB);
	holder = start_holder(hold_what_was_granted, NULL);
	barrier_wait(&begun);
	run_child_ok(ask_after_fork, NULL);
	let_go_on(holder);
	zmalloc_limit_set(0);
}
END_TEST

/* ---- Threads that have no record --------------------------------------------------------------------- */

static pthread_key_t last_key;

static void ask_past_the_end(void *block)
{
	struct figures before;

	if (zm_thread.state != ZM_THREAD_ENDED) {
		/* Once more, after the account's own destructor. */
		pthread_setspecific(last_key, block);
		return;
	}
	before = take_figures();
	zm_store(&questions, 0);
	REQUIRE(ztrymalloc(MIB) == NULL);
	REQUIRE(ztryrealloc(block, MIB) == NULL);
	REQUIRE_EQ(zmalloc_used_memory(), before.used);
	REQUIRE_EQ(zmalloc_thread_used_memory(), before.own);
	REQUIRE_EQ(zm_load(&questions), 2);
	zfree(block);
}

static void *leave_a_block(void *block)
{
	zfree(zmalloc(1));
	pthread_setspecific(last_key, block);
	return NULL;
}

START_TEST(test_a_thread_past_its_end_is_refused)
{
	size_t used = zmalloc_used_memory();
	void *block = zmalloc(1000);

	ck_assert_int_eq(pthread_key_create(&last_key, ask_past_the_end), 0);
	refuse_over(&strict, 10 * KIB);
	join_thread(start_thread(leave_a_block, block));
	refuse_nothing();
	pthread_key_delete(last_key);
	ck_assert_uint_eq(zmalloc_used_memory(), used);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("refusals");

	tcase_add_test(tests, test_a_new_block_is_refused);
	tcase_add_test(tests, test_a_new_block_is_over_the_hard_limit);
	tcase_add_test(tests, test_a_resize_is_refused_before_anything_moves);
	tcase_add_test(tests, test_a_resize_is_over_the_hard_limit);
	tcase_add_test(tests, test_a_resize_that_has_to_move_is_refused_too);
	tcase_add_test(tests, test_nobody_is_asked_about_what_no_allocator_has);
	tcase_add_test(tests,
		       test_a_client_that_does_not_want_every_call_is_asked_at_the_threshold);
	tcase_add_test(tests, test_threads_are_refused_and_the_peak_stays);
	tcase_add_test(tests, test_a_block_that_is_asked_about_raises_no_peak);
	tcase_add_test(tests, test_a_block_that_its_owner_has_not_asked_about_yet_holds_nobody_up);
	tcase_add_test(tests, test_a_block_that_a_scope_has_not_been_asked_about_raises_no_peak);
	tcase_add_test(tests, test_what_a_resize_was_granted_nobody_else_is);
	tcase_add_test(tests, test_a_threads_first_block_that_is_refused_raises_no_peak);
	tcase_add_test(tests, test_what_a_thread_was_granted_ends_with_it);
	tcase_add_test(tests, test_what_a_lost_thread_was_granted_a_child_has);
	tcase_add_test(tests, test_a_thread_past_its_end_is_refused);
	return run_tests(tests);
}
