/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/limits.c - the hard limit, and what all limits together are to the account.
 */
#include "config.h"

#include "account/limits.h"

#include <zmalloc/limit.h>

#include "account/client.h"
#include "account/state.h"
#include "base/probe.h"

/* Written under the lock of the account. */
static ZM_ATOMIC(size_t) hard_bytes; /* 0: none */
static ZM_ATOMIC(const char *) setter;
static ZM_ATOMIC(size_t) refusals;

/* The calling thread, when it last asked; and nobody has been told yet. */
static ZM_TLS bool was_refused, is_to_tell;

/* ---- The client ------------------------------------------------------------------------------- */

static bool may_grow(size_t bytes)
{
	was_refused = is_to_tell = false;
	return zm_account_fits(bytes, (ptrdiff_t)zm_load(&hard_bytes));
}

static void refused(size_t bytes)
{
	was_refused = is_to_tell = true;
	zm_fetch_add(&refusals, 1);
	zm_probe_limit_refused(bytes, zm_load(&hard_bytes), NULL);
}

/* By whether there is a hard limit, and whether one that was passed waits for memory to fall. */
static const struct zm_client client[2][2] = {
	{{.passed = zm_soft_limits_see_passed},
	 {.needs = ZM_CLIENT_EVERY_FREE,
	  .passed = zm_soft_limits_see_passed,
	  .fell = zm_soft_limits_see_fell}},
	{{.needs = ZM_CLIENT_EVERY_RESIZE,
	  .may_grow = may_grow,
	  .refused = refused,
	  .passed = zm_soft_limits_see_passed},
	 {.needs = ZM_CLIENT_EVERY_RESIZE | ZM_CLIENT_EVERY_FREE,
	  .may_grow = may_grow,
	  .refused = refused,
	  .passed = zm_soft_limits_see_passed,
	  .fell = zm_soft_limits_see_fell}},
};

static ptrdiff_t lowest_limit(void)
{
	ptrdiff_t hard = (ptrdiff_t)zm_load(&hard_bytes), soft = zm_soft_limits_lowest();

	return hard == 0 || (soft != 0 && soft < hard) ? soft : hard;
}

void zm_limits_update(void)
{
	bool has_hard = zm_load(&hard_bytes) != 0, watches = zm_soft_limits_watch();

	zm_client_put(ZM_CLIENT_LIMIT,
		      has_hard || zm_soft_limits_have_any() ? &client[has_hard][watches] : NULL);
	zm_account_set_roof(lowest_limit());
}

/* ---- The hard limit --------------------------------------------------------------------------- */

void zm_limit_put(size_t bytes, const char *by)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock));
	zm_store(&hard_bytes, bytes <= PTRDIFF_MAX ? bytes : 0);
	zm_store(&setter, by);
	zm_limits_update();
	zm_account_check();
}

int zmalloc_limit_set(size_t bytes)
{
	int is_below_used;

	zm_account_begin();
	zm_lock(&zm_account.lock);
	zm_limit_put(bytes, "zmalloc_limit_set()");
	is_below_used =
		zm_load(&hard_bytes) != 0 && zm_account_kept() > (ptrdiff_t)zm_load(&hard_bytes);
	zm_unlock(&zm_account.lock);
	return is_below_used;
}

size_t zmalloc_limit_get(void)
{
	return zm_load(&hard_bytes);
}

size_t zm_limit_hard(void)
{
	size_t bytes = zm_load(&hard_bytes);

	return bytes != 0 ? bytes : SIZE_MAX;
}

const char *zm_limit_setter(void)
{
	return zm_load(&setter);
}

uint64_t zm_limit_refusals(void)
{
	return zm_load(&refusals);
}

bool zm_limit_is_why(size_t size)
{
	size_t hard = zm_load(&hard_bytes), used = zm_account_used();

	return was_refused && hard != 0 && size <= PTRDIFF_MAX &&
	       (used >= hard || size > hard - used);
}

void zm_limit_tell_refused(void)
{
	if (!is_to_tell)
		return;
	is_to_tell = false;
	zm_clients_see_moment(ZM_CLIENT_REFUSED);
}
