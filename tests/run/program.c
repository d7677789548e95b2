/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/run/program.c - a program that has never heard of this library, and asks malloc()'s family for
 * whatever the C library's manual says. Under `zmalloc run` it finds the library in its process, and holds
 * what it does against the account.
 *
 *   program family|exec|limit BYTES|leak BLOCKS BYTES|hold FILE|daemon
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void require(int condition, int line, const char *text)
{
	if (condition)
		return;
	fprintf(stderr, "program.c:%d: not true: %s (errno %d)\n", line, text, errno);
	_exit(1);
}
#define REQUIRE(condition) require((condition), __LINE__, #condition)

/* The compiler is not to know what comes from where. */
static void *hide(void *ptr)
{
	__asm__ volatile("" : "+r"(ptr));
	return ptr;
}

static size_t hidden(size_t size)
{
	__asm__ volatile("" : "+r"(size));
	return size;
}

/* A resize that is to fail: the block stays, which compilers do not believe. */
static int refuses(void *block, size_t num, size_t size)
{
	void *(*volatile array)(void *, size_t, size_t) = reallocarray;
	void *(*volatile one)(void *, size_t) = realloc;

	errno = 0;
	return (num == 1 ? one(block, size) : array(block, num, size)) == NULL && errno == ENOMEM;
}

/* ---- What is found in the process ------------------------------------------------------------ */

static size_t (*used_memory)(void);
static size_t (*charged)(const void *ptr);

/*
 * The program has functions of the library's names, as Redis has, and shows them to the loader. They are for
 * itself alone.
 */
#define SHOWN __attribute__((__visibility__("default"), __used__))
SHOWN void *ztrymalloc(size_t size);
SHOWN void zfree(void *ptr);

void *ztrymalloc(size_t size)
{
	(void)size;
	abort();
}

void zfree(void *ptr)
{
	(void)ptr;
	abort();
}

static void *find(const char *name)
{
	void *found = dlsym(RTLD_DEFAULT, name);

	REQUIRE(found != NULL);
	return found;
}

static void find_library(void)
{
	*(void **)&used_memory = find("zmalloc_used_memory");
	*(void **)&charged = find("zmalloc_size");
}

static int is_aligned(const void *ptr, size_t alignment)
{
	return ptr != NULL && (uintptr_t)ptr % alignment == 0;
}

static int is_zero(const unsigned char *bytes, size_t size)
{
	while (size-- > 0)
		if (bytes[size] != 0)
			return 0;
	return 1;
}

/* ---- The family ------------------------------------------------------------------------------ */

static void sizes(void)
{
	size_t before = used_memory();
	void *one = hide(malloc(hidden(0))), *other = hide(malloc(hidden(0)));

	REQUIRE(one != NULL && other != NULL && one != other);
	free(one);
	free(other);
	free(NULL);
	for (size_t size = 1; size < 3000000; size = size * 5 / 3 + 1) {
		size_t expected = size < 16 ? sizeof(void *) : _Alignof(max_align_t);
		unsigned char *block = hide(malloc(size));

		REQUIRE(is_aligned(block, expected) && malloc_usable_size(block) >= size);
		REQUIRE(used_memory() - before == charged(block));
		memset(block, 1, size);
		block = hide(realloc(block, size * 2));
		REQUIRE(is_aligned(block, expected) && block[size - 1] == 1);
		free(block);
		block = hide(calloc(size, 3));
		REQUIRE(is_aligned(block, expected) && is_zero(block, size * 3));
		free(block);
		REQUIRE(used_memory() == before);
	}
	REQUIRE(malloc_usable_size(NULL) == 0);
}

/*
 * Whatever the allocator's steps are: of many blocks of one size that is a multiple of 8 and not of 16, one lies at
 * such an address if any does.
 */
static void neighbours(void)
{
	enum {
		BLOCKS = 8
	};
	size_t before = used_memory();
	void *block[BLOCKS];

	for (size_t size = 16; size <= 200; size++)
		for (int way = 0; way < 3; way++) {
			for (int i = 0; i < BLOCKS; i++) {
				block[i] = way == 0   ? malloc(size)
					   : way == 1 ? calloc(1, size)
						      : realloc(hide(malloc(1)), size);
				REQUIRE(is_aligned(hide(block[i]), _Alignof(max_align_t)));
			}
			for (int i = 0; i < BLOCKS; i++)
				free(block[i]);
		}
	REQUIRE(used_memory() == before);
}

