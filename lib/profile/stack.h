/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack.h - the calling thread's stack, as return addresses.
 */
#ifndef ZM_PROFILE_STACK_H
#define ZM_PROFILE_STACK_H

#include <stdint.h>

#include "profile/stack_machine.h"

/*
 * The calling thread's stack, innermost first: return addresses, and the very instruction where a
 * signal interrupted what lies above its handler.
 * skip: how many innermost frames to leave out; with 0 the caller of zm_stack_take() is the first.
 * Returns how many were found, at most `max`; the walk ends early where a frame cannot be told.
 *
 * Never allocates, takes no lock, never faults, keeps errno; may be called in signal handlers, in
 * callbacks of the loader and in the child of a fork. A frame is found by the unwind tables of the
 * object that its code is in, and by the frame pointer where there is no table.
 *
 * What a machine can do:
 *   - x86-64 and aarch64 on Linux: all of this. Where the C library has no _dl_find_object()
 *     (glibc before 2.35, musl), tables are read of the program, of the loader and of the object
 *     that this library is in; the code of others needs frame pointers.
 *   - x86-64 and aarch64 on Darwin, and i386, riscv and ppc64 on Linux: frame pointers only, which
 *     compilers leave out of optimized code on i386 and riscv if they are not asked.
 *   - Other processors, and systems without a way to ask whether memory can be read: the caller is
 *     the only frame, and there is none if it is skipped.
 */
unsigned zm_stack_take(uintptr_t *frames, unsigned max, unsigned skip);

/*
 * The same from further up, which takes less time: a function on the stack was called by `caller`, which is to be
 * the first, and has its frame record there. Returns 0 if that is not so: it is read only where it can be.
 */
#if defined(HAVE_STACK_TABLES) && defined(ZM_STACK_RECORD_WORDS)
#define ZM_STACK_TAKES_FROM 1
unsigned zm_stack_take_from(uintptr_t *frames, unsigned max, uintptr_t record, uintptr_t caller);
#else
#define ZM_STACK_TAKES_FROM 0
#endif

#endif
