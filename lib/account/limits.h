/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/limits.h - the hard limit and the soft ones, as a client of the account.
 *
 * Used memory is the account's to keep under a roof (roof.c), which is the lowest limit that has
 * not been passed. The hard limit refuses whoever would get past; a soft one lets him, is not part of
 * the roof until memory has fallen again, and calls the program.
 *
 * Everything here is guarded by the lock of the account, so a child of fork() finds it whole.
 */
#ifndef ZM_LIMITS_H
#define ZM_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

/* What ZMALLOC_LIMIT asks for. */
void zm_limit_at_start(void);

/* ---- For those who report; any thread, any time ---- */

/* The hard limit, or SIZE_MAX. */
size_t zm_limit_hard(void);
/* Who set it, for people. */
const char *zm_limit_setter(void);
uint64_t zm_limit_refusals(void);
/* Was the calling thread refused the last time that the limit was asked, and is `size` still too much? */
bool zm_limit_is_why(size_t size);

/*
 * The calling thread's allocation or resize has failed: if the hard limit refused it, those who want to know are
 * told. No lock is held.
 */
void zm_limit_tell_refused(void);

/* Have a function called after each soft limit's own, with no lock held; NULL: none. */
void zm_soft_limits_tell(void (*tell)(void));

/* ---- limits.c, for the other files of limits; under the lock ---- */

/* 0: none. setter: a constant. */
void zm_limit_put(size_t bytes, const char *setter);

/* After any limit has changed. */
void zm_limits_update(void);

/* ---- soft_limits.c, for limits.c; under the lock but for the last two ---- */

/* The lowest that memory has not passed, or 0. */
ptrdiff_t zm_soft_limits_lowest(void);
bool zm_soft_limits_have_any(void);
/* Has memory passed one, which is to know when it falls? */
bool zm_soft_limits_watch(void);

void zm_soft_limits_enter_child(void);

/* The questions of struct zm_client. */
void zm_soft_limits_see_passed(void);
size_t zm_soft_limits_see_fell(void);

#endif
