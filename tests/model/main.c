/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/main.c - tries all models (model.h).
 */
#include "config.h"

#include "tests/model/models.h"

#include <stdio.h>

/* Sanitizers that follow threads or stacks do not follow a program's own. */
#if !defined(HAVE_MAKECONTEXT)
#define NO_RUN "this system has no makecontext()"
#elif defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define NO_RUN "a sanitizer does not know coroutines"
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define NO_RUN "a sanitizer does not know coroutines"
#endif
#endif

#if defined(NO_RUN)

int main(void)
{
	puts("skipped: " NO_RUN);
	return 77;
}

#else

static const struct model *const models[] = {
	&model_of_message,  &model_of_coherence, &model_of_store_buffers, &model_of_table,
	&model_of_page,     &model_of_granules,  &model_of_gate,          &model_of_chunks,
	&model_of_counters, &model_of_peak,      &model_of_borrowed,      &model_of_arenas,
	&model_of_route,    &model_of_size_map,  &model_of_question,      &model_of_watch,
};

int main(void)
{
	int passed = 0, failed = 0;

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
		model_check(models[i], &passed, &failed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}

#endif
