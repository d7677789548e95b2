/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope_state.h - what the files of scopes share.
 *
 * A thread has a cell for each scope that it has been in, and is its only writer. Its figure there is
 *
 *      closed   word / 2                      the thread is elsewhere
 *      open     (word - 1) / 2 + net          net: the thread's figure in the account
 *
 * The last bit says which. So to enter is to take net off and to leave is to add it, each a single store,
 * after any of which all cells are right: the thread is in one of them, or for an instant in
 * none, while net stands still. There is nothing between that a reader, or the child of a fork, could find half
 * done. A reader of an open cell looks at the word once more when it has read net: if it is the same,
 * they belonged together.
 *
 * A thread has a fixed number of cells, in a table by the scope's number. Whoever needs a cell that another
 * scope has gives what is in it to that scope, under the lock of the account. A thread that ends leaves its
 * cells as they are, and the next thread goes on with them, as with records.
 */
#ifndef ZM_SCOPE_STATE_H
#define ZM_SCOPE_STATE_H

#include "account/scope.h"

#include "account/state.h"

enum {
	ZM_SCOPE_CELLS = 256,
	ZM_SCOPE_OPEN = 1 /* the last bit of a word */
};

struct zmalloc_scope {
	/* Of its life. */
	char name[ZMALLOC_SCOPE_NAME_BYTES];
	unsigned number;
	struct zmalloc_scope *next_of_hash;
	ZM_ATOMIC(struct zmalloc_scope *) next; /* in the order of making */

	ZM_ATOMIC(size_t) limit_bytes; /* 0: none; written under the lock */
	ZM_ATOMIC(uintptr_t) refusals;
	/*
	 * All below: under the lock. A word, closed: what threads had in cells that are another
	 * scope's by now.
	 */
	size_t kept_word;
	ptrdiff_t peak_bytes;
	ptrdiff_t below_bytes; /* caps of threads inside are below their figures by so much */
	/* Of the last look at all scopes. */
	size_t seen_word;
	size_t seen_threads;
};

struct zm_scope_cell {
	struct zmalloc_scope *scope; /* or NULL; written by the owner, under the lock */
	ZM_ATOMIC(size_t) word;      /* written by the owner */
	/* Over this, when it is closed, the owner takes a look at the scope's peak. Written under the lock. */
	ZM_ATOMIC(ptrdiff_t) look_word;
};

struct zm_scope_entry {
	struct zmalloc_scope *scope; /* NULL: everything else */
	unsigned again;              /* times that it was entered on top of the first */
};

/* Of a thread that has entered a scope: two pages. Never freed; on a list of all. */
struct zm_scope_thread {
	/* The owner's record, or NULL: whoever comes next may have it. Written under the lock. */
	struct zm_counter *counter;
	struct zm_scope_thread *next, *next_idle;
	ZM_ATOMIC(bool) is_capped;  /* the owner has a ceiling for a limit's sake; under the lock */
	ptrdiff_t stopped_at_bytes; /* see scope_limits.c; under the lock */
	unsigned cells_end;         /* cells from here on were never used; under the lock */
	/* All below are the owner's. */
	struct zm_scope_cell *open; /* or NULL */
	unsigned depth, too_deep;
	struct zm_scope_entry stack[ZMALLOC_SCOPE_DEPTH_MAX + 1]; /* the first is everything else */
	struct zm_scope_cell cells[ZM_SCOPE_CELLS];
};
_Static_assert(sizeof(struct zm_scope_thread) <= 8192, "the header says 8 KiB for a thread");
_Static_assert(sizeof(struct zmalloc_scope) <= 256, "the header says 256 bytes for a scope");

struct zm_scopes {
	ZM_ATOMIC(struct zmalloc_scope *) first;
	struct zmalloc_scope *last;
	unsigned count;
	struct zm_scope_thread *threads, *idle;
};

/* Under the lock of the account. */
extern struct zm_scopes zm_scopes;

/* The calling thread's; NULL: it has not entered a scope, or is past its end. */
extern ZM_TLS struct zm_scope_thread *zm_scope_thread;

ZM_INLINE struct zm_scope_cell *zm_scope_cell_of(struct zm_scope_thread *thread,
						 const struct zmalloc_scope *scope)
{
	return &thread->cells[scope->number % ZM_SCOPE_CELLS];
}

ZM_INLINE struct zmalloc_scope *zm_scope_innermost(const struct zm_scope_thread *thread)
{
	return thread->stack[thread->depth].scope;
}

/* ---- scope_figures.c; under the lock ---- */

/* A word, closed: what a thread has in a cell. */
size_t zm_scope_value(const struct zm_scope_thread *thread, const struct zm_scope_cell *cell);

/* Bytes that all threads together have there, where those that are inside have that figure in the account. */
typedef ptrdiff_t (*zm_scope_net)(const struct zm_scope_thread *thread,
				  const struct zmalloc_scope *scope);
ptrdiff_t zm_scope_bytes(const struct zmalloc_scope *scope, zm_scope_net net_of);

/* Is a thread in it, as its innermost one? */
bool zm_scope_has(const struct zmalloc_scope *scope, struct zm_scope_thread *thread);

/* Look at its figure, for the peak. */
void zm_scope_look(struct zmalloc_scope *scope);

/* ---- scope_limits.c; under the lock ---- */

/* From the first scope on somebody passes thresholds for their sake. */
void zm_scope_limits_begin(void);

/* The calling thread is in that scope, or in everything else. */
void zm_scope_limits_enter(struct zm_scope_thread *thread, const struct zmalloc_scope *scope);

#endif
