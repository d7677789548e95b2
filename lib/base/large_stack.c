/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/large_stack.c - calls that take more stack than a small thread has.
 */
#include "config.h"

#include "base/large_stack.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#define STACK_BYTES ((size_t)256 * 1024)

void zm_on_large_stack(void *(*function)(void *), void *argument)
{
	sigset_t every, before;
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	if (pthread_attr_init(&attributes) != 0) {
		function(argument);
		return;
	}
	sigfillset(&every);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	error = pthread_create(&thread, &attributes, function, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error == 0)
		pthread_join(thread, NULL);
	else
		function(argument);
}
