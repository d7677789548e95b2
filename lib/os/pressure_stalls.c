/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_stalls.c - triggers of Linux's pressure stall information (Documentation/accounting/psi.rst).
 *
 * A trigger is a line written to the file, and lives with that open file: one for each level. Without
 * CAP_SYS_RESOURCE a window is a multiple of two seconds, on any kernel from Linux 6.5 on; before that, or
 * on a mount that is read-only, there are none to be had. A trigger fires once a window at most.
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "os/cgroup.h"
#include "os/failure.h"
#include "os/file.h"

enum {
	STALL_US = 150000 /* of a window of two seconds */
};

static const char memory_pressure[] = "/memory.pressure";

static bool is_full(enum zm_os_pressure_level level)
{
	return level == ZM_OS_PRESSURE_CRITICAL;
}

int zm_stalls_ask(int fd, enum zm_os_pressure_level level)
{
	static const char some[] = "some 150000 2000000", full[] = "full 150000 2000000";
	const char *line = is_full(level) ? full : some;

	/* The kernel puts the text's end over the last byte, which is to be no digit. */
	return write(fd, line, sizeof(some)) == (ssize_t)sizeof(some) ? 0 : zm_os_failure();
}

/* ---- Sums ---- */

int zm_stalls_total(const char *text, size_t size, const char *line, uint64_t *total_us)
{
	struct zm_span rest = zm_span(text, size), one, word;

	while (zm_span_cut(&rest, '\n', &one)) {
		if (!zm_span_word(&one, &word) || !zm_span_is(word, line))
			continue;
		while (zm_span_word(&one, &word))
			if (zm_span_starts(word, zm_span_of("total="))) {
				word.at += sizeof("total=") - 1;
				return zm_span_number(&word, total_us);
			}
	}
	return ENOENT;
}

static int read_total(const struct zm_os_pressure *watch, enum zm_os_pressure_level level,
		      uint64_t *total_us)
{
	char text[256];
	ssize_t got;

	if (!zm_watch_has(&watch->stalls))
		return EBADF;
	got = pread(watch->stalls.fd, text, sizeof(text), 0);
	if (got < 0)
		return zm_os_failure();
	return zm_stalls_total(text, (size_t)got, is_full(level) ? "full" : "some", total_us);
}

/*
 * By half of what the trigger asks for: the kernel lets a part of the window before count for the one that
 * has begun, so that less may have come since our last look. Where no sum can be had, it did.
 */
bool zm_stalls_grew(const struct zm_os_pressure *watch, struct zm_os_pressure_entry *entry)
{
	uint64_t total_us = 0, before_us = entry->seen_us;

	if (read_total(watch, entry->level, &total_us) != 0)
		return true;
	entry->seen_us = total_us;
	return total_us - before_us >= STALL_US / 2;
}

/* ---- Opening ---- */

static const char *why_not(int error)
{
	switch (error) {
	case ENOENT:
		return "this kernel has no such file, or the group does not show one";
	case EOPNOTSUPP:
		return "the kernel was started without stall information (psi=1)";
	case EACCES:
	case EPERM:
	case EROFS:
		return "this user may not make a trigger there";
	case EINVAL:
		return "the kernel takes no trigger with a window of two seconds";
	default:
		return "the kernel refuses a trigger";
	}
}

/* One trigger, in a file that is open for it. */
static int add_trigger(struct zm_os_pressure *watch, int fd, enum zm_os_pressure_source source,
		       enum zm_os_pressure_level level)
{
	int error = zm_stalls_ask(fd, level);

	if (error != 0) {
		zm_watch_close(fd);
		return error;
	}
	error = zm_watch_add(watch, fd, ZM_WATCH_TRIGGER, source, level);
	if (error == 0 && source == ZM_OS_PRESSURE_GROUP_STALLS)
		zm_stalls_grew(watch, &watch->entry[watch->entries - 1]);
	return error;
}

void zm_stalls_open_machine(struct zm_os_pressure *watch, const char *tree)
{
	static const enum zm_os_pressure_level levels[] = {ZM_OS_PRESSURE_MEDIUM,
							   ZM_OS_PRESSURE_CRITICAL};
	static const char place[] = "/proc/pressure/memory";
	int directory = -1, fd, error = 0;

	if (*tree != '\0')
		error = zm_file_open_directory(-1, tree, &directory);
	for (int i = 0; error == 0 && i < 2; i++) {
		error = zm_file_open_as(directory, directory < 0 ? place : place + 1,
					O_RDWR | O_NONBLOCK, &fd);
		if (error == 0)
			error = add_trigger(watch, fd, ZM_OS_PRESSURE_MACHINE_STALLS, levels[i]);
		/* The first alone is worth having: older kernels knew no "full" of some files. */
		if (error == 0)
			zm_watch_use(watch, ZM_OS_PRESSURE_MACHINE_STALLS, place);
		else if (i == 0)
			zm_watch_refuse(watch, ZM_OS_PRESSURE_MACHINE_STALLS, error,
					why_not(error));
	}
	if (directory >= 0)
		zm_watch_close(directory);
}

static int open_triggers(struct zm_os_pressure *watch, const struct zm_cgroup *group)
{
	static const enum zm_os_pressure_level levels[] = {ZM_OS_PRESSURE_MEDIUM,
							   ZM_OS_PRESSURE_CRITICAL};
	int fd, error = zm_cgroup_open(group, memory_pressure, O_RDONLY, &fd);

	if (error != 0)
		return error;
	zm_watch_drop(&watch->stalls);
	zm_watch_keep(&watch->stalls, fd);
	for (int i = 0; i < 2; i++) {
		error = zm_cgroup_open(group, memory_pressure, O_RDWR | O_NONBLOCK, &fd);
		if (error == 0)
			error = add_trigger(watch, fd, ZM_OS_PRESSURE_GROUP_STALLS, levels[i]);
		if (error != 0)
			return i == 0 ? error : 0;
	}
	return 0;
}

static void watch_group(struct zm_cgroup group, void *context)
{
	struct zm_os_pressure *watch = context;
	int error;

	if (zm_watch_uses(watch, ZM_OS_PRESSURE_GROUP_STALLS))
		return;
	error = open_triggers(watch, &group);
	if (error == 0)
		zm_watch_use_group(watch, ZM_OS_PRESSURE_GROUP_STALLS, &group, memory_pressure);
	else
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_STALLS, error, why_not(error));
}

void zm_stalls_open_group(struct zm_os_pressure *watch, const char *tree)
{
	zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_STALLS, ENOENT,
			"no control group of version 2 is shown here");
	zm_cgroup_walk_each(tree, false, watch_group, watch);
	if (!zm_watch_uses(watch, ZM_OS_PRESSURE_GROUP_STALLS))
		zm_watch_drop(&watch->stalls);
}
