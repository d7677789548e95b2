/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_code.h - whether an address that no object has may be one of code.
 */
#ifndef ZM_PROFILE_STACK_CODE_H
#define ZM_PROFILE_STACK_CODE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Its page can be read. That tells code from the stray numbers of a stack that was overwritten, not from
 * all: a pointer to data passes. The answer is remembered.
 */
bool zm_stack_is_code(uintptr_t pc);

#endif
