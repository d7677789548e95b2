/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/attributes/wrong.c - what a compiler that knows who frees what should not let pass. A line
 * that ends with the name of a warning gets that warning, and no other line gets one.
 *
 * In C and in C++ alike, so each result is cast.
 */
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/redis.h>

extern zarena *arena;
extern void *held;
extern const char *text;
extern size_t size;

void frees_ours(void);
void frees_ours(void)
{
	free(zmalloc(10));                              /* -Wmismatched-dealloc */
	free(ztrymalloc(10));                           /* -Wmismatched-dealloc */
	free(zcalloc(10));                              /* -Wmismatched-dealloc */
	free(ztrycalloc(10));                           /* -Wmismatched-dealloc */
	free(zcalloc_num(2, 10));                       /* -Wmismatched-dealloc */
	free(ztrycalloc_num(2, 10));                    /* -Wmismatched-dealloc */
	free(zrealloc(held, 10));                       /* -Wmismatched-dealloc */
	free(ztryrealloc(held, 10));                    /* -Wmismatched-dealloc */
	free(zmalloc_aligned(64, 10));                  /* -Wmismatched-dealloc */
	free(ztrymalloc_aligned(64, 10));               /* -Wmismatched-dealloc */
	free(zmalloc_usable(10, &size));                /* -Wmismatched-dealloc */
	free(ztrymalloc_usable(10, &size));             /* -Wmismatched-dealloc */
	free(zcalloc_usable(10, &size));                /* -Wmismatched-dealloc */
	free(ztrycalloc_usable(10, &size));             /* -Wmismatched-dealloc */
	free(zrealloc_usable(held, 10, &size));         /* -Wmismatched-dealloc */
	free(ztryrealloc_usable(held, 10, NULL));       /* -Wmismatched-dealloc */
	free(zrealloc_usable2(held, 1, NULL, NULL));    /* -Wmismatched-dealloc */
	free(ztryrealloc_usable2(held, 1, NULL, NULL)); /* -Wmismatched-dealloc */
	free(zstrdup(text));                            /* -Wmismatched-dealloc */
	free(ztrystrdup(text));                         /* -Wmismatched-dealloc */
	free(zstrndup(text, 10));                       /* -Wmismatched-dealloc */
	free(ztrystrndup(text, 10));                    /* -Wmismatched-dealloc */
	free(zstrdup_usable(text, &size));              /* -Wmismatched-dealloc */
	free(zmemdup(text, 10));                        /* -Wmismatched-dealloc */
	free(ztrymemdup(text, 10));                     /* -Wmismatched-dealloc */
	free(zarena_malloc(arena, 10));                 /* -Wmismatched-dealloc */
	free(zarena_trymalloc(arena, 10));              /* -Wmismatched-dealloc */
	free(zarena_calloc(arena, 10));                 /* -Wmismatched-dealloc */
	free(zarena_trycalloc(arena, 10));              /* -Wmismatched-dealloc */
	free(zarena_realloc(arena, held, 10));          /* -Wmismatched-dealloc */
	free(zarena_tryrealloc(arena, held, 1));        /* -Wmismatched-dealloc */
	free(zmalloc_with_flags(10, 0));                /* -Wmismatched-dealloc */
	free(zrealloc_with_flags(held, 10, 0));         /* -Wmismatched-dealloc */
	free(zmalloc_no_tcache(10));                    /* -Wmismatched-dealloc */
}

void frees_theirs(void);
void frees_theirs(void)
{
	zfree(malloc(10));               /* -Wmismatched-dealloc */
	zfree_with_size(malloc(10), 10); /* -Wmismatched-dealloc */
	zfree_usable(malloc(10), NULL);  /* -Wmismatched-dealloc */
}

void resizes_ours(void);
void resizes_ours(void)
{
	void *block = zmalloc(10);

	held = realloc(block, 20); /* -Wmismatched-dealloc */
}

void frees_twice(void);
void frees_twice(void)
{
	void *block = zmalloc(10);

	zfree(block);
	zfree(block); /* -Wuse-after-free */
}

char uses_later(void);
char uses_later(void)
{
	char *block = (char *)zcalloc(10);

	zfree_with_size(block, 10);
	return block[1]; /* -Wuse-after-free */
}

void frees_inside(void);
void frees_inside(void)
{
	char *block = (char *)zmalloc(10);

	zfree(block + 1); /* -Wfree-nonheap-object */
}

void writes_past(void);
void writes_past(void)
{
	char *block = (char *)zmalloc(10);

	memset(block, 0, 20); /* -W */
	zfree(block);
}

void forgets(void);
void forgets(void)
{
	zmalloc(10); /* -Wunused-result */
}
