/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/explain.c - what to say of a process that cannot be looked at, so that whoever reads it knows what
 * to do next.
 *
 * What is found out about the process is from /proc, and it is only for the wording: where there is no
 * /proc, or it does not tell, the advice is the general one.
 */
#include "find.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

enum {
	LINE = 4096
};

static FILE *open_of(int64_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/%s", pid, file);
	return fopen(path, "r");
}

/* Printable, and short enough for a line. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* " (name)", or nothing. */
static void name_of(int64_t pid, char name[LOOK_USER])
{
	FILE *file = open_of(pid, "comm");
	char line[LOOK_USER - 4] = "";

	name[0] = '\0';
	if (file == NULL)
		return;
	if (fgets(line, sizeof(line), file) != NULL && strcspn(line, "\n") != 0) {
		line[strcspn(line, "\n")] = '\0';
		make_printable(line);
		snprintf(name, LOOK_USER, " (%s)", line);
	}
	fclose(file);
}

/* A systemd service that the process is a part of; "" if it is of none, or its name needs quotes. */
static void service_of(int64_t pid, char unit[LOOK_UNIT])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@:_.-";
	FILE *file = open_of(pid, "cgroup");
	char line[LINE];
	size_t length;

	unit[0] = '\0';
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char *group = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		if (group != NULL)
			unit_of_group(group, unit);
		length = strlen(unit);
		if (length > 8 && strcmp(unit + length - 8, ".service") == 0 &&
		    strspn(unit, plain) == length)
			break;
		unit[0] = '\0';
	}
	if (file != NULL)
		fclose(file);
}

/* 1: the shared library is in it; 0: it is not; -1: that cannot be told. */
static int uses_library(int64_t pid)
{
	FILE *file = open_of(pid, "maps");
	char line[LINE];
	int answer = -1;

	if (file == NULL)
		return -1;
	while (answer != 1 && fgets(line, sizeof(line), file) != NULL)
		answer = strstr(line, "/libzmalloc.so") != NULL ||
			 strstr(line, "/libzmalloc-") != NULL;
	fclose(file);
	return answer;
}

/* The value of ZMALLOC_PUBLISH that the process was started with; "" for none. */
static void asked_to_publish(int64_t pid, char value[32])
{
	static const char variable[] = "ZMALLOC_PUBLISH=";
	FILE *file = open_of(pid, "environ");
	char *entry = NULL;
	size_t size = 0;

	value[0] = '\0';
	while (file != NULL && value[0] == '\0' && getdelim(&entry, &size, '\0', file) > 0)
		if (strncmp(entry, variable, sizeof(variable) - 1) == 0)
			snprintf(value, 32, "%s", entry + sizeof(variable) - 1);
	free(entry);
	if (file != NULL)
		fclose(file);
	make_printable(value);
}

/* ---- What to do ---- */

static int advise_restart(int64_t pid, const char *name)
{
	char unit[LOOK_UNIT];

	service_of(pid, unit);
	if (unit[0] != '\0')
		return complain("process %" PRId64
				"%s does not show its figures. To have it do so, "
				"run `systemctl edit %s`, add the two lines\n"
				"  [Service]\n"
				"  Environment=ZMALLOC_PUBLISH=1\n"
				"and run `systemctl restart %s`",
				pid, name, unit, unit);
	return complain("process %" PRId64 "%s does not show its figures. Start it again with "
			"ZMALLOC_PUBLISH=1 in its environment, or have it call "
			"zmalloc_stats_publish()",
			pid, name);
}

static int explain_hidden(int64_t pid, const char *name)
{
	char value[32];
	int uses = uses_library(pid);

	asked_to_publish(pid, value);
	if (uses == 0)
		return complain("process %" PRId64
				"%s does not show its figures, and libzmalloc.so "
				"is not in it. If it has the static library, start it again with "
				"ZMALLOC_PUBLISH=1 in its environment; else it has nothing to show",
				pid, name);
	if (value[0] == '\0' || strcmp(value, "0") == 0)
		return advise_restart(pid, name);
	return complain(
		"process %" PRId64 "%s was started with ZMALLOC_PUBLISH=%s and does not show "
		"its figures. Its standard error says why not if it could not; a program that "
		"is set-user-ID or has file capabilities takes nothing from the environment, "
		"and one that closed all its descriptors shows itself again when it next "
		"grows by 64 KiB. zmalloc_stats_publish() serves all of these",
		pid, name, value);
}

/* Who it runs as, of the line "Uid:" in /proc/PID/status, which everybody may read. */
static long user_of(int64_t pid)
{
	FILE *file = open_of(pid, "status");
	char line[LINE];
	long real = -1, effective = -1;

	if (file == NULL)
		return -1;
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Uid: %ld %ld", &real, &effective) == 2)
			break;
	fclose(file);
	return effective;
}

static int explain_refused(int64_t pid, const char *name, const char *command)
{
	struct look look = {.about.user = UINT32_MAX};
	char user[LOOK_USER];
	long number = user_of(pid);

	if (geteuid() == 0)
		return complain("the kernel does not let even root look at process %" PRId64 "%s: "
				"a security module or a container's rights stand in the way. Run "
				"zmalloc outside the container, or give it CAP_SYS_PTRACE",
				pid, name);
	if (number == (long)geteuid())
		return complain("the kernel lets only root look at process %" PRId64
				"%s, though it "
				"is yours: it became your user after it began, or has rights that "
				"you have not. Run `sudo zmalloc %s %" PRId64 "`",
				pid, name, command, pid);
	look.about.user = number >= 0 ? (uint32_t)number : UINT32_MAX;
	look_user(&look, user);
	return complain("the kernel does not let you look at process %" PRId64
			"%s, which is of user "
			"%s. Run `sudo zmalloc %s %" PRId64 "`",
			pid, name, user[0] != '\0' ? user : "unknown", command, pid);
}

int explain(int64_t pid, int error, const char *command)
{
	char name[LOOK_USER];

	name_of(pid, name);
	switch (error) {
	case ENOENT:
		return explain_hidden(pid, name);
	case ESRCH:
		return complain("there is no process %" PRId64, pid);
	case EACCES:
		return explain_refused(pid, name, command);
	case EPERM:
		return complain("the page of process %" PRId64 "%s, or its directory, is not this "
				"user's alone: refused",
				pid, name);
	case EBADMSG:
		return complain("the page of process %" PRId64 "%s is damaged, or is no page of "
				"libzmalloc",
				pid, name);
	case ENOTSUP:
		return complain("this system does not tell processes apart");
	default:
		return complain("cannot look at process %" PRId64 "%s: %s", pid, name,
				strerror(error));
	}
}
