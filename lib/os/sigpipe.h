/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/sigpipe.h - writing to a reader that may be gone, or to a file that may grow no more, without being
 * ended by SIGPIPE or SIGXFSZ.
 */
#ifndef ZM_OS_SIGPIPE_H
#define ZM_OS_SIGPIPE_H

#include <signal.h>

/* From hold to release a signal that this thread's writes to `fd` raise is blocked; release drops it. */
struct zm_sigpipe {
	sigset_t mask;    /* to be restored */
	sigset_t pending; /* somebody else's: to be left pending */
	int fd, fd_flag;  /* where the system has a flag for it on the descriptor */
};

void zm_sigpipe_hold(struct zm_sigpipe *hold, int fd);
void zm_sigpipe_release(const struct zm_sigpipe *hold);

#endif
