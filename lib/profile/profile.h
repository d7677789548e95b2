/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/profile.h - the heap profile for the rooms above, and for what writes it.
 */
#ifndef ZM_PROFILE_H
#define ZM_PROFILE_H

#include <stdint.h>

#include <zmalloc/profile.h>

/* What ZMALLOC_PROFILE asks for. */
void zm_profile_at_start(void);

/* The format that ZMALLOC_PROFILE asks for, or pprof's: of what is written without having been asked for. */
enum zmalloc_profile_format zm_profile_format(void);

/* Numbers of stacks are of one generation: it changes with each start and reset. 0: there was never one. */
uint32_t zm_profile_generation(void);

/* Call `visit` with each stack, from that number on. 0, or what visit returned. */
int zm_profile_each_stack_from(uint32_t number,
			       int (*visit)(const struct zmalloc_profile_stack *stack,
					    void *context),
			       void *context);
int zm_profile_each_stack(int (*visit)(const struct zmalloc_profile_stack *stack, void *context),
			  void *context);

/* 0 or ENODATA. */
int zm_profile_fill_info(struct zmalloc_profile_info *info);

#endif
