/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/hooks.h - other libraries' memory, charged to the program or to a scope of its own.
 *
 * Many libraries can be told which functions allocate for them. The ones here have the shapes that
 * such libraries ask for; none of a library's own headers is needed to include this one.
 * zmalloc_hooks(3) has the lines for each library.
 *
 *   zmalloc_hook_NAME()            charge to where the thread is: the program, or a scope that it
 *                                  has entered
 *   ZMALLOC_HOOKS(prefix, "name")  defines prefix_NAME(), each the same, charged to the scope of
 *                                  that name
 *
 * They fail as ztrymalloc() does, with NULL: libraries expect that, and the out-of-memory handler
 * is not called. A library has to be told before it first allocates, since what it frees has to come
 * from here. They are as thread-safe as zmalloc() is. Those that free keep errno.
 */
#ifndef ZMALLOC_HOOKS_H
#define ZMALLOC_HOOKS_H

#include <errno.h>
#include <limits.h>

#include "scope.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ZMALLOC_HOOK __attribute__((__unused__)) static inline
#else
#define ZMALLOC_HOOK static inline
#endif

/* ---- As the C library has them -------------------------------------------------------------- */

ZMALLOC_HOOK void *zmalloc_hook_malloc(size_t size)
{
	return ztrymalloc(size);
}

ZMALLOC_HOOK void *zmalloc_hook_calloc(size_t num, size_t size)
{
	return ztrycalloc_num(num, size);
}

/* Size 0 frees, as that of the C library's realloc() may. */
ZMALLOC_HOOK void *zmalloc_hook_realloc(void *ptr, size_t size)
{
	return ztryrealloc(ptr, size);
}

ZMALLOC_HOOK void zmalloc_hook_free(void *ptr)
{
	zfree(ptr);
}

ZMALLOC_HOOK void *zmalloc_hook_aligned_alloc(size_t alignment, size_t size)
{
	return ztrymalloc_aligned(alignment, size);
}

/* Returns an error's number, EINVAL or ENOMEM, and leaves errno and *ptr alone then. */
ZMALLOC_HOOK int zmalloc_hook_posix_memalign(void **ptr, size_t alignment, size_t size)
{
	int saved_errno = errno, error;
	void *block = ztrymalloc_aligned(alignment, size);

	error = block == NULL ? errno : 0;
	errno = saved_errno;
	if (block != NULL)
		*ptr = block;
	return error;
}

ZMALLOC_HOOK char *zmalloc_hook_strdup(const char *string)
{
	return ztrystrdup(string);
}

/* ---- With a pointer of the caller's, first or last, that is not looked at ------------------- */

ZMALLOC_HOOK void *zmalloc_hook_opaque_malloc(void *opaque, size_t size)
{
	(void)opaque;
	return ztrymalloc(size);
}

ZMALLOC_HOOK void *zmalloc_hook_opaque_calloc(void *opaque, size_t num, size_t size)
{
	(void)opaque;
	return ztrycalloc_num(num, size);
}

ZMALLOC_HOOK void *zmalloc_hook_opaque_realloc(void *opaque, void *ptr, size_t size)
{
	(void)opaque;
	return ztryrealloc(ptr, size);
}

ZMALLOC_HOOK void zmalloc_hook_opaque_free(void *opaque, void *ptr)
{
	(void)opaque;
	zfree(ptr);
}

ZMALLOC_HOOK void *zmalloc_hook_malloc_opaque(size_t size, void *opaque)
{
	(void)opaque;
	return ztrymalloc(size);
}

ZMALLOC_HOOK void *zmalloc_hook_calloc_opaque(size_t num, size_t size, void *opaque)
{
	(void)opaque;
	return ztrycalloc_num(num, size);
}

ZMALLOC_HOOK void *zmalloc_hook_realloc_opaque(void *ptr, size_t size, void *opaque)
{
	(void)opaque;
	return ztryrealloc(ptr, size);
}

ZMALLOC_HOOK void zmalloc_hook_free_opaque(void *ptr, void *opaque)
{
	(void)opaque;
	zfree(ptr);
}

/* ---- Lua: one function for all -------------------------------------------------------------- */

/* Versions before 5.4 rely on it that a block can always be made smaller. */
ZMALLOC_HOOK void *zmalloc_hook_lua(void *opaque, void *ptr, size_t old_size, size_t size)
{
	void *resized;

	(void)opaque;
	if (size == 0) {
		zfree(ptr);
		return NULL;
	}
	resized = ztryrealloc(ptr, size);
	return resized == NULL && ptr != NULL && size <= old_size ? ptr : resized;
}

/* ---- zlib: a number and a size -------------------------------------------------------------- */

ZMALLOC_HOOK void *zmalloc_hook_zlib_alloc(void *opaque, unsigned num, unsigned size)
{
	(void)opaque;
	if (size != 0 && num > SIZE_MAX / size)
		return NULL;
	return ztrymalloc((size_t)num * size);
}

