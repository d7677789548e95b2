/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/sampler.c - bytes allocated until the next sample, and the samples' stacks.
 *
 * Distances are exponential, so where a thread is between two samples says nothing about the next: a block
 * of b bytes is sampled with a probability of 1 - exp(-b / mean), whatever came before, and on whatever
 * thread.
 */
#include "config.h"

#include "profile/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "account/account.h"
#include "account/client.h"
#include "account/growth.h"
#include "base/atomic.h"
#include "base/clock.h"
#include "base/probe.h"
#include "base/program.h"
#include "profile/moment.h"
#include "profile/samples.h"
#include "profile/stack.h"

/* The library's own frames, at most so many, come before the caller of it. */
#define OWN_FRAMES 12

/* No distance is longer: what a thread has allocated is added to it. */
#define FAR_BYTES (PTRDIFF_MAX / 2)

static ZM_ATOMIC(uint64_t) last_seed;
static ZM_ATOMIC(uint32_t) seed_round;

static ZM_TLS struct {
	uint64_t state;
	uint32_t round;
} dice;

/* ---- Random numbers --------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_random(void)
{
	uint64_t mixed = dice.state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* Each thread has a sequence of its own, and none after a fork that its parent has. */
static void throw_anew(uint32_t round)
{
	uint64_t seed = zm_fetch_add(&last_seed, UINT64_C(0x5851f42d4c957f2d));

	dice.round = round;
	dice.state = seed != 0 ? seed : (uintptr_t)&dice ^ zm_now_ns();
	next_random();
}

void zm_sampler_seed(uint64_t seed)
{
	zm_store(&last_seed, seed);
	zm_fetch_add(&seed_round, 1);
}

static size_t distance_bytes(void)
{
	double mean = (double)zm_samples_mean_bytes(), uniform, distance;
	uint32_t round = zm_load(&seed_round) + 1;

	if (mean <= 1)
		return mean == 0 ? FAR_BYTES : 0;
	if (dice.round != round)
		throw_anew(round);
	/* In (0, 1], of 53 bits. */
	uniform = (double)((next_random() >> 11) + 1) * 0x1p-53;
	distance = -log(uniform) * mean;
	return distance < (double)FAR_BYTES ? (size_t)distance + 1 : FAR_BYTES;
}

/* ---- Stacks ----------------------------------------------------------------------------------- */

static uintptr_t own_text, own_text_end;
/* Of the library that has malloc()'s names; empty where there is none. */
static uintptr_t preload_text, preload_text_end;

/* In a program that the library is part of: up to where it was called from, or to a function of its own. */
static unsigned frames_to_caller(const uintptr_t *frames, unsigned depth)
{
	for (unsigned own = 0; own < depth && own < OWN_FRAMES; own++)
		if (frames[own] == (uintptr_t)zm_growth_caller)
			return own;
	return 0;
}

static bool is_own(uintptr_t frame)
{
	return frame - own_text < own_text_end - own_text ||
	       frame - preload_text < preload_text_end - preload_text;
}

/* Frames of the library before those of its caller. */
static unsigned own_frames(const uintptr_t *frames, unsigned depth)
{
	unsigned own = 0;

	if (own_text_end == 0)
		return frames_to_caller(frames, depth);
	while (own < depth && own < OWN_FRAMES && is_own(frames[own]))
		own++;
	return own;
}

/*
 * Where no unwind tables are read the walk goes by frame pointers, which this library's functions need not keep: it
 * ends among them, or comes out beyond the caller. Who that was has been noted; it takes the last own frame's place.
 */
static unsigned put_caller(uintptr_t *frames, unsigned depth, unsigned own)
{
#if !defined(HAVE_STACK_TABLES)
	uintptr_t caller = (uintptr_t)zm_growth_caller;

	if (caller != 0 && !is_own(caller) && (own == depth || frames[own] != caller)) {
		own -= own != 0;
		frames[own] = caller;
	}
#else
	(void)frames;
#endif
	return own < depth ? own : 0;
}

static unsigned take_stack(uintptr_t *frames, unsigned max)
{
#if ZM_STACK_TAKES_FROM
	uintptr_t record = (uintptr_t)zm_growth_record;
	unsigned depth = 0;

	if (record != 0)
		depth = zm_stack_take_from(frames, max, record, (uintptr_t)zm_growth_caller);
	if (depth != 0)
		return depth;
#endif
	return zm_stack_take(frames, max, 0);
}

static void note(void *ptr, size_t bytes, const void *arena)
{
	uintptr_t frames[ZMALLOC_PROFILE_DEPTH_MAX + OWN_FRAMES];
	unsigned depth = take_stack(frames, ZMALLOC_PROFILE_DEPTH_MAX + OWN_FRAMES);
	unsigned own = put_caller(frames, depth, own_frames(frames, depth));

	depth -= own;
	if (depth > ZMALLOC_PROFILE_DEPTH_MAX)
		depth = ZMALLOC_PROFILE_DEPTH_MAX;
	zm_samples_add(ptr, bytes, arena, frames + own, depth);
	zm_probe_sample(ptr, bytes, depth);
}

/* ---- The client ------------------------------------------------------------------------------- */

static size_t sampled(void *ptr, size_t bytes, const void *arena)
{
	if (ptr != NULL)
		note(ptr, bytes, arena);
	return distance_bytes();
}

static const struct zm_client client = {.needs = ZM_CLIENT_GROWTH,
					.sampled = sampled,
					.moved = zm_samples_move,
					.arena_ended = zm_samples_end_arena,
					.moment = zm_profile_see_moment};

void zm_sampler_begin(void)
{
	static bool looked;

	/* Once, also where it finds nothing: threads of the profile before may still read what it wrote. */
	if (!looked) {
		zm_shared_segment(zm_preload_address(), &preload_text, &preload_text_end);
		zm_shared_segment((const void *)(uintptr_t)zm_sampler_begin, &own_text,
				  &own_text_end);
		looked = true;
	}
	zm_client_set(ZM_CLIENT_PROFILE, &client);
}

void zm_sampler_end(void)
{
	zm_client_set(ZM_CLIENT_PROFILE, NULL);
}
