/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/backtrace.c - the calling thread's stack, written out without allocating.
 */
#include "config.h"

#include "os/os.h"
#include "os/sigpipe.h"

#include <errno.h>

#ifdef HAVE_BACKTRACE
#include <execinfo.h>

/* Enough for the way from main() to a failing allocation; 512 bytes of stack. */
#define FRAMES 64

int zm_os_backtrace(int fd, int skip)
{
	void *frames[FRAMES];
	struct zm_sigpipe hold;
	int found = (int)backtrace(frames, FRAMES);

	skip++; /* this function */
	if (found <= skip)
		return ENOMEM;
	zm_sigpipe_hold(&hold, fd);
	backtrace_symbols_fd(frames + skip, (size_t)(found - skip), fd);
	zm_sigpipe_release(&hold);
	return 0;
}
#else
int zm_os_backtrace(int fd, int skip)
{
	(void)fd;
	(void)skip;
	return ENOTSUP;
}
#endif
