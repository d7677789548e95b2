/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/units.c - the debug information of one module.
 *
 * libdw has functions for this. They read a table of addresses that clang does not write, and walk through a
 * whole unit for each address; with tables of our own ten thousand addresses take no longer than one.
 */
#include "tools/profile/units.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than any compiler nests: a file that leads in circles is not followed. */
#define NESTING_MOST 64

/* Addresses as the file has them, of a unit or a function. */
struct range {
	Dwarf_Addr low, high;
	Dwarf_Die die;
	size_t unit; /* of a function; its number otherwise */
};

struct ranges {
	struct range *range; /* by address */
	size_t count, room;
};

struct units {
	Dwarf_Addr bias; /* what the file's addresses are less than the process's */
	struct ranges units, functions;
	bool *has_functions; /* by number: they have been read */
	size_t count;
};

/* ---- Ranges ---- */

static bool add_range(struct ranges *ranges, const struct range *range)
{
	struct range *grown;

	if (ranges->count == ranges->room) {
		grown = realloc(ranges->range, (ranges->room * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return false;
		ranges->range = grown;
		ranges->room = ranges->room * 2 + 64;
	}
	ranges->range[ranges->count++] = *range;
	return true;
}

static void add_ranges(struct ranges *ranges, Dwarf_Die *die, size_t unit)
{
	struct range range = {.die = *die, .unit = unit};
	Dwarf_Addr base;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &range.low, &range.high)) > 0)
		/* What the linker threw away begins at 0. */
		if (range.low != 0 && range.low < range.high && !add_range(ranges, &range))
			return;
}

static int by_address(const void *a, const void *b)
{
	Dwarf_Addr left = ((const struct range *)a)->low, right = ((const struct range *)b)->low;

	return (left > right) - (left < right);
}

static void sort(struct ranges *ranges)
{
	if (ranges->count != 0)
		qsort(ranges->range, ranges->count, sizeof(*ranges->range), by_address);
}

/* Ranges do not overlap, as code belongs to one. */
static struct range *range_of(const struct ranges *ranges, Dwarf_Addr address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct range *range = &ranges->range[middle];

		if (address < range->low)
			high = middle;
		else if (address >= range->high)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

/* ---- Reading ---- */

struct units *units_read(Dwfl_Module *module)
{
	struct units *units = calloc(1, sizeof(*units));
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias = 0;

	if (units == NULL)
		return NULL;
	while ((unit = dwfl_module_nextcu(module, unit, &bias)) != NULL) {
		units->bias = bias;
		add_ranges(&units->units, unit, units->count++);
	}
	sort(&units->units);
	units->has_functions = calloc(units->count + 1, sizeof(*units->has_functions));
	if (units->has_functions != NULL)
		return units;
	units_free(units);
	return NULL;
}

void units_free(struct units *units)
{
	free(units->units.range);
	free(units->functions.range);
	free(units->has_functions);
	free(units);
}

/* Functions stand at the top of a unit, or in what C++ puts them into. */
static void add_functions(struct units *units, Dwarf_Die *parent, size_t unit, int nesting)
{
	Dwarf_Die child;

	if (nesting > NESTING_MOST || dwarf_child(parent, &child) != 0)
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_subprogram:
			add_ranges(&units->functions, &child, unit);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
			add_functions(units, &child, unit, nesting + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
}

static struct range *function_of(struct units *units, struct range *unit, Dwarf_Addr address)
{
	if (!units->has_functions[unit->unit]) {
		units->has_functions[unit->unit] = true;
		add_functions(units, &unit->die, unit->unit, 0);
		sort(&units->functions);
	}
	return range_of(&units->functions, address);
}

/* ---- Names ---- */

/* The call that the compiler replaced by the function's own code is in the function around it. */
static void take_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct name *around)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word number;
	size_t count;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &number) == 0 &&
	    dwarf_getsrcfiles(unit, &files, &count) == 0 && number < count)
		around->file = dwarf_filesrc(files, number, NULL, NULL);
	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &number) == 0)
		around->line = (unsigned)number;
}

/* The child that the address is in; false: there is none. */
static bool step_into(Dwarf_Die *die, Dwarf_Addr address)
{
	Dwarf_Die child;

	if (dwarf_child(die, &child) != 0)
		return false;
	do {
		int tag = dwarf_tag(&child);

		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    dwarf_haspc(&child, address) > 0) {
			*die = child;
			return true;
		}
	} while (dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* Fills chain[0] with the function and the others with what is inside, outermost first. */
static size_t follow_inlined(Dwarf_Die function, Dwarf_Addr address, Dwarf_Die chain[PLACES_MOST])
{
	size_t count = 1;

	chain[0] = function;
	for (int i = 0; i < NESTING_MOST && count < PLACES_MOST; i++) {
		if (!step_into(&function, address))
			break;
		if (dwarf_tag(&function) == DW_TAG_inlined_subroutine)
			chain[count++] = function;
	}
	return count;
}

static void take_line(Dwarf_Die *unit, Dwarf_Addr address, struct name *name)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number = 0;

	if (line == NULL)
		return;
	name->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		name->line = (unsigned)number;
}

/* C++ has the classes and the namespaces of a function in its symbol alone. */
static const char *name_of(Dwarf_Die *function)
{
	Dwarf_Attribute symbol;

	if (dwarf_attr_integrate(function, DW_AT_linkage_name, &symbol) != NULL)
		return dwarf_formstring(&symbol);
	return dwarf_diename(function);
}

size_t units_find(struct units *units, uint64_t address, struct name name[PLACES_MOST])
{
	Dwarf_Addr in_file = address - units->bias;
	struct range *unit = range_of(&units->units, in_file), *function;
	Dwarf_Die chain[PLACES_MOST];
	size_t count = 1;

	if (unit == NULL)
		return 0;
	function = function_of(units, unit, in_file);
	if (function != NULL)
		count = follow_inlined(function->die, in_file, chain);
	for (size_t i = 0; i < count; i++)
		name[i] = (struct name){
			.function = function != NULL ? name_of(&chain[count - 1 - i]) : NULL};
	take_line(&unit->die, in_file, &name[0]);
	for (size_t i = 1; i < count; i++)
		take_call(&unit->die, &chain[count - i], &name[i]);
	return function != NULL || name[0].file != NULL ? count : 0;
}
