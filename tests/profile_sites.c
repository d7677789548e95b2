/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/profile_sites.c - places that allocate, and what a profile says of them.
 */
#include "tests/profile_sites.h"

#include <stdbool.h>

#include "tests/support.h"

/* The number keeps compilers from making one function of two, and what follows the call from a jump. */
#define SITE(number)                                                                               \
	static __attribute__((__noinline__)) void *site_##number(void *(*take)(size_t),            \
								 size_t size)                      \
	{                                                                                          \
		void *volatile ptr = take(size);                                                   \
                                                                                                   \
		__asm__ volatile("" : : "i"(number) : "memory");                                   \
		return ptr;                                                                        \
	}
SITE(0)
SITE(1)
SITE(2)
SITE(3)
SITE(4)
SITE(5)
SITE(6)
SITE(7)
SITE(8)
SITE(9)

void *(*const profile_site[PROFILE_SITES])(void *(*take)(size_t), size_t) = {
	site_0, site_1, site_2, site_3, site_4, site_5, site_6, site_7, site_8, site_9};

static uintptr_t address[PROFILE_SITES];

/* Of the stacks that were seen last, one a site. */
static struct {
	unsigned depth;
	uintptr_t frame[ZMALLOC_PROFILE_DEPTH_MAX];
} seen[PROFILE_SITES];
static unsigned seen_count;

static int keep(const struct zmalloc_profile_stack *stack, void *context)
{
	(void)context;
	REQUIRE(seen_count < PROFILE_SITES);
	seen[seen_count].depth = stack->depth;
	for (unsigned i = 0; i < stack->depth; i++)
		seen[seen_count].frame[i] = stack->frames[i];
	seen_count++;
	return 0;
}

static bool has(unsigned stack, uintptr_t frame)
{
	for (unsigned i = 0; i < seen[stack].depth; i++)
		if (seen[stack].frame[i] == frame)
			return true;
	return false;
}

/* The frame that this stack alone has. */
static uintptr_t own_frame(unsigned stack)
{
	for (unsigned i = 0; i < seen[stack].depth; i++) {
		bool is_own = true;

		for (unsigned other = 0; other < seen_count; other++)
			is_own &= other == stack || !has(other, seen[stack].frame[i]);
		if (is_own)
			return seen[stack].frame[i];
	}
	return 0;
}

void profile_sites_learn(void)
{
	REQUIRE(zmalloc_profile_start(1) == 0);
	for (unsigned i = 0; i < PROFILE_SITES; i++)
		zfree(profile_site[i](zmalloc, 100));
	REQUIRE(zmalloc_profile_stop() == 0);
	seen_count = 0;
	REQUIRE(zmalloc_profile_visit(keep, NULL) == 0);
	ck_assert_uint_eq(seen_count, PROFILE_SITES);
	for (unsigned i = 0; i < PROFILE_SITES; i++) {
		address[i] = own_frame(i);
		ck_assert_uint_ne(address[i], 0);
	}
}

uintptr_t profile_site_address(unsigned site)
{
	return address[site];
}

unsigned profile_site_of(const struct zmalloc_profile_stack *stack)
{
	for (unsigned site = 0; site < PROFILE_SITES; site++)
		for (unsigned i = 0; i < stack->depth; i++)
			if (stack->frames[i] == address[site])
				return site;
	return PROFILE_SITES;
}

static int add(const struct zmalloc_profile_stack *stack, void *context)
{
	struct profile_sums *sums = context;
	struct zmalloc_profile_stack *site = &sums->site[profile_site_of(stack)];

	site->live_blocks += stack->live_blocks;
	site->live_bytes += stack->live_bytes;
	site->total_blocks += stack->total_blocks;
	site->total_bytes += stack->total_bytes;
	site->live_samples += stack->live_samples;
	site->live_sample_bytes += stack->live_sample_bytes;
	site->total_samples += stack->total_samples;
	site->total_sample_bytes += stack->total_sample_bytes;
	return 0;
}

void profile_sums(struct profile_sums *sums)
{
	*sums = (struct profile_sums){0};
	REQUIRE(zmalloc_profile_visit(add, sums) == 0);
}
