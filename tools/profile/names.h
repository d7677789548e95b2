/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/names.h - who finds names: names_libdw.c with elfutils, names_none.c without.
 */
#ifndef ZM_TOOL_NAMES_H
#define ZM_TOOL_NAMES_H

#include "tools/profile/symbols.h"

/* Valid until the next question; NULL and 0 where it is not known. */
struct name {
	const char *function, *file;
	unsigned line;
};

struct names;

/* NULL: there is no memory, or nothing of the kind in this build. The mappings stay there. */
struct names *names_open(const struct mappings *mappings, bool is_quick);
void names_close(struct names *names);

/* The functions that an address is in, the innermost first. Returns how many, 0 if none is known. */
size_t names_find(struct names *names, uint64_t address, struct name name[PLACES_MOST]);

/* What is missing, for people; NULL if nothing is. */
const char *names_missing(const struct names *names);

#endif
