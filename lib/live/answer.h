/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/answer.h - the thread that sleeps until somebody asks.
 */
#ifndef ZM_ANSWER_H
#define ZM_ANSWER_H

#include <stdbool.h>

#include "os/shared.h"

/*
 * What the thread needs of whoever publishes. All are called on the thread.
 *
 *   is_wanted  is this memory still the one that the process shows? The thread ends when it is not.
 *   renew      write the figures of now
 *   let_go     unmap it: nobody but the thread uses the mapping by then
 */
struct zm_answer_room {
	bool (*is_wanted)(const struct zm_os_shared *shared);
	void (*renew)(const struct zm_os_shared *shared);
	void (*let_go)(const struct zm_os_shared *shared);
};

/*
 * Start the thread for a page; from now on the mapping is the thread's, which lets go of it when it ends.
 * 0, or what pthread_create(3) said: then the mapping is the caller's still.
 */
int zm_answer_start(const struct zm_os_shared *shared, const struct zm_answer_room *room);

/* Have the thread of this page look whether it is still wanted. */
void zm_answer_wake(const struct zm_os_shared *shared);

#endif
