/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_profile_truth.c - what the heap profile says of known places is what they hold, within what
 * sampling allows; of a place that has freed all it says nothing is left.
 *
 * A sample of a block of b bytes is one of 1 - exp(-b / mean) blocks, so what the figures may be off by is
 * known as well: for each run and site the test adds up the variance of its blocks.
 */
#include "config.h"

#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <zmalloc.h>
#include <zmalloc/profile.h>

#include "lib/account/account.h"
#include "lib/profile/sampler.h"
#include "tests/profile_sites.h"

#define MEAN_BYTES (64 * KIB)
#define RUNS 20

/* From 1 byte to 4 MiB; how many are taken at a time falls with the size, but not as fast. */
static const struct {
	size_t bytes;
	unsigned blocks, kept_of_8;
} shape[PROFILE_SITES] = {{1, 6000, 8},     {24, 5000, 1},  {48, 4000, 4},   {100, 4000, 8},
			  {512, 2000, 1},   {2000, 800, 5}, {10000, 300, 8}, {65536, 60, 2},
			  {1 << 20, 12, 4}, {4 << 20, 4, 2}};

struct truth {
	double live_blocks, live_bytes, total_blocks, total_bytes;
	/* Variances of the estimates of bytes. */
	double live_variance, total_variance;
};

static struct {
	void *ptr[32768];
	unsigned count;
} kept;

static double variance_of(size_t bytes)
{
	double sampled = -expm1(-(double)bytes / (double)MEAN_BYTES);

	return (double)bytes * (double)bytes * (1 - sampled) / sampled;
}

static void add_block(struct truth *truth, size_t bytes, bool is_kept)
{
	truth->total_blocks++;
	truth->total_bytes += (double)bytes;
	truth->total_variance += variance_of(bytes);
	if (is_kept) {
		truth->live_blocks++;
		truth->live_bytes += (double)bytes;
		truth->live_variance += variance_of(bytes);
	}
}

static void allocate(struct truth truth[PROFILE_SITES], unsigned *random)
{
	unsigned left[PROFILE_SITES], all = 0;

	for (unsigned i = 0; i < PROFILE_SITES; i++)
		all += left[i] = shape[i].blocks;
	while (all != 0) {
		unsigned site = (unsigned)rand_r(random) % PROFILE_SITES;
		bool is_kept = (unsigned)rand_r(random) % 8 < shape[site].kept_of_8;
		void *ptr;

		if (left[site] == 0)
			continue;
		left[site]--;
		all--;
		ptr = profile_site[site](zmalloc, shape[site].bytes);
		add_block(&truth[site], zmalloc_size(ptr), is_kept);
		if (is_kept)
			kept.ptr[kept.count++] = ptr;
		else
			zfree(ptr);
	}
}

static void free_kept(void)
{
	while (kept.count != 0)
		zfree(kept.ptr[--kept.count]);
}

/* In standard errors; where there is none every block was sampled. */
static double off_by(double estimate, double truth, double variance)
{
	return (estimate - truth) / sqrt(variance + 1);
}

struct score {
	unsigned within, looks;
	double sum;
};

static void look(struct score *score, double estimate, double truth, double variance)
{
	double off = off_by(estimate, truth, variance);

	score->within += fabs(off) <= 3;
	score->looks++;
	score->sum += off;
}

static void run(unsigned seed, struct score *live, struct score *total)
{
	struct truth truth[PROFILE_SITES] = {0};
	struct profile_sums sums;
	unsigned random = seed;

	zm_sampler_seed(seed);
	REQUIRE(zmalloc_profile_start(MEAN_BYTES) == 0);
	allocate(truth, &random);
	profile_sums(&sums);
	for (unsigned i = 0; i < PROFILE_SITES; i++) {
		look(live, (double)sums.site[i].live_bytes, truth[i].live_bytes,
		     truth[i].live_variance);
		look(total, (double)sums.site[i].total_bytes, truth[i].total_bytes,
		     truth[i].total_variance);
	}
	free_kept();
	profile_sums(&sums);
	for (unsigned i = 0; i < PROFILE_SITES; i++) {
		ck_assert_uint_eq(sums.site[i].live_blocks, 0);
		ck_assert_uint_eq(sums.site[i].live_bytes, 0);
		ck_assert_uint_eq(sums.site[i].live_samples, 0);
	}
	REQUIRE(zmalloc_profile_stop() == 0);
	if (getenv("ZMALLOC_TEST_SHOW") != NULL)
		for (unsigned i = 0; i < PROFILE_SITES; i++)
			printf("%7zu bytes: total %.0f, estimated %llu from %llu samples\n",
			       shape[i].bytes, truth[i].total_bytes,
			       (unsigned long long)sums.site[i].total_bytes,
			       (unsigned long long)sums.site[i].total_samples);
}

/* The mean of many, in standard errors of a mean: a bias shows there first. */
static void check(const struct score *score, const char *what)
{
	double mean = score->sum / sqrt(score->looks);

	printf("%s: %u of %u within three standard errors, the mean is off by %.2f\n", what,
	       score->within, score->looks, mean);
	ck_assert_uint_ge(score->within * 100, score->looks * 95);
	ck_assert_double_le(fabs(mean), 4);
}

START_TEST(test_estimates_are_within_three_standard_errors_of_the_truth)
{
	struct score live = {0}, total = {0};

	profile_sites_learn();
	for (unsigned seed = 1; seed <= RUNS; seed++)
		run(seed, &live, &total);
	check(&live, "live bytes");
	check(&total, "total bytes");
}
END_TEST

/* A thread that finds the profile ended compares as it did before, and frees at once. */
START_TEST(test_off_leaves_nothing_behind)
{
	unsigned char before;
	void *ptr = zmalloc(100);

	before = zm_load(&zm_thread.slow);
	REQUIRE(zmalloc_profile_start(MEAN_BYTES) == 0);
	zfree(ptr);
	ptr = zmalloc(100);
	ck_assert_uint_ne(zm_load(&zm_thread.slow), before);
	if (sizeof(size_t) > 4)
		ck_assert_uint_ne(zm_load(&zm_thread.growth_round), 0);
	REQUIRE(zmalloc_profile_stop() == 0);
	zfree(ptr);
	ptr = zmalloc(100);
	ck_assert_uint_eq(zm_load(&zm_thread.slow), before);
	ck_assert_uint_eq(zm_load(&zm_thread.growth_round), 0);
	zfree(ptr);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("profile_truth");

	tcase_add_test(tests, test_off_leaves_nothing_behind);
	tcase_add_test(tests, test_estimates_are_within_three_standard_errors_of_the_truth);
	return run_tests(tests);
}
