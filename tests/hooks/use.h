/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hooks/use.h - for programs that use another library after having done what zmalloc_hooks(3) says:
 * the page's lines are in "snippet.h". With -DSCOPE="name" they charge a scope of that name.
 */
#ifndef ZM_TESTS_HOOKS_USE_H
#define ZM_TESTS_HOOKS_USE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snippet.h"

#if !defined(SCOPE)
#define SCOPE NULL
#endif

static void demand(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "not so: %s (%zu bytes used)\n", what, zmalloc_used_memory());
	exit(1);
}

#define DEMAND(condition) demand(!!(condition), #condition)

static int64_t used_in(zmalloc_scope *scope)
{
	struct zmalloc_scope_stats stats;

	stats.size = sizeof(stats);
	DEMAND(zmalloc_scope_get_stats(scope, &stats) == 0);
	return stats.used_bytes;
}

/* While the library has at least so many bytes: all of them are where they should be. */
static void in_use(size_t at_least)
{
	const char *name = SCOPE;

	DEMAND(zmalloc_used_memory() >= at_least);
	if (name != NULL) {
		DEMAND(used_in(zmalloc_scope_new(name)) == (int64_t)zmalloc_used_memory());
		DEMAND(used_in(NULL) == 0);
	}
	printf("%zu ", zmalloc_used_memory());
}

static int at_the_end(void)
{
	const char *name = SCOPE;

	printf("%zu\n", zmalloc_used_memory());
	DEMAND(zmalloc_used_memory() == 0);
	DEMAND(name == NULL || used_in(zmalloc_scope_new(name)) == 0);
	return 0;
}

#endif
