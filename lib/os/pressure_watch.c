/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_watch.c - what a watch has, whatever its queue is: the pipe, and what is known of sources.
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/descriptor.h"
#include "os/failure.h"
#include "os/file.h"
#include "os/os.h"

/* ---- Descriptors of ours ---- */

/*
 * Not by a bare system call, as zm_file_close(): ThreadSanitizer, which sees a pipe being made, would take the
 * next file of its number for a pipe that two threads use. Nobody is cancelled here.
 */
void zm_watch_close(int fd)
{
	close(fd);
}

int zm_watch_move_up(int fd)
{
	int higher = zm_descriptor_copy_up(fd);

	if (higher != fd)
		zm_watch_close(fd);
	return higher;
}

void zm_watch_keep(struct zm_os_pressure_file *file, int fd)
{
	struct stat about;

	memset(&about, 0, sizeof(about));
	file->fd = zm_watch_move_up(fd);
	fstat(file->fd, &about);
	file->device = (uint64_t)about.st_dev;
	file->inode = (uint64_t)about.st_ino;
}

bool zm_watch_has(const struct zm_os_pressure_file *file)
{
	struct stat about;

	return file->fd >= 0 && fstat(file->fd, &about) == 0 &&
	       (uint64_t)about.st_dev == file->device && (uint64_t)about.st_ino == file->inode;
}

void zm_watch_drop(struct zm_os_pressure_file *file)
{
	if (zm_watch_has(file))
		zm_watch_close(file->fd);
	file->fd = -1;
}

/* ---- The pipe ---- */

#if defined(__linux__)

static int make_pipe(int ends[2])
{
	return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : zm_os_failure();
}

#else

static int set_flags(int fd)
{
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		return zm_os_failure();
	return 0;
}

static int make_pipe(int ends[2])
{
	int error;

	if (pipe(ends) != 0)
		return zm_os_failure();
	error = set_flags(ends[0]);
	if (error == 0)
		error = set_flags(ends[1]);
	if (error == 0)
		return 0;
	zm_watch_close(ends[0]);
	zm_watch_close(ends[1]);
	return error;
}

#endif

int zm_watch_begin(struct zm_os_pressure *watch)
{
	int ends[2], error;

	memset(watch, 0, sizeof(*watch));
	watch->queue = watch->stalls.fd = watch->level.fd = -1;
	error = make_pipe(ends);
	if (error != 0)
		return error;
	zm_watch_keep(&watch->wake[0], ends[0]);
	zm_watch_keep(&watch->wake[1], ends[1]);
	return 0;
}

void zm_watch_end(struct zm_os_pressure *watch)
{
	zm_watch_drop(&watch->wake[0]);
	zm_watch_drop(&watch->wake[1]);
}

/* A pipe that is full says no less. */
void zm_os_pressure_wake(const struct zm_os_pressure *watch)
{
	if (zm_watch_has(&watch->wake[1]))
		zm_os_write(watch->wake[1].fd, "", 1);
}

void zm_os_pressure_unwake(const struct zm_os_pressure *watch)
{
	char bytes[64];
	size_t got = sizeof(bytes);

	while (got == sizeof(bytes) && zm_watch_has(&watch->wake[0]) &&
	       zm_file_read(watch->wake[0].fd, bytes, sizeof(bytes), &got) == 0)
		;
}

/* ---- Waiting ---- */

int zm_os_pressure_wait(const struct zm_os_pressure *watch, int timeout_ms)
{
	struct pollfd queue = {.fd = watch->queue, .events = POLLIN};
	int before = 0, ready, error;

	/* A thread that ended in here would leave the watch waiting for it. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	ready = poll(&queue, 1, timeout_ms < 0 ? -1 : timeout_ms);
	error = ready < 0 ? zm_os_failure() : 0;
	pthread_setcancelstate(before, NULL);
	if (ready == 0)
		return ETIMEDOUT;
	return error == 0 && (queue.revents & POLLNVAL) != 0 ? EBADF : error;
}

/* ---- Sources ---- */

void zm_watch_refuse(struct zm_os_pressure *watch, enum zm_os_pressure_source source, int error,
		     const char *why)
{
	watch->about[source].known = true;
	watch->about[source].error = error;
	watch->about[source].why = why;
}

void zm_watch_use(struct zm_os_pressure *watch, enum zm_os_pressure_source source,
		  const char *place)
{
	struct zm_os_pressure_about *about = &watch->about[source];

	about->known = true;
	about->error = 0;
	about->why = "";
	zm_text_copy(about->place, sizeof(about->place), place, sizeof(about->place));
}

bool zm_watch_uses(const struct zm_os_pressure *watch, enum zm_os_pressure_source source)
{
	return watch->about[source].known && watch->about[source].error == 0;
}

struct zm_os_pressure_entry *zm_watch_entry(struct zm_os_pressure *watch, int fd,
					    enum zm_os_pressure_source source,
					    enum zm_os_pressure_level level)
{
	struct zm_os_pressure_entry *entry = &watch->entry[watch->entries];

	if (watch->entries == ZM_OS_PRESSURE_ENTRIES)
		return NULL;
	watch->entries++;
	memset(entry, 0, sizeof(*entry));
	zm_watch_keep(&entry->file, fd);
	entry->source = (unsigned char)source;
	entry->level = (unsigned char)level;
	return entry;
}

void zm_watch_fire(struct zm_os_pressed *pressed, enum zm_os_pressure_source source,
		   enum zm_os_pressure_level level, uint64_t times)
{
	if (level < ZM_OS_PRESSURE_CRITICAL || pressed->count[source] == 0)
		pressed->count[source] += times;
	if (pressed->level[source] < level)
		pressed->level[source] = (unsigned char)level;
}
