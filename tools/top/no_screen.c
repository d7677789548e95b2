/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/no_screen.c - for a build without curses: there are plain lines only.
 */
#include "tools/top/live.h"

bool top_live(const struct options *options, int *answer)
{
	(void)options;
	(void)answer;
	return false;
}
