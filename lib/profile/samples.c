/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/samples.c - the tables of samples.
 *
 * A block is found by its mark (account/growth.h): blocks of one mark are in one chain, so a
 * mark is cleared with the last of them.
 */
#include "config.h"

#include "profile/samples.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "account/growth.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/lock.h"
#include "os/os.h"

enum {
	INDEX_SLOTS =
		ZM_SAMPLES_STACKS * 2,   /* of stacks, by their hash; never more than half full */
	CHAINS = 1 << (ZM_MARK_BITS - 3) /* so that the blocks of one mark are in one */
};

struct stack {
	double live_blocks, live_bytes, total_blocks, total_bytes;
	uint64_t live_samples, live_sample_bytes, total_samples, total_sample_bytes;
	uint64_t hash;
	uint32_t first_frame, depth;
};

/* Numbers in chains are one higher than the place, and 0 ends a chain. */
struct live {
	void *ptr;
	size_t bytes;
	const void *arena;
	uint32_t stack;
	uint32_t next;
};

struct tables {
	struct stack stacks[ZM_SAMPLES_STACKS];
	struct live live[ZM_SAMPLES_LIVE];
	uintptr_t frames[ZM_SAMPLES_FRAMES];
	uint32_t index[INDEX_SLOTS]; /* of stacks, one higher; 0: empty */
	uint32_t chain[CHAINS];
};

static struct {
	struct zm_lock lock;
	struct zm_once once;
	struct tables *tables; /* NULL: there was never a profile */
	struct zm_samples_state state;
	uint64_t begun_ns;  /* by the clock that only rises */
	uint32_t frames;    /* used */
	uint32_t live_used; /* places ever taken */
	uint32_t live_free; /* a chain of those that were given back */
	uint32_t in_arenas; /* samples of private arenas */
	ZM_ATOMIC(uint64_t) mean_bytes;
} samples = {.lock = ZM_LOCK_INITIALIZER};

/* ---- Fork; see lib/base/fork.h ---------------------------------------------------------------- */

static void before_fork(void)
{
	zm_lock(&samples.lock);
}

static void after_fork(void)
{
	zm_unlock(&samples.lock);
}

static void set_up(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork, after_fork};

	zm_fork_join(ZM_FORK_SAMPLES, &room);
}

static void take_lock(void)
{
	zm_once(&samples.once, set_up);
	zm_lock(&samples.lock);
}

/* ---- Beginning and end ------------------------------------------------------------------------ */

static void clear_marks(void)
{
	for (uint32_t i = 0; i < samples.live_used; i++)
		if (samples.tables->live[i].ptr != NULL)
			zm_unmark(samples.tables->live[i].ptr);
}

/* With new tables, as a fresh mapping is the quickest way to 20 MiB of zeroes. */
static int start_anew(uint64_t mean_bytes)
{
	struct tables *tables = samples.tables;
	uint32_t generation = samples.state.generation + 1;
	void *pages;
	int error = zm_os_map(sizeof(struct tables), &pages);

	if (error != 0)
		return error;
	if (tables != NULL) {
		if (samples.state.is_on)
			clear_marks();
		munmap(tables, sizeof(*tables));
	}
	samples.tables = pages;
	samples.frames = samples.live_used = samples.live_free = samples.in_arenas = 0;
	samples.state = (struct zm_samples_state){.mean_bytes = mean_bytes,
						  .is_on = samples.state.is_on,
						  .started_ns = zm_clock_ns(CLOCK_REALTIME),
						  .generation = generation,
						  .memory_bytes = sizeof(struct tables)};
	samples.begun_ns = zm_now_ns();
	return 0;
}

int zm_samples_begin(size_t mean_bytes)
{
	int error = EALREADY;

	take_lock();
	if (!samples.state.is_on)
		error = start_anew(mean_bytes);
	if (error == 0) {
		samples.state.is_on = true;
		zm_store(&samples.mean_bytes, mean_bytes);
	}
	zm_unlock(&samples.lock);
	return error;
}

bool zm_samples_end(void)
{
	bool was_on;

	take_lock();
	was_on = samples.state.is_on;
	if (was_on) {
		clear_marks();
		samples.state.is_on = false;
		samples.state.duration_ns = zm_now_ns() - samples.begun_ns;
		zm_store(&samples.mean_bytes, 0);
	}
	zm_unlock(&samples.lock);
	return was_on;
}

