/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/published_file.c - the page as a file, where the system has no memory that others find.
 *
 * A file outlives the process that does not remove it, and the directory is one that cleaners may
 * empty. So each writing looks whether the file is there and is ours, and makes it anew if not; and
 * each reader removes what it finds of a process that is gone.
 */
#include "config.h"

#include "live/published.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/failure.h"

static bool is_page_of_ours(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && about.st_uid == geteuid() && S_ISREG(about.st_mode) &&
	       (about.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

/* A device or a queue is not waited for. EPERM: it is not ours alone. */
static int open_page(int directory, const char *name, int flags, int *fd)
{
	*fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ELOOP || errno == ENXIO ? EPERM : zm_os_failure();
	if (is_page_of_ours(*fd))
		return 0;
	close(*fd);
	return EPERM;
}

/* ---- Writing ---- */

/* Whatever else has our name in a directory of ours was left by a process that is gone. */
static int create_page(int directory, const char *name, int *fd)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	*fd = openat(directory, name, flags, S_IRUSR | S_IWUSR);
	if (*fd < 0 && errno == EEXIST && unlinkat(directory, name, 0) == 0)
		*fd = openat(directory, name, flags, S_IRUSR | S_IWUSR);
	if (*fd < 0)
		return zm_os_failure();
	if (fchmod(*fd, S_IRUSR | S_IWUSR) == 0)
		return 0;
	close(*fd);
	return zm_os_failure();
}

static bool write_at(int fd, const void *from, size_t bytes, size_t at)
{
	return pwrite(fd, from, bytes, (off_t)at) == (ssize_t)bytes;
}

/*
 * A reader takes the page for whole if the sequence is the same even number before and after it: so the
 * file has an odd one while the rest is written.
 */
static int write_page(int fd, const struct zm_published *page)
{
	const uint32_t odd = zm_load(&page->sequence) - 1, even = zm_load(&page->sequence);
	const size_t at = offsetof(struct zm_published, sequence);
	struct zm_published copy = *page;

	zm_store(&copy.sequence, odd);
	errno = ENOSPC;
	if (write_at(fd, &odd, sizeof(odd), at) && write_at(fd, &copy, sizeof(copy), 0) &&
	    write_at(fd, &even, sizeof(even), at))
		return 0;
	return zm_os_failure();
}

static int write_in(int directory, const struct zm_published *page)
{
	char name[32];
	int error, fd;

	zm_published_name(page->pid, name, sizeof(name));
	error = open_page(directory, name, O_RDWR, &fd);
	if (error != 0)
		error = create_page(directory, name, &fd);
	if (error != 0)
		return error;
	error = write_page(fd, page);
	close(fd);
	/* Half a page is nobody's. */
	if (error != 0)
		unlinkat(directory, name, 0);
	return error;
}

int zm_published_file_write(const struct zm_published *page)
{
	int error = ENOENT, directory;

	for (int number = 0; number < ZM_PUBLISHED_DIRS; number++) {
		error = zm_published_dir_open(number, true, &directory);
		if (error != 0)
			continue;
		error = write_in(directory, page);
		close(directory);
		if (error == 0)
			return 0;
	}
	return error;
}

void zm_published_file_remove(int64_t pid)
{
	char name[32];
	int directory;

	zm_published_name(pid, name, sizeof(name));
	for (int number = 0; number < ZM_PUBLISHED_DIRS; number++)
		if (zm_published_dir_open(number, false, &directory) == 0) {
			unlinkat(directory, name, 0);
			close(directory);
		}
}

/* ---- Reading ---- */

/* Who may not look at a process sees no `image` of it, and the writer may have been such a one. */
static bool is_same(const struct zm_published *page, int64_t pid,
		    const struct zm_os_process *process)
{
	return page->pid == pid && page->start == process->start &&
	       (page->image == process->image || page->image == 0 || process->image == 0);
}

static int read_in(int directory, int64_t pid, const struct zm_os_process *of,
		   struct zm_published *page)
{
	char name[32];
	int error, fd;

	zm_published_name(pid, name, sizeof(name));
	error = open_page(directory, name, O_RDONLY, &fd);
	if (error != 0)
		return error;
	error = zm_published_copy(fd, page);
	close(fd);
	if (error != 0 || is_same(page, pid, of))
		return error;
	unlinkat(directory, name, 0);
	return ENOENT;
}

/* The answer of the first directory that has more to say than that nothing is there. */
int zm_published_file_read(int64_t pid, const struct zm_os_process *of, struct zm_published *page)
{
	int answer = ENOENT, directory, error;

	for (int number = 0; number < ZM_PUBLISHED_DIRS; number++) {
		error = zm_published_dir_open(number, false, &directory);
		if (error == 0) {
			error = read_in(directory, pid, of, page);
			close(directory);
		}
		if (error == 0)
			return 0;
		if (error != ENOENT)
			answer = error;
	}
	return answer;
}

/* ---- All of them ---- */

/* "1234" and nothing else; 0 if not. */
static int64_t pid_of_name(const char *name)
{
	int64_t pid = 0;

	for (; *name >= '0' && *name <= '9' && pid < INT32_MAX; name++)
		pid = pid * 10 + (*name - '0');
	return *name == '\0' ? pid : 0;
}

/* A page of a process that is gone is removed here: nobody will ever read it again. */
static int visit_entry(int directory, const char *name, int (*visit)(int64_t pid, void *context),
		       void *context)
{
	int64_t pid = pid_of_name(name);
	struct zm_os_process process;

	if (pid == 0)
		return 0;
	if (zm_os_process(pid, &process) != ESRCH)
		return visit(pid, context);
	unlinkat(directory, name, 0);
	return 0;
}

/* Takes the descriptor over. */
static int visit_directory(int fd, int (*visit)(int64_t pid, void *context), void *context)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	int answer = 0;

	if (directory == NULL) {
		answer = zm_os_failure();
		close(fd);
		return answer;
	}
	while (answer == 0 && (entry = readdir(directory)) != NULL)
		answer = visit_entry(fd, entry->d_name, visit, context);
	closedir(directory);
	return answer;
}

int zm_published_file_visit(int (*visit)(int64_t pid, void *context), void *context)
{
	int answer = 0, fd;

	for (int number = 0; number < ZM_PUBLISHED_DIRS && answer == 0; number++)
		if (zm_published_dir_open(number, false, &fd) == 0)
			answer = visit_directory(fd, visit, context);
	return answer;
}
