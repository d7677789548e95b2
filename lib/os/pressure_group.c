/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_group.c - what Linux's control groups count and tell by themselves.
 *
 *   version 2  memory.events (Documentation/admin-guide/cgroup-v2.rst): each change of a counter is a change
 *              of the file to inotify(7), which needs no right to write. The group whose limit is met counts,
 *              so those above ours are watched, too.
 *   version 1  memory.pressure_level (Documentation/admin-guide/cgroup-v1/memory.rst): an eventfd(2) for each
 *              level, told to the group by its cgroup.event_control
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "os/cgroup.h"
#include "os/failure.h"
#include "os/file.h"

static const char memory_events[] = "/memory.events";
static const char pressure_level[] = "/memory.pressure_level";
static const char event_control[] = "/cgroup.event_control";

void zm_watch_use_group(struct zm_os_pressure *watch, enum zm_os_pressure_source source,
			const struct zm_cgroup *group, const char *name)
{
	struct zm_path path;
	char place[sizeof(watch->about[source].place)];

	zm_path_init(&path, place, sizeof(place));
	zm_path_add(&path, group->point);
	zm_path_add(&path, group->below);
	zm_path_add(&path, zm_span_of(name));
	zm_watch_use(watch, source, place);
}

/* ---- memory.events ---- */

static const struct {
	const char *name;
	enum zm_os_pressure_level level;
} counters[ZM_OS_PRESSURE_EVENTS] = {{"low", ZM_OS_PRESSURE_LOW},
				     {"high", ZM_OS_PRESSURE_MEDIUM},
				     {"max", ZM_OS_PRESSURE_MEDIUM},
				     {"oom", ZM_OS_PRESSURE_CRITICAL},
				     {"oom_kill", ZM_OS_PRESSURE_CRITICAL}};

void zm_group_events_text(const char *text, size_t size, uint64_t counter[ZM_OS_PRESSURE_EVENTS])
{
	struct zm_span rest = zm_span(text, size), line, name, number;
	uint64_t value;

	while (zm_span_cut(&rest, '\n', &line)) {
		if (!zm_span_word(&line, &name) || !zm_span_word(&line, &number) ||
		    zm_span_number(&number, &value) != 0)
			continue;
		for (int i = 0; i < ZM_OS_PRESSURE_EVENTS; i++)
			if (zm_span_is(name, counters[i].name))
				counter[i] = value;
	}
}

static int read_counters(int fd, uint64_t counter[ZM_OS_PRESSURE_EVENTS])
{
	char text[512];
	ssize_t got = pread(fd, text, sizeof(text), 0);

	if (got < 0)
		return zm_os_failure();
	zm_group_events_text(text, (size_t)got, counter);
	return 0;
}

/* The kernel opens the name anew, so the file is that very one. */
static int listen_to(int inotify, int fd, uint32_t events)
{
	struct zm_path path;
	char name[40];

	zm_path_init(&path, name, sizeof(name));
	zm_path_add(&path, zm_span_of("/proc/self/fd/"));
	zm_path_add_number(&path, (uint64_t)fd);
	return inotify_add_watch(inotify, name, events) >= 0 ? 0 : zm_os_failure();
}

struct listening {
	struct zm_os_pressure *watch;
	int inotify;
	int error; /* of the last group that was tried while there was none */
};

static int add_group(struct listening *listening, const struct zm_cgroup *group)
{
	struct zm_os_pressure *watch = listening->watch;
	struct zm_os_pressure_group *added = &watch->group[watch->groups];
	int fd, error = zm_cgroup_open(group, memory_events, O_RDONLY, &fd);

	if (error != 0)
		return error;
	error = listen_to(listening->inotify, fd, IN_MODIFY | IN_ATTRIB);
	memset(added->seen, 0, sizeof(added->seen));
	if (error == 0)
		error = read_counters(fd, added->seen);
	if (error != 0) {
		zm_watch_close(fd);
		return error;
	}
	zm_watch_keep(&added->file, fd);
	watch->groups++;
	return 0;
}

/* A group that is removed says nothing itself; the folder that it was in does, of any that was. */
static void listen_for_end(const struct listening *listening, struct zm_cgroup group)
{
	int fd;

	if (group.below.at == group.below.end)
		return;
	group.below = zm_cgroup_parent(group.below);
	if (zm_cgroup_open(&group, "", O_PATH | O_DIRECTORY, &fd) != 0)
		return;
	listen_to(listening->inotify, fd, IN_DELETE);
	zm_watch_close(fd);
}

