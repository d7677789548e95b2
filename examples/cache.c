/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * examples/cache.c - a least-recently-used cache that lives within what it is given.
 *
 * What a server keeps though it could do without: as much as there is room for, and never so much
 * that the kernel ends the process. Three things see to that, all in the part called Memory:
 *
 *   a hard limit   what is used never passes it: ZMALLOC_LIMIT, or else three quarters of what the machine
 *                  or the container has
 *   a soft limit   an eighth below: when memory passes it, the values that were longest not asked for go
 *   a purge        when the system is pressed, what the allocator holds of freed memory goes back to it
 *
 * Built with -DPLAIN it is the same cache on malloc(), which cannot tell how much the process uses:
 * it grows until it is killed. tests/check_cache.sh runs both in a control group of 128 MiB.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef PLAIN
#include <stdatomic.h>

#include <zmalloc.h>
#include <zmalloc/limit.h>
#include <zmalloc/pressure.h>
#endif

/* ---- What the cache calls of Memory, below ---- */

/* NULL: there is no room. */
static void *get_memory(size_t bytes);
static void give_memory_back(void *memory);
/* Says anew whether memory has to be given back; to be asked where nothing is half done. */
static int is_too_much_used(void);

/* ---- The cache ---- */

#define BUCKETS 65536 /* a power of two */

/* A ring through all values by the time of their last use. */
struct link {
	struct link *newer, *older;
};

struct value {
	struct link link; /* first: a link's address is its value's */
	struct value *next;
	uint32_t hash;
	size_t key_bytes, bytes; /* both texts end with a nul, which is counted */
	char texts[];            /* the key, the value */
};

static struct {
	struct link ring; /* its newer end is the oldest value, its older end the newest */
	struct value *buckets[BUCKETS];
	size_t values, bytes;
	size_t evicted, refused;
	size_t hits, misses;
} cache = {.ring = {&cache.ring, &cache.ring}};

static uint32_t hash_key(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 16777619u;
	return hash ^ hash >> 15;
}

static void leave_ring(struct link *link)
{
	link->newer->older = link->older;
	link->older->newer = link->newer;
}

static void become_newest(struct link *link)
{
	link->newer = &cache.ring;
	link->older = cache.ring.older;
	link->older->newer = link;
	cache.ring.older = link;
}

/* The place that points to the value of a key, or that would. */
static struct value **find(const char *key, uint32_t hash)
{
	struct value **place = &cache.buckets[hash & (BUCKETS - 1)];

	while (*place && ((*place)->hash != hash || strcmp((*place)->texts, key) != 0))
		place = &(*place)->next;
	return place;
}

static void drop(struct value **place)
{
	struct value *value = *place;

	*place = value->next;
	leave_ring(&value->link);
	cache.values--;
	cache.bytes -= value->bytes;
	give_memory_back(value);
}

/* Returns 0 if there is none. */
static int evict_oldest(void)
{
	struct value *oldest = (struct value *)cache.ring.newer;

	if (cache.ring.newer == &cache.ring)
		return 0;
	drop(find(oldest->texts, oldest->hash));
	cache.evicted++;
	return 1;
}

/* At the end of whatever may have made the cache larger: nobody holds a value any more. */
static void shrink(void)
{
	while (is_too_much_used() && evict_oldest())
		;
}

/*
 * Its texts are to be filled in. Makes room where there is none, so this may be the only value
 * left.
 */
static struct value *add(const char *key, uint32_t hash, size_t bytes)
{
	size_t key_bytes = strlen(key) + 1;
	struct value *value, **place;

	do
		value = get_memory(sizeof(*value) + key_bytes + bytes);
	while (!value && evict_oldest());
	if (!value)
		return NULL;
	place = &cache.buckets[hash & (BUCKETS - 1)];
	value->next = *place;
	*place = value;
	value->hash = hash;
	value->key_bytes = key_bytes;
	value->bytes = bytes;
	memcpy(value->texts, key, key_bytes);
	become_newest(&value->link);
	cache.values++;
	cache.bytes += bytes;
	return value;
}

static void forget(const char *key)
{
	struct value **place = find(key, hash_key(key));

	if (*place)
		drop(place);
}

/* Returns 0 if it has no room however much is evicted. */
static int set(const char *key, const char *text, size_t bytes)
{
	struct value *value;

	forget(key);
	value = add(key, hash_key(key), bytes);
	if (value)
		memcpy(value->texts + value->key_bytes, text, bytes);
	else
		cache.refused++;
	shrink();
	return value != NULL;
}

