/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/limit_wish.c - a hard limit for a program that knows nothing of it: ZMALLOC_LIMIT.
 */
#include "config.h"

#include "account/limits.h"

#include <errno.h>
#include <unistd.h>

#include "account/state.h"
#include "base/builder.h"
#include "base/text.h"
#include "os/os.h"

static void say(const char *wish, const char *reason)
{
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: ZMALLOC_LIMIT: '");
	zm_build_text(&line, wish);
	zm_build_text(&line, "' ");
	zm_build_text(&line, reason);
	zm_build_text(&line, "; there is no limit\n");
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

static int part_of_memory(uint64_t percent, uint64_t *bytes)
{
	size_t whole;
	int error;

	if (percent == 0 || percent > 100)
		return EINVAL;
	error = zm_os_memory_limit(&whole, NULL, 0);
	if (error == 0)
		*bytes = whole / 100 * percent + whole % 100 * percent / 100;
	return error;
}

static int understand(const char *wish, uint64_t *bytes)
{
	struct zm_span rest = zm_span_of(wish);
	uint64_t number;
	int error = zm_span_number(&rest, &number);

	*bytes = 0;
	if (error == 0 && zm_span_is(rest, "%"))
		return part_of_memory(number, bytes);
	error = zm_span_bytes(zm_span_of(wish), bytes);
	return error == 0 && *bytes > PTRDIFF_MAX ? ERANGE : error;
}

void zm_limit_at_start(void)
{
	const char *wish = zm_os_getenv("ZMALLOC_LIMIT");
	uint64_t bytes;
	int error;

	if (wish == NULL || *wish == '\0')
		return;
	error = understand(wish, &bytes);
	if (error == ERANGE) {
		say(wish, "is more than can be addressed");
	} else if (error == EINVAL) {
		say(wish, "is no size such as 536870912, 512M or 80%");
	} else if (error != 0) {
		say(wish, "cannot be told, for nobody here knows the memory that it is a part of");
	} else {
		zm_account_begin();
		zm_lock(&zm_account.lock);
		zm_limit_put((size_t)bytes, "ZMALLOC_LIMIT");
		zm_unlock(&zm_account.lock);
	}
}
