/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc.c - jemalloc, cold half: finding its functions, its figures, its controls.
 *
 * Controls and statistics: jemalloc(3), "MALLCTL NAMESPACE".
 */
#include "config.h"

#include "allocator/allocator.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmalloc.h>

#include "allocator/jemalloc_names.h"
#include "allocator/slab.h"

static void take_functions(void);
static pthread_once_t taken = PTHREAD_ONCE_INIT;

static void set_up(void)
{
	take_functions();
#if !ZM_RAW_COUNTS
	zm_size_map_init(zm_allocator_good_size);
#endif
}

void zm_allocator_init(void)
{
	pthread_once(&taken, set_up);
}

/*
 * What the pointers hold until a constructor, or whoever allocates before it, has run
 * take_functions(). A block to free or measure cannot exist by then, but for NULL.
 */
static void *first_malloc(size_t size)
{
	zm_allocator_init();
	return zm_je.malloc(size);
}

static void *first_calloc(size_t num, size_t size)
{
	zm_allocator_init();
	return zm_je.calloc(num, size);
}

static void *first_realloc(void *ptr, size_t size)
{
	zm_allocator_init();
	return zm_je.realloc(ptr, size);
}

static void first_free(void *ptr)
{
	zm_allocator_init();
	zm_je.free(ptr);
}

struct zm_jemalloc zm_je = {
	.malloc = first_malloc,
	.free = first_free,
	.sdallocx = ZM_JE(sdallocx),
	.calloc = first_calloc,
	.realloc = first_realloc,
	.usable_size = ZM_JE_USABLE_SIZE,
	.mallocx = ZM_JE(mallocx),
	.nallocx = ZM_JE(nallocx),
	.mallctl = ZM_JE(mallctl),
};

#if defined(ZM_JE_PREFIXED)

static void take_functions(void)
{
	zm_je.malloc = je_malloc;
	zm_je.calloc = je_calloc;
	zm_je.realloc = je_realloc;
	zm_je.free = je_free;
}

#else

/*
 * The plain four, made of jemalloc's other interface: for a process in which they cannot be found.
 */
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

static void take_by_flags(void)
{
	zm_je.malloc = malloc_by_flags;
	zm_je.calloc = calloc_by_flags;
	zm_je.realloc = realloc_by_flags;
	zm_je.free = free_by_flags;
}

static void take_plain(void)
{
	zm_je.malloc = malloc;
	zm_je.calloc = calloc;
	zm_je.realloc = realloc;
	zm_je.free = free;
}

/* Does the program's own malloc(), as the linker resolved it for us, count in jemalloc? */
static bool plain_malloc_is_jemalloc(void)
{
	uint64_t before, after;
	size_t bytes = sizeof(before);
	void *volatile block;

	if (mallctl("thread.allocated", &before, &bytes, NULL, 0) != 0)
		return false;
	block = malloc(1);
	if (mallctl("thread.allocated", &after, &bytes, NULL, 0) != 0)
		after = before;
	free(block);
	return after != before;
}

#if defined(PIC) && defined(HAVE_DLADDR)

#include <dlfcn.h>

/* A data pointer to a function pointer, as POSIX's dlsym(3) requires to work. */
#define TAKE(handle, member, name) (*(void **)&functions.member = dlsym((handle), (name))) != NULL

static bool take_by_address(void)
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
	/* nallocx and sdallocx as well: gperftools exports a nallocx of its own. */
	found = TAKE(handle, malloc, "malloc") && TAKE(handle, calloc, "calloc") &&
		TAKE(handle, realloc, "realloc") && TAKE(handle, free, "free") &&
		TAKE(handle, usable_size, "malloc_usable_size") &&
		TAKE(handle, nallocx, "nallocx") && TAKE(handle, sdallocx, "sdallocx") &&
		TAKE(handle, mallocx, "mallocx");
	dlclose(handle);
	if (found)
		zm_je = functions;
	return found;
}

#else

static bool take_by_address(void)
{
	return false;
}

#endif

static void take_functions(void)
{
	if (plain_malloc_is_jemalloc())
		take_plain();
	else if (!take_by_address())
		take_by_flags();
}

#endif

#if ZM_RAW_COUNTS

bool zm_raw_counters(const uint64_t **allocated, const uint64_t **freed)
{
	size_t bytes = sizeof(*allocated);

	return ZM_JE(mallctl)("thread.allocatedp", (void *)allocated, &bytes, NULL, 0) == 0 &&
	       ZM_JE(mallctl)("thread.deallocatedp", (void *)freed, &bytes, NULL, 0) == 0;
}

bool zm_raw_counters_shared(void)
{
#if defined(ZM_JE_PREFIXED)
	return false;
#else
	return zm_je.malloc == malloc;
#endif
}

#endif

void zm_allocator_name(char *name, size_t size)
{
	const char *version = "";
	size_t bytes = sizeof(version);

	/* "5.3.0-0-g54eaed1d...": the part before the first '-' is the release. */
	ZM_JE(mallctl)("version", (void *)&version, &bytes, NULL, 0);
	snprintf(name, size, "jemalloc-%.*s", (int)strcspn(version, "-"), version);
}

bool zm_allocator_has(int capability)
{
	bool background;
	size_t bytes = sizeof(background);

	switch (capability) {
	case ZMALLOC_CAN_DEFRAG:
		return zm_slab_layout() != NULL;
	case ZMALLOC_CAN_PURGE:
	case ZMALLOC_CAN_CTL:
	case ZMALLOC_CAN_ALLOCATOR_INFO:
	case ZMALLOC_CAN_USABLE_SIZE:
		return true;
	case ZMALLOC_CAN_ARENA:
#if defined(ZM_RAW_ARENAS)
		return true;
#else
		return false;
#endif
	case ZMALLOC_CAN_BACKGROUND_PURGE:
		return ZM_JE(mallctl)("background_thread", &background, &bytes, NULL, 0) == 0;
	default:
		return false;
	}
}

size_t zm_allocator_good_size(size_t size)
{
	return zm_je.nallocx(size + (size == 0), 0);
}

#if ZM_RAW_COUNTS
/* "arenas.create" makes one by being read. */
static bool may_change_arenas(const char *name, const void *new_value)
{
	return strcmp(name, "arenas.create") == 0 ||
	       (new_value != NULL && strstr(name, "arena") != NULL);
}
#endif

int zm_allocator_ctl(const char *name, void *old, size_t *old_size, void *new_value,
		     size_t new_size)
{
	int error = ZM_JE(mallctl)(name, old, old_size, new_value, new_size);

#if ZM_RAW_COUNTS
	if (error == 0 && may_change_arenas(name, new_value))
		zm_je_keep_errno_everywhere();
#endif
	return error;
}

int zm_allocator_purge(void)
{
	size_t mib[3], depth = 3;
	int error = ZM_JE(mallctlnametomib)("arena.0.purge", mib, &depth);

	if (error != 0)
		return error;
	mib[1] = MALLCTL_ARENAS_ALL;
	return ZM_JE(mallctlbymib)(mib, depth, NULL, NULL, NULL, 0);
}

int zm_allocator_background_purge(bool enable)
{
	int error = ZM_JE(mallctl)("background_thread", NULL, NULL, &enable, sizeof(enable));

	return error == ENOENT ? ENOTSUP : error;
}
