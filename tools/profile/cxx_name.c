/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/cxx_name.c - by __cxa_demangle() of whichever C++ library is there: the program that is looked at has
 * one, and this tool needs none for anything else.
 *
 * https://itanium-cxx-abi.github.io/cxx-abi/abi.html#demangler
 */
#include "tools/profile/cxx_name.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef char *demangle_function(const char *symbol, char *buffer, size_t *length, int *status);

static demangle_function *find_demangle(void)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1",
						"libc++abi.dylib"};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY);
		void *found = library != NULL ? dlsym(library, "__cxa_demangle") : NULL;
		demangle_function *demangle;

		memcpy(&demangle, &found, sizeof(demangle));
		if (demangle != NULL)
			return demangle;
	}
	return NULL;
}

/* Where the list of parameters begins that the bracket at `end` closes; NULL: nowhere. */
static char *opening_of(char *name, size_t end)
{
	size_t depth = 0;

	for (size_t at = end + 1; at-- > 0;) {
		depth += name[at] == ')';
		depth -= name[at] == '(';
		if (depth == 0)
			return &name[at];
	}
	return NULL;
}

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t size = strlen(end);

	return length >= size && memcmp(text + length - size, end, size) == 0;
}

/*
 * Of "shop::find(int) const [clone .isra.0]" shop::find is left. The first brackets of "operator()" are a part of its
 * name, and what comes behind the parameters of one function may be another one that is inside it.
 */
static void drop_parameters(char *name)
{
	char *clone = strstr(name, " [clone "), *end, *begin;

	if (clone != NULL)
		*clone = '\0';
	end = strrchr(name, ')');
	if (end == NULL || strstr(end, "::") != NULL)
		return;
	begin = opening_of(name, (size_t)(end - name));
	if (begin != NULL && begin != name && !ends_with(name, (size_t)(begin - name), "operator"))
		*begin = '\0';
}

/* Of a template's function the symbol has what it returns as well: "void* shop::find<int>". */
static void drop_result(char *name)
{
	char *begin = name;
	int depth = 0;

	if (strstr(name, "operator") != NULL)
		return;
	for (char *at = name; *at != '\0'; at++) {
		depth += *at == '<' || *at == '(';
		depth -= *at == '>' || *at == ')';
		if (*at == ' ' && depth == 0)
			begin = at + 1;
	}
	memmove(name, begin, strlen(begin) + 1);
}

char *cxx_name(const char *symbol)
{
	static demangle_function *demangle;
	static bool was_looked_for;
	char *name;

	if (symbol == NULL || strncmp(symbol, "_Z", 2) != 0)
		return NULL;
	if (!was_looked_for)
		demangle = find_demangle();
	was_looked_for = true;
	name = demangle != NULL ? demangle(symbol, NULL, NULL, NULL) : NULL;
	if (name != NULL) {
		drop_parameters(name);
		drop_result(name);
	}
	return name;
}
