/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope.c - entering and leaving.
 *
 * The fast paths are for a thread that has a cell in the scope that it goes to, with no limit on either
 * side. All else goes the slow way, most of it under the lock of the account.
 */
#include "config.h"

#include "account/scope_state.h"

#include <errno.h>

#include "base/result.h"
#include "os/os.h"

struct zm_scopes zm_scopes;
ZM_TLS struct zm_scope_thread *zm_scope_thread;

/* ---- From cell to cell ------------------------------------------------------------------------ */

/*
 * Out of the open cell and into another, or none. The first is stored first, so that no two are open at
 * a time. True: the scope that was left is to be looked at.
 */
ZM_INLINE bool change(struct zm_scope_thread *self, struct zm_scope_cell *to)
{
	struct zm_scope_cell *from = self->open;
	size_t net = (size_t)zm_thread_net(&zm_thread) << 1, word;
	bool is_high = false;

	if (from != NULL) {
		word = zm_load(&from->word) + net - ZM_SCOPE_OPEN;
		zm_store_release(&from->word, word);
		is_high = (ptrdiff_t)word > zm_load(&from->look_word);
	}
	if (to != NULL)
		zm_store_release(&to->word, zm_load(&to->word) - net + ZM_SCOPE_OPEN);
	self->open = to;
	return is_high;
}

static ZM_COLD int look(struct zmalloc_scope *scope)
{
	zm_lock(&zm_account.lock);
	zm_scope_look(scope);
	zm_unlock(&zm_account.lock);
	return 0;
}

/* The scope that had the cell keeps what is in it. It is looked at, for a new cell begins at nought. */
static void give_up_cell(struct zm_scope_cell *cell)
{
	zm_scope_look(cell->scope);
	cell->scope->kept_word += zm_load(&cell->word);
	zm_store(&cell->word, 0);
}

/* Under the lock; the cell is not open. */
static void take_cell(struct zm_scope_thread *self, struct zm_scope_cell *cell,
		      struct zmalloc_scope *scope)
{
	unsigned end = (unsigned)(cell - self->cells) + 1;

	zm_assert(zm_lock_is_mine(&zm_account.lock) && self->open == NULL);
	if (cell->scope != NULL)
		give_up_cell(cell);
	cell->scope = scope;
	zm_store(&cell->look_word, 2 * ZM_STEP_BYTES);
	if (self->cells_end < end)
		self->cells_end = end;
}

static bool has_limit(const struct zmalloc_scope *scope)
{
	return zm_load(&scope->limit_bytes) != 0;
}

static bool is_known(struct zm_scope_thread *self, struct zmalloc_scope *scope)
{
	return scope == NULL || zm_scope_cell_of(self, scope)->scope == scope;
}

/* To where the stack says. */
static void go(struct zm_scope_thread *self)
{
	struct zmalloc_scope *scope = zm_scope_innermost(self),
			     *from = self->open != NULL ? self->open->scope : NULL;
	struct zm_scope_cell *cell = scope != NULL ? zm_scope_cell_of(self, scope) : NULL;
	bool locks = !is_known(self, scope) || zm_load(&self->is_capped) ||
		     (scope != NULL && has_limit(scope));
	bool is_high;

	if (!locks) {
		if (change(self, cell))
			look(from);
		return;
	}
	zm_lock(&zm_account.lock);
	is_high = change(self, NULL);
	if (is_high)
		zm_scope_look(from);
	if (!is_known(self, scope))
		take_cell(self, cell, scope);
	change(self, cell);
	zm_scope_limits_enter(self, scope);
	zm_unlock(&zm_account.lock);
}

/* ---- Threads ---------------------------------------------------------------------------------- */

/* Under the lock. NULL: the system has no page left. */
static struct zm_scope_thread *take_idle(void)
{
	struct zm_scope_thread *thread = zm_scopes.idle;
	void *pages;

	if (thread != NULL) {
		zm_scopes.idle = thread->next_idle;
		return thread;
	}
	if (zm_os_map(sizeof(*thread), &pages) != 0)
		return NULL;
	thread = pages;
	thread->next = zm_scopes.threads;
	zm_scopes.threads = thread;
	return thread;
}

static int join(void)
{
	struct zm_scope_thread *self;

	if (zm_thread.state == ZM_THREAD_NEW)
		zm_account_join();
	if (zm_thread.state != ZM_THREAD_LIVE)
		return ESRCH;
	zm_lock(&zm_account.lock);
	self = take_idle();
	if (self != NULL)
		self->counter = zm_thread.counter;
	zm_unlock(&zm_account.lock);
	zm_scope_thread = self;
	return self != NULL ? 0 : ENOMEM;
}

