/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/live.c - `zmalloc top` on a screen: again and again, until it is told to end.
 */
#include "tools/top/live.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/top/screen.h"

/* ---- Pictures ---- */

/* NULL: nothing to say there. */
static const char *bottom_line(const struct live *live, char *text, size_t size)
{
	if (*live->message != '\0')
		return live->message;
	if (live->asks == ASKS_FILTER)
		snprintf(text, size, "Only with: %s_  (Enter: done, Esc: all)", live->pick.filter);
	else if (live->asks == ASKS_PURGE)
		snprintf(text, size, "Have %lld give memory back? (y/n)", (long long)live->asked);
	else
		return NULL;
	return text;
}

static void draw_sheet(struct live *live, const char *bottom)
{
	const struct row *row = pick_chosen(&live->pick);
	char title[160];

	sheet_title(row, wall_ms(), title, sizeof(title));
	live->text.line = live->sheet.line;
	live->text.count = live->sheet.count;
	view_text(&live->text, title,
		  bottom != NULL ? bottom : "q back  Tab next part  P purge  arrows move");
}

void live_draw(struct live *live)
{
	char text[160];
	const char *bottom = bottom_line(live, text, sizeof(text));

	/* The process whose sheet was shown may be gone, and no other there. */
	if (live->shows == SHOWS_SHEET && pick_chosen(&live->pick) == NULL)
		live->shows = SHOWS_LIST;
	if (live->shows == SHOWS_LIST) {
		view_list(&live->pick, live->rows.count, &live->first, bottom);
	} else if (live->shows == SHOWS_SHEET) {
		draw_sheet(live, bottom);
	} else {
		live->text.line = help_lines(&live->text.count);
		view_text(&live->text, "zmalloc top", "q back  arrows move");
	}
}

/* ---- Rounds ---- */

static uint64_t now_ms(const struct live *live)
{
	return live->gather.source.now_ms();
}

/* Returns an errno value. */
static int look(struct live *live)
{
	int64_t was = live->pick.chosen_pid;
	int error = gather_round(&live->gather, &live->rows);

	if (error != 0)
		return error;
	pick_rows(&live->pick, &live->rows);
	if (live->shows != SHOWS_SHEET)
		return 0;
	if (live->pick.chosen_pid != was) {
		live->shows = SHOWS_LIST;
		snprintf(live->message, sizeof(live->message), "%lld is gone", (long long)was);
	} else {
		sheet_fill(&live->sheet, pick_chosen(&live->pick));
	}
	return 0;
}

/* Draw, and take keys, until the next look is due. */
static void wait(struct live *live, uint64_t until_ms)
{
	for (uint64_t now = now_ms(live); !live->has_ended; now = now_ms(live)) {
		int key;

		live_draw(live);
		key = screen_key(now < until_ms ? until_ms - now : 0);
		if (key == SCREEN_END)
			live->has_ended = true;
		else if (key != SCREEN_NOTHING)
			live_key(live, key);
		else if (now_ms(live) >= until_ms)
			return;
	}
}

static int run(struct live *live, const struct options *options)
{
	uint64_t delay_ms = (uint64_t)(options->delay_s * 1000);
	int error = 0;

	for (long round = 0; !live->has_ended && (options->rounds <= 0 || round < options->rounds);
	     round++) {
		error = look(live);
		if (error != 0)
			break;
		wait(live, now_ms(live) + delay_ms);
	}
	return error;
}

bool top_live(const struct options *options, int *answer)
{
	struct live live = {.gather = gather_live()};
	int error;

	if (!screen_open())
		return false;
	view_start();
	pick_start(&live.pick);
	error = run(&live, options);
	screen_close();
	sheet_free(&live.sheet);
	pick_free(&live.pick);
	rows_free(&live.rows);
	*answer = error == 0 ? DONE
			     : complain("cannot list the processes that show themselves: %s",
					strerror(error));
	return true;
}
