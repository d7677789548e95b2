/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/find.c - which processes an operand means.
 */
#include "find.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc/process.h>

/* ---- Lists ---- */

static bool has_room(struct pid_list *list, size_t more)
{
	int64_t *grown;

	if (list->room - list->count >= more)
		return true;
	grown = realloc(list->pid, (list->room * 2 + more) * sizeof(*grown));
	if (grown == NULL)
		return false;
	list->pid = grown;
	list->room = list->room * 2 + more;
	return true;
}

static bool add_once(struct pid_list *list, int64_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->pid[i] == pid)
			return true;
	if (!has_room(list, 1))
		return false;
	list->pid[list->count++] = pid;
	return true;
}

/* There may be more of them from one call to the next. */
bool list_pids(struct pid_list *list)
{
	size_t count = 0;
	bool listed = has_room(list, 64);

	while (listed && zmalloc_process_list(list->pid, list->room, &count) == 0) {
		if (count <= list->room) {
			list->count = count;
			return true;
		}
		list->count = 0;
		listed = has_room(list, count + 64);
	}
	complain("cannot list the processes that show themselves: %s",
		 strerror(listed ? errno : ENOMEM));
	return false;
}

/* ---- Names ---- */

static bool has_name(int64_t pid, const char *name)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	return zmalloc_process_ask(pid, 0, &process) == 0 && strcmp(process.name, name) == 0;
}

static bool is_word(const char *word, size_t length, const char *name)
{
	const char *last = word;

	if (strlen(name) == length && memcmp(word, name, length) == 0)
		return true;
	for (size_t i = 0; i < length; i++)
		if (word[i] == '/')
			last = word + i + 1;
	length -= (size_t)(last - word);
	return last != word && strlen(name) == length && memcmp(last, name, length) == 0;
}

static bool has_command(int64_t pid, const char *name)
{
	struct zmalloc_process_info about = {
		.size = offsetof(struct zmalloc_process_info, swap_bytes)};
	const char *word = about.command;

	if (zmalloc_process_about(pid, 0, &about) != 0)
		return false;
	if (strcmp(about.command, name) == 0)
		return true;
	while (*word != '\0') {
		size_t length = strcspn(word, " ");

		if (length != 0 && is_word(word, length, name))
			return true;
		word += length + (word[length] == ' ');
	}
	return false;
}

static bool add_if(bool (*is_it)(int64_t pid, const char *name), const char *name,
		   const struct pid_list *all, struct pid_list *found, bool *any)
{
	for (size_t i = 0; i < all->count; i++) {
		if (!is_it(all->pid[i], name))
			continue;
		*any = true;
		if (!add_once(found, all->pid[i]))
			return false;
	}
	return true;
}

static int add_by_name(const char *name, const struct pid_list *all, struct pid_list *found)
{
	bool any = false;

	if (!add_if(has_name, name, all, found, &any) ||
	    (!any && !add_if(has_command, name, all, found, &any)))
		return complain("%s", strerror(ENOMEM));
	if (any)
		return DONE;
	return complain(
		"no process that you may look at is named '%s', or has that in its command "
		"line, and shows its figures. `zmalloc top` lists those that do; if you know "
		"its number, `zmalloc stat PID` says what is missing",
		name);
}

/* ---- Operands ---- */

static bool is_number(const char *text)
{
	if (*text == '\0')
		return false;
	while (isdigit((unsigned char)*text))
		text++;
	return *text == '\0';
}

int find_processes(const struct options *options, struct pid_list *found)
{
	struct pid_list all = {NULL, 0, 0};
	bool listed = false;
	int answer = DONE;

	for (int i = 0; i < options->operand_count; i++) {
		const char *operand = options->operands[i];
		int failed = DONE;

		if (is_number(operand)) {
			if (!add_once(found, strtoll(operand, NULL, 10)))
				failed = complain("%s", strerror(ENOMEM));
		} else if (!listed && !(listed = list_pids(&all))) {
			failed = FAILED;
		} else {
			failed = add_by_name(operand, &all, found);
		}
		if (failed != DONE)
			answer = failed;
	}
	free(all.pid);
	return answer;
}
