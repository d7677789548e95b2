/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/top/holders.h - which code of a process holds the memory, in the details of `zmalloc top`.
 */
#ifndef ZM_TOP_HOLDERS_H
#define ZM_TOP_HOLDERS_H

#include "tools/top/sheet.h"

/* 0, or an errno value as of take_profile(): then no line is added. */
int holders_add(struct sheet *sheet, int64_t pid, unsigned timeout_ms);

#endif
