/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/export_file.c - a text in a file's place, whole or not at all.
 *
 * Whoever reads the file has the old text or the new one, and after a crash of the machine too: the new one
 * is made beside the old one, is on the disk before it takes its name, and the name is on the disk
 * afterwards. A name that begins with a dot is none that the node exporter reads.
 */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"

/*
 * Where the text is to go: through links, to where they lead. NULL, with errno: what has the name is no
 * file, which nothing may take the place of.
 */
static char *target_of(const char *path)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return errno == ENOENT ? strdup(path) : NULL;
	if (S_ISDIR(about.st_mode)) {
		errno = EISDIR;
		return NULL;
	}
	if (!S_ISREG(about.st_mode)) {
		errno = EEXIST;
		return NULL;
	}
	return realpath(path, NULL);
}

/* "folder/.name.XXXXXX"; the caller frees it. */
static char *template_of(const char *target)
{
	const char *slash = strrchr(target, '/');
	size_t folder = slash != NULL ? (size_t)(slash - target) + 1 : 0;
	size_t size = strlen(target) + sizeof("..XXXXXX");
	char *template = malloc(size);

	if (template != NULL)
		snprintf(template, size, "%.*s.%s.XXXXXX", (int)folder, target, target + folder);
	return template;
}

static bool write_whole(int fd, const char *text, size_t size)
{
	while (size != 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		size -= (size_t)written;
	}
	return true;
}

/* Not every file system can do that for a folder; then the name gets there in its own time. */
static void sync_folder(char *template)
{
	char *slash = strrchr(template, '/');
	int fd;

	if (slash != NULL)
		slash[1] = '\0';
	fd = open(slash != NULL ? template : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Others are to read it, whatever this process's umask is. 0, or an errno value. */
static int replace(const char *target, char *template, const char *text, size_t size)
{
	int fd = mkstemp(template), error = 0;

	if (fd < 0)
		return errno;
	if (!write_whole(fd, text, size) ||
	    fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0 || fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 && rename(template, target) != 0)
		error = errno;
	if (error != 0)
		unlink(template);
	else
		sync_folder(template);
	return error;
}

/* What would end this process waits until nothing is half done. */
static int replace_undisturbed(const char *target, char *template, const char *text, size_t size)
{
	sigset_t ends, before;
	int error;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before);
	error = replace(target, template, text, size);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

int export_to_file(const char *path, const char *text, size_t size)
{
	char *target = target_of(path), *template;
	int error = ENOMEM;

	if (target == NULL && errno == EEXIST)
		return complain("'%s' is no file, and stays what it is; without a name export "
				"writes to standard output",
				path);
	if (target == NULL)
		return complain("cannot write '%s': %s", path, strerror(errno));
	template = template_of(target);
	if (template != NULL)
		error = replace_undisturbed(target, template, text, size);
	free(template);
	free(target);
	return error == 0 ? DONE : complain("cannot write '%s': %s", path, strerror(error));
}
