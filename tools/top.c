/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top.c - `zmalloc top`: every process that shows itself, live on a terminal and once elsewhere.
 */
#include "tools/command.h"

#include <locale.h>

#include "tools/top/live.h"
#include "tools/top/plain.h"

int command_top(const struct options *options)
{
	int answer;

	/* Which characters the terminal shows; figures are written as in C. */
	setlocale(LC_CTYPE, "");
	if (options->format == ZMALLOC_STATS_TABLE && top_live(options, &answer))
		return answer;
	return top_plain(options);
}
