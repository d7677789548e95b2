/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/refuse.c - calls of the kernel that are refused: seccomp(2), "SECCOMP_MODE_FILTER".
 */
#include "config.h"

#include "tests/refuse.h"

#if defined(__linux__)

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Two calls by their numbers, which may be the same. */
static bool refuse(unsigned one, unsigned other, unsigned error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, one, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, other, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* An emulator of another processor may take the filter and not obey it. */
bool refuse_memory_files(void)
{
	return refuse(SYS_memfd_create, SYS_memfd_create, ENOSYS) &&
	       syscall(SYS_memfd_create, "refused", 0) < 0 && errno == ENOSYS;
}

/* What has no arguments makes nothing, where it is not refused. */
bool refuse_threads(void)
{
#ifdef SYS_clone3
	return refuse(SYS_clone, SYS_clone3, EAGAIN) && syscall(SYS_clone3, NULL, 0) < 0 &&
	       errno == EAGAIN;
#else
	return false;
#endif
}

#else

bool refuse_memory_files(void)
{
	return true;
}

bool refuse_threads(void)
{
	return false;
}

#endif
