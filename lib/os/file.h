/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/file.h - small reads of small files: 0 or an errno value.
 *
 * On Linux straight system calls, so that no one who interposes open() or read() is called from
 * inside an allocator, and a thread that is being cancelled does not end here with the descriptor
 * open.
 */
#ifndef ZM_OS_FILE_H
#define ZM_OS_FILE_H

#include <stddef.h>

/*
 * Read-only, close-on-exec, never the controlling terminal. Below `directory`, a descriptor, or as
 * open(2) takes the path if that is -1.
 */
int zm_file_open(const char *path, int *fd);
int zm_file_open_at(int directory, const char *path, int *fd);

/* The same with open(2)'s flags. */
int zm_file_open_as(int directory, const char *path, int flags, int *fd);

/* For zm_file_open_at() alone: a directory that this process may search, if not list. */
int zm_file_open_directory(int directory, const char *path, int *fd);

/* At most `size` bytes; 0 of them at the end. */
int zm_file_read(int fd, void *buffer, size_t size, size_t *got);

void zm_file_close(int fd);

/* The file's beginning, as much as the buffer holds; the second of one that is open. */
int zm_file_slurp(const char *path, void *buffer, size_t size, size_t *got);
int zm_file_slurp_fd(int fd, void *buffer, size_t size, size_t *got);

#endif
