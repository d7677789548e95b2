/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/start.h - the beginning of the process, for what the environment asks for.
 */
#ifndef ZM_START_H
#define ZM_START_H

/*
 * A program takes from the static library only the objects that it asks for, and nobody calls a
 * constructor. So the account, which every use of the library needs, asks for this word.
 */
extern const char zm_start_is_linked;

#endif
