/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/live.c - what looking at other processes shows, and what it costs: how soon the truth is shown, what
 * a process pays that nobody looks at, how long an answer takes, and what dead processes leave.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmalloc/process.h>

#include "bench/live_others.h"

enum {
	PATIENCE_MS = 10000,
	ROUNDS = 5, /* of taking and freeing */
	LOOKS = 20, /* at one that is idle, 50 ms apart */
	QUESTIONS = 1000,
	READERS = 1000,
	CHILDREN = 3000,
	UNSEEN_S = 10,
	REST_TRIES = 10
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t ask(pid_t pid)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	if (zmalloc_process_ask(pid, PATIENCE_MS, &process) != 0)
		fail("zmalloc_process_ask");
	return process.stats.used_bytes;
}

/* ---- The truth ---- */

/* How long it takes until so much is shown. */
static uint64_t us_until_shown(pid_t pid, uint64_t holds)
{
	uint64_t began = now_us();

	while (ask(pid) != holds)
		if (now_us() - began > (uint64_t)PATIENCE_MS * 1000)
			fail("the truth is not shown");
	return now_us() - began;
}

static void keep_longest(uint64_t *longest, uint64_t us)
{
	*longest = us > *longest ? us : *longest;
}

static void show_truth(const char *who, enum other_kind kind)
{
	uint64_t taken = 0, idle = 0, freed = 0;
	struct other other;

	if (!other_start(kind, &other)) {
		printf("  %-40s left out: only root can make one\n", who);
		return;
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t holds = other_tell(&other, OTHER_TAKE);

		keep_longest(&taken, us_until_shown(other.pid, holds));
		for (int look = 0; look < LOOKS; look++) {
			usleep(50000);
			keep_longest(&idle, us_until_shown(other.pid, holds));
		}
		holds = other_tell(&other, OTHER_FREE);
		keep_longest(&freed, us_until_shown(other.pid, holds));
	}
	printf("  %-40s %8.3f %8.3f %8.3f\n", who, (double)taken / 1000, (double)idle / 1000,
	       (double)freed / 1000);
	fflush(stdout);
	other_end(&other);
}

static void show_truths(void)
{
	printf("ms until the truth about 1 GiB is shown, the longest of %d   taken     idle    "
	       "freed\n",
	       ROUNDS);
	show_truth("of the same user", OTHER_OF_THIS_USER);
	show_truth("by root, of one that dropped its rights", OTHER_THAT_DROPPED_ROOT);
	show_truth("from outside its PID and mount namespace", OTHER_IN_NAMESPACES);
}

/* ---- What it costs ---- */

/* How often the threads of a process gave the processor up or lost it. */
static long switches_of(pid_t pid)
{
	char path[300], line[256];
	struct dirent *entry;
	long sum = 0, number;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		FILE *status;

		snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/status", (long)pid,
			 entry->d_name);
		status = fopen(path, "r");
		while (status != NULL && fgets(line, sizeof(line), status) != NULL)
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &number) == 1 ||
			    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &number) == 1)
				sum += number;
		if (status != NULL)
			fclose(status);
	}
	if (tasks != NULL)
		closedir(tasks);
	return sum;
}

/* When its figures were last asked for, without asking: others of this machine may. */
static uint64_t looked_at_ms(pid_t pid)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	if (zmalloc_process_ask(pid, 0, &process) != 0)
		fail("zmalloc_process_ask");
	return process.updated_ms;
}

static void show_rest(const struct other *other)
{
	for (int tries = 0; tries < REST_TRIES; tries++) {
		uint64_t looked_at;
		long before, after;

		sleep(1);
		looked_at = looked_at_ms(other->pid);
		before = switches_of(other->pid);
		sleep(UNSEEN_S);
		after = switches_of(other->pid);
		if (looked_at_ms(other->pid) != looked_at)
			continue;
		printf("context switches of a process in %d s while nobody looks: %ld\n", UNSEEN_S,
		       after - before);
		fflush(stdout);
		return;
	}
	printf("context switches: others look at all processes of this machine all the time\n");
}

static int by_size(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void show_times(const char *of, uint64_t *us, size_t count)
{
	qsort(us, count, sizeof(*us), by_size);
	printf("us from question to answer, %s: median %llu, 99 %% %llu, worst %llu\n", of,
	       (unsigned long long)us[count / 2], (unsigned long long)us[count * 99 / 100],
	       (unsigned long long)us[count - 1]);
	fflush(stdout);
}

static void show_questions(const struct other *other)
{
	static uint64_t us[QUESTIONS];

	for (int i = 0; i < QUESTIONS; i++) {
		uint64_t began = now_us();

		ask(other->pid);
		us[i] = now_us() - began;
	}
	show_times("1,000 one after another", us, QUESTIONS);
}

struct reader {
	pthread_t thread;
	pid_t pid;
	pthread_barrier_t *together;
	uint64_t us;
};

static void *read_together(void *context)
{
	struct reader *reader = context;
	uint64_t began;

	pthread_barrier_wait(reader->together);
	began = now_us();
	ask(reader->pid);
	reader->us = now_us() - began;
	return NULL;
}

/* Each has two open at a time: the folder and the page. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("setrlimit");
}

static void show_readers(const struct other *other)
{
	static struct reader readers[READERS];
	static uint64_t us[READERS];
	pthread_barrier_t together;

	allow_descriptors();
	pthread_barrier_init(&together, NULL, READERS);
	for (int i = 0; i < READERS; i++) {
		readers[i].pid = other->pid;
		readers[i].together = &together;
		if (pthread_create(&readers[i].thread, NULL, read_together, &readers[i]) != 0)
			fail("pthread_create");
	}
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		us[i] = readers[i].us;
	}
	pthread_barrier_destroy(&together);
	show_times("1,000 readers at once", us, READERS);
}

/* ---- What is left ---- */

static int files_in(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	if (directory != NULL)
		closedir(directory);
	return count;
}

static int files_of_ours(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[300];
	int count = 0;

	if (runtime != NULL) {
		snprintf(path, sizeof(path), "%s/zmalloc", runtime);
		count += files_in(path);
	}
	snprintf(path, sizeof(path), "/run/user/%ld/zmalloc", (long)geteuid());
	count += files_in(path);
	snprintf(path, sizeof(path), "/tmp/zmalloc-%ld", (long)geteuid());
	return count + files_in(path);
}

/* Every other one without a word. */
static void live_and_die(int number)
{
	if (zmalloc_stats_publish() != 0)
		_exit(1);
	if (number % 2 != 0)
		kill(getpid(), SIGKILL);
	exit(0);
}

static void show_what_is_left(void)
{
	int before = files_of_ours(), status;

	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0)
			live_and_die(i);
		if (waitpid(child, &status, 0) != child || (WIFEXITED(status) && status != 0))
			fail("a child");
	}
	printf("files left by 3,000 children that showed themselves: %d\n",
	       files_of_ours() - before);
}

int main(void)
{
	struct other other;

	printf("%s, %s\n", zmalloc_version(), zmalloc_allocator());
	fflush(stdout);
	show_truths();
	other_start(OTHER_OF_THIS_USER, &other);
	show_rest(&other);
	show_questions(&other);
	show_readers(&other);
	other_end(&other);
	show_what_is_left();
	return 0;
}