ZMALLOC_HOOK void zmalloc_hook_zlib_free(void *opaque, void *ptr)
{
	(void)opaque;
	zfree(ptr);
}

/* ---- OpenSSL: with the place of the call ---------------------------------------------------- */

ZMALLOC_HOOK void *zmalloc_hook_openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return ztrymalloc(size);
}

ZMALLOC_HOOK void *zmalloc_hook_openssl_realloc(void *ptr, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return ztryrealloc(ptr, size);
}

ZMALLOC_HOOK void zmalloc_hook_openssl_free(void *ptr, const char *file, int line)
{
	(void)file, (void)line;
	zfree(ptr);
}

/* ---- SQLite: sizes are int, and it plans by them -------------------------------------------- */

ZMALLOC_HOOK void *zmalloc_hook_sqlite_malloc(int size)
{
	return size > 0 ? ztrymalloc((size_t)size) : NULL;
}

ZMALLOC_HOOK void *zmalloc_hook_sqlite_realloc(void *ptr, int size)
{
	return size >= 0 ? ztryrealloc(ptr, (size_t)size) : NULL;
}

ZMALLOC_HOOK int zmalloc_hook_sqlite_size(void *ptr)
{
	size_t usable = zmalloc_usable_size(ptr);

	return usable < INT_MAX ? (int)usable : INT_MAX;
}

/* A multiple of 8 at the least; a size that no int can hold any more is left as it is. */
ZMALLOC_HOOK int zmalloc_hook_sqlite_roundup(int size)
{
	size_t good;

	if (size <= 0)
		return size;
	good = zmalloc_good_size(((size_t)size + 7) & ~(size_t)7);
	return good <= INT_MAX ? (int)good : size;
}

/* 0 is SQLITE_OK. */
ZMALLOC_HOOK int zmalloc_hook_sqlite_init(void *opaque)
{
	(void)opaque;
	return 0;
}

ZMALLOC_HOOK void zmalloc_hook_sqlite_shutdown(void *opaque)
{
	(void)opaque;
}

/* ---- To a scope of their own ---------------------------------------------------------------- */

/* Where there is no such scope to be had, the thread stays where it is. */
ZMALLOC_HOOK int zmalloc_hook_enter(zmalloc_scope *scope)
{
	int saved_errno = errno;
	int has_entered = scope != NULL && zmalloc_scope_enter(scope) == 0;

	errno = saved_errno;
	return has_entered;
}

/* Looked up once. Two threads that do so at the same time find the same one. */
#if defined(__GNUC__)
#define ZMALLOC_HOOK_LOAD(scope) __atomic_load_n(&(scope), __ATOMIC_ACQUIRE)
#define ZMALLOC_HOOK_STORE(scope, found) __atomic_store_n(&(scope), found, __ATOMIC_RELEASE)
#else
#define ZMALLOC_HOOK_LOAD(scope) (scope)
#define ZMALLOC_HOOK_STORE(scope, found) ((scope) = (found))
#endif

ZMALLOC_HOOK zmalloc_scope *zmalloc_hook_scope(zmalloc_scope **known, const char *name)
{
	zmalloc_scope *scope = ZMALLOC_HOOK_LOAD(*known);
	int saved_errno = errno;

	if (scope == NULL) {
		scope = zmalloc_scope_new(name);
		ZMALLOC_HOOK_STORE(*known, scope);
	}
	errno = saved_errno;
	return scope;
}

/* One function: zmalloc_hook_NAME() inside of the scope. */
#define ZMALLOC_HOOK_RETURNS(prefix, type, name, parameters, arguments)                            \
	ZMALLOC_HOOK type prefix##_##name parameters                                               \
	{                                                                                          \
		zmalloc_scope *scope_of_hook = prefix##_scope();                                   \
		int has_entered = zmalloc_hook_enter(scope_of_hook);                               \
		type result = zmalloc_hook_##name arguments;                                       \
                                                                                                   \
		if (has_entered)                                                                   \
			zmalloc_scope_leave(scope_of_hook);                                        \
		return result;                                                                     \
	}
#define ZMALLOC_HOOK_FREES(prefix, name, parameters, arguments)                                    \
	ZMALLOC_HOOK void prefix##_##name parameters                                               \
	{                                                                                          \
		zmalloc_scope *scope_of_hook = prefix##_scope();                                   \
		int has_entered = zmalloc_hook_enter(scope_of_hook);                               \
                                                                                                   \
		zmalloc_hook_##name arguments;                                                     \
		if (has_entered)                                                                   \
			zmalloc_scope_leave(scope_of_hook);                                        \
	}

