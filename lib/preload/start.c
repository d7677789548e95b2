/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/start.c - what the environment asks of this library. libzmalloc.so listens to the rest.
 */
#include "config.h"

#include "preload/preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *name, const char *wish, const char *reason)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "zmalloc: %s: '%.100s' %s\n", name, wish, reason);

	if (length < 0 || write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

static bool is_wished(const char *name)
{
	const char *wish = secure_getenv(name);

	if (wish == NULL || *wish == '\0' || strcmp(wish, "0") == 0)
		return false;
	if (strcmp(wish, "1") == 0)
		return true;
	say(name, wish, "is neither 1 nor 0; it counts as 0");
	return false;
}

/* 1: of every process; pid=NUMBER: of that one, which `zmalloc run` is going to be the program. */
static bool is_report_wished(void)
{
	static const char begin[] = "pid=";
	const char *wish = secure_getenv("ZMALLOC_REPORT");

	if (wish == NULL || strncmp(wish, begin, sizeof(begin) - 1) != 0)
		return is_wished("ZMALLOC_REPORT");
	return strtol(wish + sizeof(begin) - 1, NULL, 10) == (long)getpid();
}

__attribute__((__constructor__)) static void start(void)
{
	zm_preload_enter();
	zm_find_cxx();
	if (is_report_wished())
		zm_preload_add_reason(ZM_PRELOAD_COUNTS);
	zm_preload_end_reason(ZM_PRELOAD_STARTS);
	if (is_wished("ZMALLOC_PURGE_ON_PRESSURE"))
		zm_pressure_begin();
}

__attribute__((__destructor__)) static void end(void)
{
	/* Asked again, as this may be the child of a fork(). */
	if ((zm_load(&zm_preload_slow) & ZM_PRELOAD_COUNTS) != 0 && is_report_wished())
		zm_report_at_exit();
}
