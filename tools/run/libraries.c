/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/run/libraries.c - where the libraries are that a program is to be preloaded with.
 *
 * All are below one folder, the home: libzmalloc_preload.so itself, and for each allocator that is
 * installed a folder of its name with its libzmalloc.so.1. The library that this tool runs with is the
 * machine's choice; its folder leads to the home, wherever the whole was installed.
 */
#include "config.h"

#include "tools/run/run.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>

#include "tools/command.h"

#define PRELOAD "libzmalloc_preload.so"
#define LIBRARY "libzmalloc.so.1"

static bool build(char *path, const char *folder, const char *below, const char *file)
{
	return snprintf(path, PATH_MAX, "%s%s/%s", folder, below, file) < PATH_MAX;
}

static bool is_there(const char *path)
{
	return access(path, R_OK) == 0;
}

/* The folder of the library that this tool runs with; ZM_LIBDIR if that is a part of the tool. */
static void find_own_folder(char *folder)
{
	void *function = dlsym(RTLD_DEFAULT, "zmalloc_version");
	const char *path = NULL, *slash = NULL;
	Dl_info object;
	char whole[PATH_MAX];

	if (function != NULL && dladdr(function, &object) != 0) {
		path = object.dli_fname;
		/* As it was found: a link may lead elsewhere tomorrow. */
		if (path[0] != '/')
			path = realpath(path, whole);
		slash = path != NULL ? strrchr(path, '/') : NULL;
	}
	if (slash != NULL && strncmp(slash, "/libzmalloc.so", 14) == 0)
		snprintf(folder, PATH_MAX, "%.*s", (int)(slash - path), path);
	else
		snprintf(folder, PATH_MAX, "%s", ZM_LIBDIR);
}

/* Installed, of an allocator's own folder, of a build folder, of the place that was configured. */
static bool find_home(const char *folder, char *home, char *preload)
{
	static const char *const below[] = {"/zmalloc", "/..", ""};

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		if (build(preload, folder, below[i], PRELOAD) && is_there(preload))
			return snprintf(home, PATH_MAX, "%s%s", folder, below[i]) < PATH_MAX;
	snprintf(home, PATH_MAX, "%s/zmalloc", ZM_LIBDIR);
	if (build(preload, home, "", PRELOAD) && is_there(preload))
		return true;
	complain("%s: %s: `zmalloc run` needs it", preload, strerror(errno));
	return false;
}

/* Does the library that this tool runs with say that it is of this allocator? */
static bool is_own(const struct run_allocator *allocator)
{
	const char *says = zmalloc_allocator();
	size_t length = strlen(allocator->says);

	return strncmp(says, allocator->says, length) == 0 && says[length] == '-';
}

/* Where the library of an allocator is; false: it is not installed. */
static bool find_library(const struct run_allocator *allocator, const char *home,
			 const char *folder, char *library)
{
	char below[64];

	snprintf(below, sizeof(below), "/%s", allocator->name);
	if (build(library, home, below, LIBRARY) && is_there(library))
		return true;
	return is_own(allocator) && build(library, folder, "", LIBRARY) && is_there(library);
}

static const struct run_allocator *known(const char *name)
{
	for (const struct run_allocator *at = run_allocators; at->name != NULL; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

static bool complain_of_allocator(const char *name, const char *home, const char *folder)
{
	char list[256] = "", library[PATH_MAX];

	for (const struct run_allocator *at = run_allocators; at->name != NULL; at++)
		if (find_library(at, home, folder, library))
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
				 list[0] != '\0' ? ", " : "", at->name);
	complain(known(name) != NULL ? "the allocator '%s' is not installed; installed: %s"
				     : "there is no allocator '%s'; installed: %s",
		 name, list[0] != '\0' ? list : "none");
	return false;
}

/* ---- Does it load? -------------------------------------------------------------------------- */

/* This tool's --version, on the libraries that the program is to have, as far as it comes. */
static void ask_version(const struct run_libraries *libraries, char *answer, size_t size)
{
	char preload[2 * PATH_MAX + 1];
	ssize_t length = 0;
	int end[2];
	pid_t child;

	answer[0] = '\0';
	snprintf(preload, sizeof(preload), "%s:%s", libraries->preload, libraries->library);
	if (pipe(end) != 0)
		return;
	child = fork();
	if (child == 0) {
		close(end[0]);
		if (dup2(end[1], STDOUT_FILENO) >= 0 && dup2(end[1], STDERR_FILENO) >= 0 &&
		    setenv("LD_PRELOAD", preload, 1) == 0)
			execl("/proc/self/exe", "zmalloc", "--version", (char *)NULL);
		_exit(RUN_REFUSED);
	}
	close(end[1]);
	while (child > 0 && length < (ssize_t)size - 1) {
		ssize_t got = read(end[0], answer + length, size - 1 - (size_t)length);

		if (got <= 0)
			break;
		length += got;
	}
	answer[length] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	close(end[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* The loader leaves out what it cannot load, or starts nothing: either is known before. */
static bool does_load(const struct run_allocator *allocator, const struct run_libraries *libraries)
{
	char answer[1024];
	size_t length = strlen(allocator->says);
	const char *says;

	ask_version(libraries, answer, sizeof(answer));
	says = strrchr(answer, '(');
	if (strncmp(answer, "zmalloc ", 8) == 0 && says != NULL &&
	    strncmp(says + 1, allocator->says, length) == 0 && says[length + 1] == '-')
		return true;
	complain("%s cannot be loaded: %s", libraries->library, answer);
	return false;
}

bool run_find_libraries(const char *name, struct run_libraries *libraries)
{
	const struct run_allocator *allocator = name != NULL ? known(name) : NULL;
	char folder[PATH_MAX], home[PATH_MAX];

	find_own_folder(folder);
	if (!find_home(folder, home, libraries->preload))
		return false;
	if (name == NULL) {
		if (!build(libraries->library, folder, "", LIBRARY) ||
		    !is_there(libraries->library)) {
			complain("%s/" LIBRARY ": %s", folder, strerror(errno));
			return false;
		}
	} else if (allocator == NULL ||
		   !find_library(allocator, home, folder, libraries->library)) {
		return complain_of_allocator(name, home, folder);
	}
	if (strpbrk(libraries->preload, ": ") != NULL ||
	    strpbrk(libraries->library, ": ") != NULL) {
		complain("%s: the loader takes no path with a blank or a colon",
			 libraries->library);
		return false;
	}
	return allocator == NULL || does_load(allocator, libraries);
}
