/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/moment.c - the profile in a file at moments that matter.
 *
 * Memory is short then, and the stack may be: all that is needed was got when the profile began. One thread writes
 * at a time, with signals blocked, so that no handler leaves it half done; others go on without, but for one
 * whose process is about to end, which waits. The child of a fork has none of its parent's writers, and
 * minutes of its own: it knows by its number.
 */
#include "config.h"

#include "profile/moment.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/builder.h"
#include "base/clock.h"
#include "base/lock.h"
#include "os/os.h"
#include "profile/write_file.h"
#include "profile/moment_name.h"
#include "profile/own.h"
#include "profile/profile.h"

enum {
	PAUSE_MS = 60 * 1000,
	WAIT_MS = 2000 /* a disk that takes longer for a profile is no reason to live on */
};

typedef struct zm_profile_own *own_at;

static struct {
	char folder[2048];
	ZM_ATOMIC(own_at) own; /* NULL: nothing is written */

	/* The process and the thread that write; 0: none. */
	ZM_ATOMIC(uintptr_t) writer_pid, writer_thread;

	/* When each was written last, in ms of a clock that does not stand at 0, and by which process. */
	ZM_ATOMIC(uintptr_t) written_ms[ZM_MOMENTS], written_pid;
} moments;

/* ---- Words ------------------------------------------------------------------------------------ */

static const char *name_of(enum zm_moment why)
{
	static const char *const names[ZM_MOMENTS] = {
		[ZM_MOMENT_LIMIT] = "limit",
		[ZM_MOMENT_SOFT_LIMIT] = "soft-limit",
		[ZM_MOMENT_OOM] = "oom",
		[ZM_MOMENT_PRESSURE] = "pressure",
	};

	return names[why];
}

/* strerror(3) may allocate. NULL: the number has to do. */
static const char *words_for(int error)
{
	static const struct {
		int error;
		const char *words;
	} known[] = {
		{EACCES, "this process may not write there"},
		{EDQUOT, "the quota is used up"},
		{EFBIG, "the process's limit on the size of files is lower"},
		{EMFILE, "the process has all descriptors that it may have"},
		{ENAMETOOLONG, "the name is too long"},
		{ENFILE, "the system has no descriptor left"},
		{ENOENT, "there is no such folder"},
		{ENOMEM, "there is no memory for it"},
		{ENOSPC, "the disk is full"},
		{ENOTDIR, "that is no folder"},
		{EROFS, "the file system is read-only"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].error == error)
			return known[i].words;
	return NULL;
}