static void failures(void)
{
	unsigned char *block = hide(malloc(100));
	void *out = &out;

	block[99] = 7;
	errno = 0;
	REQUIRE(hide(malloc(hidden(SIZE_MAX))) == NULL && errno == ENOMEM);
	errno = 0;
	REQUIRE(hide(calloc(hidden(SIZE_MAX / 2), 3)) == NULL && errno == ENOMEM);
	REQUIRE(refuses(block, 1, SIZE_MAX) && block[99] == 7);
	REQUIRE(refuses(block, 3, SIZE_MAX / 2) && block[99] == 7);
	errno = 0;
	REQUIRE(hide(aligned_alloc(hidden(48), 100)) == NULL && errno == EINVAL);
	errno = 0;
	REQUIRE(hide(memalign(hidden(SIZE_MAX), 100)) == NULL && errno == EINVAL);
	errno = 0;
	REQUIRE(hide(pvalloc(hidden(SIZE_MAX))) == NULL && errno == ENOMEM);
	/* By the returned value, and nothing else is touched. */
	errno = 5;
	REQUIRE(posix_memalign(&out, hidden(3), 100) == EINVAL);
	REQUIRE(posix_memalign(&out, hidden(sizeof(void *) / 2), 100) == EINVAL);
	REQUIRE(posix_memalign(&out, 64, hidden(SIZE_MAX)) == ENOMEM);
	REQUIRE(out == (void *)&out && errno == 5);
	free(block);
	REQUIRE(errno == 5);
	block = hide(malloc(64));
	REQUIRE(hide(realloc(block, hidden(0))) == NULL && errno == 5);
	block = hide(realloc(NULL, 10));
	REQUIRE(block != NULL && errno == 5);
	free(block);
}

static void alignments(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), before = used_memory();
	void *block;

	for (size_t alignment = sizeof(void *); alignment <= 1 << 20; alignment *= 2)
		for (size_t size = 0; size < 100000; size = size * 3 + 1) {
			REQUIRE(posix_memalign(&block, alignment, size) == 0 &&
				is_aligned(block, alignment));
			memset(block, 1, size);
			REQUIRE(malloc_usable_size(block) >= size);
			free(block);
			block = hide(aligned_alloc(alignment, size));
			REQUIRE(is_aligned(block, alignment));
			block = hide(realloc(block, size + 5000));
			REQUIRE(block != NULL);
			free(block);
		}
	block = hide(memalign(hidden(48), 100));
	REQUIRE(is_aligned(block, 64));
	free(block);
	block = hide(memalign(hidden(0), 100));
	REQUIRE(block != NULL);
	free(block);
	block = hide(valloc(100));
	REQUIRE(is_aligned(block, page));
	free(block);
	block = hide(pvalloc(page + 1));
	REQUIRE(is_aligned(block, page) && malloc_usable_size(block) >= 2 * page);
	free(block);
	REQUIRE(used_memory() == before);
}

/* Names that this C library may not declare. */
static void newer_names(void)
{
	void (*sized)(void *, size_t), (*aligned_sized)(void *, size_t, size_t), (*c)(void *);
	size_t before;

	*(void **)&sized = find("free_sized");
	*(void **)&aligned_sized = find("free_aligned_sized");
	*(void **)&c = find("cfree");
	before = used_memory();
	sized(hide(malloc(123)), 123);
	aligned_sized(hide(aligned_alloc(256, 512)), 256, 512);
	c(hide(calloc(3, 5)));
	sized(NULL, 0);
	REQUIRE(used_memory() == before);
}

/* ---- Threads, children, libraries ------------------------------------------------------------ */

enum {
	THREADS = 4,
	HELD = 64
};

static void *shared[THREADS][HELD];

/* What one thread allocates another frees. */
static void *work(void *number)
{
	size_t me = (size_t)(uintptr_t)number;
	uint32_t dice = (uint32_t)me * 7919 + 1;

	for (int i = 0; i < 30000; i++) {
		void **place = &shared[(me + dice % 2) % THREADS][dice / 2 % HELD], *old;
		unsigned char *block = malloc(dice / 64 % 2000 + 1);

		REQUIRE(block != NULL);
		*block = 1;
		old = __atomic_exchange_n(place, block, __ATOMIC_ACQ_REL);
		if (i % 3 == 0 && old != NULL)
			old = realloc(old, dice / 64 % 5000 + 1);
		free(old);
		dice = dice * 1664525 + 1013904223;
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	size_t before;

	/* The C library keeps some of what the first threads needed. */
	for (size_t round = 0; round < 3; round++) {
		before = used_memory();
		for (size_t i = 0; i < THREADS; i++)
			REQUIRE(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i) == 0);
		for (size_t i = 0; i < THREADS; i++)
			REQUIRE(pthread_join(thread[i], NULL) == 0);
		for (size_t i = 0; i < THREADS; i++)
			for (size_t j = 0; j < HELD; j++) {
				free(shared[i][j]);
				shared[i][j] = NULL;
			}
	}
	REQUIRE(used_memory() == before);
}

static void join(pid_t child)
{
	int status = -1;

	REQUIRE(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void *fork_meanwhile(void *unused)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0) {
			size_t before = used_memory();
			void *block = hide(malloc(100000));

			REQUIRE(block != NULL && used_memory() - before >= 100000);
			free(block);
			REQUIRE(used_memory() == before);
			_exit(0);
		}
		join(child);
	}
	return unused;
}

