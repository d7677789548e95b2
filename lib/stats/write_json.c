/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write_json.c - figures as JSON: one object, or an array of them.
 */
#include "config.h"

#include "stats/write.h"

static void put_key(struct zm_builder *out, const char *key)
{
	zm_build_text(out, ",");
	zm_build_quoted(out, key);
	zm_build_text(out, ":");
}

static void put_object(struct zm_builder *out, const struct zm_process_set *set, size_t number)
{
	const struct zmalloc_process *process = zm_process_at(set, number);

	zm_build_text(out, "{\"pid\":");
	zm_build_number(out, (uint64_t)process->pid);
	put_key(out, "name");
	zm_build_quoted(out, process->name);
	put_key(out, "allocator");
	zm_build_quoted(out, process->allocator);
	put_key(out, "version");
	zm_build_quoted(out, process->version);
	put_key(out, "updated_ms");
	zm_build_number(out, process->updated_ms);
	for (size_t i = 0; i < ZM_FIGURES_COUNT; i++) {
		put_key(out, zm_figures[i].name);
		if (zm_process_knows(set, number, &zm_figures[i]))
			zm_write_value(out, &process->stats, &zm_figures[i]);
		else
			zm_build_text(out, "null");
	}
	if (set->scopes)
		zm_write_json_scopes(out);
	zm_build_text(out, "}");
}

void zm_write_json(struct zm_builder *out, const struct zm_process_set *set)
{
	if (set->labels)
		zm_build_text(out, "[");
	for (size_t i = 0; i < set->count; i++) {
		if (i != 0)
			zm_build_text(out, ",\n ");
		put_object(out, set, i);
	}
	zm_build_text(out, set->labels ? "]\n" : "\n");
}
