/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/moment_name.c - what a profile that is written at a moment is called.
 *
 * gmtime(3) may read files and allocate.
 */
#include "config.h"

#include "profile/moment_name.h"

#include <string.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/text.h"
#include "os/process.h"
#include "profile/write.h"

static bool add(struct zm_path *path, const char *text)
{
	return zm_path_add(path, zm_span_of(text));
}

static bool is_plain(char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') || character == '.' || character == '_' ||
	       character == '+';
}

/* A process may call itself anything, a way to another folder too. */
static bool add_program(struct zm_path *path)
{
	struct zm_os_process process;
	char *at;

	if (zm_os_process(getpid(), &process) != 0 || process.name[0] == '\0')
		return add(path, "program");
	for (at = process.name; *at != '\0'; at++)
		if (!is_plain(*at))
			*at = '_';
	return add(path, process.name);
}

/* Of `width` digits. */
static bool add_padded(struct zm_path *path, unsigned number, unsigned width)
{
	char text[ZM_DIGITS];
	unsigned power = 1;

	while (width-- > 0)
		power *= 10;
	return add(path, zm_digits(power + number % power, text) + 1);
}

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 1 && is_leap(year) ? 29 : days[month];
}

static bool add_date(struct zm_path *path, uint64_t days)
{
	unsigned year = 1970, month = 0;

	for (; days >= (is_leap(year) ? 366u : 365u); year++)
		days -= is_leap(year) ? 366 : 365;
	for (; days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	return add_padded(path, year, 4) && add_padded(path, month + 1, 2) &&
	       add_padded(path, (unsigned)days + 1, 2);
}

static bool add_time(struct zm_path *path, uint64_t now_s)
{
	unsigned second = (unsigned)(now_s % 86400);

	return add_date(path, now_s / 86400) && add(path, "T") &&
	       add_padded(path, second / 3600, 2) && add_padded(path, second / 60 % 60, 2) &&
	       add_padded(path, second % 60, 2) && add(path, "Z");
}

bool zm_moment_name(const struct zm_moment_name *name, char *text, size_t size)
{
	struct zm_path path;

	zm_path_init(&path, text, size);
	return add(&path, name->folder) && add(&path, "/zmalloc-") && add_program(&path) &&
	       add(&path, "-") && zm_path_add_number(&path, (uint64_t)getpid()) &&
	       add(&path, "-") && add(&path, name->why) && add(&path, "-") &&
	       add_time(&path, name->now_s) &&
	       (name->again == 0 || (add(&path, "-") && zm_path_add_number(&path, name->again))) &&
	       add(&path, zm_profile_suffix(name->format));
}
