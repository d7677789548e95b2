/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/ceiling.c - a thread's ceiling: what is granted, and what its owner is told of it.
 */
#include "config.h"

#include "account/ceiling.h"

#include "account/client.h"
#include "account/growth.h"

void zm_peak_raise(ptrdiff_t bytes)
{
	ptrdiff_t peak = zm_load(&zm_account.peak_bytes);

	while (bytes > peak && !zm_compare_exchange(&zm_account.peak_bytes, &peak, bytes))
		;
}

/* In the terms that the owner compares. */
static ptrdiff_t ceiling_to_tell(const struct zm_counter *counter)
{
	ptrdiff_t bytes = zm_counter_ceiling(counter);

	if ((zm_clients_need() & (ZM_CLIENT_EVERY_CALL | ZM_CLIENT_TICKS)) ||
	    zm_growth_wants(counter->owner))
		return PTRDIFF_MIN;
	return bytes != PTRDIFF_MIN ? zm_growth_ceiling(counter, bytes) : bytes;
}

static ZM_ATOMIC(ptrdiff_t) * ceiling_of_owner(struct zm_counter *counter)
{
#if ZM_COUNT_BORROWED
	if (counter->owner->borrows)
		return &counter->owner->ceiling_bytes;
#endif
	return &counter->ceiling_bytes;
}

void zm_account_tell_ceiling(struct zm_counter *counter)
{
	zm_store_release(ceiling_of_owner(counter), ceiling_to_tell(counter));
}

/*
 * Another thread may lower what is granted meanwhile, and tell so: if this store comes after that, it has read
 * what that thread stored, and so sees in the second look what it was told by (C11 7.17.3).
 */
void zm_account_renew_ceiling(struct zm_counter *counter)
{
	ptrdiff_t bytes;

	do {
		bytes = ceiling_to_tell(counter);
		zm_exchange(ceiling_of_owner(counter), bytes);
	} while (zm_unlikely(ceiling_to_tell(counter) != bytes));
}

void zm_ceiling_grant(struct zm_counter *counter, ptrdiff_t bytes)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock) && counter->owner != NULL);
	zm_account.committed_bytes += bytes - zm_load(&counter->granted_bytes);
	zm_store(&counter->granted_bytes, bytes);
}

void zm_ceiling_set(struct zm_counter *counter, ptrdiff_t bytes)
{
	zm_ceiling_grant(counter, bytes);
	zm_account_tell_ceiling(counter);
}
