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

/*
 * What others have and keep, where the lines are about malloc() itself: libstdc++ from its start on, for one. What
 * was asked for while the library itself began is in no scope.
 */
static size_t others_bytes;
static int64_t others_elsewhere_bytes;

static void leave_out_others(void)
{
	const char *name = SCOPE;

	others_bytes = zmalloc_used_memory();
	others_elsewhere_bytes = name != NULL ? used_in(NULL) : 0;
}

/* While the library has at least so many bytes: all of them are where they should be. */
static void in_use(size_t at_least)
{
	const char *name = SCOPE;

	DEMAND(zmalloc_used_memory() - others_bytes >= at_least);
	if (name != NULL) {
		DEMAND(used_in(zmalloc_scope_new(name)) + others_elsewhere_bytes ==
		       (int64_t)zmalloc_used_memory());
		DEMAND(used_in(NULL) == others_elsewhere_bytes);
	}
	printf("%zu ", zmalloc_used_memory() - others_bytes);
}

static int at_the_end(void)
{
	const char *name = SCOPE;

	printf("%zu\n", zmalloc_used_memory() - others_bytes);
	DEMAND(zmalloc_used_memory() == others_bytes);
	DEMAND(name == NULL ||
	       used_in(zmalloc_scope_new(name)) + others_elsewhere_bytes == (int64_t)others_bytes);
	return 0;
}

#endif
