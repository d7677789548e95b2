/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/support.c - what the test programs share.
 */
#include "config.h"

#include "tests/support.h"
#include "tests/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(HAVE_DLADDR)
#include <dlfcn.h>
#endif

#include <zmalloc.h>

/* ---- The program ---------------------------------------------------------------------------- */

/* Seconds: no test needs a tenth of it, even under a checker on a busy machine. */
#define TEST_TIMEOUT 240

static Suite *suite;

TCase *tests_named(const char *name)
{
	TCase *tests = tcase_create(name);

	suite = suite_create(name);
	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, TEST_TIMEOUT);
	return tests;
}

static bool only_was_added;

bool test_is_wanted(const char *name)
{
	const char *only = getenv("ZMALLOC_TEST_ONLY");

	if (only == NULL)
		return true;
	if (strcmp(only, name) != 0)
		return false;
	only_was_added = true;
	return true;
}

int run_tests(TCase *tests)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	(void)tests;
	if (getenv("ZMALLOC_TEST_ONLY") != NULL && !only_was_added) {
		fprintf(stderr, "no test is called %s here\n", getenv("ZMALLOC_TEST_ONLY"));
		return EXIT_FAILURE;
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void skip_program(const char *reason)
{
	printf("SKIP: %s\n", reason);
	fflush(stdout);
	_exit(77);
}

void skip_part(const char *reason)
{
	fprintf(stderr, "left out: %s\n", reason);
}

/* ---- Where we run --------------------------------------------------------------------------- */

#if SANITIZED
/* Memory that is not there is what we test; threads started in a child of a threaded parent too. */
ZM_SEEN const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

ZM_SEEN const char *__msan_default_options(void);
const char *__msan_default_options(void)
{
	return "allocator_may_return_null=1";
}

ZM_SEEN const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1:die_after_fork=0";
}
#endif

bool sanitized(void)
{
	return SANITIZED;
}

bool under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

bool emulated(void)
{
	return getenv("ZMALLOC_TEST_EMULATED") != NULL;
}

bool under_checker(void)
{
	return sanitized() || under_valgrind() || emulated();
}

size_t steps(size_t full, size_t small)
{
	return under_checker() || getenv("ZMALLOC_TEST_SLOW") != NULL ? small : full;
}

const char *file_of_function(const char *function)
{
#if defined(HAVE_DLADDR) && defined(RTLD_DEFAULT)
	void *at = dlsym(RTLD_DEFAULT, function);
	Dl_info info;

	return at != NULL && dladdr(at, &info) != 0 ? info.dli_fname : NULL;
#else
	(void)function;
	return NULL;
#endif
}

bool children_start_threads(void)
{
#if defined(HAVE_DECL_MI_THEAP_GET_DEFAULT) && HAVE_DECL_MI_THEAP_GET_DEFAULT
	return false;
#else
	return file_of_function("mi_theap_get_default") == NULL;
#endif
}

bool malloc_is_the_c_librarys(void)
{
	const char *of_malloc = file_of_function("malloc"), *of_puts = file_of_function("puts");

	return of_malloc != NULL && of_puts != NULL && strcmp(of_malloc, of_puts) == 0;
}

/* ---- Chance --------------------------------------------------------------------------------- */

struct chance chance_of(uint64_t seed)
{
	const char *mixed = getenv("ZMALLOC_TEST_SEED");

	return (struct chance){seed ^ (mixed != NULL ? strtoull(mixed, NULL, 0) << 32 : 0)};
}

/* SplitMix64: every state is good, also 0. */
uint64_t chance_next(struct chance *chance)
{
	uint64_t mixed = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

size_t chance_below(struct chance *chance, size_t bound)
{
	return (size_t)(chance_next(chance) % bound);
}

size_t chance_size(struct chance *chance, unsigned bits)
{
	return chance_below(chance, ((size_t)1 << chance_below(chance, bits + 1)) + 1);
}

/* ---- Contents ------------------------------------------------------------------------------- */

static uint64_t word_at(uint64_t seed, size_t index)
{
	return (seed + index + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

void fill(void *at, size_t size, uint64_t seed)
{
	char *bytes = at;
	size_t index = 0;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		word = word_at(seed, index++);
		memcpy(bytes, &word, sizeof(word));
	}
	word = word_at(seed, index);
	memcpy(bytes, &word, size);
}

bool filled(const void *at, size_t size, uint64_t seed)
{
	const char *bytes = at;
	size_t index = 0;
	uint64_t word;

	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		word = word_at(seed, index++);
		if (memcmp(bytes, &word, sizeof(word)) != 0)
			return false;
	}
	word = word_at(seed, index);
	return memcmp(bytes, &word, size) == 0;
}

bool all_zero(const void *at, size_t size)
{
	const char *bytes = at;

	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* ---- Threads -------------------------------------------------------------------------------- */

/* Our own, as not every system has pthread_barrier_t. */
void barrier_init(struct barrier *barrier, size_t expected)
{
	*barrier = (struct barrier){.expected = expected};
	pthread_mutex_init(&barrier->lock, NULL);
	pthread_cond_init(&barrier->open, NULL);
}

void barrier_wait(struct barrier *barrier)
{
	size_t round;

	pthread_mutex_lock(&barrier->lock);
	round = barrier->round;
	if (++barrier->arrived == barrier->expected) {
		barrier->arrived = 0;
		barrier->round++;
		pthread_cond_broadcast(&barrier->open);
	}
	while (round == barrier->round)
		pthread_cond_wait(&barrier->open, &barrier->lock);
	pthread_mutex_unlock(&barrier->lock);
}

void barrier_done(struct barrier *barrier)
{
	pthread_cond_destroy(&barrier->open);
	pthread_mutex_destroy(&barrier->lock);
}

pthread_t start_thread(void *(*body)(void *), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, body, argument);

	REQUIRE_EQ(error, 0);
	return thread;
}

void *join_thread(pthread_t thread)
{
	void *result;
	int error = pthread_join(thread, &result);

	REQUIRE_EQ(error, 0);
	return result;
}

void *swap_blocks(void *stop)
{
	void *held = zmalloc(64 * KIB);

	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		void *next = zmalloc(64 * KIB);

		zfree(held);
		held = next;
	}
	zfree(held);
	return NULL;
}

