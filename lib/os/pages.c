/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pages.c - pages from the kernel, and given back to it, by mmap(2) and madvise(2).
 */
#include "config.h"

#include "os/os.h"

#include "os/failure.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif

/*
 * Linux drops the pages at once; elsewhere that advice only moves them to the end of a queue, and
 * it is the other one that lets the kernel take them when it needs them.
 */
#ifdef __linux__
#define NOT_NEEDED MADV_DONTNEED
#elif defined(MADV_FREE)
#define NOT_NEEDED MADV_FREE
#endif

size_t zm_os_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int zm_os_map(size_t bytes, void **pages)
{
	size_t mask = zm_os_page_size() - 1;
	void *mapped;

	if (bytes == 0 || bytes > PTRDIFF_MAX - mask)
		return ENOMEM;
	mapped = mmap(NULL, (bytes + mask) & ~mask, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return zm_os_failure();
	*pages = mapped;
	return 0;
}

void zm_os_unmap(void *pages, size_t bytes)
{
	size_t mask = zm_os_page_size() - 1;

	munmap(pages, (bytes + mask) & ~mask);
}

int zm_os_dontneed(void *start, size_t bytes)
{
#ifdef NOT_NEEDED
	size_t mask = zm_os_page_size() - 1;
	size_t to_page = (size_t)(-(uintptr_t)start & mask);

	if (bytes < to_page || bytes - to_page <= mask)
		return 0;
	if (madvise((char *)start + to_page, (bytes - to_page) & ~mask, NOT_NEEDED) != 0)
		return zm_os_failure();
	return 0;
#else
	(void)start;
	(void)bytes;
	return ENOTSUP;
#endif
}
