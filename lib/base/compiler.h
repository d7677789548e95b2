/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/compiler.h - what we ask of the compiler beyond C11, each with a fallback.
 */
#ifndef ZM_COMPILER_H
#define ZM_COMPILER_H

#if defined(__GNUC__)
#define zm_likely(x) __builtin_expect(!!(x), 1)
#define zm_unlikely(x) __builtin_expect(!!(x), 0)
#define ZM_COLD __attribute__((__noinline__, __cold__))
#define ZM_NOINLINE __attribute__((__noinline__))
#define ZM_INLINE static inline __attribute__((__always_inline__))
/*
 * On the declaration of a variable that the fast path reads: -fvisibility=hidden is for definitions,
 * and without it each reader asks the GOT first where the variable is.
 */
#define ZM_HIDDEN __attribute__((__visibility__("hidden")))
#define ZM_CACHELINE_ALIGNED __attribute__((__aligned__(ZM_CACHELINE_BYTES)))
#else
#define zm_likely(x) (x)
#define zm_unlikely(x) (x)
#define ZM_COLD
#define ZM_NOINLINE
#define ZM_INLINE static inline
#define ZM_HIDDEN
#define ZM_CACHELINE_ALIGNED _Alignas(ZM_CACHELINE_BYTES)
#endif

/*
 * Public functions of the fast path. In the shared library on a line of their own: where other code
 * happened to put them, a pair had 0.745 or 0.774 of the speed of bare jemalloc; so it has 0.774.
 * Link-time optimization puts them into the program, for which they are too large without the word:
 * 0.63 and 0.81.
 */
#if !defined(PIC)
#define ZM_HOT inline
#elif defined(__GNUC__)
#define ZM_HOT __attribute__((__aligned__(ZM_CACHELINE_BYTES)))
#else
#define ZM_HOT
#endif

/* What will be read soon; any address is allowed. */
#if defined(HAVE_BUILTIN_PREFETCH)
#define zm_prefetch(address) __builtin_prefetch(address)
#else
#define zm_prefetch(address) ((void)(address))
#endif

/*
 * The same pointer, of whose block the compiler knows nothing, least of all the size: an attribute of
 * the function that allocated it, or a builtin, says the size asked for, and inlining and link-time
 * optimization carry that to the caller. _FORTIFY_SOURCE would then end a program that writes to the
 * usable size, as it may. Costs no instruction.
 */
#if defined(__GNUC__)
ZM_INLINE void *zm_forget_size(void *ptr)
{
	__asm__("" : "+r"(ptr));
	return ptr;
}
#else
#define zm_forget_size(ptr) (ptr)
#endif

/* 64 on every processor we run on but Apple's (128), where two counters a line only cost speed. */
#define ZM_CACHELINE_BYTES 64

/*
 * Initial-exec: one load from the GOT instead of a call to __tls_get_addr, which would cost more
 * than the rest of the fast path. The block is one cache line, well within what glibc keeps in
 * reserve for dlopen().
 *
 * Global-dynamic is asked for by name as well: left alone, the compiler takes local-exec for the
 * static library's objects, which are compiled for a program, and no plugin could carry them. In a
 * program the linker makes local-exec of either.
 */
#if defined(HAVE_TLS_INITIAL_EXEC)
#define ZM_TLS _Thread_local __attribute__((__tls_model__("initial-exec")))
#elif defined(__GNUC__)
#define ZM_TLS _Thread_local __attribute__((__tls_model__("global-dynamic")))
#else
#define ZM_TLS _Thread_local
#endif

#endif
