/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/defrag_program.h"

#include <string.h>

#include <zmalloc.h>

#include "account/account.h"
#include "defrag/hint.h"

/* Of a program that does little else than ask: so many hints in a millisecond. */
#define HINTS_MS 500

static void pass_time(size_t ms)
{
	zm_store(&zm_hint_clock_ms, zm_load(&zm_hint_clock_ms) + ms);
}

struct zdefrag_stats hint_stats(void)
{
	struct zdefrag_stats stats = {.size = sizeof(stats)};

	REQUIRE(zdefrag_hint_get_stats(&stats) == 0);
	return stats;
}

void program_counts_first(void)
{
	memset(zm_hints.doubt, UINT8_MAX, sizeof(zm_hints.doubt));
}

void program_begin(struct program *program, size_t count, unsigned keep_percent)
{
	program->chance = chance_of(count);
	pass_time(1000000);
	if (program->parts == 0)
		program->parts = 1;
	if (program->times == 0)
		program->times = 1;
	blocks_fill(&program->blocks, count, 300, 1);
	blocks_thin(&program->blocks, keep_percent);
}

static void note_release(struct program *program, size_t held_before)
{
	size_t held = zm_account_held();

	if (held_before > held + program->most_released)
		program->most_released = held_before - held;
}

void program_ask(struct program *program, size_t block)
{
	struct held_block *asked = &program->blocks.held[block];
	size_t held;

	if (asked->hidden)
		return;
	program->asked++;
	pass_time(program->hint_ms + (program->asked % HINTS_MS == 0));
	held = zm_account_held();
	if (zdefrag_hint(asked->at)) {
		note_release(program, held);
		/* Nothing ends before what was answered 1 has moved. */
		REQUIRE(zm_cycle.open);
		blocks_move(asked);
		program->moved++;
	} else {
		note_release(program, held);
	}
}

void program_pause(struct program *program, size_t pause_ms)
{
	for (int i = 0; i < 300; i++) {
		size_t held = zm_account_held();
		void *block = opaque(zmalloc(1 + chance_below(&program->chance, 700)));

		note_release(program, held);
		held = zm_account_held();
		zfree(block);
		note_release(program, held);
		if (i % 100 == 0)
			pass_time(pause_ms / 3);
	}
}

static void shuffle(struct program *program)
{
	struct held_block *held = program->blocks.held;

	for (size_t i = program->blocks.count; i > 1; i--) {
		size_t other = chance_below(&program->chance, i);
		struct held_block block = held[i - 1];

		held[i - 1] = held[other];
		held[other] = block;
	}
}

/* The scan has come to this place. */
static void ask_at(struct program *program, size_t place)
{
	size_t last = program->blocks.count - 1;

	switch (program->order) {
	case BACKWARDS:
		program_ask(program, last - place);
		break;
	case TO_AND_FRO:
		program_ask(program, program->scans % 2 == 0 ? place : last - place);
		break;
	case AT_RANDOM:
		program_ask(program, chance_below(&program->chance, last + 1));
		break;
	case HALF:
		if (chance_below(&program->chance, 2) == 0)
			program_ask(program, place);
		break;
	case TWICE:
		program_ask(program, place);
		program_ask(program, place);
		break;
	default:
		program_ask(program, place);
	}
}

static void scan_part(struct program *program, size_t part)
{
	size_t end = program->blocks.count * (part + 1) / program->parts;

	for (size_t place = program->blocks.count * part / program->parts; place < end; place++)
		ask_at(program, place);
	program_pause(program, program->pause_ms);
}

void program_scan(struct program *program)
{
	if (program->order == SHUFFLED)
		shuffle(program);
	for (size_t part = 0; part < program->parts; part++)
		for (size_t time = 0; time < program->times; time++)
			scan_part(program, part);
	program->scans++;
}

size_t program_scan_to_end(struct program *program, size_t scans_max)
{
	for (size_t scans = 1; scans <= scans_max; scans++) {
		program_scan(program);
		if (hint_stats().phase == ZDEFRAG_IDLE &&
		    hint_stats().reason != ZDEFRAG_REASON_NONE)
			return scans;
	}
	return 0;
}

void program_end(struct program *program)
{
	zdefrag_hint_end();
	for (int i = 0; hint_stats().phase != ZDEFRAG_IDLE; i++) {
		REQUIRE(i < 10000);
		program_pause(program, 0);
	}
	REQUIRE_EQ(hint_stats().held_bytes, 0);
	memset(&zm_hints, 0, sizeof(zm_hints));
	blocks_check(&program->blocks);
	blocks_free(&program->blocks);
}
