/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/failure.h - the errno value of a system call that failed.
 *
 * A caller takes 0 for success and reads a result that nobody has stored. No call of POSIX fails with an
 * errno of 0, but a compiler that looks across files cannot know that, and warns.
 */
#ifndef ZM_OS_FAILURE_H
#define ZM_OS_FAILURE_H

#include <errno.h>

static inline int zm_os_failure(void)
{
	int error = errno;

	return error != 0 ? error : EIO;
}

#endif
