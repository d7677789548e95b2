/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/growth.h - growth alone: for a client that samples what is allocated, whatever is freed.
 *
 * A thread's ceiling stops it when its figure, what it allocated less what it freed, has risen far enough.
 * A client of ZM_CLIENT_GROWTH names a number of bytes instead, and has to hear of the block with which the
 * thread has allocated as many. So while there is one, the fast path compares with what was allocated
 * alone: as the figure never rises by more than that, no ceiling is passed unseen either, and the thread
 * that comes by in vain takes a new one without a lock.
 *
 *   borrowed counters   `freed` of the thread leads to a constant zero
 *   our own             frees take off shrunk_bytes of the record instead of net_bytes
 *
 * What is sampled has to be noticed when it is freed. Its client marks the 256 bytes where it begins, and each
 * free looks for a mark. Of 2^20 marks, of a byte each, a heap of 64 GiB at the default mean sets an eighth.
 * Where sizes come from a table of pages, the word of a marked block's page is spoilt besides (zm_raw_watch()):
 * frees in that page alone come to look, the others do what they do without a profile.
 *
 * Machines of 32 bits, whose counters would come round, and threads that no fast path knows come by with
 * each block.
 */
#ifndef ZM_ACCOUNT_GROWTH_H
#define ZM_ACCOUNT_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account/account.h"

/* ---- Marks; any thread reads, the client writes, one thread at a time ------------------------- */

enum {
	ZM_MARK_BITS = 20,
	ZM_MARK_SHIFT = 8
};

extern ZM_ATOMIC(unsigned char) zm_marks[1 << ZM_MARK_BITS];

/*
 * Addresses that are 256 MiB apart share a mark: a hash would spread no better, and neighbours lie together.
 * With one mark for a page, a dozen of each sample's neighbours went to the table when they were freed; with
 * one for 16 bytes, frees all over a heap touch as many lines of the cache as the blocks themselves.
 */
ZM_INLINE uint32_t zm_mark_of(const void *ptr)
{
	return (uint32_t)((uintptr_t)ptr >> ZM_MARK_SHIFT) & ((1u << ZM_MARK_BITS) - 1);
}

ZM_INLINE bool zm_is_marked(const void *ptr)
{
	return zm_load(&zm_marks[zm_mark_of(ptr)]) != 0;
}

void zm_mark(const void *ptr);
void zm_unmark(const void *ptr);

/* ---- For those who allocate; cold ------------------------------------------------------------- */

/* The round that client has; 0: there is none. Written under the account's lock. */
extern ZM_ATOMIC(uint32_t) zm_growth_round;

ZM_INLINE bool zm_growth_is_on(void)
{
	return zm_load(&zm_growth_round) != 0;
}

/*
 * Where the library was called from, as the function tells that is called once the fast path has failed: in a
 * static program nothing else tells its frames from the library's. Of the calling thread, until its next call.
 */
extern ZM_TLS const void *zm_growth_caller;
/* Where the function that told has its frame record, or NULL: from there a walk of the stack is shorter. */
extern ZM_TLS const void *zm_growth_record;

#if defined(__GNUC__)
#define ZM_GROWTH_NOTE(record)                                                                     \
	do {                                                                                       \
		if (zm_unlikely(zm_growth_is_on())) {                                              \
			zm_growth_caller = __builtin_return_address(0);                            \
			zm_growth_record = (record);                                               \
		}                                                                                  \
	} while (0)
#define ZM_GROWTH_NOTE_CALLER() ZM_GROWTH_NOTE(NULL)
/* The same by a function that is cold, for it gets a frame record by this. */
#define ZM_GROWTH_NOTE_RECORD() ZM_GROWTH_NOTE(__builtin_frame_address(0))
#else
#define ZM_GROWTH_NOTE_CALLER() ((void)0)
#define ZM_GROWTH_NOTE_RECORD() ((void)0)
#endif

/*
 * To be asked with a new block: is all that is due a new ceiling? True: that is done, and the block charged.
 * Where the allocator has counted it, its size is not looked at.
 */
bool zm_growth_only(size_t bytes);

/* With bytes more, is the calling thread to show a block, or to change how it compares? */
bool zm_growth_is_due(size_t bytes);

/* A new block of the program's, charged. arena: a private one, or NULL. No lock is held. */
void zm_growth_see_new(void *ptr, size_t bytes, const void *arena);

/* What the calling thread has just allocated is no new block of the program's. */
void zm_growth_skip(size_t bytes);

/* A block that the program frees; before it is freed. Locks may be held. */
void zm_growth_see_gone(void *ptr);
/* The same of a block that may be one. */
ZM_INLINE void zm_growth_see_end(void *ptr)
{
	if (zm_unlikely(zm_is_marked(ptr)))
		zm_growth_see_gone(ptr);
}

/* A block of the program's has moved without having been freed. Locks may be held. */
void zm_growth_see_moved(void *from, void *to);

/* All blocks of a private arena end. */
void zm_growth_see_arena_end(const void *arena);

/*
 * A resize by the allocator: begin before it, end after it, by the calling thread, which is on its slow path.
 * It is charged here. The block is nobody's in between, for another thread may have its address before this
 * one goes on.
 */
struct zm_growth_resize {
	void *ptr;
	size_t old_bytes;
	ptrdiff_t grown_bytes;
	bool is_sampled;
};
void zm_growth_resize_begin(struct zm_growth_resize *resize, void *ptr);
/* moved: where it is; NULL: the allocator refused, and all is as it was. */
void zm_growth_resize_end(struct zm_growth_resize *resize, void *moved);

/* ---- For the account; under its lock ---------------------------------------------------------- */

/* Does the fast path keep this thread's growth, or will it? */
ZM_INLINE bool zm_growth_is_kept(const struct zm_thread *thread)
{
	return sizeof(ptrdiff_t) >= sizeof(uint64_t) && thread->borrows == ZM_COUNT_BORROWED;
}

/* Does this owner still have to hear of a round, or come by with each block? */
ZM_INLINE bool zm_growth_wants(const struct zm_thread *owner)
{
	uint32_t round = zm_load(&zm_growth_round);

	return round != zm_load(&owner->growth_round) || (round != 0 && !zm_growth_is_kept(owner));
}

/* In the terms that the owner compares: a ceiling on its figure, and where the next sample is due. */
ZM_INLINE ptrdiff_t zm_growth_ceiling(const struct zm_counter *counter, ptrdiff_t bytes)
{
	const struct zm_thread *owner = counter->owner;
	bool is_alone = zm_growth_is_kept(owner) && zm_load(&owner->growth_round) != 0;
	ptrdiff_t before;

#if ZM_COUNT_BORROWED
	if (owner->borrows)
		bytes -= zm_load(&counter->net_bytes);
	if (is_alone)
		bytes += (ptrdiff_t)zm_load((const ZM_ATOMIC(uint64_t) *)counter->freed);
#else
	bytes -= zm_load(&counter->shrunk_bytes);
#endif
	if (!is_alone)
		return bytes;
	before = zm_load(&owner->sample_at_bytes) - 1;
	return bytes < before ? bytes : before;
}

/* Clients have changed. */
void zm_growth_set(bool is_wanted);

#endif
