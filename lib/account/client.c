/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/client.c - the table of clients.
 *
 * Rows are written under the account's lock and read without: a client is a constant, so whoever finds
 * one can use it, however late.
 */
#include "config.h"

#include "account/client.h"

#include <errno.h>

#include "account/growth.h"
#include "account/state.h"

typedef ZM_ATOMIC(const struct zm_client *) client_at;

static client_at row[ZM_CLIENT_PLACES];

/* Of all rows together. Written under the lock. */
ZM_ATOMIC(unsigned char) zm_clients_needs;
static ZM_ATOMIC(bool) may_refuse, have_blocks_move;

static const struct zm_client *client_in(size_t place)
{
	return zm_load_acquire(&row[place]);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static bool has_blocks_move(const struct zm_client *client)
{
	return (client->needs & ZM_CLIENT_EVERY_RESIZE) &&
	       (client->born != NULL || client->died != NULL);
}

zm_client_tick_at zm_clients_tick;

static void tell_all_of_tick(void)
{
	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->ticked != NULL)
			client->ticked();
	}
}

/* Threads are told only if that makes a difference to them: most clients ask for nothing. */
static void tell_threads(void)
{
	unsigned char before = zm_load(&zm_clients_needs), all = 0;
	zm_client_tick tick = NULL;
	bool refuse = false, move = false;

	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client == NULL)
			continue;
		all |= client->needs;
		refuse |= client->may_grow != NULL;
		move |= has_blocks_move(client);
		if (client->ticked != NULL)
			tick = tick == NULL ? client->ticked : tell_all_of_tick;
	}
	zm_store(&zm_clients_tick, tick);
	zm_store(&may_refuse, refuse);
	zm_store(&have_blocks_move, move);
	zm_store(&zm_clients_needs, all);
	zm_growth_set(all & ZM_CLIENT_GROWTH);
	if (all != before)
		zm_account_tell_all();
}

void zm_client_put(enum zm_client_place place, const struct zm_client *client)
{
	zm_assert(zm_lock_is_mine(&zm_account.lock) && place < ZM_CLIENT_PLACES);
	zm_store_release(&row[place], client);
	tell_threads();
}

void zm_client_set(enum zm_client_place place, const struct zm_client *client)
{
	zm_account_begin();
	zm_lock(&zm_account.lock);
	zm_client_put(place, client);
	zm_unlock(&zm_account.lock);
}

bool zm_client_replace(enum zm_client_place place, const struct zm_client *from,
		       const struct zm_client *to)
{
	bool found;

	zm_account_begin();
	zm_lock(&zm_account.lock);
	found = client_in(place) == from;
	if (found)
		zm_client_put(place, to);
	zm_unlock(&zm_account.lock);
	return found;
}

const struct zm_client *zm_client_of(enum zm_client_place place)
{
	return client_in(place);
}

void zm_clients_enter_child(void)
{
	for (enum zm_client_place place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->in_child != NULL)
			zm_client_put(place, client->in_child);
	}
}

bool zm_clients_have_blocks_move(void)
{
	return zm_load(&have_blocks_move);
}

/* ---- Asking --------------------------------------------------------------------------------- */

bool zm_clients_may_refuse(void)
{
	return zm_load(&may_refuse);
}

/* The first that refuses, or NULL. */
static const struct zm_client *who_refuses(size_t bytes)
{
	const struct zm_client *refuses = NULL;
	int saved_errno = errno;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (size_t place = 0; refuses == NULL && place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->may_grow != NULL && !client->may_grow(bytes))
			refuses = client;
	}
	errno = saved_errno;
	return refuses;
}

bool zm_clients_let_grow(size_t bytes)
{
	const struct zm_client *refuses = who_refuses(bytes);

	if (refuses != NULL && refuses->refused != NULL)
		refuses->refused(bytes);
	return refuses == NULL;
}

bool zm_clients_would_let_grow(size_t bytes)
{
	return who_refuses(bytes) == NULL;
}

void *zm_clients_see_born(void *ptr)
{
	int saved_errno = errno;

	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->born != NULL)
			ptr = client->born(ptr);
	}
	errno = saved_errno;
	return ptr;
}

bool zm_clients_see_died(void *ptr, bool held)
{
	for (size_t place = ZM_CLIENT_PLACES; place-- > 0;) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->died != NULL && client->died(ptr, held))
			held = true;
	}
	return held;
}

void zm_clients_see_passed(void)
{
	int saved_errno = errno;

	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->passed != NULL)
			client->passed();
	}
	errno = saved_errno;
}

size_t zm_clients_see_fell(void)
{
	int saved_errno = errno;
	size_t least = PTRDIFF_MAX, bytes;

	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client == NULL || client->fell == NULL)
			continue;
		bytes = client->fell();
		if (bytes < least)
			least = bytes;
	}
	errno = saved_errno;
	return least;
}

void zm_clients_see_moment(enum zm_client_moment moment)
{
	int saved_errno = errno;

	for (size_t place = 0; place < ZM_CLIENT_PLACES; place++) {
		const struct zm_client *client = client_in(place);

		if (client != NULL && client->moment != NULL)
			client->moment(moment);
	}
	errno = saved_errno;
}
