/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope_limits.c - limits of scopes, and what scopes are to the account: a client.
 *
 * A thread in a scope with a limit has a ceiling of its own for that, its cap, under the one that the
 * account grants it. All caps together never let the scope past its limit:
 *
 *      what the scope has when each thread that is inside is at its cap  <=  limit
 *
 * Who comes to his cap has all threads inside stopped at their figures, and the limit's room shared out anew,
 * half of it at a time, as the account does near its roof (roof.c). What may get past is a block that
 * its owner had compared with the ceiling before, one a thread. A thread begins at its figure and so asks with
 * its first block.
 *
 * A thread that enters just when the first limit is set may have looked for one before: who sets it
 * looks for such threads once more when every processor's stores are long to be seen.
 */
#include "config.h"

#include "account/scope_state.h"

#include <errno.h>
#include <time.h>

#include "account/client.h"
#include "base/probe.h"
#include "base/result.h"

enum {
	SETTLED_NS = 1000000
};

/* How many scopes have one. Under the lock. */
static unsigned limits;

/* The scope that refused the calling thread when it last asked one. */
static ZM_TLS const struct zmalloc_scope *refuser;

/* ---- Caps; under the lock --------------------------------------------------------------------- */

static void set_cap(struct zm_scope_thread *thread, ptrdiff_t bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock) && thread->counter->owner != NULL);
	zm_store(&thread->counter->cap_bytes, bytes);
	zm_store(&thread->is_capped, bytes != PTRDIFF_MAX);
	zm_account_tell_ceiling(thread->counter);
}

void zm_scope_limits_enter(struct zm_scope_thread *thread, const struct zmalloc_scope *scope)
{
	bool has_limit = scope != NULL && zm_load(&scope->limit_bytes) != 0;

	if (has_limit)
		set_cap(thread, zm_counter_kept_bytes(thread->counter) - scope->below_bytes);
	else if (zm_load(&thread->is_capped))
		set_cap(thread, PTRDIFF_MAX);
}

/* The most that a thread inside can have that it was not refused; see roof.c, which does the same for all. */
static ptrdiff_t most_of(const struct zm_scope_thread *thread, const struct zmalloc_scope *scope)
{
	return zm_load(&thread->is_capped)
		       ? zm_load(&thread->counter->cap_bytes) + scope->below_bytes
		       : PTRDIFF_MAX;
}

static ptrdiff_t kept_under(const struct zm_scope_thread *thread, ptrdiff_t most)
{
	ptrdiff_t figure = zm_counter_kept_bytes(thread->counter);

	return figure < most ? figure : most;
}

static ptrdiff_t kept(const struct zm_scope_thread *thread, const struct zmalloc_scope *scope)
{
	return kept_under(thread, most_of(thread, scope));
}

static ptrdiff_t stopped_at(const struct zm_scope_thread *thread, const struct zmalloc_scope *scope)
{
	(void)scope;
	return thread->stopped_at_bytes;
}

static void lower_cap(struct zm_scope_thread *thread, ptrdiff_t bytes)
{
	if (bytes < zm_load(&thread->counter->cap_bytes))
		set_cap(thread, bytes);
}

/* The second look finds what passed between the first and the store of the cap. */
static void stop_threads(const struct zmalloc_scope *scope)
{
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		if (zm_scope_has(scope, thread)) {
			thread->stopped_at_bytes = most_of(thread, scope);
			lower_cap(thread, zm_counter_kept_bytes(thread->counter));
		}
	zm_fence();
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		if (zm_scope_has(scope, thread)) {
			thread->stopped_at_bytes = kept_under(thread, thread->stopped_at_bytes);
			lower_cap(thread, thread->stopped_at_bytes);
		}
}

static void set_below(struct zmalloc_scope *scope, ptrdiff_t bytes)
{
	zm_account.scopes_below_bytes += bytes - scope->below_bytes;
	scope->below_bytes = bytes;
}

/* Over the limit the room is under nought, and each cap below its owner's figure by all of that. */
static void share_room(struct zmalloc_scope *scope, ptrdiff_t room)
{
	ptrdiff_t inside = 1, step = room;

	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		inside += zm_scope_has(scope, thread);
	if (room > 0)
		step = room / 2 / inside < ZM_STEP_BYTES ? room / 2 / inside : ZM_STEP_BYTES;
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		if (zm_scope_has(scope, thread))
			set_cap(thread, thread->stopped_at_bytes + step);
	set_below(scope, step < 0 ? -step : 0);
}

/* ---- The client ------------------------------------------------------------------------------- */

static ptrdiff_t room_in(const struct zmalloc_scope *scope, zm_scope_net net_of)
{
	ptrdiff_t limit = (ptrdiff_t)zm_load(&scope->limit_bytes),
		  bytes = zm_scope_bytes(scope, net_of);

	return bytes < 0 && limit > PTRDIFF_MAX + bytes ? PTRDIFF_MAX : limit - bytes;
}

