/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/oom.h - how the allocation family fails.
 */
#ifndef ZM_OOM_H
#define ZM_OOM_H

#include <stddef.h>

/* Call the out-of-memory handler; if it returns, set ENOMEM. size: asked for. Always NULL. */
void *zm_oom(size_t size);

/* Set errno, for the functions that never call the handler. Always NULL. */
void *zm_enomem(void);
void *zm_einval(void);

#endif
