/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/screen.h - the terminal: its size, its keys, and leaving it as it was.
 */
#ifndef ZM_SCREEN_H
#define ZM_SCREEN_H

#include <stdbool.h>

/* False if standard output is no terminal. Until screen_close() keys come singly and unseen. */
bool screen_open(void);
void screen_close(void);

/* Columns and lines, as of now. */
void screen_size(int *columns, int *lines);

/*
 * Begin a picture over the last one; end each of its lines; and clear what the last one had more.
 */
void screen_home(void);
void screen_line_end(void);
void screen_done(void);

/* Wait for a key. 0: time is up, or the size changed. 'q': end, by a key or a signal. */
int screen_key(double seconds);

#endif
