/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/helper.h - threads of the library's own, in a program that did not ask for any.
 */
#ifndef ZM_HELPER_H
#define ZM_HELPER_H

/*
 * Run `body` in a detached thread with a small stack and every signal blocked, for all of them are
 * the program's. 0 or an errno value. Its thread-local variables and pthread_create() may call the
 * program's malloc().
 */
int zm_helper_start(void *(*body)(void *argument), void *argument);

#endif
