/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/program.h - what is in the program itself, and not in a shared object.
 */
#ifndef ZM_PROGRAM_H
#define ZM_PROGRAM_H

#include <stdbool.h>

/*
 * Is this address in the program's own file, and in no shared object? False where the system does not
 * tell. The loader's lock is taken.
 */
bool zm_is_in_program(const void *address);

#endif
