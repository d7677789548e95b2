/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/ask.c - the asking side of page.h.
 *
 * Whoever is asked may be stopped, may die, and may write anything at any time. So there is a time limit to
 * everything, no word of the page is read twice where the two have to agree, and no number in it is used
 * before it was looked at.
 */
#include "config.h"

#include "live/ask.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/failure.h"
#include "os/shared.h"

/* ---- Finding the page ---- */

struct search {
	struct zm_ask *ask;
	int error; /* what was wrong with something of that name; 0: nothing */
};

/*
 * A process may have another's page: that of its parent, if it was made by a bare clone(2), or one that
 * was sent to it. The page's number is what its own process calls itself. What is no page does not
 * hide one that comes after it.
 */
static int take_if_its_own(int fd, void *context)
{
	struct search *search = context;
	struct zm_ask *ask = search->ask;
	int error = zm_published_copy(fd, &ask->copy);
	int64_t inner = ask->pid;

	if (error != 0)
		search->error = error;
	if (error != 0 || zm_os_process_own_pid(ask->pid, &inner) != 0 || ask->copy.pid != inner)
		return 0;
	ask->fd = fd;
	return -1;
}

static int find_memory(struct zm_ask *ask)
{
	struct search search = {ask, 0};
	void *page;
	int answer =
		zm_os_shared_visit(ask->pid, ZM_PAGE_NAME, ZM_PAGE_BYTES, take_if_its_own, &search);

	if (answer == 0)
		return search.error != 0 ? search.error : ENOENT;
	if (answer != -1)
		return answer;
	answer = zm_os_shared_map(ask->fd, sizeof(*ask->page), &page);
	if (answer != 0) {
		close(ask->fd);
		return answer;
	}
	ask->page = page;
	ask->way = ask->page->way;
	ask->commands = ask->page->commands;
	return 0;
}

int zm_ask_open(int64_t pid, struct zm_ask *ask)
{
	int error = zm_os_process(pid, &ask->of), file_error;

	ask->pid = pid;
	ask->fd = -1;
	ask->page = NULL;
	ask->way = ZMALLOC_PROCESS_PASSIVE;
	ask->commands = 0;
	if (error != 0)
		return error;
	error = find_memory(ask);
	if (error == 0 || (error != ENOENT && error != ENOTSUP && error != EACCES))
		return error;
	if (ask->of.user != geteuid())
		return error == EACCES ? EACCES : ENOENT;
	file_error = zm_published_file_read(pid, &ask->of, &ask->copy);
	return file_error == ENOENT && error == EACCES ? EACCES : file_error;
}

void zm_ask_close(struct zm_ask *ask)
{
	if (ask->page == NULL)
		return;
	munmap(ask->page, sizeof(*ask->page));
	close(ask->fd);
}

/* ---- Waiting ---- */

static uint64_t deadline_ns(unsigned timeout_ms)
{
	return zm_now_ns() + (uint64_t)timeout_ms * 1000000;
}

/*
 * Milliseconds that are left, rounded up; 0 when the time is over. No more than an int holds: a negative
 * one would be for ever to whoever waits.
 */
static int left_ms(uint64_t deadline)
{
	uint64_t now = zm_now_ns(), left;

	if (now >= deadline)
		return 0;
	left = (deadline - now + 999999) / 1000000;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/* Until the word is `at_least` or further, as sequences go. */
static int wait_for(ZM_ATOMIC(uint32_t) * word, uint32_t at_least, uint64_t deadline)
{
	for (;;) {
		uint32_t seen = zm_load_acquire(word);
		int left = left_ms(deadline);

		if ((int32_t)(seen - at_least) >= 0)
			return 0;
		if (left == 0)
			return ETIMEDOUT;
		zm_os_word_wait(word, seen, left);
	}
}

/*
 * The fence orders what the caller wrote on the page before the request, which the answering side reads
 * with an acquire (C11 7.17.4: a release fence before a relaxed store). Returns the request.
 */
static uint32_t request(struct zm_page *page)
{
	uint32_t mine;

	zm_fence_release();
	mine = zm_fetch_add(&page->request, 1) + 1;
	zm_os_word_wake(&page->request);
	return mine;
}

/* ---- Figures ---- */

static bool answers(const struct zm_ask *ask)
{
	return ask->page != NULL && ask->way == ZMALLOC_PROCESS_ANSWERS;
}

int zm_ask_figures(struct zm_ask *ask, unsigned timeout_ms)
{
	int error, late;

	if (!answers(ask))
		return 0;
	late = wait_for(&ask->page->reply, request(ask->page), deadline_ns(timeout_ms));
	error = zm_published_copy(ask->fd, &ask->copy);
	return error != 0 ? error : late;
}

/* ---- Commands ---- */

/* One at a time: the kernel takes the lock from a reader that dies. */
static int take_turn(int fd, uint64_t deadline)
{
	const struct timespec pause = {.tv_nsec = 2000000};

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return zm_os_failure();
		if (left_ms(deadline) == 0)
			return ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Returns the question's sequence. */
static uint32_t put_question(struct zm_page_question *question, uint32_t command,
			     const uint64_t argument[2])
{
	uint32_t odd = zm_sequence_begin(&question->sequence);

	question->command = command;
	question->argument[0] = argument[0];
	question->argument[1] = argument[1];
	zm_sequence_end(&question->sequence, odd);
	return zm_load(&question->sequence);
}

static int copy_answer(const struct zm_ask *ask, struct zm_command_answer *answer)
{
	struct zm_page_answer from;
	size_t bytes;

	memcpy(&from, &ask->page->answer, sizeof(from));
	if (from.error != 0)
		return from.error > 0 ? from.error : EBADMSG;
	bytes = (size_t)from.records * from.record_bytes;
	if (from.records == 0)
		bytes = 0;
	else if (from.record_bytes == 0 || bytes / from.record_bytes != from.records)
		return EBADMSG;
	if (bytes > ZM_PAGE_RECORDS_BYTES || bytes > answer->room_bytes)
		return EBADMSG;
	if (pread(ask->fd, answer->room, bytes, ZM_PAGE_RECORDS_AT) != (ssize_t)bytes)
		return EBADMSG;
	answer->error = 0;
	answer->value = from.value;
	answer->records = from.records;
	answer->record_bytes = from.record_bytes;
	answer->left_off = from.left_off;
	return 0;
}

int zm_ask_command(struct zm_ask *ask, uint32_t command, const uint64_t argument[2],
		   unsigned timeout_ms, struct zm_command_answer *answer)
{
	uint64_t deadline = deadline_ns(timeout_ms);
	uint32_t sequence;
	int error;

	if (!answers(ask) || command > ask->commands)
		return ENOTSUP;
	error = take_turn(ask->fd, deadline);
	if (error != 0)
		return error;
	sequence = put_question(&ask->page->question, command, argument);
	request(ask->page);
	error = wait_for(&ask->page->answer.done, sequence, deadline);
	if (error == 0 && zm_load(&ask->page->answer.done) != sequence)
		error = EBADMSG;
	if (error == 0)
		error = copy_answer(ask, answer);
	flock(ask->fd, LOCK_UN);
	return error;
}
