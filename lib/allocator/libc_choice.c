/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/libc_choice.c - which malloc() stands behind the adaptor of the C library's.
 */
#include "config.h"

#include "allocator/allocator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(HAVE_GNU_GET_LIBC_VERSION)
#include <gnu/libc-version.h>
#endif

#include "base/lock.h"
#include "base/program.h"

bool zm_libc_is_foreign;

#if !defined(ZM_HAVE_USABLE_SIZE)
#define USABLE_SIZE NULL
#elif defined(HAVE_GNU_GET_LIBC_VERSION)
#define USABLE_SIZE malloc_usable_size
#else
/* Systems differ in whether the block is const. */
static size_t usable_size_of(void *ptr)
{
#if defined(HAVE_MALLOC_USABLE_SIZE)
	return malloc_usable_size(ptr);
#elif defined(HAVE_MALLOC_SIZE)
	return malloc_size(ptr);
#else
#error "configure found a way to tell sizes, and not which"
#endif
}
#define USABLE_SIZE usable_size_of
#endif

#define BY_NAME                                                                                    \
	{                                                                                          \
		.malloc = malloc, .calloc = calloc, .realloc = realloc, .free = free,              \
		.aligned = posix_memalign, .usable_size = USABLE_SIZE                              \
	}

#if defined(HAVE_GNU_GET_LIBC_VERSION) && defined(HAVE_DLADDR) && defined(HAVE_DL_ITERATE_PHDR)

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>

static struct zm_once once;

/* ---- Until the choice is made --------------------------------------------------------------- */

static void *first_malloc(size_t size)
{
	zm_libc_choose();
	return zm_libc.malloc(size);
}

static void *first_calloc(size_t num, size_t size)
{
	zm_libc_choose();
	return zm_libc.calloc(num, size);
}

static void *first_realloc(void *ptr, size_t size)
{
	zm_libc_choose();
	return zm_libc.realloc(ptr, size);
}

static void first_free(void *ptr)
{
	zm_libc_choose();
	zm_libc.free(ptr);
}

static int first_aligned(void **ptr, size_t alignment, size_t size)
{
	zm_libc_choose();
	return zm_libc.aligned(ptr, alignment, size);
}

static size_t first_usable_size(void *ptr)
{
	zm_libc_choose();
	return zm_libc.usable_size(ptr);
}

struct zm_libc zm_libc = {
	.malloc = first_malloc,
	.calloc = first_calloc,
	.realloc = first_realloc,
	.free = first_free,
	.aligned = first_aligned,
	.usable_size = first_usable_size,
};

/* ---- The C library's own, whoever has the plain names --------------------------------------- */

/*
 * Weak, so that a program that is static as a whole does not get a second malloc() by them: there
 * they are 0 unless it has the C library's anyway.
 */
#define WEAK __attribute__((__weak__))
extern void *__libc_malloc(size_t size) WEAK;
extern void *__libc_calloc(size_t num, size_t size) WEAK;
extern void *__libc_realloc(void *ptr, size_t size) WEAK;
extern void __libc_free(void *ptr) WEAK;
extern void *__libc_memalign(size_t alignment, size_t size) WEAK;

static bool has_own_names(void)
{
	return __libc_malloc != NULL && __libc_calloc != NULL && __libc_realloc != NULL &&
	       __libc_free != NULL && __libc_memalign != NULL;
}

static int own_aligned(void **ptr, size_t alignment, size_t size)
{
	int saved_errno = errno;

	*ptr = __libc_memalign(alignment, size);
	errno = saved_errno;
	return *ptr != NULL ? 0 : ENOMEM;
}

/*
 * For a program that defines malloc_usable_size() as well, which has no second name: the size word
 * in front of a block, less the words that the block has of its chunk.
 */
static size_t own_usable_size(void *ptr)
{
	size_t word = ((size_t *)ptr)[-1], chunk = word & ~(size_t)7;
	bool is_mapped = (word & 2) != 0;

	return chunk - (is_mapped ? 2 : 1) * sizeof(size_t);
}

/* ---- The choice ----------------------------------------------------------------------------- */

static const void *base_of(const void *address)
{
	Dl_info object;

	return dladdr(address, &object) != 0 ? object.dli_fbase : NULL;
}

/* A sanitizer that is linked into the program puts its malloc() there, and wants to see our calls. */
extern size_t __sanitizer_get_allocated_size(const void *ptr) WEAK;

static bool is_preloaded(const void *malloc_at)
{
	const void *preload_at = zm_preload_address();

	return preload_at != NULL && base_of(malloc_at) == base_of(preload_at);
}

/*
 * malloc() of the program, or of whatever object this library is part of, may be built on ours, and that
 * of our own preloaded library is. Those of other libraries are not.
 */
static bool may_be_built_on_us(const void *malloc_at)
{
	return is_preloaded(malloc_at) ||
	       ((zm_is_in_program(malloc_at) || base_of(malloc_at) == base_of(&once)) &&
		__sanitizer_get_allocated_size == NULL);
}

static const void *address_of_malloc(void)
{
	void *(*function)(size_t) = malloc;

	return *(void **)&function;
}

static const void *base_of_glibc(void)
{
	const char *(*version)(void) = gnu_get_libc_version;

	return base_of(*(void **)&version);
}

static void use_own(struct zm_libc *libc)
{
	size_t (*usable_size)(void *) = malloc_usable_size;

	*libc = (struct zm_libc){
		.malloc = __libc_malloc,
		.calloc = __libc_calloc,
		.realloc = __libc_realloc,
		.free = __libc_free,
		.aligned = own_aligned,
		.usable_size = malloc_usable_size,
	};
	if (base_of(*(void **)&usable_size) != base_of_glibc())
		libc->usable_size = own_usable_size;
}

/* glibc's free() keeps errno, and callers rely on it; that of another malloc() may not. */
static void foreign_free(void *ptr)
{
	int saved_errno = errno;

	free(ptr);
	errno = saved_errno;
}

static void choose(void)
{
	const void *malloc_at = address_of_malloc(), *glibc = base_of_glibc();
	struct zm_libc libc = BY_NAME;

	zm_libc_is_foreign = glibc == NULL || base_of(malloc_at) != glibc;
	if (zm_libc_is_foreign && may_be_built_on_us(malloc_at) && has_own_names()) {
		use_own(&libc);
		zm_libc_is_foreign = false;
	}
	if (zm_libc_is_foreign)
		libc.free = foreign_free;
	zm_libc = libc;
}

void zm_libc_choose(void)
{
	zm_once(&once, choose);
}

/* The name of the file that malloc() is in takes the version's place. */
static void name_foreign(char *name, size_t size)
{
	Dl_info object;
	const char *file = "unknown", *slash;

	if (dladdr(address_of_malloc(), &object) != 0 && object.dli_fname != NULL &&
	    *object.dli_fname != '\0')
		file = object.dli_fname;
	slash = strrchr(file, '/');
	snprintf(name, size, "malloc-%s", slash != NULL ? slash + 1 : file);
}

#else

struct zm_libc zm_libc = BY_NAME;

void zm_libc_choose(void)
{
}

#if defined(HAVE_GNU_GET_LIBC_VERSION)
static void name_foreign(char *name, size_t size)
{
	(void)name, (void)size;
}
#endif

#endif

void zm_libc_name(char *name, size_t size)
{
#if defined(HAVE_GNU_GET_LIBC_VERSION)
	if (zm_libc_is_foreign)
		name_foreign(name, size);
	else
		snprintf(name, size, "glibc-%s", gnu_get_libc_version());
#else
	snprintf(name, size, "libc");
#endif
}
