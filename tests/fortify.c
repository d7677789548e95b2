/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fortify.c NAME - write to the last usable byte of a block, in each way that <zmalloc.h> allows;
 * check_fortify.sh builds it so that the compiler checks each write.
 *
 * No size is known when it is compiled, and each block is written in the function that allocates it.
 */
#include <stdio.h>
#include <string.h>

#include <zmalloc.h>

static size_t asked;

#define ZM_CASE __attribute__((__cold__)) static

/* The compiler must not drop the writes. */
static int settle(char *block, size_t usable)
{
	int wrong = block[usable - 1] != 1;

	__asm__ volatile("" : : "r"(block) : "memory");
	zfree(block);
	return wrong;
}

ZM_CASE int extend_to_usable(void)
{
	char *block = zmalloc(asked);
	size_t usable = zmalloc_usable_size(block);

	block = zmalloc_extend_to_usable(block, usable);
	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int usable(void)
{
	size_t usable;
	char *block = zmalloc_usable(asked, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int try_usable(void)
{
	size_t usable;
	char *block = ztrymalloc_usable(asked, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int calloc_usable(void)
{
	size_t usable;
	char *block = zcalloc_usable(asked, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int try_calloc_usable(void)
{
	size_t usable;
	char *block = ztrycalloc_usable(asked, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int realloc_usable(void)
{
	size_t usable;
	char *block = zrealloc_usable(zmalloc(10), asked * 3, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int try_realloc_usable(void)
{
	size_t usable;
	char *block = ztryrealloc_usable(NULL, asked * 3, &usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int realloc_usable2(void)
{
	size_t usable, old_usable;
	char *block = zrealloc_usable2(zmalloc(10), asked * 3, &usable, &old_usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int try_realloc_usable2(void)
{
	size_t usable, old_usable;
	char *block = ztryrealloc_usable2(zmalloc(10), asked * 3, &usable, &old_usable);

	memset(block, 1, usable);
	return settle(block, usable);
}

ZM_CASE int strdup_usable(void)
{
	static char text[200];
	size_t usable;
	char *block;

	memset(text, 'x', asked);
	block = zstrdup_usable(text, &usable);
	memset(block, 1, usable);
	return settle(block, usable);
}

/* Not allowed: shows that the checks are at work. */
ZM_CASE int too_much(void)
{
	char *block = zmalloc(asked);
	size_t usable = zmalloc_usable_size(block);

	memset(block, 1, usable);
	return settle(block, usable);
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{"extend_to_usable", extend_to_usable},
	{"usable", usable},
	{"try_usable", try_usable},
	{"calloc_usable", calloc_usable},
	{"try_calloc_usable", try_calloc_usable},
	{"realloc_usable", realloc_usable},
	{"try_realloc_usable", try_realloc_usable},
	{"realloc_usable2", realloc_usable2},
	{"try_realloc_usable2", try_realloc_usable2},
	{"strdup_usable", strdup_usable},
	{"too_much", too_much},
};

int main(int argc, char **argv)
{
	asked = (size_t)argc * 50 + 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc == 1 && cases[i].run != too_much)
			puts(cases[i].name);
		if (argc == 2 && strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	}
	return argc != 1;
}