static bool has_room_for(ptrdiff_t room, size_t bytes)
{
	return room >= 0 && bytes <= (size_t)room;
}

/* Who asks for what there is not is to stop nobody. */
static bool fits(struct zm_scope_thread *self, struct zmalloc_scope *scope, size_t bytes)
{
	ptrdiff_t room = room_in(scope, kept);
	bool fits = has_room_for(room, bytes);

	if (!fits && zm_load(&self->is_capped))
		return false;
	stop_threads(scope);
	room = room_in(scope, stopped_at);
	fits = has_room_for(room, bytes);
	share_room(scope, fits ? room - (ptrdiff_t)bytes : room);
	if (fits)
		set_cap(self, zm_load(&self->counter->cap_bytes) + (ptrdiff_t)bytes);
	return fits;
}

static bool may_grow(size_t bytes)
{
	struct zm_scope_thread *self = zm_scope_thread;
	struct zmalloc_scope *scope = self != NULL ? zm_scope_innermost(self) : NULL;

	refuser = NULL;
	return scope == NULL || zm_load(&scope->limit_bytes) == 0 || fits(self, scope, bytes);
}

static void refused(size_t bytes)
{
	struct zmalloc_scope *scope = zm_scope_innermost(zm_scope_thread);

	zm_fetch_add(&scope->refusals, 1);
	refuser = scope;
	zm_probe_limit_refused(bytes, zm_load(&scope->limit_bytes), scope->name);
}

/* For the peak: what is in the open cell by now may be over its mark. */
static void passed(void)
{
	const struct zm_scope_thread *self = zm_scope_thread;
	struct zm_scope_cell *cell = self != NULL ? self->open : NULL;

	if (cell == NULL)
		return;
	zm_lock(&zm_account.lock);
	if ((ptrdiff_t)zm_scope_value(self, cell) > zm_load(&cell->look_word))
		zm_scope_look(cell->scope);
	zm_unlock(&zm_account.lock);
}

/* By whether any scope has a limit. */
static const struct zm_client client[2] = {{.passed = passed},
					   {.needs = ZM_CLIENT_EVERY_RESIZE,
					    .may_grow = may_grow,
					    .refused = refused,
					    .passed = passed}};

void zm_scope_limits_begin(void)
{
	zm_client_put(ZM_CLIENT_SCOPE, &client[0]);
}

/* ---- The contract ----------------------------------------------------------------------------- */

static void lift_caps(const struct zmalloc_scope *scope)
{
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		if (zm_scope_has(scope, thread))
			set_cap(thread, PTRDIFF_MAX);
}

/* To a limit that has just come, gone, risen or fallen. */
static void tell_threads(struct zmalloc_scope *scope)
{
	set_below(scope, 0);
	if (zm_load(&scope->limit_bytes) == 0) {
		lift_caps(scope);
		return;
	}
	stop_threads(scope);
	share_room(scope, room_in(scope, stopped_at));
}

static void put_limit(struct zmalloc_scope *scope, size_t bytes)
{
	limits += (bytes != 0) - (unsigned)(zm_load(&scope->limit_bytes) != 0);
	zm_store(&scope->limit_bytes, bytes);
	zm_client_put(ZM_CLIENT_SCOPE, &client[limits != 0]);
	zm_fence();
	tell_threads(scope);
}

int zmalloc_scope_set_limit(zmalloc_scope *scope, size_t bytes)
{
	const struct timespec settled = {.tv_nsec = SETTLED_NS};
	bool is_first, is_below_used;

	if (scope == NULL)
		return zm_result(EINVAL);
	if (bytes > PTRDIFF_MAX)
		bytes = 0;
	zm_lock(&zm_account.lock);
	is_first = bytes != 0 && zm_load(&scope->limit_bytes) == 0;
	put_limit(scope, bytes);
	is_below_used = bytes != 0 && room_in(scope, kept) < 0;
	zm_account_check();
	zm_unlock(&zm_account.lock);
	if (is_first) {
		nanosleep(&settled, NULL);
		zm_lock(&zm_account.lock);
		tell_threads(scope);
		zm_unlock(&zm_account.lock);
	}
	return is_below_used;
}

const char *zm_scope_is_why(size_t size, size_t *limit_bytes)
{
	bool is_why;

	*limit_bytes = 0;
	if (refuser == NULL || size > PTRDIFF_MAX)
		return NULL;
	zm_lock(&zm_account.lock);
	*limit_bytes = zm_load(&refuser->limit_bytes);
	is_why = *limit_bytes != 0 && !has_room_for(room_in(refuser, kept), size);
	zm_unlock(&zm_account.lock);
	return is_why ? refuser->name : NULL;
}
