/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/top_rows.h - made-up processes for the tests of `zmalloc top`.
 */
#ifndef ZM_TESTS_TOP_ROWS_H
#define ZM_TESTS_TOP_ROWS_H

#include "tools/top/row.h"

/* What a process with that much in use shows at a time. */
struct zmalloc_process made_up(int64_t pid, const char *name, uint64_t used_bytes, uint64_t ms);

/* So many rows with figures of chance, some unknown; numbers from 1. */
struct rows made_up_rows(size_t count);

#endif
