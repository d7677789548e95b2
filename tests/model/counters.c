/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/counters.c - used memory and the peak (lib/account/threshold.c, lib/account/sum.c), a transcript
 * for two records: each has one thread that allocates and compares with its ceiling without a lock,
 * while the other may lower that ceiling under it.
 *
 * All of it is relaxed: no order makes a thread that has compared with its former ceiling see the new
 * one. So what holds is less than "threads stay under their ceilings", and the model says what: with
 * threads at rest used memory is exact, and the peak is not under it nor under any figure returned.
 */
#include "tests/model/model.h"

#include "tests/model/models.h"

enum {
	STEP = 1,
	PEAK = 10,
	GROWTH = 8
};

static struct {
	ZM_ATOMIC(ptrdiff_t) net, ceiling;
	ptrdiff_t granted; /* under the lock */
} record[2];

static struct model_lock lock;
static ptrdiff_t committed; /* under the lock */
static ZM_ATOMIC(ptrdiff_t) peak;
static ptrdiff_t returned;

/* The first has freed all that it once had, and may have it again unseen. */
static void reset(void)
{
	lock.taken = 0;
	record[0].net = record[1].net = 0;
	record[0].ceiling = record[0].granted = PEAK;
	record[1].ceiling = record[1].granted = 0;
	committed = peak = PEAK;
	returned = 0;
}

/* ---- Under the lock ---- */

static void set_ceiling(int i, ptrdiff_t bytes)
{
	committed += bytes - record[i].granted;
	record[i].granted = bytes;
	zm_store(&record[i].ceiling, bytes);
}

static ptrdiff_t room_under_peak(void)
{
	return zm_load(&peak) - committed;
}

static void take_back_room(int mine)
{
	for (int i = 0; i < 2; i++) {
		ptrdiff_t enough;

		if (i == mine)
			continue;
		enough = zm_load(&record[i].net) + STEP;
		if (record[i].granted > enough)
			set_ceiling(i, enough);
	}
}

static void raise_peak(ptrdiff_t bytes)
{
	if (bytes > zm_load(&peak))
		zm_store(&peak, bytes);
}

static void raise_ceiling(int i, ptrdiff_t figure)
{
	ptrdiff_t room;

	set_ceiling(i, figure + STEP);
	if (room_under_peak() >= 0)
		return;
	take_back_room(i);
	room = room_under_peak();
	if (room > 0)
		set_ceiling(i, figure + STEP + room / 2);
	else
		raise_peak(zm_load(&peak) - room);
}

static void settle(void)
{
	ptrdiff_t room;

	for (int i = 0; i < 2; i++)
		if (zm_load(&record[i].net) > record[i].granted)
			set_ceiling(i, zm_load(&record[i].net));
	if (room_under_peak() >= 0)
		return;
	take_back_room(-1);
	room = room_under_peak();
	if (room < 0)
		raise_peak(zm_load(&peak) - room);
}

/* ---- Any thread ---- */

static ptrdiff_t sum(void)
{
	return zm_load(&record[0].net) + zm_load(&record[1].net);
}

static ptrdiff_t used(bool settles)
{
	ptrdiff_t bytes = sum();

	if (bytes <= zm_load(&peak))
		return bytes;
	if (settles) {
		model_lock(&lock);
		settle();
		bytes = sum();
		model_unlock(&lock);
	}
	return bytes < zm_load(&peak) ? bytes : zm_load(&peak);
}

static void grow(int i, bool looks)
{
	ptrdiff_t net = zm_load(&record[i].net) + GROWTH;

	zm_store(&record[i].net, net);
	if (net <= zm_load(&record[i].ceiling) || !looks)
		return;
	model_lock(&lock);
	if (zm_load(&record[i].net) > record[i].granted)
		raise_ceiling(i, zm_load(&record[i].net));
	model_unlock(&lock);
}

static void grow_unseen(void)
{
	grow(0, true);
}

/* ---- Two that grow ---- */

static bool settles(void)
{
	return !model_broken("a sum over the peak cut to the peak, and no more");
}

static void grow_over_ceiling(void)
{
	grow(1, true);
	returned = used(settles());
}

static void at_rest(void)
{
	model_require(returned >= GROWTH);
	model_require(used(settles()) == 2 * GROWTH);
	model_require(peak >= 2 * GROWTH && peak >= returned);
}

const struct model model_of_counters = {
	.name = "used memory at rest",
	.reset = reset,
	.thread = {grow_unseen, grow_over_ceiling},
	.at_end = at_rest,
};

/* ---- One that comes and goes ---- */

static void grow_and_shrink(void)
{
	for (int i = 0; i < 3; i++)
		grow(1, !model_broken("a ceiling passed without a look"));
	zm_store(&record[1].net, 0);
}

static void peak_is_there(void)
{
	model_require(peak >= 3 * GROWTH);
}

const struct model model_of_peak = {
	.name = "the peak of one thread",
	.reset = reset,
	.thread = {grow_unseen, grow_and_shrink},
	.at_end = peak_is_there,
};