/* NULL: it has not got it. What is returned is valid until the next set(). */
static const char *get(const char *key)
{
	struct value *value = *find(key, hash_key(key));

	if (!value) {
		cache.misses++;
		return NULL;
	}
	cache.hits++;
	leave_ring(&value->link);
	become_newest(&value->link);
	return value->texts + value->key_bytes;
}

static void close_cache(void)
{
	while (cache.ring.newer != &cache.ring) {
		struct value *oldest = (struct value *)cache.ring.newer;

		drop(find(oldest->texts, oldest->hash));
	}
}

/* ---- Memory ---- */

static double mib(size_t bytes)
{
	return (double)bytes / (1024 * 1024);
}

#ifdef PLAIN

static void *get_memory(size_t bytes)
{
	return malloc(bytes);
}

static void give_memory_back(void *memory)
{
	free(memory);
}

static int is_too_much_used(void)
{
	return 0;
}

static int begin_memory(void)
{
	printf("cache: no limit, on malloc()\n");
	return 1;
}

static void report_memory(void)
{
}

#else

static struct {
	size_t hard_bytes, soft_bytes, low_bytes;
	size_t most_bytes;      /* that were used after a request */
	atomic_bool has_passed; /* the soft limit */
	int is_shrinking;
} memory;

/*
 * Only a word is left here; the values go when the request is done. The library would allow for
 * more: it calls this with no lock of its own, and it may free. But it calls it from inside an
 * allocation, of whichever thread passed the limit, and what that thread is in the middle of, only
 * the program knows: it may hold the lock of this cache, be about to link a value into the chain
 * that an eviction would cut, or send the very value that is the oldest. The eighth between the two
 * limits is there so that whoever allocates can finish first.
 */
static void pass_soft_limit(size_t limit_bytes, size_t used_bytes, void *argument)
{
	(void)limit_bytes, (void)used_bytes, (void)argument;
	atomic_store(&memory.has_passed, 1);
}

static void *get_memory(size_t bytes)
{
	return ztrymalloc(bytes);
}

static void give_memory_back(void *block)
{
	zfree(block);
}

/*
 * Shrinking goes on to twice the hysteresis below the soft limit: the library has to see that
 * memory fell by once the hysteresis to call again, and may see it an eighth of it late.
 */
static int is_too_much_used(void)
{
	size_t used = zmalloc_used_memory();

	if (used > memory.most_bytes)
		memory.most_bytes = used;
	if (atomic_exchange(&memory.has_passed, 0))
		memory.is_shrinking = 1;
	if (used <= memory.low_bytes)
		memory.is_shrinking = 0;
	return memory.is_shrinking;
}

/* Returns 0 if it cannot be kept within a limit. */
static int begin_memory(void)
{
	size_t hysteresis;

	/*
	 * An administrator has the last word, by ZMALLOC_LIMIT. What is left over is the
	 * allocator's and the stacks'.
	 */
	if (zmalloc_limit_get() == 0)
		zmalloc_limit_set(zmalloc_get_memory_limit() / 4 * 3);
	memory.hard_bytes = zmalloc_limit_get();
	memory.soft_bytes = memory.hard_bytes - memory.hard_bytes / 8;
	hysteresis = memory.hard_bytes / 32;
	memory.low_bytes = memory.soft_bytes - 2 * hysteresis;
	if (memory.hard_bytes == 0 ||
	    zmalloc_soft_limit_add(memory.soft_bytes, hysteresis, pass_soft_limit, NULL) < 0) {
		fputs("cache: nobody knows how much memory there is: set ZMALLOC_LIMIT\n", stderr);
		return 0;
	}
	printf("cache: limit %.1f MiB, soft limit %.1f MiB, libzmalloc %s on %s\n",
	       mib(memory.hard_bytes), mib(memory.soft_bytes), zmalloc_version(),
	       zmalloc_allocator());
	/*
	 * It could do without, and says so: the system tells nothing of pressure, or the allocator
	 * has no purge.
	 */
	if (zmalloc_on_pressure(ZMALLOC_PURGE) != 0)
		printf("cache: memory is not purged under pressure: %s\n", strerror(errno));
	return 1;
}

static void report_memory(void)
{
	printf("used %.1f MiB, at most %.1f MiB (%zu bytes); resident %.1f MiB\n",
	       mib(zmalloc_used_memory()), mib(memory.most_bytes), memory.most_bytes,
	       mib(zmalloc_get_rss()));
}

