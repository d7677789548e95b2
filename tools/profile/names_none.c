/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/names_none.c - a build without elfutils' libdw has no names.
 */
#include "tools/profile/names.h"

struct names *names_open(const struct mappings *mappings, bool is_quick)
{
	(void)mappings;
	(void)is_quick;
	return NULL;
}

void names_close(struct names *names)
{
	(void)names;
}

size_t names_find(struct names *names, uint64_t address, struct name name[PLACES_MOST])
{
	(void)names;
	(void)address;
	(void)name;
	return 0;
}

const char *names_missing(const struct names *names)
{
	(void)names;
	return "this zmalloc was built without elfutils' libdw, which finds them";
}
