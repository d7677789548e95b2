/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/graph.c - stacks by the names of their functions, outermost first: as lines for other tools, and
 * as a flame graph.
 */
#include "tools/profile/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/flame.h"

/* As names are, and as the flame graph wants them: where there is no name the text stands in `text`. */
static unsigned name_places(const struct chain *chain, const char **name, char (*text)[PLACE_TEXT])
{
	for (size_t i = 0; i < chain->count; i++) {
		const struct place *place = chain->place[chain->count - 1 - i];

		name[i] = place->function != NULL ? place->function : place_name(place, text[i]);
	}
	return (unsigned)chain->count;
}

struct texts {
	const char **name;
	char (*text)[PLACE_TEXT];
};

/* Room for the deepest of them. */
static bool texts_make(struct texts *texts, const struct chains *chains)
{
	size_t most = 1;

	for (size_t i = 0; i < chains->count; i++)
		if (chains->chain[i].count > most)
			most = chains->chain[i].count;
	texts->name = malloc(most * sizeof(*texts->name));
	texts->text = malloc(most * sizeof(*texts->text));
	return texts->name != NULL && texts->text != NULL;
}

static void texts_free(struct texts *texts)
{
	free(texts->name);
	free(texts->text);
}

/* ---- Lines ---- */

/* Those that read them part the names at semicolons, and the figures at the last blank. */
static void put_name(struct zm_builder *out, const char *name)
{
	char piece[2] = "";

	for (; *name != '\0'; name++) {
		piece[0] = *name;
		if (*name == ';')
			piece[0] = ':';
		zm_build_text(out, piece);
	}
}

/* With an earlier profile there are two figures, as those have it who draw differences. */
static void put_line(struct zm_builder *out, const struct chain *chain, struct texts *texts,
		     bool is_compared)
{
	unsigned count = name_places(chain, texts->name, texts->text);

	for (unsigned i = 0; i < count; i++) {
		zm_build_text(out, i != 0 ? ";" : "");
		put_name(out, texts->name[i]);
	}
	if (count == 0)
		zm_build_text(out, "(no stack)");
	if (is_compared) {
		zm_build_text(out, " ");
		zm_build_number(out, chain->stack->before_bytes);
	}
	zm_build_text(out, " ");
	zm_build_number(out, chain->stack->now.live_bytes);
	zm_build_text(out, "\n");
}

int profile_build_collapsed(struct zm_builder *out, const struct profile *profile)
{
	struct texts texts;
	bool is_there = texts_make(&texts, &profile->chains);

	for (size_t i = 0; is_there && i < profile->chains.count; i++) {
		const struct chain *chain = &profile->chains.chain[i];

		if (chain->stack->now.live_bytes != 0 || chain->stack->before_bytes != 0)
			put_line(out, chain, &texts, profile->since_ms != 0);
	}
	texts_free(&texts);
	return is_there ? 0 : ENOMEM;
}

/* ---- Flames ---- */

static int add_stacks(struct flame *flame, const struct chains *chains)
{
	struct texts texts;
	int error = texts_make(&texts, chains) ? 0 : ENOMEM;

	for (size_t i = 0; error == 0 && i < chains->count; i++) {
		const struct chain *chain = &chains->chain[i];
		unsigned count = name_places(chain, texts.name, texts.text);

		if (count == 0)
			texts.name[count++] = "(no stack)";
		error = flame_add(flame, texts.name, count, chain->stack->now.live_bytes,
				  chain->stack->before_bytes, chain->stack->now.live_blocks);
	}
	texts_free(&texts);
	return error;
}

int profile_build_flame(struct zm_builder *out, const struct profile *profile)
{
	char title[128], subtitle[160], mean[ZM_HUMAN_BYTES];
	struct flame *flame;
	int error;

	snprintf(title, sizeof(title), "%s (%" PRId64 "): %s", profile->process.name,
		 profile->process.pid,
		 profile->since_ms != 0 ? "what grew and shrank" : "live memory");
	snprintf(subtitle, sizeof(subtitle), "%" PRIu64 " samples, one for %s",
		 profile->taken.info.samples, human(profile->taken.info.mean_bytes, mean));
	if (profile->since_ms != 0)
		snprintf(subtitle + strlen(subtitle), sizeof(subtitle) - strlen(subtitle),
			 "; in %.1f s", (double)profile->since_ms / 1000);
	flame = flame_new(title, subtitle, profile->since_ms != 0);
	if (flame == NULL)
		return ENOMEM;
	error = add_stacks(flame, &profile->chains);
	if (error == 0)
		error = flame_write(flame, out);
	flame_free(flame);
	return error;
}
