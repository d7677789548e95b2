/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope_figures.c - what scopes have: all threads' cells together.
 *
 * Peaks. At a look each cell of the scope gets a mark, its own figure and ZM_STEP_BYTES, and the peak
 * becomes no less than the sum. Whoever closes a cell over its mark looks anew. So between two looks no cell
 * that is closed is over its figure at the first of them by more than the step, and the sum by no more
 * than the step for each thread.
 */
#include "config.h"

#include "account/scope_state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/result.h"
#include "base/sized.h"
#include "os/os.h"

/* ---- One scope -------------------------------------------------------------------------------- */

/* Words are added before they are halved, for one may have gone round where the sum has not. */
static ptrdiff_t bytes_of(size_t word)
{
	zm_assert((word & ZM_SCOPE_OPEN) == 0);
	return (ptrdiff_t)word / 2;
}

ZM_INLINE size_t value_by(const struct zm_scope_thread *thread, const struct zm_scope_cell *cell,
			  zm_scope_net net_of)
{
	size_t word = zm_load_acquire(&cell->word), again, net;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (int tries = 8; word & ZM_SCOPE_OPEN; tries--) {
		net = (size_t)net_of(thread, cell->scope) << 1;
		again = zm_load_acquire(&cell->word);
		if (again == word || tries == 0)
			return word - ZM_SCOPE_OPEN + net;
		word = again;
	}
	return word;
}

static ptrdiff_t kept(const struct zm_scope_thread *thread, const struct zmalloc_scope *scope)
{
	(void)scope;
	return zm_counter_kept_bytes(thread->counter);
}

size_t zm_scope_value(const struct zm_scope_thread *thread, const struct zm_scope_cell *cell)
{
	return value_by(thread, cell, kept);
}

bool zm_scope_has(const struct zmalloc_scope *scope, struct zm_scope_thread *thread)
{
	const struct zm_scope_cell *cell = zm_scope_cell_of(thread, scope);

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	return cell->scope == scope && (zm_load(&cell->word) & ZM_SCOPE_OPEN);
}

ptrdiff_t zm_scope_bytes(const struct zmalloc_scope *scope, zm_scope_net net_of)
{
	size_t sum = scope->kept_word;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next) {
		const struct zm_scope_cell *cell = zm_scope_cell_of(thread, scope);

		if (cell->scope == scope)
			sum += value_by(thread, cell, net_of);
	}
	return bytes_of(sum);
}

static void raise_peak(struct zmalloc_scope *scope, ptrdiff_t bytes)
{
	if (bytes > scope->peak_bytes)
		scope->peak_bytes = bytes;
}

/* Returns what is in the cell. */
static size_t look_at_cell(const struct zm_scope_thread *thread, struct zm_scope_cell *cell)
{
	size_t value = zm_scope_value(thread, cell);

	zm_store(&cell->look_word, (ptrdiff_t)value + 2 * ZM_STEP_BYTES);
	return value;
}

void zm_scope_look(struct zmalloc_scope *scope)
{
	size_t sum = scope->kept_word;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next) {
		struct zm_scope_cell *cell = zm_scope_cell_of(thread, scope);

		if (cell->scope == scope)
			sum += look_at_cell(thread, cell);
	}
	raise_peak(scope, bytes_of(sum));
}

/* ---- All of them ------------------------------------------------------------------------------ */

static void look_at_thread(struct zm_scope_thread *thread)
{
	for (unsigned i = 0; i < thread->cells_end; i++) {
		struct zm_scope_cell *cell = &thread->cells[i];

		if (cell->scope == NULL)
			continue;
		cell->scope->seen_word += look_at_cell(thread, cell);
		cell->scope->seen_threads += zm_scope_has(cell->scope, thread);
	}
}

/* Under the lock: what each has is in its seen members then. Returns what everything else has. */
static ptrdiff_t look_at_all(void)
{
	struct zmalloc_scope *scope;
	ptrdiff_t rest;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (scope = zm_scopes.first; scope != NULL; scope = scope->next) {
		scope->seen_word = scope->kept_word;
		scope->seen_threads = 0;
	}
	for (struct zm_scope_thread *thread = zm_scopes.threads; thread != NULL;
	     thread = thread->next)
		look_at_thread(thread);
	rest = zm_account_kept();
	for (scope = zm_scopes.first; scope != NULL; scope = scope->next) {
		raise_peak(scope, bytes_of(scope->seen_word));
		rest -= bytes_of(scope->seen_word);
	}
	return rest;
}

/* ---- As the caller sees them ------------------------------------------------------------------ */

