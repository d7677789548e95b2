/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/hook.h - the program's frees and allocations while slabs are pinned.
 */
#ifndef ZM_DEFRAG_HOOK_H
#define ZM_DEFRAG_HOOK_H

/*
 * Under the cycle's lock. Watching only has the cycle's tick called; installing opens the gate too.
 * Removing does not wait: zm_cycle_shut() comes first.
 */
void zm_hook_watch(void);
void zm_hook_install(void);
void zm_hook_remove(void);

#endif
