/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/common.c - what the commands share.
 */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("zmalloc: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return FAILED;
}

/*
 * The library behind us may be older or newer than this tool, and its struct shorter or longer. In our
 * list all have our size, as zmalloc_process_write() wants it; the figures' own size tells what is there.
 */
void copy_process(struct zmalloc_process *to, const struct zmalloc_process *from)
{
	const size_t room = sizeof(*to) - offsetof(struct zmalloc_process, stats);

	memset(to, 0, sizeof(*to));
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	to->size = sizeof(*to);
	if (to->stats.size > room)
		to->stats.size = room;
}

bool list_add(struct process_list *list, const struct zmalloc_process *process)
{
	struct zmalloc_process *grown;

	if (list->count == list->room) {
		grown = realloc(list->process, (list->room * 2 + 16) * sizeof(*grown));
		if (grown == NULL)
			return false;
		list->process = grown;
		list->room = list->room * 2 + 16;
	}
	copy_process(&list->process[list->count++], process);
	return true;
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now = {0, 0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t steady_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void pause_for(double seconds)
{
	struct timespec pause = {.tv_sec = (time_t)seconds};

	pause.tv_nsec = (long)((seconds - (double)pause.tv_sec) * 1e9);
	nanosleep(&pause, NULL);
}

int write_to_stdout(void *unused, const char *text, size_t size)
{
	(void)unused;
	return fwrite(text, 1, size, stdout) == size ? 0 : EIO;
}

int write_processes(const struct process_list *list, int format)
{
	if (zmalloc_process_write(list->process, list->count, format, write_to_stdout, NULL) != 0 ||
	    fflush(stdout) != 0)
		return complain("cannot write: %s", strerror(errno));
	return DONE;
}

const char *human_signed(int64_t bytes, char text[SIGNED_BYTES])
{
	text[0] = '-';
	zm_human_bytes(bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes, text + 1);
	return bytes < 0 ? text : text + 1;
}

const char *scope_name(const struct zmalloc_scope_stats *scope, char text[ZMALLOC_SCOPE_NAME_BYTES])
{
	if (*scope->name == '\0')
		return "everything else";
	for (size_t i = 0; i < ZMALLOC_SCOPE_NAME_BYTES; i++) {
		char character = scope->name[i];

		text[i] = character == '\0' || (character >= ' ' && character <= '~') ? character
										      : '?';
	}
	return text;
}

const char *human(uint64_t bytes, char text[ZM_HUMAN_BYTES])
{
	return bytes == ZMALLOC_STATS_UNKNOWN ? strcpy(text, "-") : zm_human_bytes(bytes, text);
}
