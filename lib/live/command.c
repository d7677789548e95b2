/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/command.c - the table of commands, and what each of them does.
 */
#include "config.h"

#include "live/command.h"

#include <errno.h>
#include <string.h>

#include <zmalloc/stats.h>

#include "account/scope.h"
#include "os/failure.h"
#include "os/os.h"

void zm_command_add(struct zm_command_answer *answer, const void *record)
{
	size_t used_bytes = (size_t)answer->records * answer->record_bytes;

	if (used_bytes + answer->record_bytes > answer->room_bytes) {
		answer->left_off++;
		return;
	}
	memcpy(answer->room + used_bytes, record, answer->record_bytes);
	answer->records++;
}

/* ---- Size classes ---- */

static int add_bin(const struct zmalloc_bin_stats *bin, void *answer)
{
	const struct zm_bin_record record = {bin->region_bytes, bin->slabs, bin->regions,
					     bin->used_regions, bin->free_bytes};

	zm_command_add(answer, &record);
	return 0;
}

static void tell_bins(const uint64_t argument[2], struct zm_command_answer *answer)
{
	answer->record_bytes = sizeof(struct zm_bin_record);
	if (argument[0] > ZMALLOC_STATS_ALL_ARENAS)
		answer->error = ENOENT;
	else if (zmalloc_stats_visit_bins((unsigned)argument[0], 1, add_bin, answer) != 0)
		answer->error = zm_os_failure();
}

/* ---- Arenas ---- */

static void tell_arenas(const uint64_t argument[2], struct zm_command_answer *answer)
{
	unsigned arenas = zmalloc_stats_arenas();
	int refresh = 1;

	(void)argument;
	answer->record_bytes = sizeof(struct zm_arena_record);
	if (arenas == 0)
		answer->error = ENOTSUP;
	for (unsigned arena = 0; arena < arenas; arena++) {
		struct zmalloc_stats stats = {.size = sizeof(stats)};
		struct zm_arena_record record = {.arena = arena};

		if (zmalloc_stats_get_arena(arena, refresh, &stats) != 0)
			continue;
		refresh = 0;
		zm_published_put(record.figure, &stats);
		zm_command_add(answer, &record);
	}
}

/* ---- Giving back ---- */

/* As the kernel sees it: what the allocator let go of may have been away before. */
static void purge(const uint64_t argument[2], struct zm_command_answer *answer)
{
	size_t before = 0, after = 0;

	(void)argument;
	if (zm_os_rss(&before) != 0)
		before = 0;
	if (zmalloc_purge() != 0)
		answer->error = zm_os_failure();
	else if (zm_os_rss(&after) == 0 && after < before)
		answer->value = before - after;
}

/* ---- Limits ---- */

static void tell_limit(const uint64_t argument[2], struct zm_command_answer *answer)
{
	struct zm_limit_record record = {.source = ""};

	(void)argument;
	answer->record_bytes = sizeof(record);
	answer->value = zmalloc_get_memory_limit_source(record.source, sizeof(record.source));
	if (answer->value == 0)
		answer->error = ENOTSUP;
	else
		zm_command_add(answer, &record);
}

/* ---- Scopes ---- */

static void add_scope(struct zm_command_answer *answer, const struct zmalloc_scope_stats *scope)
{
	struct zm_scope_record record = {"",
					 scope->used_bytes,
					 scope->peak_bytes,
					 scope->limit_bytes,
					 scope->refusals,
					 scope->threads};

	_Static_assert(sizeof(record.name) == sizeof(scope->name), "a name has its room");
	memcpy(record.name, scope->name, sizeof(record.name));
	zm_command_add(answer, &record);
}

static void tell_scopes(const uint64_t argument[2], struct zm_command_answer *answer)
{
	struct zm_scope_sheet sheet;

	answer->record_bytes = sizeof(struct zm_scope_record);
	answer->error = zm_scopes_take(&sheet);
	if (answer->error != 0)
		return;
	for (uint64_t i = argument[0]; i < sheet.count; i++)
		add_scope(answer, &sheet.stats[i]);
	zm_scopes_let_go(&sheet);
}

/* ---- The table ---- */

typedef void (*command_function)(const uint64_t argument[2], struct zm_command_answer *answer);

static const command_function commands[ZM_COMMANDS + 1] = {
	[ZM_COMMAND_BINS] = tell_bins,
	[ZM_COMMAND_ARENAS] = tell_arenas,
	[ZM_COMMAND_PURGE] = purge,
	[ZM_COMMAND_LIMIT] = tell_limit,
	[ZM_COMMAND_SCOPES] = tell_scopes,
	[ZM_COMMAND_PROFILE_START] = zm_command_profile_start,
	[ZM_COMMAND_PROFILE_STOP] = zm_command_profile_stop,
	[ZM_COMMAND_PROFILE_INFO] = zm_command_profile_info,
	[ZM_COMMAND_PROFILE] = zm_command_profile,
};

void zm_command_run(uint32_t command, const uint64_t argument[2], struct zm_command_answer *answer)
{
	answer->error = 0;
	answer->value = 0;
	answer->records = answer->record_bytes = answer->left_off = 0;
	if (command > ZM_COMMANDS || commands[command] == NULL)
		answer->error = ENOTSUP;
	else
		commands[command](argument, answer);
}
