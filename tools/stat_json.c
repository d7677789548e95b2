/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/stat_json.c - what `zmalloc stat --json` says to programs.
 */
#include "stat.h"

#include <math.h>
#include <string.h>

#include "command.h"
#include "figures.h"

static void put_key(struct zm_builder *out, const char *key)
{
	zm_build_text(out, ",\"");
	zm_build_text(out, key);
	zm_build_text(out, "\":");
}

static void put_number(struct zm_builder *out, const char *key, uint64_t number)
{
	put_key(out, key);
	build_json_number(out, number);
}

/* An empty text is one that is not known. */
static void put_text(struct zm_builder *out, const char *key, const char *text)
{
	put_key(out, key);
	if (*text != '\0')
		zm_build_quoted(out, text);
	else
		zm_build_text(out, "null");
}

static void put_growth(struct zm_builder *out, const struct grown *growth)
{
	uint64_t size = growth->bytes < 0 ? 0 - (uint64_t)growth->bytes : (uint64_t)growth->bytes;

	put_key(out, "growth_bytes");
	if (growth->known && growth->bytes < 0)
		zm_build_text(out, "-");
	build_json_number(out, growth->known ? size : ZMALLOC_STATS_UNKNOWN);
	put_number(out, "growth_ms", growth->known ? growth->ms : ZMALLOC_STATS_UNKNOWN);
}

static const char *answer_of(const struct look *look)
{
	if (look->silent)
		return "none";
	return look->about.way == ZMALLOC_PROCESS_PASSIVE ? "passive" : "now";
}

static void put_about(struct zm_builder *out, const struct report *report)
{
	const struct look *look = &report->look;
	char user[LOOK_USER], unit[LOOK_UNIT];
	double share = look_of_limit(look);

	look_user(look, user);
	unit_of_group(look->about.group, unit);
	put_text(out, "answer", answer_of(look));
	put_number(out, "age_ms", look_age_ms(look));
	put_text(out, "command", look->about.command);
	put_text(out, "user", user);
	put_number(out, "uid",
		   look->about.user != UINT32_MAX ? look->about.user : ZMALLOC_STATS_UNKNOWN);
	put_text(out, "unit", unit);
	put_text(out, "control_group", look->about.group);
	put_number(out, "uptime_ms", look->about.uptime_ms);
	put_number(out, "limit_bytes", look->about.limit_bytes);
	put_text(out, "limit_source", look->about.limit_source);
	put_key(out, "rss_of_limit_ratio");
	if (isnan(share))
		zm_build_text(out, "null");
	else
		zm_build_decimal(out, share);
	put_number(out, "swap_bytes", look->about.swap_bytes);
	put_number(out, "pss_bytes", look->about.pss_bytes);
	put_growth(out, &report->growth);
}

static void put_bins(struct zm_builder *out, const struct parts *bins)
{
	if (!bins->wanted)
		return;
	zm_build_text(out, bins->error != 0 ? ",\"bins\":null" : ",\"bins\":[");
	for (size_t i = 0; bins->error == 0 && i < bins->count; i++) {
		const struct zmalloc_bin_stats *bin = &bins->bin[i];

		zm_build_text(out, i != 0 ? ",\n  {\"region_bytes\":" : "\n  {\"region_bytes\":");
		build_json_number(out, bin->region_bytes);
		put_number(out, "slabs", bin->slabs);
		put_number(out, "regions", bin->regions);
		put_number(out, "used_regions", bin->used_regions);
		put_number(out, "free_bytes", bin->free_bytes);
		zm_build_text(out, "}");
	}
	zm_build_text(out, bins->error != 0 ? "" : "]");
}

static void put_arenas(struct zm_builder *out, const struct parts *arenas)
{
	if (!arenas->wanted)
		return;
	zm_build_text(out, arenas->error != 0 ? ",\"arenas\":null" : ",\"arenas\":[");
	for (size_t i = 0; arenas->error == 0 && i < arenas->count; i++) {
		zm_build_text(out, i != 0 ? ",\n  {\"arena\":" : "\n  {\"arena\":");
		zm_build_number(out, arenas->arena[i]);
		build_json_figures(out, &arenas->arena_stats[i]);
		zm_build_text(out, "}");
	}
	zm_build_text(out, arenas->error != 0 ? "" : "]");
}

static void put_scope(struct zm_builder *out, const struct zmalloc_scope_stats *scope)
{
	zm_build_text(out, "{\"name\":");
	if (*scope->name != '\0')
		zm_build_quoted(out, scope->name);
	else
		zm_build_text(out, "null");
	put_key(out, "used_bytes");
	zm_build_signed(out, scope->used_bytes);
	put_number(out, "peak_bytes", scope->peak_bytes);
	put_number(out, "limit_bytes", scope->limit_bytes);
	put_number(out, "refusals", scope->refusals);
	put_number(out, "threads", scope->threads);
	zm_build_text(out, "}");
}

static void put_scopes(struct zm_builder *out, const struct parts *scopes)
{
	if (!scopes->wanted)
		return;
	zm_build_text(out, scopes->error != 0 ? ",\"scopes\":null" : ",\"scopes\":[");
	for (size_t i = 0; scopes->error == 0 && i < scopes->count; i++) {
		zm_build_text(out, i != 0 ? ",\n  " : "\n  ");
		put_scope(out, &scopes->scope[i]);
	}
	zm_build_text(out, scopes->error != 0 ? "" : "]");
}

static void put_report(struct zm_builder *out, const struct report *report)
{
	const struct zmalloc_process *process = &report->look.process;

	zm_build_text(out, "{\"pid\":");
	zm_build_number(out, (uint64_t)process->pid);
	put_text(out, "name", process->name);
	put_text(out, "allocator", process->allocator);
	put_text(out, "version", process->version);
	put_number(out, "updated_ms", process->updated_ms);
	put_about(out, report);
	build_json_figures(out, &process->stats);
	put_bins(out, &report->bins);
	put_arenas(out, &report->arenas);
	put_scopes(out, &report->scopes);
	zm_build_text(out, "}");
}

int write_reports_json(const struct report *reports, size_t count)
{
	struct zm_builder out;

	zm_builder_start_writer(&out, write_to_stdout, NULL);
	zm_build_text(&out, "[");
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			zm_build_text(&out, ",\n ");
		put_report(&out, &reports[i]);
	}
	zm_build_text(&out, "]\n");
	return zm_builder_finish(&out);
}
