/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/pressure_service.c - a service manager that says where pressure is to be watched, in the environment:
 * systemd's MEMORY_PRESSURE.md.
 *
 *   MEMORY_PRESSURE_WATCH  an absolute path. A regular file is one of stalls: EPOLLPRI, and never read. A FIFO
 *                          or a socket has bytes to be read and forgotten. /dev/null: watch nothing.
 *   MEMORY_PRESSURE_WRITE  what is to be written there first, in base64; may be absent
 */
#include "config.h"

#include "os/pressure_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"
#include "os/failure.h"
#include "os/file.h"
#include "os/os.h"

/* ---- MEMORY_PRESSURE_WRITE ---- */

static int value_of(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *digit = c != '\0' ? strchr(digits, c) : NULL;

	return digit != NULL ? (int)(digit - digits) : -1;
}

/* How many characters of a group of four are digits: 2 to 4; the others fill it up. 0: it is none. */
static int digits_of(const char *text)
{
	int digits = 0;

	while (digits < 4 && value_of(text[digits]) >= 0)
		digits++;
	for (int i = digits; i < 4; i++)
		if (text[i] != '=')
			return 0;
	return digits < 2 ? 0 : digits;
}

int zm_base64(const char *text, unsigned char *to, size_t room, size_t *size)
{
	size_t length = 0;

	for (; *text != '\0'; text += 4) {
		int digits = digits_of(text);
		unsigned value = 0;

		if (digits == 0 || (digits < 4 && text[4] != '\0'))
			return EINVAL;
		for (int i = 0; i < 4; i++)
			value = value << 6 | (i < digits ? (unsigned)value_of(text[i]) : 0);
		for (int i = 0; i < digits - 1; i++) {
			if (length == room)
				return EMSGSIZE;
			to[length++] = (unsigned char)(value >> (16 - 8 * i));
		}
	}
	*size = length;
	return 0;
}

/* ---- Opening ---- */

/* Another name of an open file, by which it is opened for more. */
static void name_of(int fd, char *name, size_t size)
{
	struct zm_path path;

	zm_path_init(&path, name, size);
	zm_path_add(&path, zm_span_of("/proc/self/fd/"));
	zm_path_add_number(&path, (uint64_t)fd);
}

