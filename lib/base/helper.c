/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/helper.c - a detached thread with a small stack.
 */
#include "config.h"

#include "base/helper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/*
 * glibc's malloc_info() and the unwinder need some; the thread-local variables of the program, which glibc
 * puts on the stack, may need more: then the system's own size is taken.
 */
#define STACK_BYTES ((size_t)128 * 1024)

static int create(pthread_t *thread, void *(*body)(void *argument), void *argument)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return error;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(thread, &attributes, body, argument);
	pthread_attr_destroy(&attributes);
	if (error != EINVAL)
		return error;
	error = pthread_create(thread, NULL, body, argument);
	if (error == 0)
		pthread_detach(*thread);
	return error;
}

int zm_helper_start(void *(*body)(void *argument), void *argument)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = create(&thread, body, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}
