/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/folder.c - a folder of the test's own, for what is written into files.
 */
#include "config.h"

#include "tests/folder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support.h"

static char folder[] = "/tmp/zmalloc-test-XXXXXX";

const char *folder_make(void)
{
	strcpy(folder + sizeof(folder) - sizeof("XXXXXX"), "XXXXXX");
	REQUIRE(mkdtemp(folder) != NULL);
	return folder;
}

const char *folder_path(const char *name, char path[FOLDER_PATH_BYTES])
{
	snprintf(path, FOLDER_PATH_BYTES, "%s/%s", folder, name);
	return path;
}

static int each(const char *piece, char found[FOLDER_PATH_BYTES], bool removes)
{
	DIR *directory = opendir(folder);
	char path[FOLDER_PATH_BYTES];
	struct dirent *entry;
	int count = 0;

	REQUIRE(directory != NULL);
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    strstr(entry->d_name, piece) == NULL)
			continue;
		folder_path(entry->d_name, path);
		if (found != NULL)
			strcpy(found, path);
		if (removes)
			unlink(path);
		count++;
	}
	closedir(directory);
	return count;
}

int folder_count(const char *piece, char found[FOLDER_PATH_BYTES])
{
	return each(piece, found, false);
}

int folder_remove(void)
{
	int count = each("", NULL, true);

	REQUIRE(rmdir(folder) == 0);
	return count;
}
