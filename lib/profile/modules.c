/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/modules.c - which code an address is of.
 */
#include "config.h"

#include "profile/modules.h"

#include <string.h>

#include "profile/write.h"

/* A path that does not fit any more is the empty one, which stands at 0. */
static uint32_t keep_path(struct zm_profile_modules *modules, const char *path)
{
	size_t size = strlen(path) + 1, at = modules->paths;

	if (!modules->has_paths || size > ZM_PROFILE_PATHS_BYTES - at)
		return 0;
	memcpy(modules->scratch->paths + at, path, size);
	modules->paths += size;
	return (uint32_t)at;
}

/* Sheets have them by address as a rule: then each is put at the end. */
static int keep(const struct zm_profile_mapping *mapping, void *context)
{
	struct zm_profile_modules *modules = context;
	struct zm_profile_module *module = modules->scratch->module;
	size_t at = modules->count;

	modules->seen++;
	if (at == ZM_PROFILE_MODULES || mapping->start >= mapping->limit)
		return 0;
	for (; at > 0 && module[at - 1].start > mapping->start; at--)
		module[at] = module[at - 1];
	module[at] = (struct zm_profile_module){.start = mapping->start,
						.limit = mapping->limit,
						.offset = mapping->offset,
						.number = modules->seen,
						.path = keep_path(modules, mapping->path)};
	modules->count++;
	return 0;
}

int zm_profile_modules_take(struct zm_profile_modules *modules,
			    const struct zm_profile_sheet *sheet,
			    struct zm_profile_scratch *scratch, bool with_paths)
{
	*modules = (struct zm_profile_modules){
		.scratch = scratch, .paths = 1, .has_paths = with_paths};
	scratch->paths[0] = '\0';
	return zm_profile_each_mapping(sheet, keep, modules);
}

const struct zm_profile_module *zm_profile_module_of(const struct zm_profile_modules *modules,
						     uintptr_t address)
{
	const struct zm_profile_module *module = modules->scratch->module;
	size_t low = 0, high = modules->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < module[middle].start)
			high = middle;
		else
			low = middle + 1;
	}
	return low > 0 && address < module[low - 1].limit ? &module[low - 1] : NULL;
}