/*
 * Define all of the functions above once more, static, by the names prefix_malloc(), prefix_lua()
 * and so on, and prefix_scope(), which tells the scope. With a prefix and a scope for each library,
 * each is seen by itself:
 *
 *     ZMALLOC_HOOKS(of_json, "json")
 *
 *     json_set_alloc_funcs(of_json_malloc, of_json_free);
 *
 * A block must be freed by the same family for the scope's figure to be right; used memory is right
 * in any case.
 */
#define ZMALLOC_HOOKS(prefix, scope_name)                                                          \
	ZMALLOC_HOOK zmalloc_scope *prefix##_scope(void)                                           \
	{                                                                                          \
		static zmalloc_scope *known;                                                       \
                                                                                                   \
		return zmalloc_hook_scope(&known, scope_name);                                     \
	}                                                                                          \
	ZMALLOC_HOOK_RETURNS(prefix, void *, malloc, (size_t size), (size))                        \
	ZMALLOC_HOOK_RETURNS(prefix, void *, calloc, (size_t num, size_t size), (num, size))       \
	ZMALLOC_HOOK_RETURNS(prefix, void *, realloc, (void *ptr, size_t size), (ptr, size))       \
	ZMALLOC_HOOK_FREES(prefix, free, (void *ptr), (ptr))                                       \
	ZMALLOC_HOOK_RETURNS(prefix, void *, aligned_alloc, (size_t alignment, size_t size),       \
			     (alignment, size))                                                    \
	ZMALLOC_HOOK_RETURNS(prefix, int, posix_memalign,                                          \
			     (void **ptr, size_t alignment, size_t size), (ptr, alignment, size))  \
	ZMALLOC_HOOK_RETURNS(prefix, char *, strdup, (const char *string), (string))               \
	ZMALLOC_HOOK_RETURNS(prefix, void *, opaque_malloc, (void *opaque, size_t size),           \
			     (opaque, size))                                                       \
	ZMALLOC_HOOK_RETURNS(prefix, void *, opaque_calloc,                                        \
			     (void *opaque, size_t num, size_t size), (opaque, num, size))         \
	ZMALLOC_HOOK_RETURNS(prefix, void *, opaque_realloc,                                       \
			     (void *opaque, void *ptr, size_t size), (opaque, ptr, size))          \
	ZMALLOC_HOOK_FREES(prefix, opaque_free, (void *opaque, void *ptr), (opaque, ptr))          \
	ZMALLOC_HOOK_RETURNS(prefix, void *, malloc_opaque, (size_t size, void *opaque),           \
			     (size, opaque))                                                       \
	ZMALLOC_HOOK_RETURNS(prefix, void *, calloc_opaque,                                        \
			     (size_t num, size_t size, void *opaque), (num, size, opaque))         \
	ZMALLOC_HOOK_RETURNS(prefix, void *, realloc_opaque,                                       \
			     (void *ptr, size_t size, void *opaque), (ptr, size, opaque))          \
	ZMALLOC_HOOK_FREES(prefix, free_opaque, (void *ptr, void *opaque), (ptr, opaque))          \
	ZMALLOC_HOOK_RETURNS(prefix, void *, lua,                                                  \
			     (void *opaque, void *ptr, size_t old_size, size_t size),              \
			     (opaque, ptr, old_size, size))                                        \
	ZMALLOC_HOOK_RETURNS(prefix, void *, zlib_alloc,                                           \
			     (void *opaque, unsigned num, unsigned size), (opaque, num, size))     \
	ZMALLOC_HOOK_FREES(prefix, zlib_free, (void *opaque, void *ptr), (opaque, ptr))            \
	ZMALLOC_HOOK_RETURNS(prefix, void *, openssl_malloc,                                       \
			     (size_t size, const char *file, int line), (size, file, line))        \
	ZMALLOC_HOOK_RETURNS(prefix, void *, openssl_realloc,                                      \
			     (void *ptr, size_t size, const char *file, int line),                 \
			     (ptr, size, file, line))                                              \
	ZMALLOC_HOOK_FREES(prefix, openssl_free, (void *ptr, const char *file, int line),          \
			   (ptr, file, line))                                                      \
	ZMALLOC_HOOK_RETURNS(prefix, void *, sqlite_malloc, (int size), (size))                    \
	ZMALLOC_HOOK_RETURNS(prefix, void *, sqlite_realloc, (void *ptr, int size), (ptr, size))   \
	ZMALLOC_HOOK_RETURNS(prefix, int, sqlite_size, (void *ptr), (ptr))                         \
	ZMALLOC_HOOK_RETURNS(prefix, int, sqlite_roundup, (int size), (size))                      \
	ZMALLOC_HOOK_RETURNS(prefix, int, sqlite_init, (void *opaque), (opaque))                   \
	ZMALLOC_HOOK_FREES(prefix, sqlite_shutdown, (void *opaque), (opaque))

#ifdef __cplusplus
}
#endif

#endif
