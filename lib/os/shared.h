/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/shared.h - memory that other processes find by way of the kernel, and words in it on which
 * threads of several processes wait. The rules of os.h hold: 0 or an errno value, nothing allocated.
 *
 * There is nothing on disk: the memory is a descriptor of the process that made it, of a name that /proc
 * shows, and is gone with that process. Its size is sealed, so whoever maps it cannot be hurt by a
 * file that is cut short, whatever its maker does. Who may open it is the kernel's to decide
 * (proc(5), "/proc/pid/fd").
 *
 * ENOTSUP: this system has no such memory.
 */
#ifndef ZM_OS_SHARED_H
#define ZM_OS_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"

struct zm_os_shared {
	void *at;
	size_t bytes;
	int fd;
	uint64_t device,
		inode; /* the file's: the program may close the descriptor and use its number */
};

/*
 * `bytes` of zeroes, a multiple of the page size. A child of fork() has neither the mapping nor, once
 * zm_os_shared_leave() was called there, the descriptor; a program that is executed has none of it.
 * ENOSYS, EPERM, EACCES: the kernel or a filter of its calls refuses such memory; EMFILE, ENFILE, ENOMEM.
 */
int zm_os_shared_make(const char *name, size_t bytes, struct zm_os_shared *shared);

/* Is the descriptor still there, and still that of this memory? */
bool zm_os_shared_is_shown(const struct zm_os_shared *shared);

/* Let go of the descriptor: nobody finds the memory any more. It stays mapped. */
void zm_os_shared_hide(const struct zm_os_shared *shared);

/* Let go of the mapping, which the child of a fork does not have. */
void zm_os_shared_unmap(const struct zm_os_shared *shared);

/*
 * Have `visit` see every piece of memory of that name and size that a process has, open for reading and
 * writing. visit: returns 0 to go on to the next, anything else to end; it may keep the descriptor
 * if it ends the visit, else it is closed for it.
 * Returns what visit did, and 0 when there is no more; ESRCH: no such process; EACCES: the kernel
 * refuses; ENOTSUP.
 */
int zm_os_shared_visit(int64_t pid, const char *name, size_t bytes,
		       int (*visit)(int fd, void *context), void *context);

/* Map the first `bytes` of a descriptor of zm_os_shared_visit() for reading and writing. */
int zm_os_shared_map(int fd, size_t bytes, void **at);

/*
 * Sleep while the word is `value`. timeout_ms: under 0 for ever. A wake-up for no reason is possible.
 * ETIMEDOUT; 0 for every other reason to look again.
 */
int zm_os_word_wait(ZM_ATOMIC(uint32_t) * word, uint32_t value, int timeout_ms);

/* Wake every thread of every process that waits on the word. */
void zm_os_word_wake(ZM_ATOMIC(uint32_t) * word);

/* The name of the calling thread, as ps(1) and debuggers show it: up to 15 characters. */
void zm_os_thread_name(const char *name);

/*
 * Have the calling thread run sooner after it is woken, for less time at once; in all it gets as much as
 * others. No right is needed. Nothing is changed where the kernel knows of no such thing (Linux before
 * 6.12), refuses, or where the thread has a policy of the program's choice.
 */
void zm_os_thread_prompt(void);

#endif
