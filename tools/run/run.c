/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/run/run.c - `zmalloc run`: what the environment of the program is to say, and the program itself.
 */
#include "config.h"

#include "tools/run/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"

/* One of ours that was there already: another allocator's must not be loaded behind the one asked for. */
static bool is_ours(const char *entry, size_t length)
{
	static const char *const names[] = {"/libzmalloc_preload.so", "/libzmalloc.so.1"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);

		if (length >= size && memcmp(entry + length - size, names[i], size) == 0)
			return true;
	}
	return false;
}

/* Others' libraries stay, behind ours. The loader takes blanks and colons between them. */
static bool set_preload(const struct run_libraries *libraries)
{
	const char *given = getenv("LD_PRELOAD"), *entry = given != NULL ? given : "";
	char *value = malloc(sizeof(*libraries) + strlen(entry) + 3);
	bool is_set = false;

	if (value == NULL)
		return false;
	sprintf(value, "%s:%s", libraries->preload, libraries->library);
	for (size_t length; *entry != '\0'; entry += length) {
		entry += strspn(entry, ": ");
		length = strcspn(entry, ": ");
		if (length != 0 && !is_ours(entry, length))
			sprintf(value + strlen(value), ":%.*s", (int)length, entry);
	}
	is_set = setenv("LD_PRELOAD", value, 1) == 0;
	free(value);
	return is_set;
}

static bool set(const char *name, const char *value)
{
	return value == NULL || setenv(name, value, 1) == 0;
}

/* The library hears 1 as the default mean; take_run_option() lets no such mean pass. */
static bool set_wishes(const struct options *options)
{
	char mean[24], report[32];

	snprintf(mean, sizeof(mean), "%" PRIu64, options->mean_bytes);
	/* The process that the program is going to be, and none that it starts. */
	snprintf(report, sizeof(report), "pid=%ld", (long)getpid());
	return set("ZMALLOC_LIMIT", options->limit[0] != '\0' ? options->limit : NULL) &&
	       set("ZMALLOC_PUBLISH", options->publishes ? "1" : NULL) &&
	       set("ZMALLOC_PURGE_ON_PRESSURE", options->purges ? "1" : NULL) &&
	       set("ZMALLOC_REPORT", options->reports ? report : NULL) &&
	       set("ZMALLOC_PROFILE",
		   !options->starts ? NULL : (options->mean_bytes != 0 ? mean : "1"));
}

int command_run(const struct options *options)
{
	struct run_libraries libraries;
	char path[PATH_MAX];
	int status;

	if (!run_find_libraries(options->allocator, &libraries))
		return RUN_FAILED;
	status = run_find_program(options->operands[0], path);
	if (status != 0)
		return status;
	if (!set_preload(&libraries) || !set_wishes(options)) {
		complain("no memory for the environment");
		return RUN_FAILED;
	}
	execvp(path, options->operands);
	status = errno == ENOENT ? RUN_NOT_FOUND : RUN_REFUSED;
	complain("%s: %s", path, strerror(errno));
	return status;
}
