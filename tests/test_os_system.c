/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_os_system.c - os.h's promises, kept by the system this runs on.
 */
#include "config.h"

#include "os/file.h"
#include "os/lines.h"
#include "os/os.h"
#include "os/proc.h"
#include "tests/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t distance(size_t a, size_t b)
{
	return a > b ? a - b : b - a;
}

/* ---- Pages ---- */

START_TEST(test_page_size_is_a_power_of_two)
{
	size_t page = zm_os_page_size();

	ck_assert_uint_ge(page, 4096);
	ck_assert_uint_eq(page & (page - 1), 0);
}
END_TEST

START_TEST(test_mapped_pages_are_aligned_zero_and_writable)
{
	size_t page = zm_os_page_size(), size = 3 * page - 100;
	void *pages = NULL;

	ck_assert_int_eq(zm_os_map(size, &pages), 0);
	ck_assert_uint_eq((uintptr_t)pages % page, 0);
	ck_assert(all_zero(pages, 3 * page));
	fill(pages, 3 * page, 1);
	ck_assert(filled(pages, 3 * page, 1));
}
END_TEST

START_TEST(test_impossible_mappings_are_refused)
{
	void *pages = &pages;

	ck_assert_int_eq(zm_os_map(0, &pages), ENOMEM);
	ck_assert_int_eq(zm_os_map(SIZE_MAX, &pages), ENOMEM);
	ck_assert_int_eq(zm_os_map(SIZE_MAX - zm_os_page_size(), &pages), ENOMEM);
	ck_assert_int_eq(zm_os_map((size_t)PTRDIFF_MAX, &pages), ENOMEM);
	ck_assert_ptr_eq(pages, &pages);
}
END_TEST

/* Ranges by where they begin and end, in quarters of a page; which whole pages they hold. */
static const struct {
	size_t begin, end, first, last;
} ranges[] = {
	{0, 0, 0, 0}, {0, 3, 0, 0},  {1, 4, 0, 0},  {1, 7, 0, 0},  {0, 4, 0, 1},
	{1, 8, 1, 2}, {3, 11, 1, 2}, {0, 16, 0, 4}, {2, 14, 1, 3}, {4, 13, 1, 3},
};

START_TEST(test_dontneed_touches_whole_pages_inside_the_range_only)
{
	size_t page = zm_os_page_size(), quarter = page / 4;
	size_t begin = ranges[_i].begin * quarter, end = ranges[_i].end * quarter;
	size_t first = ranges[_i].first * page, last = ranges[_i].last * page;
	void *pages = NULL;
	char *at;
	int error;

	ck_assert_int_eq(zm_os_map(4 * page, &pages), 0);
	at = pages;
	memset(at, 0x5a, 4 * page);
	error = zm_os_dontneed(at + begin, end - begin);
	ck_assert(error == 0 || error == ENOTSUP);
	for (size_t i = 0; i < 4 * page; i++) {
		bool inside = i >= first && i < last;

		ck_assert_msg(at[i] == 0x5a || (inside && at[i] == 0), "byte %zu is %d", i, at[i]);
	}
}
END_TEST

/* ---- The process ---- */

START_TEST(test_rss_is_what_smaps_says)
{
	size_t rss, smaps;

	if (zm_os_rss(&rss) || zm_os_smaps_field("Rss:", -1, &smaps)) {
		skip_part("this system does not tell both figures");
		return;
	}
	/* Between two looks a page or two may come in; the counters behind them differ too. */
	ck_assert_uint_le(distance(rss, smaps), 1 * MIB);
	ck_assert_uint_ge(rss, 256 * KIB);
}
END_TEST

static int sum_of_file(const char *path, const char *field, size_t *bytes)
{
	char buffer[4096];
	struct zm_lines lines;
	uint64_t sum = 0;
	int error, fd;

	error = zm_file_open(path, &fd);
	if (error)
		return error;
	zm_lines_of_fd(&lines, fd, buffer, sizeof(buffer));
	error = zm_proc_smaps_sum(&lines, field, &sum);
	zm_file_close(fd);
	return zm_store_size(error, sum, bytes);
}

