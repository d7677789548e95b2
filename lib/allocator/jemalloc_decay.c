/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_decay.c - unused pages go back to the kernel in small steps.
 *
 * jemalloc gives unused pages back along a curve over dirty_decay_ms, in 200 steps (jemalloc(3),
 * opt.dirty_decay_ms), but only while the arena is allocated from past the caches: an idle program
 * keeps them. So arenas get a short curve, and arena.<i>.decay walks it. Purging at once
 * (arena.<i>.purge) gives back the same in one stall.
 *
 * The curve is x^3 (10 - 15 x + 6 x^2), and its steepest step gives back 15/8 of a 200th: 5 MB of
 * 500, a stall of 5 to 10 ms. Setting dirty_decay_ms begins it anew, and its first steps are small.
 * So where the next step would be too large, or one comes late, the curve is begun anew with the
 * pages that are left.
 *
 *   given back
 *      |                   .--      one curve, while no step of it is too large
 *      |                ./
 *      |            . ./  <- too large
 *      |     _.-' _.-' <- begun anew, with less to give back
 *      +--------------------- time
 */
#include "config.h"

#include "allocator/slab.h"

#include <stdint.h>
#include <sys/types.h>

#include "allocator/allocator.h"
#include "allocator/jemalloc_arena.h"
#include "allocator/jemalloc_decay.h"
#include "allocator/jemalloc_mib.h"
#include "base/atomic.h"
#include "base/clock.h"

/* jemalloc's SMOOTHSTEP_NSTEPS. */
#define CURVE_STEPS 200

/* What a step should give back at most: 128 pages take 0.15 to 0.4 ms. */
#define STEP_BYTES ((double)(512 << 10))

/* A curve none of whose steps is larger. */
#define WHOLE_CURVE_BYTES (STEP_BYTES * CURVE_STEPS * 8 / 15)

/* One that is broken off before it gets steep: a step each 2 ms; by the curve, 70 MB in a second. */
#define BROKEN_CURVE_NS 400000000u

/* The curve has registered the pages for certain when two steps and a bit are over: they are jittered. */
#define REGISTER_STEPS 2.5

/* Past its end, by as much as steps are jittered. */
#define CURVE_END 1.05

#define ARENAS_MAX 1024
#define NOT_OURS ((ssize_t)-2)

static struct {
	unsigned arenas;
	ssize_t before_ms[ARENAS_MAX]; /* NOT_OURS: not to be touched */
	uint64_t wanted_ns;

	/* The curve that is being walked. */
	uint64_t curve_ns, set_ns, stepped_ns;
	bool registered;    /* set_ns is when the pages were */
	double dirty, done; /* bytes there were; the part that is given back */

	/* What is left by these two, for any thread: all else is the stepping thread's alone. */
	ZM_ATOMIC(size_t) left_bytes;
} fading;

static struct {
	struct zm_je_mib decay, dirty_decay_ms, pdirty;
	size_t page_bytes;
} je;

bool zm_je_decay_open(void)
{
	return zm_je_resolve(&je.decay, "arena.0.decay") &&
	       zm_je_resolve(&je.dirty_decay_ms, "arena.0.dirty_decay_ms") &&
	       zm_je_resolve(&je.pdirty, "stats.arenas.0.pdirty") &&
	       zm_je_read_by_name("arenas.page", &je.page_bytes, sizeof(je.page_bytes));
}

/* ---- Arenas ---- */

/* Nothing moves in private arenas, and they may end while we would work on them. */
static bool is_private(unsigned arena)
{
#if ZM_RAW_ARENAS
	return zm_je_is_private(arena);
#else
	(void)arena;
	return false;
#endif
}

static void note_arena(unsigned arena)
{
	ssize_t before;

	if (!is_private(arena) && zm_je_has_arena(arena) &&
	    zm_je_read_at(je.dirty_decay_ms, ZM_JE_CONTROL_ARENA_AT, arena, &before,
			  sizeof(before)) &&
	    before != 0)
		fading.before_ms[arena] = before;
	else
		fading.before_ms[arena] = NOT_OURS;
}

/* Those that were not taken yet: there may be new ones. One that gives back at once needs no help. */
static void note_arenas(void)
{
	unsigned arenas = zm_slab_arenas();

	for (; fading.arenas < arenas && fading.arenas < ARENAS_MAX; fading.arenas++)
		note_arena(fading.arenas);
}

