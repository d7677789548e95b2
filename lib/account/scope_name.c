/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/scope_name.c - making scopes, and finding them by name.
 */
#include "config.h"

#include "account/scope_state.h"

#include <errno.h>
#include <string.h>

#include "base/builder.h"
#include "os/os.h"

enum {
	HASHES = 1024,
	SCOPES_AT_ONCE = 64 /* that one piece of memory is asked for */
};

/* Under the lock of the account. */
static struct zmalloc_scope *by_hash[HASHES];
static struct zmalloc_scope *spare;
static size_t spares;

/* As it is shown. Returns 0 or an errno value. */
static int take_name(char name[ZMALLOC_SCOPE_NAME_BYTES], const char *from)
{
	size_t length = 0;

	memset(name, 0, ZMALLOC_SCOPE_NAME_BYTES);
	if (from == NULL || *from == '\0')
		return EINVAL;
	while (*from != '\0') {
		size_t size = zm_character_size(from);

		if (length + (size != 0 ? size : 1) >= ZMALLOC_SCOPE_NAME_BYTES)
			return ENAMETOOLONG;
		if (size == 0) {
			name[length++] = '?';
			from++;
		}
		for (; size > 0; size--)
			name[length++] = *from++;
	}
	return 0;
}

static struct zmalloc_scope **bucket(const char *name)
{
	unsigned hash = 5381;

	while (*name != '\0')
		hash = hash * 33 + (unsigned char)*name++;
	return &by_hash[hash % HASHES];
}

static int take_spare(struct zmalloc_scope **scope)
{
	void *pages;

	if (zm_scopes.count == ZMALLOC_SCOPES_MAX)
		return ENOSPC;
	if (spares == 0) {
		if (zm_os_map(SCOPES_AT_ONCE * sizeof(**scope), &pages) != 0)
			return ENOMEM;
		spare = pages;
		spares = SCOPES_AT_ONCE;
	}
	*scope = spare++;
	spares--;
	return 0;
}

/* Whoever walks the list without the lock may find it as soon as it is linked: it is whole by then. */
static void add(struct zmalloc_scope *scope, const char *name)
{
	struct zmalloc_scope **chain = bucket(name);

	memcpy(scope->name, name, ZMALLOC_SCOPE_NAME_BYTES);
	scope->number = zm_scopes.count++;
	scope->next_of_hash = *chain;
	*chain = scope;
	if (zm_scopes.last != NULL)
		zm_store_release(&zm_scopes.last->next, scope);
	else
		zm_store_release(&zm_scopes.first, scope);
	zm_scopes.last = scope;
	if (zm_scopes.count == 1)
		zm_scope_limits_begin();
}

static int find_or_add(const char *name, struct zmalloc_scope **scope)
{
	int error;

	zm_assert(zm_lock_is_mine(&zm_account.lock));
	for (*scope = *bucket(name); *scope != NULL; *scope = (*scope)->next_of_hash)
		if (strcmp((*scope)->name, name) == 0)
			return 0;
	error = take_spare(scope);
	if (error == 0)
		add(*scope, name);
	return error;
}

zmalloc_scope *zmalloc_scope_new(const char *name)
{
	char shown[ZMALLOC_SCOPE_NAME_BYTES];
	struct zmalloc_scope *scope = NULL;
	int error = take_name(shown, name);

	if (error == 0) {
		zm_account_begin();
		zm_lock(&zm_account.lock);
		error = find_or_add(shown, &scope);
		zm_unlock(&zm_account.lock);
	}
	if (error == 0)
		return scope;
	errno = error;
	return NULL;
}