START_TEST(test_smaps_and_its_rollup_agree)
{
	static const char *const fields[] = {"Rss:", "Private_Dirty:", "AnonHugePages:", "Swap:"};

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		size_t field, sum;

		if (sum_of_file("/proc/self/smaps", fields[i], &sum) ||
		    zm_os_smaps_field(fields[i], -1, &field)) {
			skip_part("no smaps here");
			return;
		}
		ck_assert_msg(distance(field, sum) <= 512 * KIB, "%s %zu and %zu", fields[i], field,
			      sum);
	}
}
END_TEST

START_TEST(test_smaps_of_nothing)
{
	size_t bytes = 77;
	int known = zm_os_smaps_field("Rss:", -1, &bytes);

	bytes = 77;
	if (known == ENOTSUP) {
		ck_assert_int_eq(zm_os_smaps_field("No_Such_Field:", -1, &bytes), ENOTSUP);
	} else {
		ck_assert_int_eq(zm_os_smaps_field("No_Such_Field:", -1, &bytes), ENOENT);
		ck_assert_int_eq(zm_os_smaps_field("", -1, &bytes), ENOENT);
		ck_assert_int_eq(zm_os_smaps_field("Rss:", -2, &bytes), ESRCH);
		ck_assert_int_ne(zm_os_smaps_field("Rss:", 999999999, &bytes), 0);
	}
	ck_assert_uint_eq(bytes, 77);
}
END_TEST

#define TOUCHED (16 * MIB)