#endif

static void report(void)
{
	size_t asked = cache.hits + cache.misses;

	printf("kept %zu values of %.1f MiB, evicted %zu, refused %zu\n", cache.values,
	       mib(cache.bytes), cache.evicted, cache.refused);
	printf("hits %zu of %zu, %.1f %%\n", cache.hits, asked,
	       asked ? 100 * (double)cache.hits / (double)asked : 0);
	report_memory();
	fflush(stdout);
}

/* ---- Commands ---- */

static void obey(char *line)
{
	char *command = strtok(line, " \n"), *key = strtok(NULL, " \n");
	const char *text = strtok(NULL, "\n");

	if (!command)
		return;
	if (!strcmp(command, "report") && !key) {
		report();
	} else if (!strcmp(command, "set") && key && text) {
		puts(set(key, text, strlen(text) + 1) ? "kept" : "no room");
	} else if (!strcmp(command, "get") && key && !text) {
		text = get(key);
		puts(text ? text : "none");
	} else if (!strcmp(command, "forget") && key && !text) {
		forget(key);
		puts("forgotten");
	} else {
		puts("set KEY TEXT, get KEY, forget KEY or report");
	}
}

static int obey_all(FILE *in)
{
	static char line[65536];

	while (fgets(line, sizeof(line), in))
		obey(line);
	return !ferror(in);
}

/* ---- A load ---- */

static struct {
	uint64_t random;
	size_t requests, keys;
} load = {.random = 1, .keys = 200000};

static uint64_t mix(uint64_t number)
{
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
	number = (number ^ number >> 27) * 0x94d049bb133111ebu;
	return number ^ number >> 31;
}

/*
 * As the clients of a server do, it asks for a few much more often than for the many: half for a
 * sixteenth.
 */
static size_t next_key(void)
{
	double x = (double)(mix(load.random += 0x9e3779b97f4a7c15u) >> 11) / 9007199254740992.0;

	return (size_t)(x * x * x * x * (double)load.keys);
}

/* A value of a key is always the same; its size is anything from 64 bytes to 4 KiB. */
static void fill_in(size_t key, char *text, size_t *bytes)
{
	*bytes = 64 + mix(key + 1) % 4032;
	memset(text, 'a' + (int)(key % 26), *bytes - 1);
	text[*bytes - 1] = '\0';
}

/* Returns 0 if the cache gives another value than it was given. */
static int request(size_t number)
{
	static char text[4096];
	char key[32];
	const char *kept;
	size_t bytes;

	snprintf(key, sizeof(key), "%zu", number);
	kept = get(key);
	fill_in(number, text, &bytes);
	if (kept)
		return strcmp(kept, text) == 0;
	set(key, text, bytes);
	return 1;
}

static int run_load(void)
{
	for (size_t i = 0; i < load.requests; i++)
		if (!request(next_key())) {
			fputs("cache: a value is not what it was\n", stderr);
			return 0;
		}
	return 1;
}

/* ---- The run ---- */

static int usage(FILE *out, int status)
{
	fputs("usage: cache [REQUESTS [KEYS [SEED]]]\n"
	      "Keeps what it is told on its standard input: set KEY TEXT, get KEY, forget KEY and\n"
	      "report. With a number it makes so many requests by itself, for so many keys, and\n"
	      "reports. ZMALLOC_LIMIT=64M in the environment is what it may use.\n",
	      out);
	return status;
}

/* Returns 0 if it is none. */
static int read_number(const char *text, size_t *number)
{
	char *end;

	errno = 0;
	*number = (size_t)strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static int read_arguments(int count, char **argument)
{
	size_t seed = 1;

	if (count > 3 || (count > 0 && (!read_number(argument[0], &load.requests))) ||
	    (count > 1 && (!read_number(argument[1], &load.keys) || load.keys == 0)) ||
	    (count > 2 && !read_number(argument[2], &seed)))
		return 0;
	load.random = seed;
	return 1;
}

int main(int argc, char **argv)
{
	int done;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
		return usage(stdout, 0);
	if (!read_arguments(argc - 1, argv + 1))
		return usage(stderr, 2);
	if (!begin_memory())
		return 1;
	done = argc > 1 ? run_load() : obey_all(stdin);
	report();
	close_cache();
	return done ? 0 : 1;
}
