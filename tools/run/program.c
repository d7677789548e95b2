/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/run/program.c - which program is meant, and whether the loader will put a library before it.
 */
#include "config.h"

#include "tools/run/run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tools/command.h"

/* ---- As a shell finds it -------------------------------------------------------------------- */

/* 0, or an errno value. */
static int try(const char *path)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return errno;
	if (S_ISDIR(about.st_mode))
		return EISDIR;
	return access(path, X_OK) == 0 ? 0 : errno;
}

static int search(const char *name, char *path)
{
	const char *folders = getenv("PATH");
	int error = ENOENT;

	if (folders == NULL)
		folders = "/bin:/usr/bin";
	for (size_t length;; folders += length + 1) {
		int now = ENAMETOOLONG;

		length = strcspn(folders, ":");
		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, folders,
			     length != 0 ? "/" : "./", name) < PATH_MAX)
			now = try(path);
		if (now == 0)
			return 0;
		if (now != ENOENT && now != ENOTDIR && now != EISDIR)
			error = now;
		if (folders[length] == '\0')
			return error;
	}
}

/* ---- What it is ----------------------------------------------------------------------------- */

/* Programs that run with rights of others: the loader takes no library by path there. */
static bool has_rights_of_its_own(const char *path)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return false;
	return ((about.st_mode & S_ISUID) != 0 && about.st_uid != geteuid()) ||
	       ((about.st_mode & S_ISGID) != 0 && about.st_gid != getegid()) ||
	       (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

struct kind {
	unsigned char class;
	unsigned machine; /* as in the file: both are of this machine's order of bytes, or differ */
	bool is_dynamic;
};

/* The members that 32 and 64 bits have in other places. */
static bool read_headers(int fd, unsigned char class, off_t *at, size_t *size, size_t *count)
{
	if (class == ELFCLASS64) {
		Elf64_Ehdr head;

		if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
			return false;
		*at = (off_t)head.e_phoff, *size = head.e_phentsize, *count = head.e_phnum;
	} else {
		Elf32_Ehdr head;

		if (pread(fd, &head, sizeof(head), 0) != sizeof(head))
			return false;
		*at = (off_t)head.e_phoff, *size = head.e_phentsize, *count = head.e_phnum;
	}
	return true;
}

/* False: it is no ELF file that can be read. */
static bool look_at_elf(int fd, struct kind *kind)
{
	unsigned char begin[20];
	size_t size, count;
	uint16_t machine;
	uint32_t type;
	off_t at;

	if (pread(fd, begin, sizeof(begin), 0) != sizeof(begin) ||
	    memcmp(begin, ELFMAG, SELFMAG) != 0)
		return false;
	memcpy(&machine, begin + 18, sizeof(machine));
	kind->class = begin[EI_CLASS];
	kind->machine = machine;
	kind->is_dynamic = false;
	if (!read_headers(fd, kind->class, &at, &size, &count))
		return false;
	/* The type is the first member in both. */
	for (size_t i = 0; i < count && !kind->is_dynamic; i++)
		if (pread(fd, &type, sizeof(type), at + (off_t)(i * size)) == sizeof(type))
			kind->is_dynamic = type == PT_INTERP;
	return true;
}

static bool look_at_elf_of(const char *path, struct kind *kind)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_elf = fd >= 0 && look_at_elf(fd, kind);

	if (fd >= 0)
		close(fd);
	return is_elf;
}

/* The interpreter of a script; false: it is none. `path` has PATH_MAX bytes and is replaced. */
static bool follow_script(char *path)
{
	char line[PATH_MAX + 2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	size_t begin;

	if (fd >= 0)
		close(fd);
	if (length < 3 || memcmp(line, "#!", 2) != 0)
		return false;
	line[length] = '\0';
	begin = 2 + strspn(line + 2, " \t");
	line[begin + strcspn(line + begin, " \t\r\n")] = '\0';
	snprintf(path, PATH_MAX, "%s", line + begin);
	return path[0] != '\0';
}

static int judge(const char *path)
{
	struct kind kind, own;

	if (has_rights_of_its_own(path)) {
		complain("%s runs with rights of its own, and the loader lets it run without the "
			 "library",
			 path);
		return 0;
	}
	if (!look_at_elf_of(path, &kind) || !look_at_elf_of("/proc/self/exe", &own))
		return 0;
	if (kind.class != own.class || kind.machine != own.machine) {
		complain("%s is a program of another machine than the library is", path);
		return RUN_REFUSED;
	}
	if (!kind.is_dynamic) {
		complain("%s is a static program: it has a malloc() of its own inside, and nothing "
			 "can be "
			 "put before it",
			 path);
		return RUN_REFUSED;
	}
	return 0;
}

int run_find_program(const char *name, char *path)
{
	char file[PATH_MAX];
	int error;

	if (strchr(name, '/') == NULL)
		error = search(name, path);
	else
		error = snprintf(path, PATH_MAX, "%s", name) < PATH_MAX ? try(path) : ENAMETOOLONG;
	if (error == ENOENT || error == ENOTDIR) {
		complain("there is no program '%s'", name);
		return RUN_NOT_FOUND;
	}
	if (error != 0) {
		complain("%s: %s", name, strerror(error));
		return RUN_REFUSED;
	}
	strcpy(file, path);
	for (int scripts = 0; scripts < 4 && follow_script(file); scripts++)
		;
	return judge(file);
}
