/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/answer.c - the answering side of page.h.
 *
 * While nobody asks the thread sleeps in the kernel, on a word that only askers change, and for as long
 * as it takes: it costs nothing, and the process has no wake-ups of it. Whoever may read the page may
 * write it, so what the thread reads there is copied first, then looked at.
 */
#include "config.h"

#include "live/answer.h"

#include "base/helper.h"
#include "live/command.h"
#include "live/page.h"

struct service {
	struct zm_os_shared shared;
	const struct zm_answer_room *room;
	uint32_t seen;     /* the last request that was answered */
	uint32_t answered; /* the sequence of the last question that was */
};

static struct zm_page *page_of(const struct service *service)
{
	return service->shared.at;
}

/* ---- Commands ---- */

/* False: there is none, or its asker is not done writing it and will ask again. */
static bool copy_question(struct service *service, struct zm_page_question *question)
{
	struct zm_page_question *from = &page_of(service)->question;
	uint32_t sequence = zm_load_acquire(&from->sequence);

	if (!zm_sequence_may_copy(sequence) || sequence == service->answered)
		return false;
	question->command = from->command;
	question->argument[0] = from->argument[0];
	question->argument[1] = from->argument[1];
	zm_sequence_copied();
	service->answered = sequence;
	return zm_load(&from->sequence) == sequence;
}

static void answer_question(struct service *service)
{
	struct zm_page *page = page_of(service);
	struct zm_page_question question;
	struct zm_command_answer answer = {.room = (char *)page + ZM_PAGE_RECORDS_AT,
					   .room_bytes = ZM_PAGE_RECORDS_BYTES};

	if (!copy_question(service, &question))
		return;
	zm_command_run(question.command, question.argument, &answer);
	page->answer.error = answer.error;
	page->answer.value = answer.value;
	page->answer.records = answer.records;
	page->answer.record_bytes = answer.record_bytes;
	page->answer.left_off = answer.left_off;
	zm_store_release(&page->answer.done, service->answered);
	zm_os_word_wake(&page->answer.done);
}

/* ---- The thread ---- */

static void answer_request(struct service *service, uint32_t request)
{
	struct zm_page *page = page_of(service);

	service->room->renew(&service->shared);
	service->seen = request;
	zm_store_release(&page->reply, request);
	zm_os_word_wake(&page->reply);
	answer_question(service);
}

static void serve(struct service *service)
{
	struct zm_page *page = page_of(service);

	while (service->room->is_wanted(&service->shared)) {
		uint32_t request = zm_load_acquire(&page->request);

		if (request != service->seen)
			answer_request(service, request);
		else
			zm_os_word_wait(&page->request, request, -1);
	}
	service->room->let_go(&service->shared);
}

/* What a new thread takes over before its maker goes on. */
struct beginning {
	const struct zm_os_shared *shared;
	const struct zm_answer_room *room;
	ZM_ATOMIC(uint32_t) taken;
};

static void *serve_until_unwanted(void *argument)
{
	struct beginning *beginning = argument;
	struct service service = {.shared = *beginning->shared, .room = beginning->room};

	zm_store_release(&beginning->taken, 1);
	zm_os_word_wake(&beginning->taken);
	zm_os_thread_name(ZM_PAGE_NAME);
	zm_os_thread_prompt();
	serve(&service);
	return NULL;
}

int zm_answer_start(const struct zm_os_shared *shared, const struct zm_answer_room *room)
{
	struct beginning beginning = {.shared = shared, .room = room};
	int error = zm_helper_start(serve_until_unwanted, &beginning);

	while (error == 0 && zm_load_acquire(&beginning.taken) == 0)
		zm_os_word_wait(&beginning.taken, 0, -1);
	return error;
}

void zm_answer_wake(const struct zm_os_shared *shared)
{
	struct zm_page *page = shared->at;

	zm_fetch_add(&page->request, 1);
	zm_os_word_wake(&page->request);
}
