/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/file.c - small reads of small files.
 */
#include "config.h"

#include "os/file.h"

#include "os/failure.h"

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
#define sys_open(at, path, flags) (int)syscall(SYS_openat, at, path, flags, 0)
#define sys_read(fd, buffer, size) (ssize_t) syscall(SYS_read, fd, buffer, size)
#define sys_close(fd) (void)syscall(SYS_close, fd)
#else
#define sys_open(at, path, flags) openat(at, path, flags)
#define sys_read(fd, buffer, size) read(fd, buffer, size)
#define sys_close(fd) (void)close(fd)
#endif

/* Directories are opened for their names only, where the system has that: no more is asked of it. */
#if defined(O_PATH)
#define NAMES_ONLY O_PATH
#else
#define NAMES_ONLY O_RDONLY
#endif

static int open_at(int directory, const char *path, int flags, int *fd)
{
	if (directory < 0)
		directory = AT_FDCWD;
	do {
		*fd = sys_open(directory, path, flags | O_CLOEXEC);
	} while (*fd < 0 && errno == EINTR);
	return *fd < 0 ? errno : 0;
}

int zm_file_open_at(int directory, const char *path, int *fd)
{
	return open_at(directory, path, O_RDONLY | O_NOCTTY, fd);
}

int zm_file_open_as(int directory, const char *path, int flags, int *fd)
{
	return open_at(directory, path, flags | O_NOCTTY, fd);
}

int zm_file_open(const char *path, int *fd)
{
	return zm_file_open_at(-1, path, fd);
}

int zm_file_open_directory(int directory, const char *path, int *fd)
{
	return open_at(directory, path, NAMES_ONLY | O_DIRECTORY, fd);
}

int zm_file_read(int fd, void *buffer, size_t size, size_t *got)
{
	ssize_t result;

	do {
		result = sys_read(fd, buffer, size);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return zm_os_failure();
	*got = (size_t)result;
	return 0;
}

void zm_file_close(int fd)
{
	/* Not again after EINTR: the descriptor may be another thread's by then. */
	sys_close(fd);
}

int zm_file_slurp_fd(int fd, void *buffer, size_t size, size_t *got)
{
	size_t length = 0, more = 0;
	int error = 0;

	while (length < size) {
		error = zm_file_read(fd, (char *)buffer + length, size - length, &more);
		if (error || more == 0)
			break;
		length += more;
	}
	if (!error)
		*got = length;
	return error;
}

int zm_file_slurp(const char *path, void *buffer, size_t size, size_t *got)
{
	int error, fd;

	error = zm_file_open(path, &fd);
	if (error)
		return error;
	error = zm_file_slurp_fd(fd, buffer, size, got);
	zm_file_close(fd);
	return error;
}
