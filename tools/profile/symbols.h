/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/symbols.h - names for addresses of a running process: function, file and line where they can be
 * found, module and offset in any case.
 */
#ifndef ZM_TOOL_SYMBOLS_H
#define ZM_TOOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/profile/mappings.h"

/*
 * A place in the program. What is the same is one place, so that pointers tell. All texts are valid UTF-8 without
 * control characters; `id` is by the order in which they were found.
 */
struct place {
	size_t id;
	const char *function; /* NULL: it has no name that is known */
	const char *file;     /* NULL: not known */
	unsigned line;
	const char *module; /* path of the file whose code it is, "" where that is not known */
	uint64_t offset;    /* of one without a name, as of struct where; else 0 */
};

/* One address may be of several: a function that the compiler put into another one, the innermost first. */
enum {
	PLACES_MOST = 16
};
struct where {
	uintptr_t address;
	uint64_t offset; /* of the call in the module's file; in none, the address itself */
	size_t count;    /* 1 at least */
	const struct place *place[PLACES_MOST];
};

struct symbols;

/* is_quick: names of functions alone, without reading debug information. NULL: no memory. */
struct symbols *symbols_open(int64_t pid, bool is_quick);
void symbols_close(struct symbols *symbols);

const struct mappings *symbols_mappings(const struct symbols *symbols);

/* What an address is that a call returns to: of the call, not of what comes after it. NULL: no memory. */
const struct where *symbols_find(struct symbols *symbols, uintptr_t address);

/* Why there are no names, for people; NULL if there may be. */
const char *symbols_refusal(const struct symbols *symbols);

/* The last part of a path. */
const char *last_part(const char *path);

#endif
