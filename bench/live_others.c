/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/live_others.c - processes to look at.
 */
#include "config.h"

#include "bench/live_others.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc/stats.h>

#define GIB ((size_t)1 << 30)

/* A user that is not us. */
#define NOBODY 65534

void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Until whoever gives orders is gone. */
static void obey(int order, int report)
{
	void *block = NULL;
	uint64_t holds;
	char byte;

	while (read(order, &byte, 1) == 1) {
		if (byte == OTHER_TAKE)
			block = memset(zmalloc(GIB), 1, GIB);
		if (byte == OTHER_FREE)
			zfree(block);
		holds = zmalloc_used_memory();
		if (write(report, &holds, sizeof(holds)) != (ssize_t)sizeof(holds))
			break;
	}
	_exit(0);
}

static void publish(void)
{
	if (zmalloc_stats_publish() != 0)
		fail("zmalloc_stats_publish");
}

static void become_nobody(void)
{
	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		fail("setuid");
}

/* Who it is made by ends with it. `pid` goes to whoever reads the report first. */
static void enter_namespaces(int report)
{
	pid_t inner;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0 || chroot("/tmp") != 0)
		fail("unshare");
	inner = fork();
	if (inner == 0)
		return;
	if (write(report, &inner, sizeof(inner)) != (ssize_t)sizeof(inner))
		fail("write");
	waitpid(inner, NULL, 0);
	_exit(0);
}

static void live(enum other_kind kind, int order, int report)
{
	const pid_t self = getpid();

	if (kind == OTHER_IN_NAMESPACES)
		enter_namespaces(report);
	publish();
	if (kind == OTHER_THAT_DROPPED_ROOT)
		become_nobody();
	if (kind != OTHER_IN_NAMESPACES &&
	    write(report, &self, sizeof(self)) != (ssize_t)sizeof(self))
		fail("write");
	obey(order, report);
}

bool other_start(enum other_kind kind, struct other *other)
{
	int order[2], report[2];

	if (kind != OTHER_OF_THIS_USER && geteuid() != 0)
		return false;
	if (pipe(order) != 0 || pipe(report) != 0)
		fail("pipe");
	other->child = fork();
	if (other->child == 0) {
		close(order[1]);
		close(report[0]);
		live(kind, order[0], report[1]);
	}
	close(order[0]);
	close(report[1]);
	other->order = order[1];
	other->report = report[0];
	if (read(other->report, &other->pid, sizeof(other->pid)) != (ssize_t)sizeof(other->pid))
		fail("a process to look at");
	/* In namespaces the number comes before the page. */
	other_tell(other, OTHER_IDLE);
	return true;
}

uint64_t other_tell(const struct other *other, enum other_order order)
{
	const char byte = (char)order;
	uint64_t holds;

	if (write(other->order, &byte, 1) != 1 ||
	    read(other->report, &holds, sizeof(holds)) != (ssize_t)sizeof(holds))
		fail("a process to look at");
	return holds;
}

void other_end(struct other *other)
{
	close(other->order);
	close(other->report);
	waitpid(other->child, NULL, 0);
}
