/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_small_stack.c - every function works in a thread with a stack of 16 KiB, and takes at
 * most half of that, beyond what a thread that does nothing takes.
 */
#include "config.h"

#include "tests/folder.h"
#include "tests/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/pressure.h>
#include <zmalloc/profile.h>
#include <zmalloc/redis.h>
#include <zmalloc/stats.h>

#define STACK (64 * KIB) /* of the test's threads: more, to see how much is taken */
#define ALLOWED (8 * KIB)
#define PAINT 0xa5

static void *keep;

static int write_nothing(void *context, const char *text, size_t size)
{
	(void)context, (void)text, (void)size;
	return 0;
}

static int see_bin(const struct zmalloc_bin_stats *bin, void *context)
{
	(void)bin, (void)context;
	return 0;
}

static int see_process(const struct zmalloc_process *process, void *context)
{
	(void)process, (void)context;
	return 0;
}

static void print_nothing(void *opaque_pointer, const char *text)
{
	(void)opaque_pointer, (void)text;
}

static int scan_nothing(zdefrag *d, int begin, void *context)
{
	(void)d, (void)begin, (void)context;
	return 0;
}

static void nothing(void)
{
}

static void blocks(void)
{
	size_t usable, old;

	zfree(zmalloc(1000));
	zfree(zcalloc(100000));
	zfree_with_size(zcalloc_num(7, 1000), 7000);
	zfree_usable(zmalloc_aligned(4096, 10000), &usable);
	keep = zrealloc(ztryrealloc(NULL, 10), 100000);
	keep = zrealloc_usable2(keep, 3 * MIB, &usable, &old);
	zfree(keep);
	zfree(zstrdup("text"));
	zfree(ztrymemdup("text", 4));
	zfree_with_flags(zrealloc_with_flags(zmalloc_with_flags(100, 0), 5000, 0), 0);
	zfree_no_tcache(zmalloc_no_tcache(100));
	keep = ztrymalloc(opaque_size(SIZE_MAX));
}

static void accounts(void)
{
	zmalloc_used_memory();
	zmalloc_peak_memory();
	zmalloc_thread_used_memory();
	opaque((void *)zmalloc_allocator());
	opaque_size((size_t)zmalloc_has(ZMALLOC_CAN_DEFRAG));
	zmalloc_good_size(1000);
}

static void process(void)
{
	zmalloc_get_rss();
	zmalloc_get_private_dirty(-1);
	zmalloc_get_memory_size();
}

static void limit(void)
{
	char source[256];

	zmalloc_get_memory_limit_source(source, sizeof(source));
}

static void allocator_info(void)
{
	size_t bytes;

	zmalloc_get_allocator_info(1, &bytes, NULL, NULL, NULL, NULL, NULL);
	zmalloc_get_allocator_info_by_arena(0, 1, &bytes, NULL, NULL, NULL);
}

static void purge(void)
{
	zmalloc_purge();
}

static void background_purge(void)
{
	zmalloc_set_background_purge(1);
	zmalloc_set_background_purge(0);
}

static void ctl(void)
{
	size_t bytes = 0, size = sizeof(bytes);

	zmalloc_ctl("stats.allocated", &bytes, &size, NULL, 0);
	zmalloc_redis_ctl("stats.allocated", &bytes, &size, NULL, 0);
}

static void print_report(void)
{
	zmalloc_redis_stats_print(print_nothing, NULL, NULL);
}

static void figures(void)
{
	struct zmalloc_stats stats = {.size = sizeof(stats)};

	zmalloc_stats_get(&stats, 1);
	zmalloc_stats_get_arena(0, 1, &stats);
}

static void writing(void)
{
	for (int format = ZMALLOC_STATS_TABLE; format <= ZMALLOC_STATS_OPENMETRICS; format++)
		zmalloc_stats_write(NULL, format, write_nothing, NULL);
}

static void bins(void)
{
	zmalloc_stats_visit_bins(ZMALLOC_STATS_ALL_ARENAS, 1, see_bin, NULL);
}

static void publishing(void)
{
	zmalloc_stats_publish();
	zmalloc_stats_publish();
	zmalloc_stats_unpublish();
}

static void reading(void)
{
	struct zmalloc_process read = {.size = sizeof(read)};

	zmalloc_process_read(getpid(), &read);
	zmalloc_process_visit(see_process, NULL);
}

static void arenas(void)
{
	struct zarena_stats stats = {.size = sizeof(stats)};
	zarena *arena = zarena_create();

	if (arena == NULL)
		return;
	keep = zarena_realloc(arena, zarena_malloc(arena, 100), 10000);
	zfree(zarena_calloc(arena, 1000));
	zarena_get_stats(arena, 1, &stats);
	zarena_reset(arena);
	zarena_destroy(arena);
}

