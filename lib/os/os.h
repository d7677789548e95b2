/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/os.h - the operating system behind: the contract that every system's file fulfils.
 *
 * configure picks one system file, linux.c or another (m4/zm_platform.m4 lists them), and the
 * capability files that go with it (lib/os/sources.mk says which). A system file knows nothing of
 * accounts nor of allocators, and no file outside this directory asks which system it is on. The
 * linker says which function a system lacks; rss_only.c and those whose names begin with "no_" have
 * the functions of one that cannot.
 *
 * Rules for every function here:
 *   - It returns 0 or an errno value, and stores its result through a pointer only when it
 *     returns 0. ENOTSUP: this system has no source for it.
 *   - It does not allocate, use stdio, or take a lock: a probe may run inside an allocator, in a
 *     child after fork(), or when there is no memory left. What it needs is on the stack, at most
 *     16 KiB.
 *   - EINTR is handled inside. Descriptors are close-on-exec and closed on every path. errno may
 *     change.
 *   - Where it reads files it is no cancellation point on Linux.
 */
#ifndef ZM_OS_H
#define ZM_OS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a page; a power of two. Never fails. */
size_t zm_os_page_size(void);

/*
 * Pages of zeroes, private, readable and writable, aligned to a page.
 * bytes: rounded up to whole pages here. ENOMEM when there are none, or for 0.
 */
int zm_os_map(size_t bytes, void **pages);

/* Give back all of what one zm_os_map() gave, with its number of bytes. */
void zm_os_unmap(void *pages, size_t bytes);

/*
 * The contents of [start, start + bytes) are no longer needed. Rounded inwards to whole pages here;
 * a range that holds no whole page is left alone, and that is success. The pages stay mapped and
 * read as zero or as before.
 */
int zm_os_dontneed(void *start, size_t bytes);

/*
 * A variable of the environment; NULL if it is not set, and always in a process that has rights
 * which whoever started it has not: by a set-user-ID or set-group-ID file, and on Linux by a file's
 * capabilities or a security module as well. Other systems and C libraries may not tell the latter.
 */
const char *zm_os_getenv(const char *name);

/* Bytes of this process that are in physical memory. */
int zm_os_rss(size_t *bytes);

/*
 * The sum of one field over the mappings of a process, as Linux's smaps names it, colon included.
 * Systems without smaps answer the few fields they have a figure for.
 * pid: -1 for this process.
 * ENOENT: no such field, or none in bytes; ESRCH: no such process; EACCES: not ours to read.
 */
int zm_os_smaps_field(const char *field, long pid, size_t *bytes);

/*
 * A numeric field of /proc/self/stat by its number in proc(5), the first being 1. A value over
 * LLONG_MAX that 64 bits still hold ("unlimited") is stored as LLONG_MAX. EINVAL for the two
 * fields that are no numbers; ENOENT for one past the end.
 */
int zm_os_stat_field(int field, long long *value);

/* Bytes of physical memory that the machine has for its use. */
int zm_os_memory_size(size_t *bytes);

/*
 * The tightest limit on this process's memory, and what sets it: "physical memory", "RLIMIT_AS",
 * "RLIMIT_DATA", the path of a control-group file, or for a 32-bit process with less room than the
 * machine has memory, "address space". A limit under a page counts as one page, so that the figure
 * is never 0.
 * source: may be NULL; cut to source_size, always terminated.
 */
int zm_os_memory_limit(size_t *bytes, char *source, size_t source_size);

/*
 * Write all of it to a descriptor. Never raises SIGPIPE or SIGXFSZ: a broken pipe or socket is EPIPE, a file that
 * may not grow so far EFBIG.
 * EAGAIN when a non-blocking descriptor is full; part may have been written then.
 */
int zm_os_write(int fd, const void *bytes, size_t size);

/*
 * Have the shared object that an address is in stay in memory until the process ends, whoever
 * unloads it: threads that used it still run its code when they end, and have blocks in it. Nothing
 * is to be done for a program's own. The loader's lock is taken and the C library's malloc() may be
 * called: to be called from a constructor, which runs under that lock.
 */
int zm_os_stay_loaded(const void *inside);

/*
 * Whether the page that begins at an address can be read, as the kernel sees it at that moment. Raises no
 * signal, whatever is there. EFAULT: it cannot; ENOTSUP: the kernel is not asked here.
 */
int zm_os_can_read(const void *page);

/*
 * The object, program or shared library, that an address is in: [start, end) of what is mapped of it, and
 * where its .eh_frame_hdr is, 0 if it has none. May be called in callbacks of the loader and while
 * another thread loads or unloads; the object stays for as long as its code is on a stack.
 * ENOENT: in none that is known; ENOTSUP: never told here.
 */
struct zm_os_object {
	uintptr_t start, end;
	uintptr_t unwind_header;
};
int zm_os_find_object(const void *inside, struct zm_os_object *object);

/*
 * Write the calling thread's stack to a descriptor, a line a frame, innermost first.
 * skip: frames to leave out, from this function's caller inwards.
 * ENOTSUP without backtrace(3).
 *
 * Where there is backtrace(3) and no way to the unwinder but that, the first one of a process may
 * load a library for it and allocate: if nothing is left for that, the answer is ENOMEM and nothing
 * is written. Call it last in a report.
 */
int zm_os_backtrace(int fd, int skip);

/*
 * Write what is at each of some addresses of code, at most 64, to a descriptor, a line for each: the file, the
 * function where one is known, the address. Without backtrace(3) the address alone.
 */
int zm_os_write_symbols(int fd, const uintptr_t *addresses, unsigned count);

#endif
