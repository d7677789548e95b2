/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis_sizes.h - the sizes that Redis 7.0 asks for under redis-benchmark (SET, GET,
 * LPUSH, HSET), in parts of a thousand. Written by bench/redis/record.c.
 */
#ifndef BENCH_REDIS_SIZES_H
#define BENCH_REDIS_SIZES_H

static const struct {
	unsigned bytes, share;
} bench_redis_sizes[] = {
	{16, 188}, {18, 11}, {22, 11}, {23, 93}, {24, 175}, {25, 47},
	{26, 93},  {32, 47}, {36, 93}, {40, 47}, {68, 187},
};

#define BENCH_REDIS_SIZES 11

#endif
