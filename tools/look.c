/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/look.c - one look at one process: its figures, and what an operator knows it by.
 */
#include "look.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static void know_nothing(int64_t pid, struct zmalloc_process_info *about)
{
	memset(about, 0, sizeof(*about));
	about->size = sizeof(*about);
	about->pid = pid;
	about->user = UINT32_MAX;
	about->uptime_ms = about->swap_bytes = about->pss_bytes = about->limit_bytes =
		ZMALLOC_STATS_UNKNOWN;
}

/*
 * Whoever did not answer is not waited for twice. The library may be older or newer than this tool; the
 * figures' own size tells which of them are there.
 */
int look_at(int64_t pid, unsigned timeout_ms, struct look *look)
{
	memset(&look->process, 0, sizeof(look->process));
	look->process.size = sizeof(look->process);
	look->silent = false;
	if (zmalloc_process_ask(pid, timeout_ms, &look->process) != 0) {
		if (errno != ETIMEDOUT)
			return errno;
		look->silent = true;
	}
	look->process.size = sizeof(look->process);
	look->taken_ms = wall_ms();
	know_nothing(pid, &look->about);
	if (zmalloc_process_about(pid, look->silent ? 0 : timeout_ms, &look->about) == 0)
		return 0;
	if (errno == ESRCH)
		return ESRCH;
	know_nothing(pid, &look->about);
	return 0;
}

uint64_t look_age_ms(const struct look *look)
{
	uint64_t of_ms = look->process.updated_ms;

	return look->taken_ms > of_ms ? look->taken_ms - of_ms : 0;
}

double look_of_limit(const struct look *look)
{
	uint64_t rss = look->process.stats.rss_bytes, limit = look->about.limit_bytes;

	if (rss == ZMALLOC_STATS_UNKNOWN || limit == ZMALLOC_STATS_UNKNOWN || limit == 0)
		return NAN;
	return (double)rss / (double)limit;
}

static bool is_plain(const char *text)
{
	if (*text == '\0' || strlen(text) >= LOOK_USER)
		return false;
	while (*text > ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

void look_user(const struct look *look, char user[LOOK_USER])
{
	const struct passwd *entry = NULL;

	user[0] = '\0';
	if (look->about.user == UINT32_MAX)
		return;
	entry = getpwuid(look->about.user);
	if (entry != NULL && is_plain(entry->pw_name))
		strcpy(user, entry->pw_name);
	else
		snprintf(user, LOOK_USER, "%lu", (unsigned long)look->about.user);
}

/* ---- Control groups ---- */

/* Docker, Podman, containerd and CRI-O name containers so. */
static bool names_container(const char *part, size_t length)
{
	size_t run = 0;

	for (size_t i = 0; i < length && run < 64; i++)
		run = isxdigit((unsigned char)part[i]) ? run + 1 : 0;
	return run == 64;
}

static bool ends_with(const char *part, size_t length, const char *end)
{
	size_t of_end = strlen(end);

	return length > of_end && memcmp(part + length - of_end, end, of_end) == 0;
}

static int worth(const char *part, size_t length)
{
	if (names_container(part, length))
		return 3;
	return ends_with(part, length, ".service") || ends_with(part, length, ".scope") ? 2 : 1;
}

void unit_of_group(const char *group, char unit[LOOK_UNIT])
{
	int best = 0;

	unit[0] = '\0';
	while (*group != '\0') {
		size_t length = strcspn(group, "/");

		if (length != 0 && length < LOOK_UNIT && worth(group, length) >= best) {
			best = worth(group, length);
			memcpy(unit, group, length);
			unit[length] = '\0';
		}
		group += length + (group[length] == '/');
	}
}