static void add_own_group(struct listening *listening, const struct zm_cgroup *group)
{
	listening->error = add_group(listening, group);
	if (listening->error != 0)
		return;
	listen_for_end(listening, *group);
	zm_watch_use_group(listening->watch, ZM_OS_PRESSURE_GROUP_EVENTS, group, memory_events);
}

/* A group without the controller, and the root, have no such file; their parents may have. */
static void add_groups(struct zm_cgroup group, void *context)
{
	struct listening *listening = context;
	struct zm_os_pressure *watch = listening->watch;

	if (watch->groups > 0)
		return;
	while (watch->groups < ZM_OS_PRESSURE_GROUPS) {
		if (watch->groups > 0)
			add_group(listening, &group);
		else
			add_own_group(listening, &group);
		if (group.below.at == group.below.end)
			return;
		group.below = zm_cgroup_parent(group.below);
	}
}

void zm_group_events_open(struct zm_os_pressure *watch, const char *tree)
{
	struct listening listening = {.watch = watch, .error = ENOENT};

	listening.inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (listening.inotify < 0) {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_EVENTS, zm_os_failure(),
				"this user has no inotify left (fs.inotify.max_user_instances)");
		return;
	}
	zm_cgroup_walk_each(tree, false, add_groups, &listening);
	if (watch->groups == 0) {
		zm_watch_close(listening.inotify);
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_EVENTS, listening.error,
				"no control group of version 2 counts memory here");
		return;
	}
	listening.error = zm_watch_add(watch, listening.inotify, ZM_WATCH_INOTIFY,
				       ZM_OS_PRESSURE_GROUP_EVENTS, ZM_OS_PRESSURE_LOW);
	if (listening.error != 0)
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_EVENTS, listening.error,
				"there is no room to watch it");
}

void zm_group_events_close(struct zm_os_pressure *watch)
{
	for (unsigned i = 0; i < watch->groups; i++)
		zm_watch_drop(&watch->group[i].file);
}

/* A counter that is lower than it was belongs to a file that began anew. */
static void compare(struct zm_os_pressure_group *group, const uint64_t counter[],
		    struct zm_os_pressed *pressed)
{
	for (int i = 0; i < ZM_OS_PRESSURE_EVENTS; i++) {
		if (counter[i] > group->seen[i])
			zm_watch_fire(pressed, ZM_OS_PRESSURE_GROUP_EVENTS, counters[i].level,
				      counter[i] - group->seen[i]);
		group->seen[i] = counter[i];
	}
}

/* The kernel keeps an open file of a removed group from being read; a file on a disk has no name left. */
static bool is_there(const struct zm_os_pressure_group *group)
{
	struct stat about;

	return zm_watch_has(&group->file) && fstat(group->file.fd, &about) == 0 &&
	       about.st_nlink > 0;
}

static void take_group(struct zm_os_pressure_group *group, struct zm_os_pressed *pressed)
{
	uint64_t counter[ZM_OS_PRESSURE_EVENTS];

	if (group->file.fd < 0)
		return;
	memcpy(counter, group->seen, sizeof(counter));
	if (is_there(group) && read_counters(group->file.fd, counter) == 0)
		compare(group, counter, pressed);
	else
		zm_watch_drop(&group->file);
}

/* Which of the files changed is not asked: there are few, and each is read in a microsecond. */
void zm_group_events_take(struct zm_os_pressure *watch, const struct zm_os_pressure_entry *entry,
			  struct zm_os_pressed *pressed, bool *gone)
{
	_Alignas(struct inotify_event) char events[1024];
	size_t got = sizeof(events);

	while (got > 0 && zm_file_read(entry->file.fd, events, sizeof(events), &got) == 0)
		;
	for (unsigned i = 0; i < watch->groups; i++)
		take_group(&watch->group[i], pressed);
	*gone = watch->group[0].file.fd < 0;
	if (*gone)
		zm_group_events_close(watch);
}

/* ---- memory.pressure_level ---- */

static const char *mode_of(bool local, enum zm_os_pressure_level level)
{
	if (level == ZM_OS_PRESSURE_CRITICAL)
		return local ? "critical,local" : "critical";
	return local ? "medium,local" : "medium";
}

