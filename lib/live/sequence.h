/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/live/sequence.h - the number by which a reader sees whether what it copied was whole.
 *
 * The sequence is odd while the writer writes, and 0 until it has written everything once. A copy is
 * whole if the sequence was the same even number, not 0, before and after it.
 *
 * Why that holds, by C11: the release fence of zm_sequence_begin() lies between the odd number and all
 * that is written after it, the acquire fence of zm_sequence_copied() between all that was copied and
 * the second look. So whoever copied a byte of a later writing finds a later number at that look.
 * The number that ends a writing is stored by release and first read before an acquire fence, so
 * whoever starts from it copies nothing older. An exchange in place of the first fence would not do:
 * without LSE, 64-bit ARM may let later stores pass the store that is a part of it. A copy by pread(2)
 * is made by the kernel, of which C11 knows nothing; the fences order the processor all the same, and
 * the calls cannot be moved by the compiler.
 */
#ifndef ZM_SEQUENCE_H
#define ZM_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

typedef ZM_ATOMIC(uint32_t) zm_sequence;

/* The one writer calls this before it writes anything. Returns what zm_sequence_end() wants. */
static inline uint32_t zm_sequence_begin(zm_sequence *sequence)
{
	uint32_t odd = zm_load(sequence) | 1;

	zm_store(sequence, odd);
	zm_fence_release();
	return odd;
}

/* The writer has written everything. Stores the next even number, but for 0. */
static inline void zm_sequence_end(zm_sequence *sequence, uint32_t odd)
{
	zm_store_release(sequence, odd != UINT32_MAX ? odd + 1 : 2);
}

/* The reader calls this after its look at the sequence. False: there is nothing to copy at the moment. */
static inline bool zm_sequence_may_copy(uint32_t sequence)
{
	zm_fence_acquire();
	return sequence != 0 && sequence % 2 == 0;
}

/* The reader calls this between its copy and its second look at the sequence. */
static inline void zm_sequence_copied(void)
{
	zm_fence_acquire();
}

#endif
