/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/reader.c - the reader of other processes' pages (published.h).
 *
 * Trusts nothing: a page may be cut short, half written, left by a process that is gone, or put
 * there by hand. It is copied by pread(2), every text in it is ended and made printable, and
 * figures may have any value.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sized.h"
#include "base/text.h"
#include "live/published.h"
#include "os/failure.h"
#include "os/process.h"
#include "stats/stats.h"

/* A writer takes less than a microsecond for a page: what changes under us so often is no page. */
#define ATTEMPTS 100

/* ---- A page ---- */

/* A device or a queue is not opened twice: O_NONBLOCK returns from the first. */
static int open_page(int directory, int64_t pid, int *fd)
{
	char name[32];
	struct stat about;

	zm_published_name(pid, name, sizeof(name));
	*fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return errno == ELOOP ? EPERM : zm_os_failure();
	if (fstat(*fd, &about) != 0 || about.st_uid != geteuid() || !S_ISREG(about.st_mode) ||
	    (about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		close(*fd);
		return EPERM;
	}
	return 0;
}

static bool read_sequence(int fd, uint32_t *sequence)
{
	return pread(fd, sequence, sizeof(*sequence), offsetof(struct zm_published, sequence)) ==
	       (ssize_t)sizeof(*sequence);
}

/* Bytes of the file; 0 if it does not tell. */
static uint64_t bytes_of(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && about.st_size > 0 ? (uint64_t)about.st_size : 0;
}

static int copy_page(int fd, struct zm_published *page)
{
	const struct timespec pause = {.tv_nsec = 10000};
	uint32_t before, after;
	ssize_t copied = 0;
	bool at_rest;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (!read_sequence(fd, &before))
			return EBADMSG;
		at_rest = zm_sequence_may_copy(before);
		if (at_rest)
			copied = pread(fd, page, sizeof(*page), 0);
		zm_sequence_copied();
		if (copied < 0 || !read_sequence(fd, &after))
			return EBADMSG;
		if (at_rest && before == after)
			return zm_published_is_whole(page, (size_t)copied, bytes_of(fd)) ? 0
											 : EBADMSG;
		nanosleep(&pause, NULL);
	}
	return EBADMSG;
}

/* ---- What it says, and of whom ---- */

/* Who may not look at a process sees no `image` of it, and the writer may have been such a one. */
static bool is_same(const struct zm_published *page, int64_t pid,
		    const struct zm_os_process *process)
{
	return page->pid == pid && page->start == process->start &&
	       (page->image == process->image || page->image == 0 || process->image == 0);
}

static void show(const struct zm_published *page, const struct zm_os_process *of,
		 struct zmalloc_process *process)
{
	process->size = sizeof(*process);
	process->pid = page->pid;
	process->updated_ms = page->updated_ms;
	zm_text_copy(process->name, sizeof(process->name), page->name, sizeof(page->name));
	zm_text_copy(process->allocator, sizeof(process->allocator), page->allocator,
		     sizeof(page->allocator));
	zm_text_copy(process->version, sizeof(process->version), page->version,
		     sizeof(page->version));
	zm_published_get(page, &process->stats);
	process->stats.rss_bytes = of->rss_bytes;
	zm_figures_derive(&process->stats);
}

static int read_in(int directory, int64_t pid, const struct zm_os_process *of,
		   struct zmalloc_process *process)
{
	struct zm_published page;
	int error, fd;

	error = open_page(directory, pid, &fd);
	if (error != 0)
		return error;
	error = copy_page(fd, &page);
	close(fd);
	if (error != 0)
		return error;
	/* A page of a process that had the number before: this one has none there. */
	if (!is_same(&page, pid, of))
		return ENOENT;
	show(&page, of, process);
	return 0;
}

/* The answer of the first directory that has more to say than that nothing is there. */
static int read_process(int64_t pid, struct zmalloc_process *process)
{
	struct zm_os_process of;
	int answer = ENOENT, error = zm_os_process(pid, &of), directory;

	if (error != 0)
		return error;
	if (of.user != geteuid())
		return EACCES;
	for (int number = 0; number < ZM_PUBLISHED_DIRS; number++) {
		error = zm_published_dir_open(number, false, &directory);
		if (error == 0) {
			error = read_in(directory, pid, &of, process);
			close(directory);
		}
		if (error == 0)
			return 0;
		if (error != ENOENT)
			answer = error;
	}
	return answer;
}

/* What the caller's struct has of the figures ends with the struct. */
static void cut_figures(struct zmalloc_process *found, size_t size)
{
	const size_t before = offsetof(struct zmalloc_process, stats);

	if (size < sizeof(*found) && size > before)
		found->stats.size = size - before;
}

int zmalloc_process_read(int64_t pid, struct zmalloc_process *process)
{
	struct zmalloc_process found;
	int error;

	if (!zm_sized_is_set(process))
		return -1;
	error = read_process(pid, &found);
	if (error == 0) {
		cut_figures(&found, process->size);
		return zm_sized_hand_over(process, &found, sizeof(found));
	}
	errno = error;
	return -1;
}

/* ---- All of them ---- */

struct pids {
	int64_t *pid;
	size_t count, room;
};

/* "1234" and nothing else; 0 if not. */
static int64_t pid_of_name(const char *name)
{
	int64_t pid = 0;

	for (; *name >= '0' && *name <= '9' && pid < INT32_MAX; name++)
		pid = pid * 10 + (*name - '0');
	return *name == '\0' ? pid : 0;
}

static int add_pid(struct pids *pids, int64_t pid)
{
	int64_t *grown;

	if (pids->count == pids->room) {
		grown = realloc(pids->pid, (pids->room * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return ENOMEM;
		pids->pid = grown;
		pids->room = pids->room * 2 + 64;
	}
	pids->pid[pids->count++] = pid;
	return 0;
}

/* Takes the descriptor over. */
static int list_directory(int fd, struct pids *pids)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	int error = 0;

	if (directory == NULL) {
		error = zm_os_failure();
		close(fd);
		return error;
	}
	while (error == 0 && (entry = readdir(directory)) != NULL)
		if (pid_of_name(entry->d_name) != 0)
			error = add_pid(pids, pid_of_name(entry->d_name));
	closedir(directory);
	return error;
}

static int by_number(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static int list_all(struct pids *pids)
{
	int error = 0, fd;

	for (int number = 0; number < ZM_PUBLISHED_DIRS && error == 0; number++)
		if (zm_published_dir_open(number, false, &fd) == 0)
			error = list_directory(fd, pids);
	if (error == 0 && pids->count != 0)
		qsort(pids->pid, pids->count, sizeof(*pids->pid), by_number);
	return error;
}

/* A number may stand in two directories; it is one process. */
static int visit_listed(const struct pids *pids,
			int (*visit)(const struct zmalloc_process *process, void *context),
			void *context)
{
	struct zmalloc_process process;
	int answer = 0;

	for (size_t i = 0; i < pids->count && answer == 0; i++)
		if ((i == 0 || pids->pid[i] != pids->pid[i - 1]) &&
		    read_process(pids->pid[i], &process) == 0)
			answer = visit(&process, context);
	return answer;
}

int zmalloc_process_visit(int (*visit)(const struct zmalloc_process *process, void *context),
			  void *context)
{
	struct pids pids = {NULL, 0, 0};
	int error = list_all(&pids), answer = 0;

	if (error == 0)
		answer = visit_listed(&pids, visit, context);
	free(pids.pid);
	if (error == 0)
		return answer;
	errno = error;
	return -1;
}