static void defragmentation(void)
{
	zdefrag *d;

	zdefrag_hint(keep);
	zdefrag_hint_end();
	d = zdefrag_new(scan_nothing, NULL, NULL);
	if (d == NULL)
		return;
	zdefrag_step(d);
	zdefrag_run(d);
	zdefrag_free(d);
}

static int see_source(const struct zmalloc_pressure_about *about, void *context)
{
	(void)about, (void)context;
	return 0;
}

static void pressure(void)
{
	struct zmalloc_pressure_event event = {.size = sizeof(event)};
	int fd = zmalloc_pressure_open();

	zmalloc_pressure_read(fd, &event);
	zmalloc_pressure_wait(fd, 1, &event);
	zmalloc_pressure_visit(fd, see_source, NULL);
	zmalloc_pressure_close(fd);
}

static void out_of_memory(void)
{
	zmalloc_set_oom_handler(NULL);
	keep = zmalloc(opaque_size((size_t)PTRDIFF_MAX + 99));
}

static const char *folder;

static void profile(void)
{
	char path[FOLDER_PATH_BYTES];

	zmalloc_profile_start(1);
	keep = zmalloc(1000);
	folder_path("profile", path);
	for (int format = ZMALLOC_PROFILE_PPROF; format <= ZMALLOC_PROFILE_COLLAPSED; format++) {
		zmalloc_profile_dump(path, format);
		unlink(path);
	}
	zmalloc_profile_stop();
}

static void out_of_memory_in_profile(void)
{
	setenv("ZMALLOC_PROFILE_DIR", folder, 1);
	zmalloc_profile_start(1);
	keep = zmalloc(1000);
	out_of_memory();
}

static const struct {
	const char *name;
	void (*body)(void);
} all[] = {
#define EACH(function)                                                                             \
	{                                                                                          \
#function, function                                                                \
	}
	EACH(blocks),           EACH(accounts),
	EACH(process),          EACH(limit),
	EACH(allocator_info),   EACH(purge),
	EACH(background_purge), EACH(ctl),
	EACH(print_report),     EACH(figures),
	EACH(writing),          EACH(bins),
	EACH(publishing),       EACH(reading),
	EACH(arenas),           EACH(defragmentation),
	EACH(pressure),         EACH(out_of_memory),
	EACH(profile),          EACH(out_of_memory_in_profile),
};

/* ---- How much of a stack is taken ----------------------------------------------------------- */

static unsigned char *stack, signal_stack[64 * 1024];
static size_t idle_bytes;

static size_t taken(void)
{
	size_t clean = 0;

	while (clean < STACK && stack[clean] == PAINT)
		clean++;
	return STACK - clean;
}

static void tell(const char *name)
{
	size_t all_bytes = taken(), bytes = 0;
	char text[128];

	/* A thread's end may go deeper than what came before, and on musl deeper when it is waited for. */
	if (all_bytes > idle_bytes)
		bytes = all_bytes - idle_bytes;
	snprintf(text, sizeof(text), "%s takes %zu bytes of stack\n", name, bytes);
	if (write(STDERR_FILENO, text, strlen(text)) < 0 || bytes > ALLOWED)
		_exit(1);
	_exit(0);
}

/* On a stack of its own, when the report of a failed allocation has been written. */
static void at_abort(int number)
{
	(void)number;
	tell("the report when memory runs out");
}

static void *in_thread(void *argument)
{
	const stack_t own = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	void (*body)(void);

	*(void **)&body = argument;
	sigaltstack(&own, NULL);
	body();
	return NULL;
}

static size_t run(void (*body)(void))
{
	pthread_attr_t attributes;
	pthread_t thread;

	memset(stack, PAINT, STACK);
	REQUIRE_EQ(pthread_attr_init(&attributes), 0);
	REQUIRE_EQ(pthread_attr_setstack(&attributes, stack, STACK), 0);
	REQUIRE_EQ(pthread_create(&thread, &attributes, in_thread, *(void **)&body), 0);
	REQUIRE_EQ(pthread_join(thread, NULL), 0);
	return taken();
}

static void measure(void *number)
{
	const struct sigaction action = {.sa_handler = at_abort, .sa_flags = SA_ONSTACK};
	size_t i = *(size_t *)number;

	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(stack != MAP_FAILED);
	idle_bytes = run(nothing);
	sigaction(SIGABRT, &action, NULL);
	run(all[i].body);
	tell(all[i].name);
}

START_TEST(test_takes_half_of_a_small_stack)
{
	static struct child child;
	size_t number = (size_t)_i;

	folder = folder_make();
	run_child(&child, measure, &number);
	ck_assert_int_eq(folder_remove(), all[number].body == out_of_memory_in_profile);
	fputs(child.output, stderr);
	ck_assert_int_eq(child.status, 0);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("small_stack");

	if (under_checker())
		skip_program("a checker's frames are its own");
	tcase_add_loop_test(tests, test_takes_half_of_a_small_stack, 0, (int)COUNT_OF(all));
	return run_tests(tests);
}
