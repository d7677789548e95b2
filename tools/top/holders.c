/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/holders.c - which code of a process holds the memory, in the details of `zmalloc top`.
 *
 * The terminal waits: names are those of the symbol tables, which takes a hundredth of what lines and inlined
 * functions do, and they are kept for as long as the profile is the same.
 */
#include "tools/top/holders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command.h"
#include "tools/profile/profile.h"

#define HOLDERS_MOST 20

static bool has_symbols(struct sheet *sheet, int64_t pid, uint64_t started_ns)
{
	if (sheet->symbols != NULL && sheet->symbols_pid == pid && sheet->symbols_ns == started_ns)
		return true;
	symbols_close(sheet->symbols);
	sheet->symbols = symbols_open(pid, true);
	sheet->symbols_pid = pid;
	sheet->symbols_ns = started_ns;
	return sheet->symbols != NULL;
}

/* "function", the function that calls it, and the allocation function between it and the library. */
static void add_holder(struct sheet *sheet, const struct group *group, uint64_t all)
{
	const struct chain *chain = group->chain;
	char bytes[ZM_HUMAN_BYTES], name[PLACE_TEXT], from[PLACE_TEXT], caller[PLACE_TEXT + 8] = "";
	struct group largest;

	if (chain->count == 0)
		return;
	if (group_largest_part(group, 1, false, &largest))
		snprintf(caller, sizeof(caller), "  < %s",
			 place_name(largest.chain->place[largest.chain->holder + 1], from));
	sheet_add(sheet, "%10s %5.1f %% %10llu  %s%s", human(group->bytes, bytes),
		  all != 0 ? (double)group->bytes * 100 / (double)all : 0,
		  (unsigned long long)group->blocks, place_name(chain->place[chain->holder], name),
		  caller);
}

static int add_largest(struct sheet *sheet, struct chains *chains)
{
	struct group *groups;
	uint64_t all = 0;
	size_t count;
	int error;

	chains_sort(chains);
	error = chains_group(chains, false, &groups, &count);
	for (size_t i = 0; error == 0 && i < count; i++)
		all += groups[i].bytes;
	sheet_add(sheet, "%10s %7s %10s  %s", "LIVE", "SHARE", "BLOCKS",
		  "HELD BY  (`zmalloc profile` tells more)");
	for (size_t i = 0; error == 0 && i < count && i < HOLDERS_MOST && groups[i].bytes != 0; i++)
		add_holder(sheet, &groups[i], all);
	free(groups);
	return error;
}

int holders_add(struct sheet *sheet, int64_t pid, unsigned timeout_ms)
{
	struct taken taken = {0};
	struct chains chains = {0};
	int error = take_profile(pid, timeout_ms, &taken);

	if (error == 0 && !has_symbols(sheet, pid, taken.info.started_ns))
		error = ENOMEM;
	if (error == 0)
		error = chains_make(&taken, sheet->symbols, &chains);
	if (error == 0)
		error = add_largest(sheet, &chains);
	chains_free(&chains);
	taken_free(&taken);
	return error;
}
