/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/own_malloc.c - a program whose malloc() is built on ztrymalloc(): the C library, the loader
 * and every other library call it from before the first constructor to after the last handler.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/stats.h>

#define SEEN __attribute__((__visibility__("default"), __used__))

/* ---- The family ----------------------------------------------------------------------------- */

/* Other C libraries have no such table. */
#if !defined(__GLIBC__)
#undef WITH_FULL_TABLES
#endif

/* Volatile, as compilers hold that malloc() changes no variable. */
static volatile size_t calls;

#if defined(WITH_FULL_TABLES)
/* What is asked for while the program fills glibc's table comes from here, and not from the library. */
static struct {
	_Alignas(max_align_t) char bytes[8192];
	size_t used_bytes;
	int open;
} store;

static int is_stored(const void *ptr)
{
	return (uintptr_t)ptr - (uintptr_t)store.bytes < sizeof(store.bytes);
}

/* A second block is not asked for. */
static void *take_stored(size_t size)
{
	if (!store.open)
		return NULL;
	if (store.used_bytes != 0 || size > sizeof(store.bytes))
		abort();
	store.used_bytes = size;
	return store.bytes;
}

static void copy_stored(void *moved, size_t size)
{
	memcpy(moved, store.bytes, size < store.used_bytes ? size : store.used_bytes);
}
#else
static int is_stored(const void *ptr)
{
	(void)ptr;
	return 0;
}

static void copy_stored(void *moved, size_t size)
{
	(void)moved, (void)size;
}

static void *take_stored(size_t size)
{
	(void)size;
	return NULL;
}
#endif

SEEN void *malloc(size_t size)
{
	void *stored = take_stored(size);

	if (stored != NULL)
		return stored;
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	return ztrymalloc(size);
}

SEEN void *calloc(size_t num, size_t size)
{
	return ztrycalloc_num(num, size);
}

SEEN void *realloc(void *ptr, size_t size)
{
	void *moved;

	if (!is_stored(ptr))
		return ztryrealloc(ptr, size);
	moved = malloc(size);
	if (moved != NULL)
		copy_stored(moved, size);
	return moved;
}

SEEN void free(void *ptr)
{
	if (!is_stored(ptr))
		zfree(ptr);
}

SEEN int posix_memalign(void **ptr, size_t alignment, size_t size)
{
	int saved_errno = errno;

	*ptr = ztrymalloc_aligned(alignment, size);
	errno = saved_errno;
	return *ptr != NULL ? 0 : ENOMEM;
}

SEEN void *memalign(size_t alignment, size_t size)
{
	return ztrymalloc_aligned(alignment, size);
}

SEEN void *aligned_alloc(size_t alignment, size_t size)
{
	return ztrymalloc_aligned(alignment, size);
}

/* With half of the programs that bring a malloc(), as these do. */
#if !defined(WITHOUT_USABLE_SIZE)
SEEN size_t malloc_usable_size(void *ptr)
{
	return zmalloc_usable_size(ptr);
}
#endif

/* ---- What a program does -------------------------------------------------------------------- */

static void require(int condition, const char *text)
{
	if (condition)
		return;
	fprintf(stderr, "not true: %s\n", text);
	_exit(1);
}
#define REQUIRE(condition) require((condition), #condition)

static void *volatile held;

/* Counted as ours is, to the byte. */
static void blocks_are_ours(void)
{
	size_t used = zmalloc_used_memory(), calls_before = calls;

	held = malloc(100000);
	REQUIRE(held != NULL && calls > calls_before);
	memset(held, 1, 100000);
	REQUIRE(zmalloc_used_memory() - used == zmalloc_size(held));
	held = realloc(held, 300000);
	REQUIRE(held != NULL && ((char *)held)[99999] == 1);
	REQUIRE(zmalloc_used_memory() - used == zmalloc_size(held));
	free(held);
	REQUIRE(zmalloc_used_memory() == used);
	held = aligned_alloc(4096, 8192);
	REQUIRE(held != NULL && (uintptr_t)held % 4096 == 0);
	free(held);
	held = calloc(7, 1000);
	for (size_t i = 0; i < 7000; i++)
		REQUIRE(((char *)held)[i] == 0);
	free(held);
	REQUIRE(zmalloc_used_memory() == used);
}

static void nothing(void)
{
}

