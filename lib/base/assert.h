/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/assert.h - what has to be true for the code to be right, checked by `configure --enable-debug`.
 *
 * A condition has no effects: in a release it is compiled and never run. What a caller of the library
 * gets wrong is no matter for an assertion; the headers say what is answered.
 */
#ifndef ZM_ASSERT_H
#define ZM_ASSERT_H

#include "base/compiler.h"

#ifdef ZM_DEBUG
#define zm_assert(condition)                                                                       \
	(zm_likely(condition) ? (void)0 : zm_assert_failed(__FILE__, __LINE__, #condition))
#else
#define zm_assert(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

/* Says so on stderr, without allocating, and aborts. */
void zm_assert_failed(const char *file, int line, const char *condition)
	__attribute__((__noreturn__));

#endif
