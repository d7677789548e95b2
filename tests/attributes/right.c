/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/attributes/right.c - what nobody should be warned of, the compiler's analyzer included: each
 * block goes to one of the functions that take it, and a resize that fails leaves the old block.
 */
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/defrag.h>
#include <zmalloc/redis.h>

void frees_each_way(size_t size);
void frees_each_way(size_t size)
{
	void *block = ztrymalloc(size);

	zfree(block);
	block = ztrycalloc(size);
	zfree_with_size(block, size);
	block = ztrymalloc_aligned(64, size);
	zfree_usable(block, &size);
	block = zmalloc_with_flags(size, 0);
	zfree_with_flags(block, 0);
	block = ztrycalloc_num(size, 2);
	zfree_with_flags(block, 0);
	block = zmalloc_with_flags(size, 0);
	zfree(block);
	block = zmalloc_no_tcache(size);
	zfree_no_tcache(block);
	block = zmalloc_no_tcache(size);
	zfree(block);
	block = zmalloc(size);
	zfree_no_tcache(block);
	zfree(NULL);
}

/* The old block is valid after each resize that failed. */
char *grows(size_t size);
char *grows(size_t size)
{
	char *block = (char *)ztrymalloc(size + 1), *grown;

	if (block == NULL)
		return NULL;
	block[0] = 1;
	grown = (char *)ztryrealloc(block, size * 2 + 1);
	if (grown == NULL) {
		block[0] = 2;
		return block;
	}
	block = (char *)zrealloc(grown, size * 3 + 1);
	if (block == NULL) {
		grown[0] = 3;
		zfree(grown);
		return NULL;
	}
	grown = (char *)ztryrealloc_usable2(block, size * 4 + 1, &size, NULL);
	if (grown == NULL)
		zfree(block);
	return grown;
}

void in_an_arena(zarena *arena);
void in_an_arena(zarena *arena)
{
	void *block = zarena_trymalloc(arena, 10), *grown;

	if (block == NULL)
		return;
	grown = zarena_tryrealloc(arena, block, 20);
	zfree(grown != NULL ? grown : block);
	block = zarena_trycalloc(arena, 10);
	if (block != NULL)
		block = ztryrealloc(block, 100);
	zfree_with_size(block, 100);
}

size_t copies(const char *text);
size_t copies(const char *text)
{
	char *copy = ztrystrdup(text);
	size_t length = copy != NULL ? strlen(copy) : 0;
	char *own = strdup(text);

	zfree(copy);
	zlibc_free(own);
	return length;
}

char *to_the_usable_size(size_t size);
char *to_the_usable_size(size_t size)
{
	size_t usable;
	char *block = (char *)ztrymalloc_usable(size, &usable);

	if (block == NULL)
		return NULL;
	block = (char *)zmalloc_extend_to_usable(block, usable);
	memset(block, 0, usable);
	return block;
}

/* Moved by a cycle: the old pointer is given up for the new one. */
void visits(zdefrag *d, void **root);
void visits(zdefrag *d, void **root)
{
	*root = zdefrag_visit(d, *root);
}
