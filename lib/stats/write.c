/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write.c - writing figures: the public functions, and what all formats need.
 */
#include "config.h"

#include "stats/write.h"

#include <errno.h>
#include <string.h>

#include "base/result.h"
#include "base/sized.h"
#include "os/os.h"
#include "stats/stats.h"

const struct zmalloc_process *zm_process_at(const struct zm_process_set *set, size_t i)
{
	return (const struct zmalloc_process *)((const char *)set->first + i * set->first->size);
}

/*
 * The structs of a program that was compiled with an older header end before the newer figures, whatever
 * the library wrote into stats.size.
 */
bool zm_process_knows(const struct zm_process_set *set, size_t i, const struct zm_figure *figure)
{
	const struct zmalloc_stats *stats = &zm_process_at(set, i)->stats;
	size_t room = set->first->size - offsetof(struct zmalloc_process, stats);

	return zm_figure_is_known(stats, room < stats->size ? room : stats->size, figure);
}

void zm_write_value(struct zm_builder *out, const struct zmalloc_stats *stats,
		    const struct zm_figure *figure)
{
	if (figure->unit == ZM_UNIT_RATIO)
		zm_build_decimal(out, zm_figure_ratio(stats, figure));
	else
		zm_build_number(out, zm_figure_integer(stats, figure));
}

/* ---- The public functions ---- */

static int write_set(const struct zm_process_set *set, int format, zmalloc_writer write,
		     void *context)
{
	struct zm_builder out;

	zm_builder_start_writer(&out, write, context);
	if (format == ZMALLOC_STATS_TABLE)
		zm_write_table(&out, set);
	else if (format == ZMALLOC_STATS_JSON)
		zm_write_json(&out, set);
	else if (format == ZMALLOC_STATS_OPENMETRICS)
		zm_write_openmetrics(&out, set);
	else
		out.error = EINVAL;
	return zm_result(zm_builder_finish(&out));
}

/* A struct that ends before its figures' own size shows nothing, and names are read before that. */
static bool have_sizes(const struct zm_process_set *set)
{
	const size_t least = offsetof(struct zmalloc_process, stats) + sizeof(size_t);

	for (size_t i = 0; i < set->count; i++) {
		if (!zm_sized_is_set(zm_process_at(set, i)) || set->first->size < least ||
		    !zm_sized_is_set(&zm_process_at(set, i)->stats)) {
			errno = EINVAL;
			return false;
		}
	}
	return true;
}

int zmalloc_process_write(const struct zmalloc_process *processes, size_t count, int format,
			  zmalloc_writer write, void *context)
{
	const struct zm_process_set set = {processes, count, true, false};

	if (!have_sizes(&set))
		return -1;
	return write_set(&set, format, write, context);
}

int zmalloc_stats_write(const struct zmalloc_stats *stats, int format, zmalloc_writer write,
			void *context)
{
	struct zmalloc_process self;
	const struct zm_process_set set = {&self, 1, false, stats == NULL};

	if (stats != NULL && !zm_sized_is_set(stats))
		return -1;
	zm_process_self(&self, stats == NULL);
	if (stats != NULL) {
		self.stats.size = sizeof(self.stats);
		memcpy(&self.stats, stats,
		       stats->size < sizeof(self.stats) ? stats->size : sizeof(self.stats));
		if (self.stats.size > sizeof(self.stats))
			self.stats.size = sizeof(self.stats);
	}
	return write_set(&set, format, write, context);
}

static int write_to_fd(void *context, const char *text, size_t size)
{
	return zm_os_write(*(int *)context, text, size);
}

int zmalloc_stats_write_fd(const struct zmalloc_stats *stats, int format, int fd)
{
	return zmalloc_stats_write(stats, format, write_to_fd, &fd);
}