static ZM_COLD void say_failed(enum zm_moment why, int error)
{
	const char *words = words_for(error);
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: ZMALLOC_PROFILE_DIR: no profile (");
	zm_build_text(&line, name_of(why));
	zm_build_text(&line, ") in ");
	zm_build_quoted(&line, moments.folder);
	zm_build_text(&line, ": ");
	if (words != NULL) {
		zm_build_text(&line, words);
	} else {
		zm_build_text(&line, "error ");
		zm_build_number(&line, (uint64_t)error);
	}
	/* A folder of a long name may have filled the line. */
	line.text[line.length == sizeof(line.text) ? line.length - 1 : line.length++] = '\n';
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

/* Who reads the report is to know where to look. */
static ZM_COLD void say_written(const char *path)
{
	struct zm_builder line;

	zm_builder_start_writer(&line, NULL, NULL);
	zm_build_text(&line, "zmalloc: profile ");
	zm_build_text(&line, path);
	line.text[line.length == sizeof(line.text) ? line.length - 1 : line.length++] = '\n';
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

/* ---- One at a time, and not too often --------------------------------------------------------- */

/* By this process, since its last one of the kind. */
static bool is_due(enum zm_moment why)
{
	uintptr_t last = zm_load(&moments.written_ms[why]);

	return last == 0 || zm_load(&moments.written_pid) != (uintptr_t)getpid() ||
	       (uintptr_t)zm_about_now_ms() - last >= PAUSE_MS;
}

/* By the writer. What a parent wrote is forgotten. */
static void note_time(enum zm_moment why)
{
	uintptr_t pid = (uintptr_t)getpid(), now_ms = (uintptr_t)zm_about_now_ms();

	if (zm_load(&moments.written_pid) != pid)
		for (int i = 0; i < ZM_MOMENTS; i++)
			zm_store(&moments.written_ms[i], 0);
	zm_store(&moments.written_ms[why], now_ms != 0 ? now_ms : 1);
	zm_store(&moments.written_pid, pid);
}

static bool try_begin(uintptr_t pid)
{
	uintptr_t seen = zm_load_acquire(&moments.writer_pid);

	if (seen == pid || !zm_compare_exchange(&moments.writer_pid, &seen, pid))
		return false;
	zm_store(&moments.writer_thread, zm_lock_self());
	return true;
}

/* The writer itself does not wait for its own end. */
static bool is_in_it(uintptr_t pid)
{
	return zm_load_acquire(&moments.writer_pid) == pid &&
	       zm_load(&moments.writer_thread) == zm_lock_self();
}

static bool begin(bool waits)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	uintptr_t pid = (uintptr_t)getpid();

	for (int left = waits ? WAIT_MS : 0; !try_begin(pid); left--) {
		if (left <= 0 || is_in_it(pid))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void end(void)
{
	zm_store(&moments.writer_thread, 0);
	zm_store_release(&moments.writer_pid, 0);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

/* Another name for each that is there already: two moments of one second, or a process of the same number. */
static int write_new(const struct zm_profile_sheet *sheet, struct zm_profile_own *own,
		     const char *why)
{
	enum zmalloc_profile_format format = zm_profile_format();
	struct zm_moment_name name = {.folder = moments.folder,
				      .why = why,
				      .format = format,
				      .now_s = zm_clock_ns(CLOCK_REALTIME) / 1000000000u};
	int error;

	do {
		if (!zm_moment_name(&name, own->path, sizeof(own->path)))
			return ENAMETOOLONG;
		error = zm_profile_write_file(sheet, format, own->path);
	} while (error == EEXIST && ++name.again < 100);
	return error;
}

static void write_it(enum zm_moment why, struct zm_profile_own *own)
{
	struct zm_profile_sheet sheet;
	int error = zm_profile_own_sheet(&sheet, own);

	if (error == ENODATA)
		return;
	note_time(why);
	if (error == 0)
		error = write_new(&sheet, own, name_of(why));
	if (error != 0)
		say_failed(why, error);
	else if (why == ZM_MOMENT_OOM)
		say_written(own->path);
	zm_os_dontneed(own, sizeof(*own));
}

static void write_undisturbed(enum zm_moment why, struct zm_profile_own *own)
{
	sigset_t every, before;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	if (begin(why == ZM_MOMENT_OOM)) {
		if (is_due(why))
			write_it(why, own);
		end();
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void zm_profile_moment(enum zm_moment why)
{
	struct zm_profile_own *own = zm_load_acquire(&moments.own);
	int saved_errno = errno;

	if (own == NULL)
		return;
	if (is_due(why))
		write_undisturbed(why, own);
	errno = saved_errno;
}

/* Stacks follow that are not of what is in use, but of the call that failed. */
static void report(void)
{
	static const char end[] = "zmalloc: what failed was asked for by\n";
	bool any = zm_profile_report(STDERR_FILENO);

	zm_profile_moment(ZM_MOMENT_OOM);
	if (any)
		zm_os_write(STDERR_FILENO, end, sizeof(end) - 1);
}

void zm_profile_see_moment(enum zm_client_moment moment)
{
	if (moment == ZM_CLIENT_REPORT)
		report();
	else if (moment == ZM_CLIENT_OUT_OF_MEMORY)
		zm_profile_moment(ZM_MOMENT_OOM);
	else
		zm_profile_moment(moment == ZM_CLIENT_REFUSED ? ZM_MOMENT_LIMIT
							      : ZM_MOMENT_SOFT_LIMIT);
}

/* ---- Beginning -------------------------------------------------------------------------------- */

static int get_ready(const char *folder)
{
	void *own;
	int error;

	if (strlen(folder) >= sizeof(moments.folder))
		return ENAMETOOLONG;
	strcpy(moments.folder, folder);
	error = zm_os_map(sizeof(struct zm_profile_own), &own);
	if (error == 0)
		zm_store_release(&moments.own, own);
	return error;
}

static ZM_COLD void say_not_ready(int error)
{
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: ZMALLOC_PROFILE_DIR: ");
	zm_build_text(&line, words_for(error) != NULL ? words_for(error) : "no memory");
	zm_build_text(&line, "; no profile will be written there\n");
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

void zm_profile_moments_begin(void)
{
	const char *folder = zm_os_getenv("ZMALLOC_PROFILE_DIR");
	int error;

	if (folder == NULL || *folder == '\0' || zm_load(&moments.own) != NULL)
		return;
	error = get_ready(folder);
	if (error != 0)
		say_not_ready(error);
}