START_TEST(test_smaps_of_another_process)
{
	int ready[2], done[2];
	size_t dirty = 0;
	pid_t pid;
	char byte;
	int error;

	ck_assert(pipe(ready) == 0 && pipe(done) == 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		void *pages = NULL;

		close(done[1]);
		REQUIRE(zm_os_map(TOUCHED, &pages) == 0);
		memset(pages, 1, TOUCHED);
		REQUIRE(write(ready[1], "x", 1) == 1);
		_exit(read(done[0], &byte, 1) != 0); /* until the parent closes it, or dies */
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	error = zm_os_smaps_field("Private_Dirty:", pid, &dirty);
	close(done[1]);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	if (error == ENOTSUP || error == ENOENT) {
		skip_part("this system does not tell Private_Dirty");
		return;
	}
	ck_assert_int_eq(error, 0);
	ck_assert_uint_ge(dirty, TOUCHED);
}
END_TEST

/* What a thread is called is its own choice, up to 15 bytes. */
static const char *const names[] = {"plain",
				    ") R 1 (",
				    "))))))))))))))",
				    ") S 99 ) (\n9 9",
				    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe6\x97\xa5\xe6\x9c\xac",
				    "\x01\x7f\x80\xff(\\\""};

START_TEST(test_stat_whatever_the_process_is_called)
{
	int fd = open("/proc/self/comm", O_WRONLY);
	long long value = 0;
	int error = zm_os_stat_field(1, &value);

	if (fd < 0 || error == ENOTSUP) {
		skip_part("no /proc/self/stat, or no way to change the name in it");
		return;
	}
	ck_assert_int_eq(write(fd, names[_i], strlen(names[_i])), (int)strlen(names[_i]));
	close(fd);
	ck_assert_int_eq(zm_os_stat_field(1, &value), 0);
	ck_assert_int_eq(value, getpid());
	ck_assert_int_eq(zm_os_stat_field(4, &value), 0);
	ck_assert_int_eq(value, getppid());
	ck_assert_int_eq(zm_os_stat_field(24, &value), 0);
	ck_assert_int_ge(value, 0);
	ck_assert_int_eq(zm_os_stat_field(2, &value), EINVAL);
	ck_assert_int_eq(zm_os_stat_field(1000, &value), ENOENT);
}
END_TEST

/* ---- Limits ---- */

START_TEST(test_memory_limit_is_never_over_physical_memory)
{
	size_t size, limit;
	char source[512];

	if (zm_os_memory_size(&size)) {
		skip_part("this system does not tell the size of its memory");
		return;
	}
	ck_assert_uint_ge(size, 16 * MIB);
	ck_assert_int_eq(zm_os_memory_limit(&limit, source, sizeof(source)), 0);
	ck_assert_uint_le(limit, size);
	ck_assert_uint_gt(strlen(source), 0);
	if (limit == size)
		ck_assert_str_eq(source, size == SIZE_MAX ? "address space" : "physical memory");
}
END_TEST

/* The same size as the system's own report has it. */
START_TEST(test_memory_size_is_the_one_in_meminfo)
{
	size_t size, total;

	if (zm_os_memory_size(&size) || sum_of_file("/proc/meminfo", "MemTotal:", &total)) {
		skip_part("no /proc/meminfo");
		return;
	}
	if (emulated() && sizeof(size_t) < sizeof(uint64_t)) {
		skip_part("the emulator cuts sysinfo's figures to 32 bits");
		return;
	}
	ck_assert_uint_eq(size, total);
}
END_TEST

static const struct {
	int resource;
	const char *name;
} rlimits[] = {
	{RLIMIT_DATA, "RLIMIT_DATA"},
#ifdef RLIMIT_AS
	{RLIMIT_AS, "RLIMIT_AS"},
#endif
};

static void expect_rlimit(void *argument)
{
	size_t i = *(const size_t *)argument, limit = 0;
	rlim_t bytes = (rlim_t)(12 * MIB + 1);
	struct rlimit soft;
	char source[64];

	REQUIRE(getrlimit((unsigned)rlimits[i].resource, &soft) == 0);
	soft.rlim_cur = bytes;
	REQUIRE(setrlimit((unsigned)rlimits[i].resource, &soft) == 0);
	REQUIRE(getrlimit((unsigned)rlimits[i].resource, &soft) == 0);
	if (soft.rlim_cur != bytes)
		return; /* user-mode emulation keeps what it has */
	REQUIRE(zm_os_memory_limit(&limit, source, sizeof(source)) == 0);
	REQUIRE_EQ(limit, bytes);
	REQUIRE(strcmp(source, rlimits[i].name) == 0);
}

START_TEST(test_resource_limits_bind)
{
	size_t which = (size_t)_i;

	run_child_ok(expect_rlimit, &which);
}
END_TEST

/* ---- Writing ---- */

static void write_to_nobody(int fd, int other_end)
{
	sigset_t before, after;
	sigset_t pending;

	close(other_end);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	ck_assert_int_eq(zm_os_write(fd, "lost", 4), EPIPE);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	ck_assert_int_eq(sigismember(&before, SIGPIPE), sigismember(&after, SIGPIPE));
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
	close(fd);
}

/* SIGPIPE is left to its default, which is death. */
START_TEST(test_writing_to_a_broken_pipe_or_socket_is_an_error_and_no_signal)
{
	int ends[2];

	signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(pipe(ends), 0);
	write_to_nobody(ends[1], ends[0]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	write_to_nobody(ends[1], ends[0]);
}
END_TEST

START_TEST(test_writing_where_sigpipe_is_ignored)
{
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(ends), 0);
	write_to_nobody(ends[1], ends[0]);
	signal(SIGPIPE, SIG_DFL);
}
END_TEST

START_TEST(test_a_sigpipe_that_was_pending_stays_pending)
{
	sigset_t pipe_signal, old, pending;
	int ends[2], taken;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
	raise(SIGPIPE);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(zm_os_write(ends[1], "lost", 4), EPIPE);
	close(ends[1]);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_int_eq(sigismember(&pending, SIGPIPE), 1);
	sigwait(&pipe_signal, &taken);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}
END_TEST

START_TEST(test_writing_to_no_descriptor_is_an_error)
{
	ck_assert_int_eq(zm_os_write(-1, "lost", 4), EBADF);
	ck_assert_int_eq(zm_os_write(-1, "", 0), 0);
}
END_TEST

#define STREAM_BYTES (1 * MIB)

static void on_signal(int signal_number)
{
	(void)signal_number;
}

static void *write_stream(void *argument)
{
	static char stream[STREAM_BYTES];
	int fd = *(int *)argument;

	fill(stream, sizeof(stream), 7);
	ck_assert_int_eq(zm_os_write(fd, stream, sizeof(stream)), 0);
	close(fd);
	return NULL;
}

/*
 * Twice, as the second time nothing has been written to the full pipe. So many signals and no more: where a timer sends
 * them, a writer under valgrind on a loaded machine may do nothing but receive them.
 */
static void interrupt(pthread_t writer)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	for (int i = 0; i < 2; i++) {
		nanosleep(&pause, NULL);
		pthread_kill(writer, SIGUSR2);
	}
}

