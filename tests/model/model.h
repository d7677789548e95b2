/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/model.h - every order in which the accesses of a few threads can be seen, tried.
 *
 * A model is a few short threads that run the library's own code, or a transcript of it, over the
 * macros of lib/base/atomic.h; here these lead to a small machine that is as weak as C11 allows, within the
 * limits below. The machine runs the threads over and over until every interleaving of their atomic
 * accesses was tried, and at each load every store that C11 lets it read. A model says by
 * model_require() what has to hold.
 *
 * Then each order that the code asks for is taken away in turn: a release, an acquire or a fence at
 * one line becomes relaxed, and the model must fail. So an order that is missing and one that is not
 * needed both show. Where the order is that of two statements, the model asks model_broken("...")
 * whether to do it wrongly for once.
 *
 * What the machine knows: a store keeps what its thread had seen when it was made, if it was a
 * release, or what it had seen at its last release fence. An acquire that reads it has seen that too.
 * A thread may read any store to a word but those older than one that it has seen. A plain access
 * that is not ordered after another thread's write of the same variable is a race, and fails.
 *
 * What it does not: stores to one word are seen by all in the order in which the threads were run,
 * and no load reads what is stored later (load buffering). No argument in the library rests on
 * either being forbidden.
 */
#ifndef ZM_TESTS_MODEL_H
#define ZM_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MODEL_THREADS = 3
};

struct model {
	const char *name;
	void (*reset)(void); /* before each run: the state that the threads begin with */
	void (*thread[MODEL_THREADS])(void);
	void (*at_end)(void); /* sees all that the threads have done; may be NULL */
};

/* Prints what was tried. Adds to the two sums: the model itself, and each order that was taken away. */
void model_check(const struct model *model, int *passed, int *failed);

/* ---- For models ---- */

#define model_require(condition)                                                                   \
	((condition) ? (void)0 : model_failed(#condition, __FILE__, __LINE__))
void model_failed(const char *text, const char *file, int line) __attribute__((__noreturn__));

/* False, but once for each text in a run of its own, which must fail. */
bool model_broken(const char *text);

/* Plain accesses, not atomic: of a variable of at most a word. */
#define model_get(at) (model_plain((at), false, __FILE__, __LINE__), *(at))
#define model_set(at, value) (model_plain((at), true, __FILE__, __LINE__), (void)(*(at) = (value)))
void model_plain(const void *at, bool write, const char *file, int line);

/*
 * Memory that the calling thread got from the system: it reads as what it holds, but whoever is not
 * ordered after this finds `before`.
 */
void model_fresh(const void *at, size_t size, uint64_t before);

/* A lock; reset() zeroes it. */
struct model_lock {
	char taken;
};
void model_lock(struct model_lock *lock);
void model_unlock(struct model_lock *lock);

/* ---- lib/base/atomic.h, over the machine ---- */

#define ZM_ATOMIC_H

enum model_order {
	MODEL_RELAXED = 0,
	MODEL_ACQUIRE = 1,
	MODEL_RELEASE = 2,
	MODEL_ACQ_REL = 3,
	/* Of the world around the code that is tried: is never taken away. */
	MODEL_IN_ORDER = 7
};

struct model_access {
	const void *at;
	size_t size;
	enum model_order order;
	const char *file;
	int line;
};

uint64_t model_load(struct model_access access);
void model_store(struct model_access access, uint64_t value);
/* The old value; the new one is the value, or the sum of both. */
uint64_t model_exchange(struct model_access access, uint64_t value);
uint64_t model_add(struct model_access access, uint64_t value);
bool model_compare_exchange(struct model_access access, uint64_t *expected, uint64_t value);
void model_fence(enum model_order order, const char *file, int line);

#define MODEL_AT(where, order)                                                                     \
	((struct model_access){(const void *)(uintptr_t)(where), sizeof(*(where)), (order),        \
			       __FILE__, __LINE__})
#define MODEL_WORD(value) ((uint64_t)(uintptr_t)(value))

#define ZM_ATOMIC(type) type
#define zm_load(at) ((__typeof__(*(at)))(uintptr_t)model_load(MODEL_AT((at), MODEL_RELAXED)))
#define zm_load_acquire(at)                                                                        \
	((__typeof__(*(at)))(uintptr_t)model_load(MODEL_AT((at), MODEL_ACQUIRE)))
#define zm_store(at, value) model_store(MODEL_AT((at), MODEL_RELAXED), MODEL_WORD(value))
#define zm_store_release(at, value) model_store(MODEL_AT((at), MODEL_RELEASE), MODEL_WORD(value))
#define zm_fetch_add(at, value)                                                                    \
	((__typeof__(*(at)))(uintptr_t)model_add(MODEL_AT((at), MODEL_RELAXED), MODEL_WORD(value)))
#define zm_exchange(at, value)                                                                     \
	((__typeof__(*(at)))(uintptr_t)model_exchange(MODEL_AT((at), MODEL_ACQ_REL),               \
						      MODEL_WORD(value)))
#define MODEL_COMPARE_EXCHANGE(at, expected, value, order)                                         \
	__extension__({                                                                            \
		uint64_t model_expected = MODEL_WORD(*(expected));                                 \
		bool model_done = model_compare_exchange(MODEL_AT((at), (order)), &model_expected, \
							 MODEL_WORD(value));                       \
		*(expected) = (__typeof__(*(at)))(uintptr_t)model_expected;                        \
		model_done;                                                                        \
	})
#define zm_compare_exchange(at, expected, value)                                                   \
	MODEL_COMPARE_EXCHANGE((at), (expected), (value), MODEL_ACQ_REL)
#define zm_compare_exchange_relaxed(at, expected, value)                                           \
	MODEL_COMPARE_EXCHANGE((at), (expected), (value), MODEL_RELAXED)
#define zm_fence_acquire() model_fence(MODEL_ACQUIRE, __FILE__, __LINE__)
#define zm_fence_release() model_fence(MODEL_RELEASE, __FILE__, __LINE__)

#endif
