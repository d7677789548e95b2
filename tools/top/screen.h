/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/screen.h - the terminal: whether it can show a picture, its keys, and leaving it as it was.
 */
#ifndef ZM_TOP_SCREEN_H
#define ZM_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/* What screen_key() returns beside the keys of curses. */
enum {
	SCREEN_NOTHING = 0, /* time is up, or the size changed */
	SCREEN_END = -2     /* a signal, or the terminal is gone */
};

/*
 * False where input or output is no terminal, or one that cannot move its cursor (TERM=dumb), or nobody
 * knows it: nothing was written then.
 */
bool screen_open(void);
void screen_close(void);

/* The size of the terminal as of now, which curses goes by from then on. */
void screen_size(int *width, int *height);

/* Wait for a key. Signals that end or stop the program have their effect in here only. */
int screen_key(uint64_t wait_ms);

#endif