static int write_control(int control, int eventfd_number, int level_file, const char *mode)
{
	struct zm_path line;
	char text[64];

	zm_path_init(&line, text, sizeof(text));
	zm_path_add_number(&line, (uint64_t)eventfd_number);
	zm_path_add(&line, zm_span_of(" "));
	zm_path_add_number(&line, (uint64_t)level_file);
	zm_path_add(&line, zm_span_of(" "));
	zm_path_add(&line, zm_span_of(mode));
	return write(control, text, line.length) == (ssize_t)line.length ? 0 : zm_os_failure();
}

/* Of the groups below, too, those that are not ours would tell; Linux before 4.13 has no other way. */
static int register_level(const struct zm_cgroup *group, int level_file, int number,
			  enum zm_os_pressure_level level)
{
	int control, error = zm_cgroup_open(group, event_control, O_WRONLY, &control);

	if (error != 0)
		return error;
	error = write_control(control, number, level_file, mode_of(true, level));
	if (error == EINVAL)
		error = write_control(control, number, level_file, mode_of(false, level));
	zm_watch_close(control);
	return error;
}

/* The group's own file is kept, to see by it when the group is gone. */
static int register_group(struct zm_os_pressure *watch, const struct zm_cgroup *group,
			  const int number[2])
{
	int level_file, error = zm_cgroup_open(group, pressure_level, O_RDONLY, &level_file);

	if (error != 0)
		return error;
	error = register_level(group, level_file, number[0], ZM_OS_PRESSURE_MEDIUM);
	if (error == 0)
		error = register_level(group, level_file, number[1], ZM_OS_PRESSURE_CRITICAL);
	if (error != 0 || watch->level.fd >= 0) {
		zm_watch_close(level_file);
		return error;
	}
	zm_watch_keep(&watch->level, level_file);
	zm_watch_use_group(watch, ZM_OS_PRESSURE_GROUP_LEVEL, group, pressure_level);
	return 0;
}

struct registering {
	struct zm_os_pressure *watch;
	int number[2]; /* eventfds for medium and critical */
	int error;     /* of the process's own group */
};

static void register_groups(struct zm_cgroup group, void *context)
{
	struct registering *registering = context;
	struct zm_os_pressure *watch = registering->watch;

	if (watch->level.fd >= 0)
		return;
	registering->error = register_group(watch, &group, registering->number);
	while (registering->error == 0 && group.below.at != group.below.end) {
		group.below = zm_cgroup_parent(group.below);
		register_group(watch, &group, registering->number);
	}
}

static const char *why_no_level(int error)
{
	return error == EACCES || error == EPERM || error == EROFS
		       ? "this user may not write cgroup.event_control"
		       : "no control group of version 1 has the memory controller here";
}

static int open_eventfds(struct registering *registering)
{
	for (int i = 0; i < 2; i++) {
		registering->number[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (registering->number[i] >= 0)
			continue;
		if (i == 1)
			zm_watch_close(registering->number[0]);
		return zm_os_failure();
	}
	return 0;
}

void zm_group_level_open(struct zm_os_pressure *watch, const char *tree)
{
	static const enum zm_os_pressure_level levels[] = {ZM_OS_PRESSURE_MEDIUM,
							   ZM_OS_PRESSURE_CRITICAL};
	struct registering registering = {.watch = watch, .error = ENOENT};
	int error = open_eventfds(&registering);

	if (error != 0) {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_LEVEL, error,
				"there are no descriptors left");
		return;
	}
	zm_cgroup_walk_each(tree, true, register_groups, &registering);
	if (watch->level.fd < 0)
		zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_LEVEL, registering.error,
				why_no_level(registering.error));
	for (int i = 0; i < 2; i++) {
		if (watch->level.fd < 0)
			zm_watch_close(registering.number[i]);
		else
			zm_watch_add(watch, registering.number[i], ZM_WATCH_EVENTFD,
				     ZM_OS_PRESSURE_GROUP_LEVEL, levels[i]);
	}
}

bool zm_group_level_is_gone(const struct zm_os_pressure *watch)
{
	char byte;

	return zm_watch_has(&watch->level) && pread(watch->level.fd, &byte, 1, 0) < 0 &&
	       errno == ENODEV;
}
