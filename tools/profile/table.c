/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/table.c - the largest holders of a profile, for people.
 */
#include "tools/profile/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ---- */

const char *place_name(const struct place *place, char text[PLACE_TEXT])
{
	if (place->function != NULL)
		snprintf(text, PLACE_TEXT, "%s", place->function);
	else if (*place->module != '\0')
		snprintf(text, PLACE_TEXT, "%s+0x%" PRIx64, last_part(place->module),
			 place->offset);
	else
		snprintf(text, PLACE_TEXT, "0x%" PRIx64, place->offset);
	return text;
}

/* A terminal may be of any character set. */
static void print_plain(const char *text)
{
	for (; *text != '\0'; text++)
		putchar(*text >= ' ' && *text <= '~' ? *text : '?');
}

/* "function  file:line", or the module where no line is known. */
static void print_place(const struct place *place)
{
	char text[PLACE_TEXT];

	print_plain(place_name(place, text));
	if (place->file != NULL) {
		printf("  ");
		print_plain(last_part(place->file));
		if (place->line != 0)
			printf(":%u", place->line);
	} else if (place->function != NULL && *place->module != '\0') {
		printf("  ");
		print_plain(last_part(place->module));
	}
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole != 0 ? (double)part * 100 / (double)whole : 0;
}

static void print_duration(uint64_t ms)
{
	if (ms < 1000)
		printf("%" PRIu64 " ms", ms);
	else if (ms < 120000)
		printf("%.1f s", (double)ms / 1000);
	else if (ms < 7200000)
		printf("%" PRIu64 " min", ms / 60000);
	else
		printf("%" PRIu64 " h %" PRIu64 " min", ms / 3600000, ms / 60000 % 60);
}

/* ---- Head ---- */

struct sum {
	uint64_t bytes, blocks, before_bytes;
};

static struct sum sum_of(const struct taken *taken)
{
	struct sum sum = {0};

	for (size_t i = 0; i < taken->count; i++) {
		sum.bytes += taken->stack[i].now.live_bytes;
		sum.blocks += taken->stack[i].now.live_blocks;
		sum.before_bytes += taken->stack[i].before_bytes;
	}
	return sum;
}

static void print_head(const struct profile *profile, const struct sum *sum)
{
	const struct zmalloc_profile_info *info = &profile->taken.info;
	char live[ZM_HUMAN_BYTES], used[ZM_HUMAN_BYTES], mean[ZM_HUMAN_BYTES], growth[SIGNED_BYTES];
	int64_t grown = (int64_t)(sum->bytes - sum->before_bytes);

	printf("%s (%" PRId64 "): heap profile%s", profile->process.name, profile->process.pid,
	       info->is_on != 0 ? " of " : ", which has ended, of ");
	print_duration(info->duration_ns / 1000000);
	printf(", one sample for %s; %" PRIu64 " samples, %" PRIu64 " stacks\n",
	       human(info->mean_bytes, mean), info->samples, info->stacks);
	printf("live %s in about %" PRIu64 " blocks of those allocated since it began; used %s\n",
	       human(sum->bytes, live), sum->blocks,
	       human(profile->process.stats.used_bytes, used));
	if (info->lost_samples != 0 && info->lost_samples != ZMALLOC_STATS_UNKNOWN)
		printf("%" PRIu64 " samples found no room and are missing here\n",
		       info->lost_samples);
	if (profile->since_ms != 0) {
		printf("%s%s in ", grown > 0 ? "+" : "", human_signed(grown, growth));
		print_duration(profile->since_ms);
		putchar('\n');
	}
}

/* ---- Rows ---- */

/* The functions between the holder and the library, the one that the holder calls first. */
static void print_by(const struct chain *chain)
{
	char text[PLACE_TEXT];

	for (size_t i = chain->holder; i-- > 0;)
		if (chain->place[i]->function != NULL) {
			printf("  by ");
			print_plain(place_name(chain->place[i], text));
			return;
		}
}

static bool is_outermost(const struct place *place)
{
	return place->function != NULL && strcmp(place->function, "main") == 0;
}

/* Of what the holder has, in percent; by growth only of what grew. */
static double part_of(const struct group *part, const struct group *group, bool by_growth)
{
	if (by_growth)
		return percent((uint64_t)group_growth(part), (uint64_t)group_growth(group));
	return percent(part->bytes, group->bytes);
}