static void children(void)
{
	pthread_t busy, forks;

	REQUIRE(pthread_create(&busy, NULL, work, NULL) == 0);
	REQUIRE(pthread_create(&forks, NULL, fork_meanwhile, NULL) == 0);
	REQUIRE(pthread_join(forks, NULL) == 0 && pthread_join(busy, NULL) == 0);
	for (size_t i = 0; i < THREADS; i++)
		for (size_t j = 0; j < HELD; j++)
			free(shared[i][j]);
}

static void execute(char **argv)
{
	pid_t child = fork();

	if (child == 0) {
		execl("/proc/self/exe", argv[0], "exec", (char *)NULL);
		_exit(1);
	}
	join(child);
}

/* The plugin allocates in its constructor, and each function frees what the other side allocated. */
static void plugin(void)
{
	const char *path = getenv("PLUGIN");
	void *handle, *(*exchange)(void *);

	for (int i = 0; i < 3; i++) {
		handle = dlopen(path, RTLD_NOW);
		REQUIRE(handle != NULL);
		*(void **)&exchange = dlsym(handle, "plugin_exchange");
		REQUIRE(exchange != NULL);
		free(exchange(malloc(1000)));
		REQUIRE(dlclose(handle) == 0);
	}
	REQUIRE(dlopen("no such library.so", RTLD_NOW) == NULL && dlerror() != NULL);
}

/* Blocks from before the library could be called; the program was linked with a library that has them. */
static void early(void)
{
	char **block = dlsym(RTLD_DEFAULT, "early_block");

	if (block == NULL)
		return;
	REQUIRE(block[0] != NULL && block[1] != NULL && block[2] != NULL);
	REQUIRE(is_aligned(block[0], 16) && is_aligned(block[2], 256));
	REQUIRE(strcmp(block[0], "early") == 0 && is_zero((unsigned char *)block[1], 1000));
	REQUIRE(malloc_usable_size(block[0]) >= 100);
	block[0] = realloc(block[0], 100000);
	REQUIRE(block[0] != NULL && strcmp(block[0], "early") == 0);
	block[1] = realloc(block[1], 10);
	REQUIRE(block[1] != NULL && block[1][9] == 0);
	for (int i = 0; i < 3; i++)
		free(block[i]);
	puts("early");
}

static void family(char **argv)
{
	early();
	sizes();
	neighbours();
	failures();
	alignments();
	newer_names();
	threads();
	children();
	execute(argv);
	plugin();
}

/* ---- Under options of `zmalloc run` ---------------------------------------------------------- */

static void limit(size_t bytes)
{
	unsigned char *small = hide(malloc(1000)), *large;

	small[999] = 9;
	errno = 0;
	REQUIRE(hide(malloc(bytes)) == NULL && errno == ENOMEM);
	REQUIRE(refuses(small, 1, bytes) && small[999] == 9);
	large = hide(malloc(bytes / 2));
	REQUIRE(large != NULL);
	free(large);
	free(small);
}

static void leak(size_t blocks, size_t bytes)
{
	while (blocks-- > 0)
		REQUIRE(hide(malloc(bytes)) != NULL);
}

/* Until its standard input ends. */
static void hold(const char *file)
{
	void *block = hide(malloc(20000000));
	char byte;
	FILE *ready = fopen(file, "w");

	REQUIRE(block != NULL && ready != NULL && fputs("ready\n", ready) >= 0 &&
		fclose(ready) == 0);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	free(block);
}

static int has_thread_named_zmalloc(void)
{
	return system("cat /proc/$PPID/task/*/comm | grep -qx zmalloc") == 0;
}

/* A thread names itself, once it runs. */
static int gets_thread_named_zmalloc(void)
{
	for (int tries = 0; tries < 300; tries++) {
		if (has_thread_named_zmalloc())
			return 1;
		usleep(100000);
	}
	return 0;
}

/* The child of a fork() that stays purges under pressure as its parent does. */
static void as_daemon(void)
{
	pid_t child;

	REQUIRE(gets_thread_named_zmalloc());
	child = fork();
	if (child == 0) {
		REQUIRE(!has_thread_named_zmalloc());
		for (int i = 0; i < 2000; i++)
			free(hide(malloc(10)));
		REQUIRE(gets_thread_named_zmalloc());
		_exit(0);
	}
	join(child);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	find_library();
	if (strcmp(what, "family") == 0)
		family(argv);
	else if (strcmp(what, "limit") == 0)
		limit((size_t)atol(argv[2]));
	else if (strcmp(what, "leak") == 0)
		leak((size_t)atol(argv[2]), (size_t)atol(argv[3]));
	else if (strcmp(what, "hold") == 0)
		hold(argv[2]);
	else if (strcmp(what, "daemon") == 0)
		as_daemon();
	else
		REQUIRE(strcmp(what, "exec") == 0);
	return 0;
}
