/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/stat.c - `zmalloc stat PID|NAME...`: all figures of some processes.
 */
#include "command.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text)
{
	if (*text == '\0')
		return false;
	while (isdigit((unsigned char)*text))
		text++;
	return *text == '\0';
}

static int explain(const char *pid, int error)
{
	switch (error) {
	case ENOENT:
		return complain("process %s does not show its figures; start it with "
				"ZMALLOC_PUBLISH=1, or have it call zmalloc_stats_publish()",
				pid);
	case ESRCH:
		return complain("there is no process %s", pid);
	case EACCES:
		return complain("the kernel does not let you look at process %s: be root, or the "
				"user that it was started by",
				pid);
	case EPERM:
		return complain("the page of process %s, or its directory, is not this user's "
				"alone: refused",
				pid);
	case EBADMSG:
		return complain("the page of process %s is damaged", pid);
	case ENOTSUP:
		return complain("this system does not tell processes apart");
	default:
		return complain("cannot read the figures of process %s: %s", pid, strerror(error));
	}
}

static int add_by_pid(struct process_list *list, const char *text)
{
	struct zmalloc_process process = {.size = sizeof(process)};

	errno = 0;
	if (zmalloc_process_read(strtoll(text, NULL, 10), &process) != 0)
		return explain(text, errno);
	return list_add(list, &process) ? DONE : complain("%s", strerror(ENOMEM));
}

static int add_by_name(struct process_list *list, const struct process_list *all, const char *name)
{
	size_t before = list->count;

	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->process[i].name, name) == 0 && !list_add(list, &all->process[i]))
			return complain("%s", strerror(ENOMEM));
	if (list->count != before)
		return DONE;
	return complain("no process that you may look at is named '%s' and shows its figures",
			name);
}

/* Several at once would get a line each, which is what top is for. */
static int print_sheets(const struct process_list *list)
{
	int answer = DONE;

	for (size_t i = 0; i < list->count && answer == DONE; i++) {
		const struct process_list one = {&list->process[i], 1, 0};

		if (i != 0)
			putchar('\n');
		answer = write_processes(&one, ZMALLOC_STATS_TABLE);
	}
	return answer;
}

int command_stat(const struct options *options)
{
	struct process_list all = {0}, list = {0};
	int answer = DONE, failed;

	if (!list_processes(&all))
		answer = FAILED;
	for (int i = 0; i < options->operand_count; i++) {
		failed = is_number(options->operands[i])
				 ? add_by_pid(&list, options->operands[i])
				 : add_by_name(&list, &all, options->operands[i]);
		if (failed != DONE)
			answer = failed;
	}
	if (list.count != 0) {
		failed = options->format == ZMALLOC_STATS_TABLE
				 ? print_sheets(&list)
				 : write_processes(&list, options->format);
		if (failed != DONE)
			answer = failed;
	}
	free(all.process);
	free(list.process);
	return answer;
}
