/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/command_profile.c - this process's heap profile, as others ask for it.
 *
 * More stacks than an answer has room for are asked for in turn. They stay in their order while it is one
 * profile, and a new one has begun at another time: that is how the asker notices.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include <zmalloc/profile.h>

#include "live/command.h"
#include "os/failure.h"

_Static_assert(sizeof(((struct zm_profile_record *)0)->frame) / sizeof(uint64_t) ==
		       ZMALLOC_PROFILE_DEPTH_MAX,
	       "a record has room for the deepest stack");

void zm_command_profile_start(const uint64_t argument[2], struct zm_command_answer *answer)
{
	if (argument[0] > SIZE_MAX)
		answer->error = EINVAL;
	else if (zmalloc_profile_start((size_t)argument[0]) != 0)
		answer->error = zm_os_failure();
}

void zm_command_profile_stop(const uint64_t argument[2], struct zm_command_answer *answer)
{
	(void)argument;
	if (zmalloc_profile_stop() != 0)
		answer->error = zm_os_failure();
}

void zm_command_profile_info(const uint64_t argument[2], struct zm_command_answer *answer)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};
	struct zm_profile_info_record record;

	(void)argument;
	if (zmalloc_profile_get_info(&info) != 0) {
		answer->error = zm_os_failure();
		return;
	}
	record = (struct zm_profile_info_record){
		info.mean_bytes, info.is_on,        info.started_ns, info.duration_ns,
		info.samples,    info.lost_samples, info.stacks,     info.memory_bytes};
	answer->record_bytes = sizeof(record);
	zm_command_add(answer, &record);
}

/* ---- Stacks ---- */

struct telling {
	struct zm_command_answer *answer;
	uint64_t pass_over;
};

static int tell_stack(const struct zmalloc_profile_stack *stack, void *context)
{
	struct telling *telling = context;
	struct zm_profile_record record;

	if (telling->pass_over != 0) {
		telling->pass_over--;
		return 0;
	}
	record = (struct zm_profile_record){stack->live_blocks,
					    stack->live_bytes,
					    stack->total_blocks,
					    stack->total_bytes,
					    stack->live_samples,
					    stack->live_sample_bytes,
					    stack->total_samples,
					    stack->total_sample_bytes,
					    stack->depth,
					    0,
					    {0}};
	for (unsigned i = 0; i < stack->depth; i++)
		record.frame[i] = stack->frames[i];
	zm_command_add(telling->answer, &record);
	return 0;
}

static uint64_t profile_that_is(void)
{
	struct zmalloc_profile_info info = {.size = sizeof(info)};

	return zmalloc_profile_get_info(&info) == 0 ? info.started_ns : 0;
}

/* Between the two looks at which profile it is another may begin, whose stacks are not these. */
void zm_command_profile(const uint64_t argument[2], struct zm_command_answer *answer)
{
	struct telling telling = {answer, argument[0]};

	answer->value = profile_that_is();
	answer->record_bytes = sizeof(struct zm_profile_record);
	if (zmalloc_profile_visit(tell_stack, &telling) != 0)
		answer->error = zm_os_failure();
	else if ((argument[1] != 0 && argument[1] != answer->value) ||
		 profile_that_is() != answer->value)
		answer->error = EAGAIN;
}
