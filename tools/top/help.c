/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/help.c - the help of `zmalloc top`, narrow enough for forty columns.
 */
#include "tools/top/live.h"

static char *const lines[] = {
	(char *)"Keys",
	(char *)"  arrows, PgUp, PgDn, Home, End  move",
	(char *)"  Enter  details of the chosen process",
	(char *)"  P      have it give memory back",
	(char *)"  /      only names, users, numbers with",
	(char *)"         that text; Esc takes it away",
	(char *)"  < >    sort by the column left, right",
	(char *)"  R      sort the other way",
	(char *)"  n w p  sort by name, user (who), PID",
	(char *)"  u m r  by used, peak (most), RSS",
	(char *)"  l f g  by limit, fragmentation, growth",
	(char *)"  a      by the age of the figures",
	(char *)"  Tab    in details: the next part",
	(char *)"  Ctrl-Z stop, `fg` goes on; Ctrl-L draw",
	(char *)"  q      back from here; end",
	(char *)"",
	(char *)"Columns",
	(char *)"  USED   live blocks; the bar is that,",
	(char *)"         then what is resident beyond,",
	(char *)"         the largest being full length",
	(char *)"  %LIM   RSS in percent of the tightest",
	(char *)"         limit that the process has",
	(char *)"  PEAK   the highest that USED has been",
	(char *)"  RSS    resident set, always of now",
	(char *)"  FRAG   active over allocated memory",
	(char *)"  +/MIN  growth of USED in a minute,",
	(char *)"         over the last one",
	(char *)"  AGE    of the figures. With a mark,",
	(char *)"         NAME!, the process was asked",
	(char *)"         and did not answer: is it",
	(char *)"         stopped? RSS is still of now",
	(char *)"A column that has no room is left out.",
};

char *const *help_lines(size_t *count)
{
	*count = sizeof(lines) / sizeof(lines[0]);
	return lines;
}
