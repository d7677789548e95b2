/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/file.c - a new file, which is there whole or not at all, and never in the place of another.
 */
#include "tools/profile/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/command.h"

static int complain_of(const char *path, int error)
{
	if (error == EEXIST)
		return complain("'%s' is there already, and stays as it is", path);
	return complain("cannot write '%s': %s", path, strerror(error));
}

/* Told before anybody waits for a profile; that it stays so is for open(2) to see. */
bool file_may_be_made(const char *path)
{
	struct stat about;

	if (lstat(path, &about) == 0) {
		complain_of(path, EEXIST);
		return false;
	}
	if (errno == ENOENT)
		return true;
	complain_of(path, errno);
	return false;
}

static int write_to_file(void *context, const char *text, size_t size)
{
	int fd = *(int *)context;

	while (size != 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? errno : EIO;
		text += written;
		size -= (size_t)written;
	}
	return 0;
}

/* What would end this process waits until nothing is half done; too large a file is an error like others. */
static void hold_signals(sigset_t *before)
{
	sigset_t ends;

	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, before);
}

static int build_into(zm_builder_writer write, void *context,
		      int (*build)(struct zm_builder *out, const void *of), const void *of)
{
	struct zm_builder out;
	int error, unwritten;

	zm_builder_start_writer(&out, write, context);
	error = build(&out, of);
	unwritten = zm_builder_finish(&out);
	return error != 0 ? error : unwritten;
}

static int make_new(const char *path, int (*build)(struct zm_builder *out, const void *of),
		    const void *of)
{
	int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	int error;

	if (fd < 0)
		return errno;
	error = build_into(write_to_file, &fd, build, of);
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error != 0)
		unlink(path);
	return error;
}

int file_make(const char *path, int (*build)(struct zm_builder *out, const void *of),
	      const void *of)
{
	sigset_t before;
	int error;

	if (path == NULL) {
		error = build_into(write_to_stdout, NULL, build, of);
		if (error == 0 && fflush(stdout) != 0)
			error = errno;
		return error == 0 ? DONE : complain("cannot write: %s", strerror(error));
	}
	hold_signals(&before);
	error = make_new(path, build, of);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error == 0 ? DONE : complain_of(path, error);
}