/* Its cells are closed with its last figure; they stay. */
static void end(struct zm_scope_thread *thread)
{
	for (unsigned i = 0; i < thread->cells_end; i++) {
		struct zm_scope_cell *cell = &thread->cells[i];

		zm_store(&cell->word, zm_scope_value(thread, cell));
	}
	zm_store(&thread->is_capped, false);
	thread->counter = NULL;
	thread->open = NULL;
	thread->depth = thread->too_deep = 0;
	thread->next_idle = zm_scopes.idle;
	zm_scopes.idle = thread;
}

/* Where TLS is gone by now (account.c), the record tells whose cells they are. */
void zm_scopes_thread_ends(const struct zm_counter *counter)
{
	struct zm_scope_thread *thread = zm_scopes.threads;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (zm_thread.counter == counter) {
		thread = zm_scope_thread;
		zm_scope_thread = NULL;
	} else {
		while (thread != NULL && thread->counter != counter)
			thread = thread->next;
	}
	if (thread != NULL)
		end(thread);
}

void zm_scopes_enter_child(void)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		if (thread->counter != NULL && thread->counter->owner != &zm_thread)
			end(thread);
}

/* ---- The contract ----------------------------------------------------------------------------- */

static ZM_COLD int enter_slowly(zmalloc_scope *scope)
{
	struct zm_scope_thread *self;
	int error = zm_scope_thread == NULL ? join() : 0;

	if (error != 0)
		return zm_result(error);
	self = zm_scope_thread;
	if (self->depth == ZMALLOC_SCOPE_DEPTH_MAX) {
		self->too_deep++;
	} else if (self->depth != 0 && zm_scope_innermost(self) == scope) {
		self->stack[self->depth].again++;
	} else {
		self->stack[++self->depth] = (struct zm_scope_entry){scope, 0};
		go(self);
	}
	return 0;
}

ZM_HOT int zmalloc_scope_enter(zmalloc_scope *scope)
{
	struct zm_scope_thread *self = zm_scope_thread;
	struct zm_scope_cell *cell;
	struct zmalloc_scope *from;

	if (zm_unlikely(self == NULL || scope == NULL || self->depth == ZMALLOC_SCOPE_DEPTH_MAX))
		return enter_slowly(scope);
	cell = zm_scope_cell_of(self, scope);
	from = zm_scope_innermost(self);
	if (zm_unlikely(cell->scope != scope || from == scope || has_limit(scope) ||
			zm_load(&self->is_capped)))
		return enter_slowly(scope);
	self->stack[++self->depth] = (struct zm_scope_entry){scope, 0};
	return zm_unlikely(change(self, cell)) ? look(from) : 0;
}

/* How many are left with it, or -1: the thread is not in it. */
static int unwind(struct zm_scope_thread *self, const zmalloc_scope *scope)
{
	unsigned left = 0, at = self->depth;

	for (; at > 0 && self->stack[at].scope != scope; at--)
		left += self->stack[at].again + 1;
	if (at == 0)
		return -1;
	if (self->stack[at].again > 0)
		self->stack[at].again--;
	else
		at--;
	if (self->depth != at) {
		self->depth = at;
		go(self);
	}
	return (int)left;
}

static ZM_COLD int leave_slowly(zmalloc_scope *scope)
{
	struct zm_scope_thread *self = zm_scope_thread;
	int left = -1;

	if (self != NULL && self->too_deep > 0) {
		self->too_deep--;
		return 0;
	}
	if (self != NULL)
		left = unwind(self, scope);
	return left < 0 ? zm_result(ENOENT) : left;
}

ZM_HOT int zmalloc_scope_leave(zmalloc_scope *scope)
{
	struct zm_scope_thread *self = zm_scope_thread;
	const struct zm_scope_entry *top;
	struct zmalloc_scope *to;
	struct zm_scope_cell *cell = NULL;

	if (zm_unlikely(self == NULL || scope == NULL || self->depth == 0 || self->too_deep != 0))
		return leave_slowly(scope);
	top = &self->stack[self->depth];
	to = top[-1].scope;
	if (zm_unlikely(top->scope != scope || top->again != 0 || zm_load(&self->is_capped)))
		return leave_slowly(scope);
	if (to != NULL) {
		cell = zm_scope_cell_of(self, to);
		if (zm_unlikely(cell->scope != to || has_limit(to)))
			return leave_slowly(scope);
	}
	self->depth--;
	return zm_unlikely(change(self, cell)) ? look(scope) : 0;
}