/* The way along which most of it comes, and wherever the way forks, how much that is. What calls main says nothing. */
static void print_callers(const struct group *group, long depth, bool by_growth, int indent)
{
	struct group way = *group, next;
	const struct place *place = group->chain->place[group->chain->holder];
	double before = 100;

	for (long i = 1; i <= depth && !is_outermost(place); i++) {
		double part;

		if (!group_largest_part(&way, (size_t)i, by_growth, &next) ||
		    (by_growth && group_growth(&next) <= 0))
			return;
		place = next.chain->place[next.chain->holder + (size_t)i];
		part = part_of(&next, group, by_growth);
		printf("%*s< ", indent, "");
		print_place(place);
		if (part < before - 0.5)
			printf("  (%.0f %%)", part);
		putchar('\n');
		before = part;
		way = next;
	}
}

static void print_where(const struct group *group, const struct options *options, bool by_growth,
			int indent)
{
	if (group->chain->count == 0) {
		printf("(no stack could be taken)\n");
		return;
	}
	print_place(group->chain->place[group->chain->holder]);
	print_by(group->chain);
	putchar('\n');
	print_callers(group, options->depth, by_growth, indent);
}

static void print_row(const struct group *group, const struct sum *sum,
		      const struct options *options)
{
	char bytes[ZM_HUMAN_BYTES];

	printf("%10s %5.1f %% %10" PRIu64 "  ", human(group->bytes, bytes),
	       percent(group->bytes, sum->bytes), group->blocks);
	print_where(group, options, false, 33);
}

static void print_growth_row(const struct group *group, const struct options *options)
{
	char growth[SIGNED_BYTES], bytes[ZM_HUMAN_BYTES], text[SIGNED_BYTES + 1];

	snprintf(text, sizeof(text), "+%s", human_signed(group_growth(group), growth));
	printf("%11s %10s %+11" PRId64 "  ", text, human(group->bytes, bytes),
	       (int64_t)(group->blocks - group->before_blocks));
	print_where(group, options, true, 37);
}

static bool is_shown(const struct group *group, bool by_growth)
{
	return by_growth ? group_growth(group) > 0 : group->bytes != 0;
}

/* What the table has no line for. */
static void print_rest(const struct group *groups, size_t count, size_t shown, bool by_growth)
{
	char text[SIGNED_BYTES];
	size_t more = 0, shrunk = 0;
	int64_t bytes = 0, less = 0;

	for (size_t i = shown; i < count; i++) {
		if (is_shown(&groups[i], by_growth)) {
			more++;
			bytes += by_growth ? group_growth(&groups[i]) : (int64_t)groups[i].bytes;
		} else if (by_growth && group_growth(&groups[i]) < 0) {
			shrunk++;
			less += group_growth(&groups[i]);
		}
	}
	if (more != 0)
		printf("%zu more: %s\n", more, human_signed(bytes, text));
	if (shrunk != 0)
		printf("%zu shrank: %s\n", shrunk, human_signed(less, text));
	if (shown == 0 && more == 0)
		puts(by_growth ? "Nothing has grown." : "Nothing that was sampled is live.");
}

int profile_print_table(struct profile *profile, const struct options *options)
{
	bool by_growth = profile->since_ms != 0;
	struct sum sum = sum_of(&profile->taken);
	size_t count, shown = 0;
	struct group *groups;
	int error;

	chains_sort(&profile->chains);
	error = chains_group(&profile->chains, by_growth, &groups, &count);
	if (error != 0)
		return error;
	print_head(profile, &sum);
	if (count != 0 && is_shown(&groups[0], by_growth))
		puts(by_growth ? "\n     GROWTH        NOW      BLOCKS  WHERE"
			       : "\n      LIVE   SHARE     BLOCKS  WHERE");
	for (; shown < count && is_shown(&groups[shown], by_growth) &&
	       (options->lines == 0 || shown < (size_t)options->lines);
	     shown++) {
		if (by_growth)
			print_growth_row(&groups[shown], options);
		else
			print_row(&groups[shown], &sum, options);
	}
	print_rest(groups, count, shown, by_growth);
	free(groups);
	return 0;
}