/* ---- Descriptors ------------------------------------------------------------------------------ */

int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* ---- A handler that counts ------------------------------------------------------------------ */

size_t oom_calls;
size_t oom_size;

static void counting_handler(size_t size)
{
	oom_calls++;
	oom_size = size;
}

void count_oom(void)
{
	oom_calls = 0;
	oom_size = 0;
	zmalloc_set_oom_handler(counting_handler);
}

/* ---- Children ------------------------------------------------------------------------------- */

static void be_child(const int pipe_ends[2], void (*body)(void *), void *argument)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	close(pipe_ends[0]);
	dup2(pipe_ends[1], STDERR_FILENO);
	close(pipe_ends[1]);
	body(argument);
	_exit(EXIT_SUCCESS);
}

#define CHILD_SILENT_MILLISECONDS (300 * 1000)

/* Reads to the end even what there is no room for, so that the child never waits for us. */
static void read_all(int from, struct child *child)
{
	char beyond[512];

	child->output_bytes = 0;
	for (;;) {
		size_t room = sizeof(child->output) - 1 - child->output_bytes;
		ssize_t got;

		/* Without fork mode Check has no time limit; nothing here is silent for so long. */
		REQUIRE(wait_readable(from, CHILD_SILENT_MILLISECONDS));
		got = room > 0 ? read(from, child->output + child->output_bytes, room)
			       : read(from, beyond, sizeof(beyond));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (room > 0)
			child->output_bytes += (size_t)got;
	}
	child->output[child->output_bytes] = '\0';
}

void run_child(struct child *child, void (*body)(void *), void *argument)
{
	int pipe_ends[2];
	pid_t pid;

	REQUIRE(pipe(pipe_ends) == 0);
	fflush(NULL);
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0)
		be_child(pipe_ends, body, argument);
	close(pipe_ends[1]);
	read_all(pipe_ends[0], child);
	close(pipe_ends[0]);
	while (waitpid(pid, &child->status, 0) != pid)
		REQUIRE_EQ(errno, EINTR);
}

void run_child_ok(void (*body)(void *), void *argument)
{
	static struct child child;

	run_child(&child, body, argument);
	ck_assert_msg(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 0,
		      "child ended with status 0x%x, writing: %s", (unsigned)child.status,
		      child.output);
}

void require_failed(const char *file, int line, const char *text, size_t left, size_t right)
{
	char message[256];
	int length = snprintf(message, sizeof(message), "%s:%d: not true: %s (%zu, %zu)\n", file,
			      line, text, left, right);

	if (length > 0 && write(STDERR_FILENO, message, strlen(message)) < 0)
		_exit(98);
	_exit(99);
}

void require_equal(const char *file, int line, const char *text, size_t left, size_t right)
{
	if (left != right)
		require_failed(file, line, text, left, right);
}

/* The first field of statm, proc(5): pages of address space. */
static size_t address_space_bytes(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (statm == NULL)
		return 0;
	if (fscanf(statm, "%lu", &pages) != 1)
		pages = 0;
	fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

bool limit_address_space(size_t bytes)
{
	size_t used = address_space_bytes();
	struct rlimit limit = {used + bytes, used + bytes};

	return used != 0 && !under_checker() && setrlimit(RLIMIT_AS, &limit) == 0;
}

void *opaque(void *ptr)
{
	void *volatile hidden = ptr;

	/* Whoever has the pointer may read the block, also where this is inlined into a test. */
#ifdef __GNUC__
	__asm__ volatile("" : : "r"(ptr) : "memory");
#endif
	return hidden;
}

size_t opaque_size(size_t size)
{
	volatile size_t hidden = size;

	return hidden;
}

/* ---- Thresholds ---- */

/* They stay, so that no ceiling leaves room for the next one. */
static void *passing[256];
static size_t passed;

void pass_the_threshold(void)
{
	size_t below;

	/* A first call makes the thread known, and gives it a ceiling. */
	zfree(zmalloc(1));
	below = zmalloc_peak_memory() - zmalloc_used_memory();
	REQUIRE(passed < COUNT_OF(passing));
	passing[passed++] = zmalloc(below + MIB);
}

void free_what_passed(void)
{
	while (passed > 0)
		zfree(passing[--passed]);
}
