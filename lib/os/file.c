/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/file.c - small reads of small files.
 */
#include "config.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* MemorySanitizer knows what read() has written, not what a bare system call has. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define PLAIN_CALLS 1
#endif
#endif

#if defined(__linux__) && !defined(PLAIN_CALLS)
#include <sys/syscall.h>
#define sys_open(path, flags) (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0)
#define sys_read(fd, buffer, size) (ssize_t) syscall(SYS_read, fd, buffer, size)
#define sys_close(fd) (void)syscall(SYS_close, fd)
#else
#define sys_open(path, flags) open(path, flags)
#define sys_read(fd, buffer, size) read(fd, buffer, size)
#define sys_close(fd) (void)close(fd)
#endif

int zm_file_open(const char *path, int *fd)
{
	do {
		*fd = sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	} while (*fd < 0 && errno == EINTR);
	return *fd < 0 ? errno : 0;
}

int zm_file_read(int fd, void *buffer, size_t size, size_t *got)
{
	ssize_t result;

	do {
		result = sys_read(fd, buffer, size);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return errno;
	*got = (size_t)result;
	return 0;
}

void zm_file_close(int fd)
{
	/* Not again after EINTR: the descriptor may be another thread's by then. */
	sys_close(fd);
}

int zm_file_slurp(const char *path, void *buffer, size_t size, size_t *got)
{
	size_t length = 0, more = 0;
	int error, fd;

	error = zm_file_open(path, &fd);
	if (error)
		return error;
	while (length < size) {
		error = zm_file_read(fd, (char *)buffer + length, size - length, &more);
		if (error || more == 0)
			break;
		length += more;
	}
	zm_file_close(fd);
	if (!error)
		*got = length;
	return error;
}