int zm_samples_reset(void)
{
	int error = ENODATA;

	take_lock();
	if (samples.tables != NULL)
		error = start_anew(samples.state.mean_bytes);
	zm_unlock(&samples.lock);
	return error;
}

bool zm_samples_get_state(struct zm_samples_state *state)
{
	bool is_there;

	take_lock();
	is_there = samples.tables != NULL;
	*state = samples.state;
	if (state->is_on)
		state->duration_ns = zm_now_ns() - samples.begun_ns;
	zm_unlock(&samples.lock);
	return is_there;
}

uint64_t zm_samples_mean_bytes(void)
{
	return zm_load(&samples.mean_bytes);
}

/* ---- Stacks ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const uintptr_t *frames, unsigned depth)
{
	uint64_t hash = depth;

	for (unsigned i = 0; i < depth; i++) {
		hash = (hash ^ frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool is_stack(const struct stack *stack, uint64_t hash, const uintptr_t *frames,
		     unsigned depth)
{
	return stack->hash == hash && stack->depth == depth &&
	       memcmp(&samples.tables->frames[stack->first_frame], frames,
		      depth * sizeof(*frames)) == 0;
}

/* Its number, or ZM_SAMPLES_STACKS: there is no room. */
static uint32_t find_stack(const uintptr_t *frames, unsigned depth)
{
	struct tables *tables = samples.tables;
	uint64_t hash = hash_of(frames, depth);
	uint32_t slot = (uint32_t)(hash >> 32) % INDEX_SLOTS, number = samples.state.stacks;
	struct stack *stack;

	for (; tables->index[slot] != 0; slot = (slot + 1) % INDEX_SLOTS)
		if (is_stack(&tables->stacks[tables->index[slot] - 1], hash, frames, depth))
			return tables->index[slot] - 1;
	if (number == ZM_SAMPLES_STACKS || depth > ZM_SAMPLES_FRAMES - samples.frames)
		return ZM_SAMPLES_STACKS;
	stack = &tables->stacks[number];
	stack->hash = hash;
	stack->depth = depth;
	stack->first_frame = samples.frames;
	memcpy(&tables->frames[samples.frames], frames, depth * sizeof(*frames));
	samples.frames += depth;
	samples.state.stacks++;
	tables->index[slot] = number + 1;
	return number;
}

/* How many blocks of this size a sample of one stands for. A mean of 1 samples them all. */
static double weight_of(size_t bytes)
{
	double mean = (double)samples.state.mean_bytes;

	return mean <= 1 ? 1 : 1 / -expm1(-(double)bytes / mean);
}

static void add_up(struct stack *stack, size_t bytes)
{
	double weight = weight_of(bytes);

	stack->live_blocks += weight;
	stack->live_bytes += weight * (double)bytes;
	stack->total_blocks += weight;
	stack->total_bytes += weight * (double)bytes;
	stack->live_samples++;
	stack->live_sample_bytes += bytes;
	stack->total_samples++;
	stack->total_sample_bytes += bytes;
}

/* Sums of rounded numbers come to exactly nothing only if they are told to. */
static void take_off(struct stack *stack, size_t bytes)
{
	double weight = weight_of(bytes);

	zm_assert(stack->live_samples != 0);
	stack->live_samples--;
	stack->live_sample_bytes -= bytes;
	stack->live_blocks = stack->live_samples != 0 ? stack->live_blocks - weight : 0;
	stack->live_bytes =
		stack->live_samples != 0 ? stack->live_bytes - weight * (double)bytes : 0;
}

/* ---- Blocks ----------------------------------------------------------------------------------- */

static uint32_t *chain_of(const void *ptr)
{
	return &samples.tables->chain[zm_mark_of(ptr) % CHAINS];
}

/* The link to it, or to the end of its chain. is_alone: no other block of the chain has its mark. */
static uint32_t *find_live(const void *ptr, bool *is_alone)
{
	uint32_t mark = zm_mark_of(ptr), *found = NULL, *link = chain_of(ptr);

	*is_alone = true;
	for (; *link != 0; link = &samples.tables->live[*link - 1].next) {
		const struct live *live = &samples.tables->live[*link - 1];

		if (live->ptr == ptr)
			found = link;
		else if (zm_mark_of(live->ptr) == mark)
			*is_alone = false;
	}
	return found != NULL ? found : link;
}

