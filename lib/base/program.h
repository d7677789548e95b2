/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/program.h - what is in the program itself, and not in a shared object.
 */
#ifndef ZM_PROGRAM_H
#define ZM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is this address in the program's own file, and in no shared object? False where the system does not
 * tell. The loader's lock is taken.
 */
bool zm_is_in_program(const void *address);

/*
 * Where the segment lies that has this address, if it is one of a shared object's. False: it is the
 * program's, or the system does not tell. The loader's lock is taken.
 */
bool zm_shared_segment(const void *address, uintptr_t *start, uintptr_t *end);

/*
 * A function of the library that gives a program malloc() by names of ours (lib/preload); NULL: the
 * process has no such library.
 */
const void *zm_preload_address(void);

#endif