/* After a look; NULL: everything else, which has `rest`. */
static void show(const struct zmalloc_scope *scope, ptrdiff_t rest,
		 struct zmalloc_scope_stats *stats)
{
	size_t limit = scope != NULL ? zm_load(&scope->limit_bytes) : 0;

	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	stats->used_bytes = scope != NULL ? bytes_of(scope->seen_word) : rest;
	stats->peak_bytes = scope != NULL ? (uint64_t)scope->peak_bytes : ZMALLOC_STATS_UNKNOWN;
	stats->limit_bytes = limit != 0 ? limit : ZMALLOC_STATS_UNKNOWN;
	if (scope != NULL) {
		memcpy(stats->name, scope->name, sizeof(stats->name));
		stats->refusals = zm_load(&scope->refusals);
		stats->threads = scope->seen_threads;
		return;
	}
	stats->threads = zm_account.threads;
	for (scope = zm_scopes.first; scope != NULL; scope = scope->next)
		stats->threads -= scope->seen_threads;
}

int zmalloc_scope_get_stats(const zmalloc_scope *scope, struct zmalloc_scope_stats *stats)
{
	struct zmalloc_scope_stats taken;
	ptrdiff_t rest;

	if (!zm_sized_is_set(stats))
		return -1;
	zm_account_begin();
	zm_lock(&zm_account.lock);
	rest = look_at_all();
	show(scope, rest, &taken);
	zm_unlock(&zm_account.lock);
	return zm_sized_hand_over(stats, &taken, sizeof(taken));
}

/* The scopes that there are by now, and everything else; `room` of them. Returns how many there are. */
static size_t show_all(struct zmalloc_scope_stats *stats, size_t room)
{
	size_t count = 0;
	ptrdiff_t rest;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	if (zm_scopes.count + (size_t)1 > room)
		return zm_scopes.count + (size_t)1;
	rest = look_at_all();
	for (const struct zmalloc_scope *scope = zm_scopes.first; scope != NULL;
	     scope = scope->next)
		show(scope, rest, &stats[count++]);
	show(NULL, rest, &stats[count++]);
	return count;
}

void zm_scopes_let_go(struct zm_scope_sheet *sheet)
{
	munmap(sheet->stats, sheet->bytes);
}

/* Where somebody makes scopes meanwhile it begins again, with more room. */
int zm_scopes_take(struct zm_scope_sheet *sheet)
{
	size_t room;
	void *pages;

	zm_account_begin();
	sheet->stats = NULL;
	sheet->bytes = 0;
	for (sheet->count = 64, room = 0; sheet->count > room;) {
		if (room != 0)
			zm_scopes_let_go(sheet);
		room = sheet->count + sheet->count / 4;
		sheet->bytes = room * sizeof(*sheet->stats);
		if (zm_os_map(sheet->bytes, &pages) != 0)
			return ENOMEM;
		sheet->stats = pages;
		zm_lock(&zm_account.lock);
		sheet->count = show_all(sheet->stats, room);
		zm_unlock(&zm_account.lock);
	}
	return 0;
}

int zmalloc_scope_visit(int (*visit)(const struct zmalloc_scope_stats *scope, void *context),
			void *context)
{
	struct zm_scope_sheet sheet;
	int error = zm_scopes_take(&sheet), told = 0;

	if (error != 0)
		return zm_result(error);
	for (size_t i = 0; i < sheet.count && told == 0; i++)
		told = visit(&sheet.stats[i], context);
	zm_scopes_let_go(&sheet);
	return told;
}

/* ---- For those who report --------------------------------------------------------------------- */

bool zm_scopes_exist(void)
{
	return zm_load_acquire(&zm_scopes.first) != NULL;
}

/* Into a list that is in order. */
static size_t put(struct zm_scope_share *share, size_t count, size_t room,
		  const struct zmalloc_scope *scope)
{
	const struct zm_scope_share mine = {scope->name, (size_t)bytes_of(scope->seen_word),
					    (size_t)scope->peak_bytes};
	size_t at = count;

	while (at > 0 && share[at - 1].used_bytes < mine.used_bytes)
		at--;
	if (at == room)
		return count;
	if (count == room)
		count--;
	memmove(&share[at + 1], &share[at], (count - at) * sizeof(*share));
	share[at] = mine;
	return count + 1;
}

size_t zm_scopes_largest(struct zm_scope_share *share, size_t room)
{
	size_t count = 0;

	if (!zm_scopes_exist())
		return 0;
	zm_lock(&zm_account.lock);
	look_at_all();
	for (const struct zmalloc_scope *scope = zm_scopes.first; scope != NULL;
	     scope = scope->next)
		if (bytes_of(scope->seen_word) > 0)
			count = put(share, count, room, scope);
	zm_unlock(&zm_account.lock);
	return count;
}
