/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/profile_wish.c - a profile for a program that knows nothing of it: ZMALLOC_PROFILE.
 */
#include "config.h"

#include "profile/profile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/text.h"
#include "os/os.h"

static enum zmalloc_profile_format format = ZMALLOC_PROFILE_PPROF;

static void say(const char *wish, const char *reason)
{
	struct zm_builder line;

	zm_builder_start(&line);
	zm_build_text(&line, "zmalloc: ZMALLOC_PROFILE: '");
	zm_build_text(&line, wish);
	zm_build_text(&line, "' ");
	zm_build_text(&line, reason);
	zm_build_text(&line, "; there is no profile\n");
	zm_os_write(STDERR_FILENO, line.text, line.length);
}

static bool understand_option(struct zm_span option, enum zmalloc_profile_format *wished)
{
	if (zm_span_is(option, "format=pprof"))
		*wished = ZMALLOC_PROFILE_PPROF;
	else if (zm_span_is(option, "format=heap_v2"))
		*wished = ZMALLOC_PROFILE_HEAP_V2;
	else if (zm_span_is(option, "format=collapsed"))
		*wished = ZMALLOC_PROFILE_COLLAPSED;
	else
		return false;
	return true;
}

/* A mean of 1 byte has to be written as 1B by nobody: 1 is how such variables say yes. */
static int understand_mean(struct zm_span text, uint64_t *mean_bytes)
{
	if (!zm_span_is(text, "1"))
		return zm_span_bytes(text, mean_bytes);
	*mean_bytes = ZMALLOC_PROFILE_MEAN_BYTES;
	return 0;
}

/* Returns what is wrong with it, or NULL. */
static const char *understand(const char *wish, uint64_t *mean_bytes,
			      enum zmalloc_profile_format *wished)
{
	struct zm_span rest = zm_span_of(wish), piece;

	*mean_bytes = 0;
	if (!zm_span_cut(&rest, ',', &piece) || understand_mean(piece, mean_bytes) != 0 ||
	    *mean_bytes == 0 || *mean_bytes > SIZE_MAX)
		return "does not begin with 1 or with a size such as 524288 or 512K";
	while (zm_span_cut(&rest, ',', &piece))
		if (!understand_option(piece, wished))
			return "has an option that is none of format=pprof, format=heap_v2 and "
			       "format=collapsed";
	return NULL;
}

void zm_profile_at_start(void)
{
	const char *wish = zm_os_getenv("ZMALLOC_PROFILE"), *wrong;
	uint64_t mean_bytes;
	enum zmalloc_profile_format wished = ZMALLOC_PROFILE_PPROF;

	if (wish == NULL || *wish == '\0' || strcmp(wish, "0") == 0)
		return;
	wrong = understand(wish, &mean_bytes, &wished);
	if (wrong != NULL) {
		say(wish, wrong);
		return;
	}
	format = wished;
	if (zmalloc_profile_start((size_t)mean_bytes) != 0)
		say(wish, errno == EINVAL ? "is a mean of more than 1 TiB"
					  : "cannot be done, for the system has no memory for it");
}

enum zmalloc_profile_format zm_profile_format(void)
{
	return format;
}