/* Its number, or 0. It is in no chain then. */
static uint32_t unlink_live(const void *ptr)
{
	bool is_alone;
	uint32_t *link = find_live(ptr, &is_alone), number = *link;

	if (number == 0)
		return 0;
	*link = samples.tables->live[number - 1].next;
	if (is_alone)
		zm_unmark(ptr);
	return number;
}

static void link_live(uint32_t number, void *ptr)
{
	struct live *live = &samples.tables->live[number - 1];

	live->ptr = ptr;
	live->next = *chain_of(ptr);
	*chain_of(ptr) = number;
	zm_mark(ptr);
}

/* Of one that is in no chain. */
static void give_back(uint32_t number)
{
	struct live *live = &samples.tables->live[number - 1];

	take_off(&samples.tables->stacks[live->stack], live->bytes);
	samples.in_arenas -= live->arena != NULL;
	live->ptr = NULL;
	live->next = samples.live_free;
	samples.live_free = number;
}

/* 0: there is no room. */
static uint32_t take_live(void)
{
	uint32_t number = samples.live_free;

	if (number != 0)
		samples.live_free = samples.tables->live[number - 1].next;
	else if (samples.live_used < ZM_SAMPLES_LIVE)
		number = ++samples.live_used;
	return number;
}

static bool add(void *ptr, size_t bytes, const void *arena, const uintptr_t *frames, unsigned depth)
{
	uint32_t number, stack;

	number = unlink_live(ptr);
	if (number != 0)
		give_back(number);
	stack = find_stack(frames, depth);
	if (stack == ZM_SAMPLES_STACKS)
		return false;
	number = take_live();
	if (number == 0)
		return false;
	samples.tables->live[number - 1] =
		(struct live){.bytes = bytes, .arena = arena, .stack = stack};
	samples.in_arenas += arena != NULL;
	link_live(number, ptr);
	add_up(&samples.tables->stacks[stack], bytes);
	return true;
}

void zm_samples_add(void *ptr, size_t bytes, const void *arena, const uintptr_t *frames,
		    unsigned depth)
{
	take_lock();
	if (samples.state.is_on) {
		if (add(ptr, bytes, arena, frames, depth))
			samples.state.samples++;
		else
			samples.state.lost++;
	}
	zm_unlock(&samples.lock);
}

void zm_samples_move(void *from, void *to)
{
	uint32_t number = 0;

	take_lock();
	if (samples.state.is_on)
		number = unlink_live(from);
	if (number != 0) {
		uint32_t stale = to != NULL ? unlink_live(to) : 0;

		if (stale != 0)
			give_back(stale);
		if (to != NULL)
			link_live(number, to);
		else
			give_back(number);
	}
	zm_unlock(&samples.lock);
}

void zm_samples_end_arena(const void *arena)
{
	take_lock();
	for (uint32_t i = 0; samples.state.is_on && samples.in_arenas != 0 && i < samples.live_used;
	     i++) {
		struct live *live = &samples.tables->live[i];

		if (live->ptr != NULL && live->arena == arena)
			give_back(unlink_live(live->ptr));
	}
	zm_unlock(&samples.lock);
}

/* ---- Reading ---------------------------------------------------------------------------------- */

static uint64_t whole(double value)
{
	return value > 0 ? (uint64_t)(value + 0.5) : 0;
}

bool zm_samples_copy(uint32_t generation, uint32_t number, struct zmalloc_profile_stack *stack,
		     uintptr_t *frames)
{
	bool is_there;

	take_lock();
	is_there = generation == samples.state.generation && number < samples.state.stacks;
	if (is_there) {
		const struct stack *from = &samples.tables->stacks[number];

		*stack = (struct zmalloc_profile_stack){
			.live_blocks = whole(from->live_blocks),
			.live_bytes = whole(from->live_bytes),
			.total_blocks = whole(from->total_blocks),
			.total_bytes = whole(from->total_bytes),
			.live_samples = from->live_samples,
			.live_sample_bytes = from->live_sample_bytes,
			.total_samples = from->total_samples,
			.total_sample_bytes = from->total_sample_bytes,
			.frames = frames,
			.depth = from->depth};
		memcpy(frames, &samples.tables->frames[from->first_frame],
		       from->depth * sizeof(*frames));
	}
	zm_unlock(&samples.lock);
	return is_there;
}
