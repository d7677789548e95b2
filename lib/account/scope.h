/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope.h - scopes for those who report, and for the lives of threads.
 */
#ifndef ZM_SCOPE_H
#define ZM_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmalloc/scope.h>

struct zm_counter;

/* ---- For those who report; any thread, any time, nothing is allocated ---- */

/* Are there any? */
bool zm_scopes_exist(void);

/*
 * All scopes and, as the last, everything else, of one look; in pages of their own, which go with
 * zm_scopes_let_go(). 0, or an errno value.
 */
struct zm_scope_sheet {
	struct zmalloc_scope_stats *stats;
	size_t count;
	size_t bytes; /* of the pages */
};
int zm_scopes_take(struct zm_scope_sheet *sheet);
void zm_scopes_let_go(struct zm_scope_sheet *sheet);

/*
 * The scopes that have the most, the largest first; those that have nothing are left out. The names stay. How
 * many of `room` there are.
 */
struct zm_scope_share {
	const char *name;
	size_t used_bytes, peak_bytes;
};
size_t zm_scopes_largest(struct zm_scope_share *share, size_t room);

/*
 * The scope whose limit refused the calling thread when it last asked one, if `size` is still too much there;
 * or NULL.
 */
const char *zm_scope_is_why(size_t size, size_t *limit_bytes);

/* ---- For account.c; under the lock ---- */

/* The owner of that record ends: it leaves the scopes that it is in, and its cells are the next thread's. */
void zm_scopes_thread_ends(const struct zm_counter *counter);

/* Before the records of lost threads are retired. */
void zm_scopes_enter_child(void);

#endif
