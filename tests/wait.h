/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/wait.h - waiting for something that may never come.
 */
#ifndef ZM_TESTS_WAIT_H
#define ZM_TESTS_WAIT_H

#include <stdbool.h>

/* Until the descriptor has something to read, or its end; false after so long without. */
bool wait_readable(int fd, int milliseconds);

#endif