static void set_decay_ms(unsigned arena, ssize_t ms)
{
	zm_je_write_at(je.dirty_decay_ms, ZM_JE_CONTROL_ARENA_AT, arena, &ms, sizeof(ms));
}

/* Of the arenas that are ours to touch. */
static double read_dirty(void)
{
	double pages = 0;

	zm_slab_refresh();
	for (unsigned i = 0; i < fading.arenas; i++) {
		size_t dirty;

		if (fading.before_ms[i] != NOT_OURS &&
		    zm_je_read_at(je.pdirty, ZM_JE_ARENA_AT, i, &dirty, sizeof(dirty)))
			pages += (double)dirty;
	}
	return pages * (double)je.page_bytes;
}

/* ---- The curve ---- */

static double curve(double x)
{
	return x >= 1 ? 1 : x * x * x * (10 - 15 * x + 6 * x * x);
}

static void set_done(double done)
{
	fading.done = done;
	zm_store(&fading.left_bytes, (size_t)(fading.dirty * (1 - done)));
}

/* steps_ns: how far apart the caller's steps are now. */
static void begin_curve(uint64_t now, uint64_t steps_ns)
{
	uint64_t curve_ns = fading.wanted_ns;

	fading.dirty = read_dirty();
	if (fading.dirty > WHOLE_CURVE_BYTES && curve_ns > BROKEN_CURVE_NS)
		curve_ns = BROKEN_CURVE_NS;
	/* Steps are late by what they take and the caller's timer: only much later ones are waited for. */
	if (curve_ns < steps_ns * CURVE_STEPS / 2)
		curve_ns = steps_ns * CURVE_STEPS / 2;
	fading.curve_ns = curve_ns;
	fading.set_ns = now;
	fading.registered = false;
	set_done(0);
	for (unsigned i = 0; i < fading.arenas; i++)
		if (fading.before_ms[i] != NOT_OURS)
			set_decay_ms(i, (ssize_t)(curve_ns / 1000000));
}

/* How far are we at this time? */
static double position(uint64_t at_ns)
{
	return (double)(at_ns - fading.set_ns) / (double)fading.curve_ns;
}

/* What a step at this time gives back. */
static double step_bytes(uint64_t at_ns)
{
	return fading.dirty * (curve(position(at_ns)) - fading.done);
}

static void decay(void)
{
	for (unsigned i = 0; i < fading.arenas; i++)
		if (fading.before_ms[i] != NOT_OURS)
			zm_je_write_at(je.decay, ZM_JE_CONTROL_ARENA_AT, i, NULL, 0);
}

static void register_pages(uint64_t now)
{
	decay();
	if (position(now) * CURVE_STEPS < REGISTER_STEPS)
		return;
	fading.registered = true;
	fading.set_ns = now;
}

/* ---- The contract ---- */

void zm_slab_decay_hold(void)
{
	note_arenas();
	for (unsigned i = 0; i < fading.arenas; i++)
		if (fading.before_ms[i] > 0)
			set_decay_ms(i, -1);
}

void zm_slab_decay_begin(unsigned ms)
{
	note_arenas();
	fading.wanted_ns = ms * 1000000ull;
	fading.stepped_ns = zm_now_ns();
	begin_curve(fading.stepped_ns, 0);
}

uint64_t zm_slab_decay_step(void)
{
	uint64_t now = zm_now_ns(), gap = now - fading.stepped_ns;
	double dirty = fading.dirty;

	fading.stepped_ns = now;
	if (!fading.registered) {
		register_pages(now);
	} else if (step_bytes(now) > 2 * STEP_BYTES) {
		begin_curve(now, gap);
	} else {
		decay();
		set_done(curve(position(now)));
		if (position(now) >= CURVE_END) {
			begin_curve(now, 0);
			if (fading.dirty < dirty / 4 || fading.dirty < STEP_BYTES)
				return 0;
		} else if (step_bytes(now + gap) > STEP_BYTES) {
			begin_curve(now, gap);
		}
	}
	return fading.curve_ns / CURVE_STEPS;
}

size_t zm_slab_decay_left_bytes(void)
{
	return zm_load(&fading.left_bytes);
}

void zm_slab_decay_end(void)
{
	for (unsigned i = 0; i < fading.arenas; i++)
		if (fading.before_ms[i] != NOT_OURS)
			set_decay_ms(i, fading.before_ms[i]);
	fading.arenas = 0;
}
