/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/profile.c - start, end, forget, read: the contract of <zmalloc/profile.h>.
 */
#include "config.h"

#include "profile/profile.h"

#include <errno.h>

#include "base/fork.h"
#include "base/lock.h"
#include "base/result.h"
#include "base/sized.h"
#include "profile/moment.h"
#include "profile/sampler.h"
#include "profile/samples.h"

#define MEAN_BYTES_MAX ((uint64_t)1 << 40)

/* Of whoever starts or ends one: so a profile and its client go together. */
static struct zm_lock life = ZM_LOCK_INITIALIZER;
static struct zm_once once;

static void before_fork(void)
{
	zm_lock(&life);
}

static void after_fork(void)
{
	zm_unlock(&life);
}

static void set_up(void)
{
	static const struct zm_fork_room room = {before_fork, after_fork, after_fork};

	zm_fork_join(ZM_FORK_PROFILE, &room);
}

static void take_life(void)
{
	zm_once(&once, set_up);
	zm_lock(&life);
}

/* Where a size has 32 bits none is. */
static bool is_too_much(uint64_t mean_bytes)
{
	return mean_bytes > MEAN_BYTES_MAX;
}

int zmalloc_profile_start(size_t mean_bytes)
{
	int error;

	if (is_too_much(mean_bytes))
		return zm_result(EINVAL);
	take_life();
	error = zm_samples_begin(mean_bytes != 0 ? mean_bytes : ZMALLOC_PROFILE_MEAN_BYTES);
	if (error == 0) {
		zm_profile_moments_begin();
		zm_sampler_begin();
	}
	zm_unlock(&life);
	return zm_result(error);
}

int zmalloc_profile_stop(void)
{
	take_life();
	if (zm_samples_end())
		zm_sampler_end();
	zm_unlock(&life);
	return 0;
}

int zmalloc_profile_reset(void)
{
	return zm_result(zm_samples_reset());
}

/* ---- Reading ---------------------------------------------------------------------------------- */

uint32_t zm_profile_generation(void)
{
	struct zm_samples_state state;

	return zm_samples_get_state(&state) ? state.generation : 0;
}

int zm_profile_each_stack_from(uint32_t number,
			       int (*visit)(const struct zmalloc_profile_stack *stack,
					    void *context),
			       void *context)
{
	uintptr_t frames[ZMALLOC_PROFILE_DEPTH_MAX];
	struct zmalloc_profile_stack stack;
	struct zm_samples_state state;
	int answer = 0;

	if (!zm_samples_get_state(&state))
		return 0;
	while (answer == 0 && zm_samples_copy(state.generation, number++, &stack, frames))
		answer = visit(&stack, context);
	return answer;
}

int zm_profile_each_stack(int (*visit)(const struct zmalloc_profile_stack *stack, void *context),
			  void *context)
{
	return zm_profile_each_stack_from(0, visit, context);
}

int zmalloc_profile_visit(int (*visit)(const struct zmalloc_profile_stack *stack, void *context),
			  void *context)
{
	if (zm_profile_generation() == 0)
		return zm_result(ENODATA);
	return zm_profile_each_stack(visit, context);
}

int zm_profile_fill_info(struct zmalloc_profile_info *info)
{
	struct zm_samples_state state;

	if (!zm_samples_get_state(&state))
		return ENODATA;
	info->mean_bytes = state.mean_bytes;
	info->is_on = state.is_on;
	info->started_ns = state.started_ns;
	info->duration_ns = state.duration_ns;
	info->samples = state.samples;
	info->lost_samples = state.lost;
	info->stacks = state.stacks;
	info->memory_bytes = state.memory_bytes;
	return 0;
}

int zmalloc_profile_get_info(struct zmalloc_profile_info *info)
{
	struct zmalloc_profile_info taken = {.size = sizeof(taken)};
	int error = zm_profile_fill_info(&taken);

	if (error != 0)
		return zm_result(error);
	return zm_sized_hand_over(info, &taken, sizeof(taken));
}
