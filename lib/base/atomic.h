/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/atomic.h - relaxed single-writer counters and the few stronger operations beside them.
 *
 * Three spellings of the same operations, chosen by configure: C11, gcc's __atomic, gcc's older
 * __sync. Every type used here is at most as wide as a pointer, so all of them are lock-free.
 *
 * The two fences order what is no atomic: what another process reads (page.h). ThreadSanitizer knows
 * no fences and gcc warns of them; nothing that it watches depends on one.
 */
#ifndef ZM_ATOMIC_H
#define ZM_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(HAVE_STDATOMIC_H)

#include <stdatomic.h>

#define ZM_ATOMIC(type) _Atomic(type)
#define zm_load(at) atomic_load_explicit((at), memory_order_relaxed)
#define zm_load_acquire(at) atomic_load_explicit((at), memory_order_acquire)
#define zm_store(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
#define zm_store_release(at, value) atomic_store_explicit((at), (value), memory_order_release)
#define zm_fetch_add(at, value) atomic_fetch_add_explicit((at), (value), memory_order_relaxed)
#define zm_exchange(at, value) atomic_exchange_explicit((at), (value), memory_order_acq_rel)
#define zm_compare_exchange(at, expected, value)                                                   \
	atomic_compare_exchange_strong_explicit((at), (expected), (value), memory_order_acq_rel,   \
						memory_order_acquire)
#define zm_compare_exchange_relaxed(at, expected, value)                                           \
	atomic_compare_exchange_strong_explicit((at), (expected), (value), memory_order_relaxed,   \
						memory_order_relaxed)
#if !defined(__SANITIZE_THREAD__)
#define zm_fence_acquire() atomic_thread_fence(memory_order_acquire)
#define zm_fence_release() atomic_thread_fence(memory_order_release)
#define zm_fence() atomic_thread_fence(memory_order_seq_cst)
#endif

#elif defined(HAVE_GCC_ATOMIC)

#define ZM_ATOMIC(type) type
#define zm_load(at) __atomic_load_n((at), __ATOMIC_RELAXED)
#define zm_load_acquire(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)
#define zm_store(at, value) __atomic_store_n((at), (value), __ATOMIC_RELAXED)
#define zm_store_release(at, value) __atomic_store_n((at), (value), __ATOMIC_RELEASE)
#define zm_fetch_add(at, value) __atomic_fetch_add((at), (value), __ATOMIC_RELAXED)
#define zm_exchange(at, value) __atomic_exchange_n((at), (value), __ATOMIC_ACQ_REL)
#define zm_compare_exchange(at, expected, value)                                                   \
	__atomic_compare_exchange_n((at), (expected), (value), false, __ATOMIC_ACQ_REL,            \
				    __ATOMIC_ACQUIRE)
#define zm_compare_exchange_relaxed(at, expected, value)                                           \
	__atomic_compare_exchange_n((at), (expected), (value), false, __ATOMIC_RELAXED,            \
				    __ATOMIC_RELAXED)
#if !defined(__SANITIZE_THREAD__)
#define zm_fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define zm_fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define zm_fence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#elif defined(HAVE_SYNC_ATOMIC)

/*
 * Naturally aligned volatile accesses of a word are single;
 * __sync_synchronize() orders where order matters.
 */
#define ZM_ATOMIC(type) type volatile
#define zm_load(at) (*(at))
#define zm_load_acquire(at)                                                                        \
	__extension__({                                                                            \
		__typeof__(*(at)) zm_loaded = *(at);                                               \
		__sync_synchronize();                                                              \
		zm_loaded;                                                                         \
	})
#define zm_store(at, value) ((void)(*(at) = (value)))
#define zm_store_release(at, value) (__sync_synchronize(), (void)(*(at) = (value)))
#define zm_fetch_add(at, value) __sync_fetch_and_add((at), (value))
#define zm_exchange(at, value)                                                                     \
	__extension__({                                                                            \
		__typeof__(*(at)) zm_old = *(at);                                                  \
		while (!__sync_bool_compare_and_swap((at), zm_old, (value)))                       \
			zm_old = *(at);                                                            \
		zm_old;                                                                            \
	})
#define zm_compare_exchange(at, expected, value)                                                   \
	__extension__({                                                                            \
		__typeof__(*(expected)) zm_want = *(expected);                                     \
		*(expected) = __sync_val_compare_and_swap((at), zm_want, (value));                 \
		*(expected) == zm_want;                                                            \
	})
#define zm_compare_exchange_relaxed(at, expected, value)                                           \
	zm_compare_exchange((at), (expected), (value))

#else
#error "configure found no atomic operations: C11 <stdatomic.h>, __atomic or __sync is needed"
#endif

#if !defined(zm_fence_acquire)
#define zm_fence_acquire() __sync_synchronize()
#define zm_fence_release() __sync_synchronize()
#define zm_fence() __sync_synchronize()
#endif

#endif
