/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/object.c - a driver as the program sees it: made, set, looked at.
 */
#include "config.h"

#include "defrag/driver.h"

#include <errno.h>
#include <string.h>

#include "account/account.h"
#include "base/sized.h"
#include "defrag/cycle.h"

/* ---- The object ---- */

static const struct zdefrag_settings defaults = {
	.size = sizeof(struct zdefrag_settings),
	.ignore_bytes = (size_t)100 << 20,
	.lower_percent = 10,
	.upper_percent = 100,
	.cpu_min_percent = 1,
	.cpu_max_percent = 25,
	.slice_us = 500,
	.check_ms = 1000,
	.purge_ms = 1000,
};

void(zdefrag_settings_init)(struct zdefrag_settings *settings, size_t size)
{
	memset(settings, 0, size);
	memcpy(settings, &defaults, size < sizeof(defaults) ? size : sizeof(defaults));
	settings->size = size;
}

/* What the program's struct has, over the defaults. */
static bool take_settings(struct zdefrag_settings *to, const struct zdefrag_settings *from)
{
	size_t size = from->size < sizeof(*to) ? from->size : sizeof(*to);

	*to = defaults;
	memcpy(to, from, size);
	to->size = sizeof(*to);
	return from->size >= sizeof(from->size) && to->lower_percent > 0 &&
	       to->upper_percent >= to->lower_percent && to->cpu_min_percent > 0 &&
	       to->cpu_max_percent >= to->cpu_min_percent && to->cpu_max_percent <= 100 &&
	       to->slice_us >= 50 && to->slice_us <= 1000000 && to->check_ms > 0;
}

zdefrag *zdefrag_new(zdefrag_scan_function *scan, void *context,
		     const struct zdefrag_settings *settings)
{
	struct zdefrag_settings taken = defaults;
	zdefrag *d;

	if (!zdefrag_supported()) {
		errno = ENOTSUP;
		return NULL;
	}
	if (scan == NULL || (settings != NULL && !take_settings(&taken, settings))) {
		errno = EINVAL;
		return NULL;
	}
	d = ztrycalloc(sizeof(*d));
	if (d == NULL)
		return NULL;
	d->scan = scan;
	d->context = context;
	d->settings = taken;
	d->cpu_percent = taken.cpu_min_percent;
	return d;
}

int zdefrag_configure(zdefrag *d, const struct zdefrag_settings *settings)
{
	struct zdefrag_settings taken;

	if (!take_settings(&taken, settings)) {
		errno = EINVAL;
		return -1;
	}
	d->settings = taken;
	return 0;
}

void zdefrag_free(zdefrag *d)
{
	if (d == NULL)
		return;
	zdefrag_abandon(d);
	zfree(d);
}

void zdefrag_set_progress(zdefrag *d, void (*progress)(zdefrag *d, void *context), void *context)
{
	d->progress = progress;
	d->progress_context = context;
}

/* ---- Figures ---- */

static unsigned permille(uint64_t done, uint64_t all)
{
	return all == 0 ? 0 : done >= all ? 1000 : (unsigned)(done * 1000 / all);
}

static unsigned permille_done(const zdefrag *d)
{
	switch (d->stats.phase) {
	case ZDEFRAG_COUNTING:
	case ZDEFRAG_MOVING:
		return permille(d->walk_visited, d->walk_blocks);
	case ZDEFRAG_PLANNING:
	case ZDEFRAG_ENDING:
		/* At its very end the cycle may be another driver's, of another thread. */
		return zm_load(&zm_cycle.owner) == d
			       ? permille(zm_cycle.cursor, zm_cycle.slabs_count)
			       : 1000;
	case ZDEFRAG_PURGING:
		return 1000 - permille(zm_slab_decay_left_bytes(), d->purge_bytes);
	default:
		return 0;
	}
}

int zdefrag_get_stats(const zdefrag *d, struct zdefrag_stats *stats)
{
	struct zdefrag_stats filled = d->stats;

	filled.permille = permille_done(d);
	filled.visited += d->walk_visited;
	if (zm_load(&zm_cycle.owner) == d)
		zm_driver_add_cycle(&filled);
	filled.held_bytes = zm_account_held();
	return zm_sized_hand_over(stats, &filled, sizeof(filled));
}
