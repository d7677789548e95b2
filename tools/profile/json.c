/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/json.c - a profile for programs: every stack, with the addresses and the names.
 */
#include "tools/profile/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/figures.h"

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

static void put_text(struct zm_builder *out, const char *key, const char *text)
{
	put_key(out, key);
	if (text != NULL && *text != '\0')
		zm_build_quoted(out, text);
	else
		zm_build_text(out, "null");
}

/* An address is a text: JSON's numbers end at 53 bits in many a reader. */
static void put_address(struct zm_builder *out, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "\"0x%" PRIx64 "\"", address);
	zm_build_text(out, text);
}

static void put_place(struct zm_builder *out, const struct where *where, size_t number)
{
	const struct place *place = where->place[number];

	zm_build_text(out, "{\"address\":");
	put_address(out, where->address);
	put_text(out, "function", place->function);
	put_text(out, "file", place->file);
	put_number(out, "line", place->line != 0 ? place->line : ZMALLOC_STATS_UNKNOWN);
	put_text(out, "module", place->module);
	put_key(out, "offset");
	put_address(out, where->offset);
	put_key(out, "inlined");
	zm_build_text(out, number + 1 < where->count ? "true}" : "false}");
}

static void put_frames(struct zm_builder *out, const struct chain *chain)
{
	bool any = false;

	put_number(out, "holder", chain->count != 0 ? chain->holder : ZMALLOC_STATS_UNKNOWN);
	zm_build_text(out, ",\"frames\":[");
	for (unsigned i = 0; i < chain->stack->now.depth; i++)
		for (size_t j = 0; j < chain->where[i]->count; j++) {
			zm_build_text(out, any ? ",\n    " : "\n    ");
			put_place(out, chain->where[i], j);
			any = true;
		}
	zm_build_text(out, "]");
}

static void put_stack(struct zm_builder *out, const struct chain *chain, bool is_compared)
{
	const struct zmalloc_profile_stack *stack = &chain->stack->now;

	zm_build_text(out, "{\"live_bytes\":");
	build_json_number(out, stack->live_bytes);
	put_number(out, "live_blocks", stack->live_blocks);
	put_number(out, "total_bytes", stack->total_bytes);
	put_number(out, "total_blocks", stack->total_blocks);
	put_number(out, "live_samples", stack->live_samples);
	put_number(out, "live_sample_bytes", stack->live_sample_bytes);
	put_number(out, "total_samples", stack->total_samples);
	put_number(out, "total_sample_bytes", stack->total_sample_bytes);
	if (is_compared) {
		put_key(out, "growth_bytes");
		zm_build_signed(out, stack_growth(chain->stack));
		put_key(out, "growth_blocks");
		zm_build_signed(out, (int64_t)(stack->live_blocks - chain->stack->before_blocks));
	}
	put_frames(out, chain);
	zm_build_text(out, "}");
}

void profile_build_json(struct zm_builder *out, const struct profile *profile)
{
	const struct zmalloc_profile_info *info = &profile->taken.info;

	zm_build_text(out, "{\"pid\":");
	zm_build_number(out, (uint64_t)profile->process.pid);
	put_text(out, "name", profile->process.name);
	put_number(out, "used_bytes", profile->process.stats.used_bytes);
	put_number(out, "mean_bytes", info->mean_bytes);
	put_key(out, "is_on");
	zm_build_text(out, info->is_on != 0 ? "true" : "false");
	put_number(out, "started_ms", info->started_ns / 1000000);
	put_number(out, "duration_ms", info->duration_ns / 1000000);
	put_number(out, "samples", info->samples);
	put_number(out, "lost_samples", info->lost_samples);
	put_number(out, "memory_bytes", info->memory_bytes);
	put_number(out, "since_ms",
		   profile->since_ms != 0 ? profile->since_ms : ZMALLOC_STATS_UNKNOWN);
	put_text(out, "names_missing", symbols_refusal(profile->symbols));
	zm_build_text(out, ",\"stacks\":[");
	for (size_t i = 0; i < profile->chains.count; i++) {
		zm_build_text(out, i != 0 ? ",\n  " : "\n  ");
		put_stack(out, &profile->chains.chain[i], profile->since_ms != 0);
	}
	zm_build_text(out, "]}");
}
