/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_functions.c - the functions of a jemalloc whose names others have as well.
 */
#include "config.h"

#include "allocator/allocator.h"
#include "allocator/jemalloc_mib.h"
#include "allocator/jemalloc_names.h"

#if !ZM_JE_DIRECT

#include <stdlib.h>

/*
 * While this thread looks for the functions, the C library may allocate for it, and the program's
 * malloc() may be built on ours: what then comes in is served by jemalloc's other interface.
 */
static ZM_TLS bool looking;
static bool was_called; /* in that time */

/* ---- The plain four, made of jemalloc's other interface ---- */

static void *malloc_by_flags(size_t size)
{
	return mallocx(size + (size == 0), 0);
}

static void *calloc_by_flags(size_t num, size_t size)
{
	/* Only ever called with num 1. */
	(void)num;
	return mallocx(size + (size == 0), MALLOCX_ZERO);
}

static void *realloc_by_flags(void *ptr, size_t size)
{
	return rallocx(ptr, size, 0);
}

static void free_by_flags(void *ptr)
{
	if (ptr != NULL)
		dallocx(ptr, 0);
}

/* ---- Before anybody has looked ---- */

static bool is_first(void)
{
	if (looking) {
		was_called = true;
		return false;
	}
	zm_allocator_init();
	return true;
}

static void *first_malloc(size_t size)
{
	return !is_first() ? malloc_by_flags(size) : zm_je.malloc(size);
}

static void *first_calloc(size_t num, size_t size)
{
	return !is_first() ? calloc_by_flags(num, size) : zm_je.calloc(num, size);
}

static void *first_realloc(void *ptr, size_t size)
{
	return !is_first() ? realloc_by_flags(ptr, size) : zm_je.realloc(ptr, size);
}

static void first_free(void *ptr)
{
	if (!is_first())
		free_by_flags(ptr);
	else
		zm_je.free(ptr);
}

static size_t sallocx_of_jemalloc(const void *ptr, int flags)
{
	return sallocx(ptr, flags);
}

struct zm_jemalloc zm_je = {
	.malloc = first_malloc,
	.calloc = first_calloc,
	.realloc = first_realloc,
	.free = first_free,
	.mallocx = mallocx,
	.sallocx = sallocx_of_jemalloc,
	.sdallocx = sdallocx,
	.nallocx = nallocx,
};

/* ---- Looking ---- */

static void use_flag_functions(void)
{
	zm_je.malloc = malloc_by_flags;
	zm_je.calloc = calloc_by_flags;
	zm_je.realloc = realloc_by_flags;
	zm_je.free = free_by_flags;
}

#if defined(PIC)

#if defined(HAVE_DLADDR)

#include <dlfcn.h>

/* A data pointer to a function pointer, as POSIX's dlsym(3) requires to work. */
#define FIND(name) (*(void **)&functions.name = dlsym(handle, #name)) != NULL

/*
 * From the object that holds mallctl(), a name that is jemalloc's alone. mallocx() and its like are
 * taken from there, too: gperftools exports a nallocx of its own. A program that has jemalloc's
 * static library in itself is no object that dlopen() gives a handle of.
 */
static bool find_by_address(void)
{
	struct zm_jemalloc functions = zm_je;
	void *mallctl_at, *handle;
	Dl_info object;
	bool found;

	*(int (**)(const char *, void *, size_t *, void *, size_t)) & mallctl_at = mallctl;
	if (dladdr(mallctl_at, &object) == 0 || object.dli_fname == NULL)
		return false;
	handle = dlopen(object.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (handle == NULL)
		return false;
	found = FIND(malloc) && FIND(calloc) && FIND(realloc) && FIND(free) && FIND(mallocx) &&
		FIND(sallocx) && FIND(sdallocx) && FIND(nallocx);
	dlclose(handle);
	if (found)
		zm_je = functions;
	return found;
}

#else

static bool find_by_address(void)
{
	return false;
}

#endif

static void choose_functions(void)
{
	if (!find_by_address())
		use_flag_functions();
}

#else

/*
 * In the static library: the malloc() that the linker gave us is jemalloc's if it counts there,
 * and if it is not the program's own, built on ours.
 */
static bool plain_malloc_is_jemalloc(void)
{
	uint64_t before, after;
	void *volatile block;

	if (!zm_je_read_by_name("thread.allocated", &before, sizeof(before)))
		return false;
	block = malloc(1);
	if (!zm_je_read_by_name("thread.allocated", &after, sizeof(after)))
		after = before;
	free(block);
	return after != before && !was_called;
}

static void choose_functions(void)
{
	if (plain_malloc_is_jemalloc()) {
		zm_je.malloc = malloc;
		zm_je.calloc = calloc;
		zm_je.realloc = realloc;
		zm_je.free = free;
	} else
		use_flag_functions();
}

#endif

void zm_je_find_functions(void)
{
	looking = true;
	choose_functions();
	looking = false;
}

#endif
