/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/explain.c - why a process has no profile to show, and what to do.
 */
#include "tools/profile/explain.h"

#include <errno.h>
#include <inttypes.h>

#include "tools/command.h"
#include "tools/find.h"

static bool is_passive(int64_t pid)
{
	struct zmalloc_process_info about = {
		.size = offsetof(struct zmalloc_process_info, swap_bytes)};

	return zmalloc_process_about(pid, 0, &about) == 0 && about.way == ZMALLOC_PROCESS_PASSIVE;
}

int explain_profile(const struct zmalloc_process *process, int error)
{
	int64_t pid = process->pid;
	const char *name = process->name;

	switch (error) {
	case ENODATA:
		return complain(
			"process %" PRId64 " (%s) takes no heap profile. Have it begin one "
			"with `zmalloc profile --start %" PRId64 "`, and look again when it "
			"has allocated for a while; or start it with ZMALLOC_PROFILE=1 in its "
			"environment, to see what it allocates from its beginning on",
			pid, name, pid);
	case ENOTSUP:
		if (is_passive(pid))
			return complain("process %" PRId64
					" (%s) shows itself passively, and takes "
					"no commands; start it with ZMALLOC_PUBLISH=1",
					pid, name);
		return complain("process %" PRId64 " (%s) has libzmalloc %s, which takes no heap "
				"profile that can be asked for",
				pid, name, process->version);
	case EAGAIN:
		return complain("process %" PRId64 " (%s) began a new profile meanwhile: ask again",
				pid, name);
	case ETIMEDOUT:
		return complain("process %" PRId64
				" (%s) did not answer when asked for its profile",
				pid, name);
	default:
		return explain(pid, error, "profile");
	}
}

int explain_start(const struct zmalloc_process *process, uint64_t mean_bytes, int error)
{
	int64_t pid = process->pid;
	const char *name = process->name;

	switch (error) {
	case EALREADY:
		return complain("process %" PRId64 " (%s) takes a heap profile already; to begin a "
				"new one, end it with `zmalloc profile --stop %" PRId64 "` first",
				pid, name, pid);
	case EINVAL:
		return complain("process %" PRId64 " (%s) takes no samples so far apart as %" PRIu64
				" bytes",
				pid, name, mean_bytes);
	case ENOMEM:
		return complain("process %" PRId64 " (%s) has no memory for a profile", pid, name);
	case ETIMEDOUT:
		return complain("process %" PRId64 " (%s) has not answered; it may still begin one",
				pid, name);
	default:
		return explain_profile(process, error);
	}
}
