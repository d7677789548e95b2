/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/wrapper.c - is a function one that only passes on what an allocator gives?
 *
 * It is told by its name, as nothing else tells it: xmalloc, g_malloc0, sdsnewlen's s_malloc, operator new.
 * What is passed over is shown beside the holder, so that a wrong guess hides nothing.
 */
#include "tools/profile/wrapper.h"

#include <ctype.h>
#include <string.h>

/* What the name of one of malloc()'s kin has in it, and what may follow there up to its end. */
static const char *const kin[] = {"malloc",  "calloc", "realloc", "memalign",   "strdup",
				  "strndup", "memdup", "valloc",  "alloc_bytes"};
static const char *const endings[] = {"",       "0",       "_n",      "n",
				      "_array", "array",   "_usable", "_aligned",
				      "_zero",  "_or_die", "_nofail", "_impl"};

static bool is_one_of(const char *text, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, list[i]) == 0)
			return true;
	return false;
}

/* The last time that a part is in a name. */
static const char *last_of(const char *name, const char *part)
{
	const char *found = NULL, *at = name;

	while ((at = strstr(at, part)) != NULL)
		found = at++;
	return found;
}

/* What the compiler makes of a function has a dot behind its name: "xmalloc.constprop.0". */
static bool is_kin(const char *function)
{
	char name[256];
	size_t length = strcspn(function, ".@");

	if (length == 0 || length >= sizeof(name))
		return false;
	for (size_t i = 0; i < length; i++)
		name[i] = (char)tolower((unsigned char)function[i]);
	name[length] = '\0';
	for (size_t i = 0; i < sizeof(kin) / sizeof(kin[0]); i++) {
		const char *at = last_of(name, kin[i]);

		if (at != NULL &&
		    is_one_of(at + strlen(kin[i]), endings, sizeof(endings) / sizeof(endings[0])))
			return true;
	}
	return false;
}

static bool starts_with(const char *text, const char *begin)
{
	return strncmp(text, begin, strlen(begin)) == 0;
}

/*
 * By name and, where there is no C++ library to read it, by symbol. What the C++ library has of its own is often in no
 * file that tells so, as there is no debug information. <zmalloc.hpp> is no other.
 */
static bool is_of_cxx(const char *function)
{
	return starts_with(function, "operator new") || starts_with(function, "_Znw") ||
	       starts_with(function, "_Zna") || starts_with(function, "std::") ||
	       starts_with(function, "__gnu_cxx::") || starts_with(function, "zmalloc::");
}

bool is_wrapper(const struct place *place)
{
	if (starts_with(last_part(place->module), "libzmalloc"))
		return true;
	/* Containers and allocators of the C++ library are in headers, and so are in every program. */
	if (place->file != NULL && (strstr(place->file, "/include/c++/") != NULL ||
				    strstr(place->file, "/c++/v1/") != NULL))
		return true;
	return place->function != NULL && (is_of_cxx(place->function) || is_kin(place->function));
}
