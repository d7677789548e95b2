/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/can_read.c - whether memory can be read, asked of Linux.
 *
 * Two ways without a descriptor: MADV_POPULATE_READ, of Linux 5.14; else a call that changes the signal
 * mask in a manner which there is not, and which the kernel only says after it has read the set. The
 * first is silent under checkers, which see the second read what nobody wrote. Which of them tells good
 * from bad here is tried on one page of either kind, as sandboxes and emulators may answer at will.
 */
#include "config.h"

#include "os/os.h"

#include "base/atomic.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the kernel's number, where the C library is older. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Bytes of the kernel's set of signals, everywhere but on mips. */
#if defined(__mips__)
#define SET_BYTES 16
#else
#define SET_BYTES 8
#endif

static bool by_madvise(const void *page)
{
	int result;

	do {
		result = madvise((void *)(uintptr_t)page, 1, MADV_POPULATE_READ);
	} while (result != 0 && errno == EINTR);
	return result == 0;
}

/* No page of zeros: the kernel takes NULL for no set at all. */
static bool by_mask(const void *page)
{
	return syscall(SYS_rt_sigprocmask, ~0, page, NULL, SET_BYTES) != 0 && errno == EINVAL;
}

enum way {
	UNTRIED,
	BY_MADVISE,
	BY_MASK,
	BY_NONE
};

static bool tells(bool (*can_read)(const void *), const void *good, const void *bad)
{
	return can_read(good) && !can_read(bad);
}

/* An emulator may know what is mapped, and not how: the bad page is one that nobody may read. */
static enum way find_way(void)
{
	size_t page_bytes = zm_os_page_size();
	const void *good =
		(const void *)((uintptr_t)__builtin_frame_address(0) & ~(page_bytes - 1));
	void *bad = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	enum way way = BY_NONE;

	if (bad == MAP_FAILED)
		return UNTRIED;
	if (tells(by_madvise, good, bad))
		way = BY_MADVISE;
	else if (tells(by_mask, good, bad))
		way = BY_MASK;
	munmap(bad, page_bytes);
	return way;
}

int zm_os_can_read(const void *page)
{
	static ZM_ATOMIC(int) known; /* enum way */
	int way = zm_load(&known);

	if (way == UNTRIED) {
		way = (int)find_way();
		zm_store(&known, way);
	}
	switch (way) {
	case BY_MADVISE:
		return by_madvise(page) ? 0 : EFAULT;
	case BY_MASK:
		return by_mask(page) ? 0 : EFAULT;
	default:
		return ENOTSUP;
	}
}
