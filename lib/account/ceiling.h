/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/ceiling.h - the ceilings of all threads, and what they come to. All under the lock.
 */
#ifndef ZM_CEILING_H
#define ZM_CEILING_H

#include "account/state.h"

/* ---- ceiling.c ---- */

void zm_peak_raise(ptrdiff_t bytes);

/* Grant a ceiling to the owner, who is told of it later. */
void zm_ceiling_grant(struct zm_counter *counter, ptrdiff_t bytes);
void zm_ceiling_set(struct zm_counter *counter, ptrdiff_t bytes);

/* ---- roof.c ---- */

bool zm_roof_is_kept(void);
/* Bytes that may yet be promised. */
ptrdiff_t zm_roof_room(void);

/* True: the ceilings are below the roof and the figures below them; the peak may be lower than they. */
bool zm_roof_get_under(void);

/*
 * Leave every thread ZM_STEP_BYTES and no more:
 * what it freed since it last came here is free for others.
 */
void zm_roof_take_back(void);

/* ---- Sums ---- */

/* What used memory comes to if each thread goes to its ceiling. */
ZM_INLINE ptrdiff_t zm_ceilings_committed(void)
{
	return zm_load(&zm_account.ended_bytes) + zm_account.committed_bytes;
}

/* And if every resize comes about that was granted; one may yet fail, so this is nothing to the peak. */
ZM_INLINE ptrdiff_t zm_ceilings_promised(void)
{
	return zm_ceilings_committed() + zm_account.reserved_bytes;
}

/* Of a record without owner: the figure that it was left with. */
ZM_INLINE ptrdiff_t zm_ceilings_sum(ptrdiff_t (*bytes_of_owned)(const struct zm_counter *counter))
{
	ptrdiff_t sum = zm_load(&zm_account.ended_bytes);

	for (const struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < zm_load(&chunk->used); i++) {
			const struct zm_counter *counter = &chunk->counters[i];

			sum += counter->owner != NULL ? bytes_of_owned(counter)
						      : zm_load(&counter->granted_bytes);
		}
	return sum;
}

ZM_INLINE void zm_ceilings_each(void (*see)(struct zm_counter *counter))
{
	for (struct zm_chunk *chunk = &zm_account.first; chunk != NULL;
	     chunk = zm_load(&chunk->next))
		for (size_t i = 0; i < zm_load(&chunk->used); i++)
			if (chunk->counters[i].owner != NULL)
				see(&chunk->counters[i]);
}

#endif
