/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/check.c - is the account what its files promise one another? For --enable-debug.
 */
#include "config.h"

#include "account/state.h"

#ifdef ZM_DEBUG

/* The invariant of threshold.c, and what belongs to it: who owns which record. */
void zm_account_check(void)
{
	ptrdiff_t committed_bytes = 0;
	size_t owned = 0;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (const struct zm_counter *idle = zm_account.idle; idle != NULL; idle = idle->next_idle)
		zm_assert(idle->owner == NULL &&
			  zm_load(&idle->granted_bytes) == zm_counter_bytes(idle));
	for (const struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next)) {
		size_t used = zm_load(&chunk->used);

		zm_assert(used == ZM_CHUNK_COUNTERS || chunk == zm_account.last);
		for (size_t i = 0; i < used; i++) {
			committed_bytes += zm_load(&chunk->counters[i].granted_bytes);
			owned += chunk->counters[i].owner != NULL;
		}
	}
	zm_assert(owned == zm_account.threads);
	zm_assert(zm_account.reserved_bytes >= 0 && zm_load(&zm_account.below_bytes) >= 0 &&
		  zm_account.scopes_below_bytes >= 0);
	zm_assert(committed_bytes == zm_account.committed_bytes);
	zm_assert(committed_bytes <=
		  zm_load(&zm_account.peak_bytes) - zm_load(&zm_account.ended_bytes));
}

#endif
