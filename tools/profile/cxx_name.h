/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/cxx_name.h - a C++ function as its author wrote it, of the symbol that the compiler made.
 */
#ifndef ZM_TOOL_CXX_NAME_H
#define ZM_TOOL_CXX_NAME_H

/*
 * Without its parameters and what it returns, as file and line tell overloads apart. To be freed. NULL: it is no
 * symbol of C++, it is one whose name has no end, or this machine has no C++ library that could read it.
 */
char *cxx_name(const char *symbol);

#endif
