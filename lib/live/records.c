/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/records.c - one command given to another process, and the records of its answer.
 */
#include "config.h"

#include "live/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct zm_records *zm_records_ask(int64_t pid, uint32_t command, const uint64_t argument[2],
				  unsigned timeout_ms)
{
	struct zm_records *records = malloc(sizeof(*records));
	struct zm_ask ask;
	int error = records == NULL ? ENOMEM : zm_ask_open(pid, &ask);

	if (error == 0) {
		records->answer = (struct zm_command_answer){.room = records->room,
							     .room_bytes = sizeof(records->room)};
		error = zm_ask_command(&ask, command, argument, timeout_ms, &records->answer);
		zm_ask_close(&ask);
	}
	if (error == 0)
		return records;
	free(records);
	errno = error;
	return NULL;
}

void zm_records_copy(const struct zm_records *records, uint32_t number, void *record, size_t bytes)
{
	size_t has = records->answer.record_bytes;

	memset(record, 0xff, bytes);
	memcpy(record, records->room + number * has, has < bytes ? has : bytes);
}
