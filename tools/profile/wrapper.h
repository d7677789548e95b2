/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/wrapper.h - is a function one that only passes on what an allocator gives?
 */
#ifndef ZM_TOOL_WRAPPER_H
#define ZM_TOOL_WRAPPER_H

#include "tools/profile/symbols.h"

bool is_wrapper(const struct place *place);

#endif
