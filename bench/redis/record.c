/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/record.c - what sizes a program asks libzmalloc for. Loaded before the library
 * (LD_PRELOAD); at the program's end it writes a table of them to the file $ZMALLOC_RECORD, as
 * bench/redis_sizes.h has it.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX 4096

static atomic_ulong asked[BYTES_MAX + 1]; /* by size; larger ones in none */

static void note(size_t bytes)
{
	if (bytes > 0 && bytes <= BYTES_MAX)
		atomic_fetch_add_explicit(&asked[bytes], 1, memory_order_relaxed);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* One wrapper for each way that Redis allocates. */
#define WRAP(name, parameters, arguments)                                                          \
	void *name parameters;                                                                     \
	void *name parameters                                                                      \
	{                                                                                          \
		static __typeof__(&name) next;                                                     \
                                                                                                   \
		if (next == NULL)                                                                  \
			next = NEXT(name);                                                         \
		note(size);                                                                        \
		return next arguments;                                                             \
	}

WRAP(zmalloc, (size_t size), (size))
WRAP(zcalloc, (size_t size), (size))
WRAP(ztrymalloc, (size_t size), (size))
WRAP(zmalloc_usable, (size_t size, size_t *usable), (size, usable))
WRAP(ztrymalloc_usable, (size_t size, size_t *usable), (size, usable))
WRAP(zcalloc_usable, (size_t size, size_t *usable), (size, usable))
WRAP(zrealloc, (void *ptr, size_t size), (ptr, size))
WRAP(zrealloc_usable, (void *ptr, size_t size, size_t *usable), (ptr, size, usable))

/* Sizes under a thousandth of all are left out. */
__attribute__((destructor)) static void write_table(void)
{
	const char *name = getenv("ZMALLOC_RECORD");
	FILE *to = name != NULL ? fopen(name, "w") : NULL;
	unsigned long total = 0, count = 0;

	if (to == NULL)
		return;
	for (size_t i = 1; i <= BYTES_MAX; i++)
		total += asked[i];
	total += total == 0;
	fprintf(to,
		"/* SPDX-License-Identifier: BSD-2-Clause */\n/*\n"
		" * bench/redis_sizes.h - the sizes that Redis 7.0 asks for under redis-benchmark "
		"(SET, GET,\n"
		" * LPUSH, HSET), in parts of a thousand. Written by bench/redis/record.c.\n */\n"
		"#ifndef BENCH_REDIS_SIZES_H\n#define BENCH_REDIS_SIZES_H\n\n"
		"static const struct {\n\tunsigned bytes, share;\n} bench_redis_sizes[] = {\n");
	for (size_t i = 1; i <= BYTES_MAX; i++)
		if (asked[i] * 1000 >= total && ++count)
			fprintf(to, "\t{%zu, %lu},\n", i, (asked[i] * 1000 + total / 2) / total);
	fprintf(to, "};\n\n#define BENCH_REDIS_SIZES %lu\n\n#endif\n", count);
	fclose(to);
}
