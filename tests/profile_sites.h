/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_sites.h - ten places that allocate, each known by its address in a stack.
 */
#ifndef ZM_TESTS_PROFILE_SITES_H
#define ZM_TESTS_PROFILE_SITES_H

#include <stddef.h>
#include <stdint.h>

#include <zmalloc/profile.h>

#define PROFILE_SITES 10

/* Each is a function of its own that calls `take` and is called by nobody else. */
extern void *(*const profile_site[PROFILE_SITES])(void *(*take)(size_t size), size_t size);

/* Find their addresses. Starts and ends a profile. */
void profile_sites_learn(void);

/* Where it calls. */
uintptr_t profile_site_address(unsigned site);

/* The site whose address is in the stack; PROFILE_SITES: none. */
unsigned profile_site_of(const struct zmalloc_profile_stack *stack);

/* What the profile says of each site, and of stacks that have none. */
struct profile_sums {
	struct zmalloc_profile_stack site[PROFILE_SITES + 1];
};
void profile_sums(struct profile_sums *sums);

#endif
