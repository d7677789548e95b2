/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/published_dir.c - the directory of the pages: found, made, and trusted only if it is ours alone.
 *
 * The last of the three lies in /tmp, where anyone may have made something of that name before us:
 * it counts only as a directory, not through a link, of this user, closed to all others. Then what
 * is in it is this user's doing.
 */
#include "config.h"

#include "live/published.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/builder.h"
#include "os/failure.h"
#include "os/os.h"

static bool is_ours_alone(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid() &&
	       (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static int open_ours(int parent, const char *name, bool make, int *fd)
{
	if (make && mkdirat(parent, name, S_IRWXU) != 0 && errno != EEXIST)
		return zm_os_failure();
	*fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? EPERM : zm_os_failure();
	if (is_ours_alone(*fd))
		return 0;
	close(*fd);
	return EPERM;
}

/* zmalloc/ in a runtime directory, which has to be ours alone as well. */
static int open_below(const char *runtime, bool make, int *fd)
{
	int error, parent;

	if (runtime == NULL || runtime[0] != '/')
		return ENOENT;
	parent = open(runtime, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return ENOENT;
	error = is_ours_alone(parent) ? open_ours(parent, "zmalloc", make, fd) : ENOENT;
	close(parent);
	return error;
}

static const char *with_user(char *text, const char *front)
{
	char digits[ZM_DIGITS];

	return strcat(strcpy(text, front), zm_digits(geteuid(), digits));
}

int zm_published_dir_open(int number, bool make, int *fd)
{
	char path[16 + ZM_DIGITS];

	if (number == 0)
		return open_below(zm_os_getenv("XDG_RUNTIME_DIR"), make, fd);
	if (number == 1)
		return open_below(with_user(path, "/run/user/"), make, fd);
	return open_ours(AT_FDCWD, with_user(path, "/tmp/zmalloc-"), make, fd);
}

void zm_published_name(int64_t pid, char *name, size_t size)
{
	char digits[ZM_DIGITS];
	const char *text = zm_digits((uint64_t)pid, digits);

	if (strlen(text) < size)
		strcpy(name, text);
	else if (size != 0)
		name[0] = '\0';
}
