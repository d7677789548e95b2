/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/installed/bare.c - what libzmalloc asks of the C library and the allocator, without it: a
 * block, a backtrace and a thread, which brings what ends one. Linked with -static it fails where their
 * own archives do not agree: with gperftools' tcmalloc, that of libunwind and that of the compiler both
 * define the unwinder.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAVE_EXECINFO 1
#endif
#endif

static void *live(void *block)
{
	return block;
}

int main(void)
{
	pthread_t thread;
	void *volatile block = malloc(100);
	int frames = 1;

	if (block == NULL || pthread_create(&thread, NULL, live, NULL) != 0)
		return 1;
	pthread_join(thread, NULL);
#if defined(HAVE_EXECINFO)
	void *frame[8];

	frames = backtrace(frame, 8);
#endif
	free(block);
	return frames > 0 ? 0 : 1;
}
