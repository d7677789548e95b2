/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/sampler.h - which blocks are sampled.
 */
#ifndef ZM_SAMPLER_H
#define ZM_SAMPLER_H

#include <stdint.h>

/* From now on the account shows blocks to be sampled; or none. */
void zm_sampler_begin(void);
void zm_sampler_end(void);

/* For tests: the random numbers of each thread begin anew, and are the same each time. */
void zm_sampler_seed(uint64_t seed);

#endif