/* A pipe that is full: short writes, interrupted ones. */
START_TEST(test_a_long_write_arrives_whole_although_signals_interrupt_it)
{
	struct sigaction action = {.sa_handler = on_signal}, old;
	static char stream[STREAM_BYTES + 1];
	size_t length = 0;
	pthread_t writer;
	ssize_t got;
	int ends[2], pauses = 20;

	sigaction(SIGUSR2, &action, &old);
	ck_assert_int_eq(pipe(ends), 0);
	writer = start_thread(write_stream, &ends[1]);
	do {
		if (pauses-- > 0)
			interrupt(writer);
		got = read(ends[0], stream + length, sizeof(stream) - length);
		if (got > 0)
			length += (size_t)got;
	} while (got > 0 && length < sizeof(stream));
	join_thread(writer);
	sigaction(SIGUSR2, &old, NULL);
	close(ends[0]);
	ck_assert_uint_eq(length, STREAM_BYTES);
	ck_assert(filled(stream, STREAM_BYTES, 7));
}
END_TEST

/* ---- Stacks ---- */

static size_t backtrace_lines(int skip)
{
	char text[8192];
	int ends[2];
	ssize_t got;
	size_t lines = 0;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(zm_os_backtrace(ends[1], skip), 0);
	close(ends[1]);
	got = read(ends[0], text, sizeof(text));
	close(ends[0]);
	for (ssize_t i = 0; i < got; i++)
		lines += text[i] == '\n';
	return lines;
}

START_TEST(test_backtrace_writes_a_line_a_frame)
{
	int error = zm_os_backtrace(-1, 0);

	if (error == ENOTSUP) {
		skip_part("no backtrace(3)");
		return;
	}
	ck_assert_uint_ge(backtrace_lines(0), 2);
	ck_assert_uint_eq(backtrace_lines(0), backtrace_lines(1) + 1);
	ck_assert_int_eq(zm_os_backtrace(-1, 1000), ENOMEM);
}
END_TEST

START_TEST(test_backtrace_to_a_broken_pipe_does_not_kill)
{
	int ends[2];

	signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	zm_os_backtrace(ends[1], 0);
	close(ends[1]);
}
END_TEST

/* ---- Manners ---- */

START_TEST(test_no_descriptor_is_left_open)
{
	int before = descriptors();
	char source[64];
	long long value;
	size_t bytes;

	for (int i = 0; i < 10; i++) {
		zm_os_rss(&bytes);
		zm_os_smaps_field("Rss:", -1, &bytes);
		zm_os_smaps_field("Size:", -1, &bytes);
		zm_os_smaps_field("No_Such_Field:", -1, &bytes);
		zm_os_stat_field(24, &value);
		zm_os_memory_limit(&bytes, source, sizeof(source));
	}
	ck_assert_int_eq(descriptors(), before);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("os_system");

	tcase_add_test(tests, test_page_size_is_a_power_of_two);
	tcase_add_test(tests, test_mapped_pages_are_aligned_zero_and_writable);
	tcase_add_test(tests, test_impossible_mappings_are_refused);
	tcase_add_loop_test(tests, test_dontneed_touches_whole_pages_inside_the_range_only, 0,
			    (int)COUNT_OF(ranges));
	tcase_add_test(tests, test_rss_is_what_smaps_says);
	tcase_add_test(tests, test_smaps_and_its_rollup_agree);
	tcase_add_test(tests, test_smaps_of_nothing);
	tcase_add_test(tests, test_smaps_of_another_process);
	tcase_add_loop_test(tests, test_stat_whatever_the_process_is_called, 0,
			    (int)COUNT_OF(names));
	tcase_add_test(tests, test_memory_limit_is_never_over_physical_memory);
	tcase_add_test(tests, test_memory_size_is_the_one_in_meminfo);
	tcase_add_loop_test(tests, test_resource_limits_bind, 0, (int)COUNT_OF(rlimits));
	tcase_add_test(tests, test_writing_to_a_broken_pipe_or_socket_is_an_error_and_no_signal);
	tcase_add_test(tests, test_writing_where_sigpipe_is_ignored);
	tcase_add_test(tests, test_a_sigpipe_that_was_pending_stays_pending);
	tcase_add_test(tests, test_writing_to_no_descriptor_is_an_error);
	tcase_add_test(tests, test_a_long_write_arrives_whole_although_signals_interrupt_it);
	tcase_add_test(tests, test_backtrace_writes_a_line_a_frame);
	tcase_add_test(tests, test_backtrace_to_a_broken_pipe_does_not_kill);
	tcase_add_test(tests, test_no_descriptor_is_left_open);
	return run_tests(tests);
}