#if defined(WITH_FULL_TABLES)
/*
 * glibc has room for 48 handlers of fork(), of which an allocator may have taken one, and asks
 * malloc() for room for 73 with the 49th. The library's own are the first that the new room has no place
 * for, so that its set-up is the first to call malloc().
 */
__attribute__((__constructor__(101))) static void first(void)
{
	size_t handlers = 0;

	store.open = 1;
	while (store.used_bytes == 0 && handlers++ < 49)
		REQUIRE(pthread_atfork(nothing, nothing, nothing) == 0);
	REQUIRE(store.used_bytes != 0 && store.used_bytes % 73 == 0);
	for (handlers = 49; handlers < 73; handlers++)
		REQUIRE(pthread_atfork(nothing, nothing, nothing) == 0);
	store.open = 0;
}
#else
/* Early: some of what the library itself sets up may not be there yet. */
__attribute__((__constructor__(101))) static void first(void)
{
	blocks_are_ours();
}

__attribute__((__constructor__)) static void later(void)
{
	blocks_are_ours();
}
#endif

static void at_exit(void)
{
	blocks_are_ours();
}

__attribute__((__destructor__(101))) static void last(void)
{
	held = malloc(100);
	free(held);
}

/* What the C library allocates for itself: lists of handlers, keys past the first ones, streams. */
static void fill_the_c_librarys_tables(void)
{
	static pthread_key_t keys[100];
	char text[2000], *line = NULL;
	size_t size = 0;
	FILE *file = fopen("/proc/self/maps", "r");

	for (size_t i = 0; i < 100; i++) {
		REQUIRE(pthread_key_create(&keys[i], free) == 0);
		REQUIRE(pthread_atfork(nothing, nothing, nothing) == 0);
		REQUIRE(atexit(nothing) == 0);
	}
	for (size_t i = 0; i < 100; i++)
		REQUIRE(pthread_setspecific(keys[i], malloc(i)) == 0);
	REQUIRE(file != NULL && getline(&line, &size, file) > 0);
	free(line);
	fclose(file);
	snprintf(text, sizeof(text), "%.1000f %ls", 1e300, L"wide");
	REQUIRE(strncmp(text, "1000000000", 10) == 0);
	REQUIRE(dlopen("there is no such library.so", RTLD_NOW) == NULL && dlerror() != NULL);
	REQUIRE(dlsym(RTLD_DEFAULT, "no such function") == NULL);
}

static void *in_thread(void *unused)
{
	void *block[50] = {NULL};

	for (size_t i = 0; i < 20000; i++) {
		size_t at = i * 7 % 50;

		free(block[at]);
		block[at] = malloc(i % 3000);
		REQUIRE(block[at] != NULL);
		memset(block[at], 1, i % 3000);
	}
	for (size_t i = 0; i < 50; i++)
		free(block[i]);
	fill_the_c_librarys_tables();
	return unused;
}

static void threads(void)
{
	pthread_t thread[4];

	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_create(&thread[i], NULL, in_thread, NULL) == 0);
	for (size_t i = 0; i < 4; i++)
		REQUIRE(pthread_join(thread[i], NULL) == 0);
}

/*
 * A child of a process that shows itself starts a thread, with this block or with the call, and the C library
 * asks malloc() for what the thread needs: that stays.
 */
static void publish_anew(void)
{
	held = malloc(8000000);
	free(held);
	if (getenv("ZMALLOC_PUBLISH") != NULL)
		REQUIRE(zmalloc_stats_publish() == 0);
}

static void children(void)
{
	for (int i = 0; i < 10; i++) {
		int status = 0;
		pid_t child = fork();

		if (child == 0) {
			publish_anew();
			blocks_are_ours();
			_exit(0);
		}
		REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	}
}

static int write_nothing(void *context, const char *text, size_t size)
{
	(void)context, (void)text, (void)size;
	return 0;
}

int main(void)
{
	REQUIRE(calls != 0);
	REQUIRE(atexit(at_exit) == 0);
	blocks_are_ours();
	fill_the_c_librarys_tables();
	threads();
	children();
	REQUIRE(zmalloc_stats_write(NULL, ZMALLOC_STATS_JSON, write_nothing, NULL) == 0);
	zmalloc_purge();
	zmalloc_stats_publish();
	blocks_are_ours();
	printf("%s: malloc() called %zu times\n", zmalloc_allocator(), calls);
	return 0;
}
