/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hook.h - the program's frees and allocations while slabs are pinned.
 */
#ifndef ZM_DEFRAG_HOOK_H
#define ZM_DEFRAG_HOOK_H

/* Under the cycle's lock. Removing does not wait: zm_cycle_close() shuts the gate first. */
void zm_hook_install(void);
void zm_hook_remove(void);

#endif
