/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_file.c - a profile in a new file, whole or not at all.
 */
#include "config.h"

#include "profile/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/failure.h"
#include "os/os.h"
#include "profile/write.h"

static int create(const char *path, int *fd)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;

	do
		*fd = open(path, flags, S_IRUSR | S_IWUSR);
	while (*fd < 0 && errno == EINTR);
	return *fd < 0 ? zm_os_failure() : 0;
}

/* Somebody may have put something else in its place meanwhile, which is not ours to remove. */
static void remove_made(const char *path, const struct stat *made)
{
	struct stat found;

	if (lstat(path, &found) == 0 && made->st_dev == found.st_dev &&
	    made->st_ino == found.st_ino)
		unlink(path);
}

static int write_to_fd(void *context, const char *text, size_t size)
{
	return zm_os_write(*(const int *)context, text, size);
}

static int write_all(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
		     int fd)
{
	struct zm_builder *out = &((struct zm_profile_scratch *)sheet->scratch)->out;
	int error, end;

	zm_builder_start_writer(out, write_to_fd, &fd);
	error = zm_profile_write(sheet, format, out);
	end = zm_builder_finish(out);
	return error != 0 ? error : end;
}

/* Some file systems tell at the end only that there was no room. */
static int create_and_write(const struct zm_profile_sheet *sheet,
			    enum zmalloc_profile_format format, const char *path)
{
	struct stat made;
	int fd, error = create(path, &fd);

	if (error != 0)
		return error;
	/* Of what has just been opened it cannot fail; if it did, nothing would be the same. */
	if (fstat(fd, &made) != 0)
		made = (struct stat){0};
	error = write_all(sheet, format, fd);
	if (close(fd) != 0 && error == 0 && errno != EINTR)
		error = zm_os_failure();
	if (error != 0)
		remove_made(path, &made);
	return error;
}

int zm_profile_write_file(const struct zm_profile_sheet *sheet, enum zmalloc_profile_format format,
			  const char *path)
{
	int cancel, error;

	/* A thread that ended in here would leave a part. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	error = create_and_write(sheet, format, path);
	pthread_setcancelstate(cancel, NULL);
	return error;
}
