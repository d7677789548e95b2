/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/refuse.h - calls of the kernel that are refused to a test program, as a container may do.
 */
#ifndef ZM_TESTS_REFUSE_H
#define ZM_TESTS_REFUSE_H

#include <stdbool.h>

/*
 * memfd_create(2) fails with ENOSYS in this program, its children and whatever they run. True also on
 * systems that have no such call.
 */
bool refuse_memory_files(void);

/* The same for new threads: clone3(2) and clone(2) fail with EAGAIN, and with them fork(2). */
bool refuse_threads(void);

#endif
