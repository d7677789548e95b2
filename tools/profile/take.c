/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/take.c - the heap profile of a process, as it was at one moment, and what became of it since.
 */
#include "tools/profile/take.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A process may begin anew at any time; one that does nothing else is given up. */
#define TRIES 5

static void forget_stacks(struct taken *taken)
{
	for (size_t i = 0; i < taken->count; i++)
		free((void *)(uintptr_t)taken->stack[i].now.frames);
	taken->count = 0;
}

void taken_free(struct taken *taken)
{
	forget_stacks(taken);
	free(taken->stack);
	*taken = (struct taken){0};
}

static bool has_room(struct taken *taken)
{
	struct stack *grown;

	if (taken->count < taken->room)
		return true;
	grown = realloc(taken->stack, (taken->room * 2 + 256) * sizeof(*grown));
	if (grown == NULL)
		return false;
	taken->stack = grown;
	taken->room = taken->room * 2 + 256;
	return true;
}

static int keep(const struct zmalloc_profile_stack *stack, void *context)
{
	struct taken *taken = context;
	size_t bytes = stack->depth * sizeof(*stack->frames);
	uintptr_t *frames = has_room(taken) ? malloc(bytes + 1) : NULL;
	struct stack *kept;

	if (frames == NULL)
		return ENOMEM;
	if (bytes != 0)
		memcpy(frames, stack->frames, bytes);
	kept = &taken->stack[taken->count++];
	*kept = (struct stack){.now = *stack};
	kept->now.frames = frames;
	return 0;
}

static int ask_info(int64_t pid, unsigned timeout_ms, struct zmalloc_profile_info *info)
{
	*info = (struct zmalloc_profile_info){.size = sizeof(*info)};
	return zmalloc_process_get_profile_info(pid, timeout_ms, info) == 0 ? 0 : errno;
}

static int take_once(int64_t pid, unsigned timeout_ms, struct taken *taken)
{
	struct zmalloc_profile_info before;
	int error = ask_info(pid, timeout_ms, &before), told;

	if (error != 0)
		return error;
	told = zmalloc_process_visit_profile(pid, timeout_ms, keep, taken);
	if (told != 0)
		return told < 0 ? errno : told;
	error = ask_info(pid, timeout_ms, &taken->info);
	if (error == 0 && taken->info.started_ns != before.started_ns)
		error = EAGAIN;
	return error;
}

int take_profile(int64_t pid, unsigned timeout_ms, struct taken *taken)
{
	int error = EAGAIN;

	for (int i = 0; i < TRIES && error == EAGAIN; i++) {
		forget_stacks(taken);
		error = take_once(pid, timeout_ms, taken);
	}
	return error;
}

/* ---- Two of them ---- */

static int by_frames(const void *a, const void *b)
{
	const struct zmalloc_profile_stack *left = &((const struct stack *)a)->now,
					   *right = &((const struct stack *)b)->now;

	if (left->depth != right->depth)
		return left->depth < right->depth ? -1 : 1;
	for (unsigned i = 0; i < left->depth; i++)
		if (left->frames[i] != right->frames[i])
			return left->frames[i] < right->frames[i] ? -1 : 1;
	return 0;
}

static void sort(struct taken *taken)
{
	if (taken->count != 0)
		qsort(taken->stack, taken->count, sizeof(*taken->stack), by_frames);
}

/* A stack of which there is nothing any more; its frames are no longer the other's. */
static int add_gone(struct taken *now, struct stack *was)
{
	struct stack *gone;

	if (!has_room(now))
		return ENOMEM;
	gone = &now->stack[now->count++];
	*gone = (struct stack){.before_bytes = was->now.live_bytes,
			       .before_blocks = was->now.live_blocks};
	gone->now.frames = was->now.frames;
	gone->now.depth = was->now.depth;
	was->now.frames = NULL;
	return 0;
}

int taken_compare(struct taken *now, struct taken *before)
{
	size_t sorted = now->count, i = 0;
	int error = now->info.started_ns == before->info.started_ns ? 0 : EAGAIN;

	sort(now);
	sort(before);
	for (size_t j = 0; error == 0 && j < before->count; j++) {
		struct stack *was = &before->stack[j];

		while (i < sorted && by_frames(&now->stack[i], was) < 0)
			i++;
		if (i < sorted && by_frames(&now->stack[i], was) == 0) {
			now->stack[i].before_bytes = was->now.live_bytes;
			now->stack[i].before_blocks = was->now.live_blocks;
		} else {
			error = add_gone(now, was);
		}
	}
	return error;
}

int64_t stack_growth(const struct stack *stack)
{
	return (int64_t)(stack->now.live_bytes - stack->before_bytes);
}