static int connect_to(const char *name, int *fd)
{
	struct sockaddr_un address;

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, name, strlen(name) + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return zm_os_failure();
	if (connect(*fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	return zm_os_failure();
}

static int write_wish(struct zm_os_pressure *watch, int fd)
{
	if (watch->wish_bytes == 0)
		return 0;
	/* In one piece: that is how a file of stalls takes it. */
	return zm_os_write(fd, watch->wish, watch->wish_bytes);
}

/*
 * A FIFO is opened for writing too, even where nothing is to be written: with a writer of its own it does not
 * end, nor wake anybody for that, when the manager opens it, writes and closes it.
 */
static int open_kind(const char *name, const struct stat *about, enum zm_watch_kind *kind, int *fd)
{
	int error;

	*kind = ZM_WATCH_READABLE;
	if (S_ISSOCK(about->st_mode))
		return connect_to(name, fd);
	if (!S_ISREG(about->st_mode) && !S_ISFIFO(about->st_mode))
		return EINVAL;
	*kind = S_ISREG(about->st_mode) ? ZM_WATCH_TRIGGER : ZM_WATCH_FIFO;
	error = zm_file_open_as(-1, name, O_RDWR | O_NONBLOCK, fd);
	if (error == EACCES || error == EROFS)
		error = zm_file_open_as(-1, name, O_RDONLY | O_NONBLOCK, fd);
	return error;
}

static int open_place(struct zm_os_pressure *watch, const char *place)
{
	enum zm_watch_kind kind;
	struct stat about;
	char name[40];
	int held, fd = -1, error = zm_file_open_as(-1, place, O_PATH, &held);

	if (error != 0)
		return error;
	name_of(held, name, sizeof(name));
	error = fstat(held, &about) == 0 ? open_kind(name, &about, &kind, &fd) : zm_os_failure();
	zm_watch_close(held);
	if (error == 0)
		error = write_wish(watch, fd);
	if (error != 0) {
		if (fd >= 0)
			zm_watch_close(fd);
		return error;
	}
	return zm_watch_add(watch, fd, kind, ZM_OS_PRESSURE_SERVICE, ZM_OS_PRESSURE_MEDIUM);
}

static void turn_off(struct zm_os_pressure *watch)
{
	watch->off = true;
	for (int source = 0; source < ZM_OS_PRESSURE_SOURCES; source++)
		if (source != ZM_OS_PRESSURE_SYSTEM)
			zm_watch_refuse(watch, source, ECANCELED,
					"MEMORY_PRESSURE_WATCH says /dev/null");
}

static void replace_stalls(struct zm_os_pressure *watch)
{
	static const char why[] = "MEMORY_PRESSURE_WATCH says where to look";

	zm_watch_refuse(watch, ZM_OS_PRESSURE_GROUP_STALLS, EALREADY, why);
	zm_watch_refuse(watch, ZM_OS_PRESSURE_MACHINE_STALLS, EALREADY, why);
}

static const char *why_not(int error)
{
	switch (error) {
	case EMSGSIZE:
		return "what MEMORY_PRESSURE_WRITE says is longer than 256 bytes";
	case ENOENT:
		return "there is no file of the name that MEMORY_PRESSURE_WATCH says";
	case EPERM:
	case EINVAL:
		return "MEMORY_PRESSURE_WATCH names neither a file of stalls, a FIFO nor a socket, "
		       "or "
		       "what MEMORY_PRESSURE_WRITE says is not taken there";
	default:
		return "what MEMORY_PRESSURE_WATCH names cannot be opened";
	}
}

void zm_service_open(struct zm_os_pressure *watch, const struct zm_os_pressure_wish *wish)
{
	int error;

	if (wish->watch == NULL || *wish->watch == '\0') {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_SERVICE, ENOENT,
				"MEMORY_PRESSURE_WATCH is not in the environment");
		return;
	}
	if (strcmp(wish->watch, "/dev/null") == 0) {
		turn_off(watch);
		return;
	}
	if (*wish->watch != '/') {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_SERVICE, EINVAL,
				"MEMORY_PRESSURE_WATCH is no absolute path");
		return;
	}
	error = wish->write == NULL ? 0
				    : zm_base64(wish->write, watch->wish, sizeof(watch->wish),
						&watch->wish_bytes);
	if (error == EINVAL) {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_SERVICE, error,
				"MEMORY_PRESSURE_WRITE is no base64");
		return;
	}
	if (error == 0)
		error = open_place(watch, wish->watch);
	if (error != 0) {
		zm_watch_refuse(watch, ZM_OS_PRESSURE_SERVICE, error, why_not(error));
		return;
	}
	zm_watch_use(watch, ZM_OS_PRESSURE_SERVICE, wish->watch);
	replace_stalls(watch);
}

/* ---- Bytes ---- */

/*
 * What was written to a FIFO lies there until the manager reads it. A FIFO tells of wake-ups only, the first of
 * which is by our own words.
 */
bool zm_service_has_own(const struct zm_os_pressure *watch,
			const struct zm_os_pressure_entry *entry)
{
	int bytes = 0;

	return entry->kind == ZM_WATCH_FIFO && watch->wish_bytes != 0 &&
	       ioctl(entry->file.fd, FIONREAD, &bytes) == 0 && (size_t)bytes == watch->wish_bytes;
}

bool zm_service_drain(const struct zm_os_pressure_entry *entry, bool *hung_up)
{
	char bytes[512];
	bool said = false;
	size_t got;
	int error;

	for (;;) {
		error = zm_file_read(entry->file.fd, bytes, sizeof(bytes), &got);
		*hung_up = error == 0 ? got == 0 : error != EAGAIN && error != EWOULDBLOCK;
		if (error != 0 || got == 0)
			return said;
		said = true;
	}
}
