/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/preload/new.c - C++'s operators new and delete, in C.
 *
 * The C++ library's own are built on malloc(), so a program does not need these. But some allocators' shared
 * libraries export operators of theirs, which come before those of the C++ library: blocks would be the
 * allocator's and in no account. And a jump is saved.
 *
 * What a failure means is the standard's business: the new-handler is called, std::bad_alloc is thrown. So
 * the C++ library's own operator is called then, and does that with the malloc() of ours that it is built on.
 */
#include "config.h"

#include "preload/preload.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

/* size_t as the C++ ABI writes it in names. */
#if __SIZEOF_SIZE_T__ == 8 || defined(__s390__)
_Static_assert(__builtin_types_compatible_p(size_t, unsigned long), "size_t has another letter");
#define NAME(before, after) before "m" after
#else
_Static_assert(__builtin_types_compatible_p(size_t, unsigned int), "size_t has another letter");
#define NAME(before, after) before "j" after
#endif

#define NEW NAME("_Znw", "")
#define NEW_ARRAY NAME("_Zna", "")
#define NEW_ALIGNED NAME("_Znw", "St11align_val_t")
#define NEW_ARRAY_ALIGNED NAME("_Zna", "St11align_val_t")
#define NOTHROW "RKSt9nothrow_t"

/* ---- The C++ library ------------------------------------------------------------------------ */

static ZM_ATOMIC(void *) cxx;

void zm_find_cxx(void)
{
	static const char *const names[] = {"libstdc++.so.6", "libc++.so.1", "libc++abi.so.1"};
	void *found = zm_load(&cxx);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && found == NULL; i++)
		found = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
	zm_store(&cxx, found);
}

/* It has the operator, or there would be nobody who calls it. */
static ZM_COLD void *operator_of_cxx(const char *name)
{
	static const char no_library[] =
		"zmalloc: no memory for operator new, and no C++ library that could say so\n";
	void *found = NULL;

	zm_find_cxx();
	if (zm_load(&cxx) != NULL)
		found = dlsym(zm_load(&cxx), name);
	if (found != NULL)
		return found;
	if (write(STDERR_FILENO, no_library, sizeof(no_library) - 1) < 0)
		abort();
	abort();
}

typedef void *(*new_function)(size_t size);
typedef void *(*new_aligned_function)(size_t size, size_t alignment);
typedef void *(*new_nothrow_function)(size_t size, const void *tag);
typedef void *(*new_aligned_nothrow_function)(size_t size, size_t alignment, const void *tag);

/* ---- New ------------------------------------------------------------------------------------ */

ZM_INLINE void *get(size_t size)
{
	return zm_is_slow() ? zm_slow_malloc(size) : zm_calls.ztrymalloc(size);
}

#define DEFINE_NEW(function, name)                                                                 \
	ZM_EXPORTED void *function(size_t size) __asm__(name);                                     \
	void *function(size_t size)                                                                \
	{                                                                                          \
		void *ptr = get(size);                                                             \
                                                                                                   \
		if (zm_likely(ptr != NULL))                                                        \
			return ptr;                                                                \
		return ((new_function)operator_of_cxx(name))(size);                                \
	}
#define DEFINE_NEW_NOTHROW(function, name)                                                         \
	ZM_EXPORTED void *function(size_t size, const void *tag) __asm__(name);                    \
	void *function(size_t size, const void *tag)                                               \
	{                                                                                          \
		void *ptr = get(size);                                                             \
                                                                                                   \
		if (zm_likely(ptr != NULL))                                                        \
			return ptr;                                                                \
		return ((new_nothrow_function)operator_of_cxx(name))(size, tag);                   \
	}
#define DEFINE_NEW_ALIGNED(function, name)                                                         \
	ZM_EXPORTED void *function(size_t size, size_t alignment) __asm__(name);                   \
	void *function(size_t size, size_t alignment)                                              \
	{                                                                                          \
		void *ptr = zm_aligned(alignment, size);                                           \
                                                                                                   \
		if (zm_likely(ptr != NULL))                                                        \
			return ptr;                                                                \
		return ((new_aligned_function)operator_of_cxx(name))(size, alignment);             \
	}
#define DEFINE_NEW_ALIGNED_NOTHROW(function, name)                                                 \
	ZM_EXPORTED void *function(size_t size, size_t alignment, const void *tag) __asm__(name);  \
	void *function(size_t size, size_t alignment, const void *tag)                             \
	{                                                                                          \
		void *ptr = zm_aligned(alignment, size);                                           \
                                                                                                   \
		if (zm_likely(ptr != NULL))                                                        \
			return ptr;                                                                \
		return ((new_aligned_nothrow_function)operator_of_cxx(name))(size, alignment,      \
									     tag);                 \
	}

DEFINE_NEW(new_one, NEW)
DEFINE_NEW(new_array, NEW_ARRAY)
DEFINE_NEW_NOTHROW(new_one_nothrow, NEW NOTHROW)
DEFINE_NEW_NOTHROW(new_array_nothrow, NEW_ARRAY NOTHROW)
DEFINE_NEW_ALIGNED(new_one_aligned, NEW_ALIGNED)
DEFINE_NEW_ALIGNED(new_array_aligned, NEW_ARRAY_ALIGNED)
DEFINE_NEW_ALIGNED_NOTHROW(new_one_aligned_nothrow, NEW_ALIGNED NOTHROW)
DEFINE_NEW_ALIGNED_NOTHROW(new_array_aligned_nothrow, NEW_ARRAY_ALIGNED NOTHROW)

/* ---- Delete --------------------------------------------------------------------------------- */

ZM_INLINE void give_back(void *ptr)
{
	if (zm_is_slow_with(ptr))
		zm_slow_free(ptr);
	else
		zm_calls.zfree(ptr);
}

/*
 * Whatever else it is told, a size, an alignment or a tag. The size is not relied on: a class without a
 * virtual destructor, deleted as its base, has another one, and such programs have run.
 */
#define DEFINE_DELETE(function, name)                                                              \
	ZM_EXPORTED void function(void *ptr) __asm__(name);                                        \
	void function(void *ptr)                                                                   \
	{                                                                                          \
		give_back(ptr);                                                                    \
	}
#define DEFINE_DELETES(function, begin)                                                            \
	DEFINE_DELETE(function, begin)                                                             \
	DEFINE_DELETE(function##_nothrow, begin NOTHROW)                                           \
	DEFINE_DELETE(function##_sized, NAME(begin, ""))                                           \
	DEFINE_DELETE(function##_aligned, begin "St11align_val_t")                                 \
	DEFINE_DELETE(function##_aligned_nothrow, begin "St11align_val_t" NOTHROW)                 \
	DEFINE_DELETE(function##_sized_aligned, NAME(begin, "St11align_val_t"))

DEFINE_DELETES(delete_one, "_ZdlPv")
DEFINE_DELETES(delete_array, "_ZdaPv")
