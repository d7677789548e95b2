/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/folder.h - a folder of the test's own, for what is written into files.
 */
#ifndef ZM_TESTS_FOLDER_H
#define ZM_TESTS_FOLDER_H

#include <stddef.h>

#define FOLDER_PATH_BYTES 320

/* A new one below /tmp; its path stays until the next. Fails the test if there is none to be had. */
const char *folder_make(void);

/* "FOLDER/NAME" */
const char *folder_path(const char *name, char path[FOLDER_PATH_BYTES]);

/*
 * How many names in it have this piece in them; "": all. found: out, the path of one of them, may be NULL.
 */
int folder_count(const char *piece, char found[FOLDER_PATH_BYTES]);

/* Remove it with what is in it. Returns how many names there were. */
int folder_remove(void);

#endif
