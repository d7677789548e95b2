/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/units.h - the debug information of one module: which function an address is in, which functions
 * the compiler put into that one there, and the lines.
 */
#ifndef ZM_TOOL_UNITS_H
#define ZM_TOOL_UNITS_H

#include <elfutils/libdwfl.h>

#include "tools/profile/names.h"

struct units;

/* NULL: no memory. One that has no debug information has no names. */
struct units *units_read(Dwfl_Module *module);
void units_free(struct units *units);

/* As names_find(). */
size_t units_find(struct units *units, uint64_t address, struct name name[PLACES_MOST]);

#endif
