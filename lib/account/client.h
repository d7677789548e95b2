/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/account/client.h - who else wants to see what the program allocates: a table with a row for each,
 * in a fixed order.
 *
 * A client is a constant that is put into its row while it has something to do. It answers a few
 * questions; those that it has no answer to are NULL, and whoever asks keeps errno. Without a client
 * nobody is asked, and nothing is slower.
 *
 * A thread asks on its slow path only: as it passes its threshold, or because a client wants it to
 * come by more often. All threads come by from their next call on; a call that has begun by then may
 * still pass unseen. After a client is lifted a question may still arrive, so a client and its
 * functions stay valid for ever.
 */
#ifndef ZM_ACCOUNT_CLIENT_H
#define ZM_ACCOUNT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/compiler.h"

/*
 * The order in which clients are asked: who may say no before those who look; who puts another block
 * in a new one's place before those who write down where it is. The end of a block is told in the
 * opposite order.
 */
enum zm_client_place {
	ZM_CLIENT_FAILURE, /* failures on purpose */
	ZM_CLIENT_LIMIT,   /* of the process */
	ZM_CLIENT_SCOPE,   /* limits of scopes */
	ZM_CLIENT_DEFRAG,  /* a cycle of defragmentation */
	ZM_CLIENT_PROFILE, /* sampled stacks */
	ZM_CLIENT_PUBLISH, /* this process's page */
	ZM_CLIENT_PURGE,   /* a child's thread that gives memory back */
	ZM_CLIENT_PLACES
};

/* What makes threads come by more often than at their thresholds. */
enum zm_client_need {
	/* Each new block and each free, so that born and died see all of them. */
	ZM_CLIENT_EVERY_CALL = 1,
	/*
	 * Each resize. may_grow is asked about it; and it is a new block and the end of the old one to born
	 * and died, for which the block moves unless it stays in its size class.
	 */
	ZM_CLIENT_EVERY_RESIZE = 2,
	/* Each free, so that fell is called in time. */
	ZM_CLIENT_EVERY_FREE = 4,
	/* Each new block, resize and free, so that ticked is called. No lock is taken for it. */
	ZM_CLIENT_TICKS = 8,
	/*
	 * Growth alone, so that sampled is called in time; and each resize, and each free of a block that it
	 * has marked, so that moved is. Only the row ZM_CLIENT_PROFILE may have it. See growth.h.
	 */
	ZM_CLIENT_GROWTH = 16
};

/* What a client may want to know of that is no block. */
enum zm_client_moment {
	ZM_CLIENT_REFUSED,       /* the hard limit has refused the calling thread */
	ZM_CLIENT_SOFT,          /* used memory has passed a soft limit that was marked for it */
	ZM_CLIENT_OUT_OF_MEMORY, /* the program is to be told that there is none left */
	ZM_CLIENT_REPORT /* that is being reported on stderr, and the process ends; instead of the last */
};

typedef void (*zm_client_tick)(void);

struct zm_client {
	unsigned char needs; /* of enum zm_client_need */
	/*
	 * May the account grow by so many bytes? Asked before the program has the block, and before a
	 * block that grows is touched. False: it is as if the allocator had none left. The lock of
	 * the account is held, so one thread is asked at a time; the function allocates nothing and takes
	 * no other lock. That it agrees does not mean that it will grow: another may refuse, or the
	 * allocator may.
	 */
	bool (*may_grow)(size_t bytes);
	/* It said no, and the calling thread does not get what it asked for. The lock is still held. */
	void (*refused)(size_t bytes);
	/*
	 * A new block, on the program's thread. Returns it, or another of the same usable size, alignment
	 * and contents in its place. Blocks of private arenas pass unseen, here and below: they go with
	 * their arena.
	 */
	void *(*born)(void *ptr);
	/*
	 * A block that the program frees. True: it is kept from the allocator, and whoever keeps it will free
	 * it one day. held: somebody keeps it already, and nobody else can.
	 */
	bool (*died)(void *ptr, bool held);
	/* The calling thread has passed its threshold. No lock is held. */
	void (*passed)(void);
	/* In the child of a fork this client takes the row, before the child's first call; NULL: none does. */
	const struct zm_client *in_child;
	/*
	 * The calling thread has freed as many bytes as the last answer was. Returns how far its figure may
	 * fall until the next call. No lock of the account's is held, others may be.
	 */
	size_t (*fell)(void);
	/*
	 * The calling thread has come by, and the account has what it did: for whoever does something when
	 * it is time, as there is no other clock in a program. It is called very often, so it is the one to
	 * keep errno itself. No lock of the account's is held, others may be.
	 */
	zm_client_tick ticked;
	/*
	 * The calling thread has allocated as many bytes as the last answer was, with this block of so many,
	 * of a private arena or NULL. Returns how many until the next. ptr NULL: no block, the thread has
	 * just heard of the client. No lock is held.
	 */
	size_t (*sampled)(void *ptr, size_t bytes, const void *arena);
	/* A marked block is elsewhere; to NULL: it is freed. Locks of ours may be held. */
	void (*moved)(void *from, void *to);
	/* All blocks of a private arena have ended. */
	void (*arena_ended)(const void *arena);
	/* No lock of the account's is held. The calling thread may be short of memory and of stack. */
	void (*moment)(enum zm_client_moment moment);
};

/* NULL: nobody. */
void zm_client_set(enum zm_client_place place, const struct zm_client *client);
/* The same under the lock of the account. */
void zm_client_put(enum zm_client_place place, const struct zm_client *client);

/* The same if `from` has the row, and true. Of several threads that try, one does it. */
bool zm_client_replace(enum zm_client_place place, const struct zm_client *from,
		       const struct zm_client *to);

const struct zm_client *zm_client_of(enum zm_client_place place);

/* ---- Asking --------------------------------------------------------------------------------- */

/* Under the lock of the account. */
bool zm_clients_let_grow(size_t bytes);
/* The same, where nobody is refused anything yet. */
bool zm_clients_would_let_grow(size_t bytes);
/* Is there one who may refuse? */
bool zm_clients_may_refuse(void);

void *zm_clients_see_born(void *ptr);
bool zm_clients_see_died(void *ptr, bool held);
void zm_clients_see_passed(void);
/* The least that one of them answers. */
size_t zm_clients_see_fell(void);

/* NULL: no client goes by time; that of the only one; or one that tells all. Under 10 ns matter here. */
typedef ZM_ATOMIC(zm_client_tick) zm_client_tick_at;
extern zm_client_tick_at zm_clients_tick;

ZM_INLINE void zm_clients_see_tick(void)
{
	zm_client_tick tick = zm_load(&zm_clients_tick);

	if (zm_unlikely(tick != NULL))
		tick();
}

void zm_clients_see_moment(enum zm_client_moment moment);

/* What all of them need. */
extern ZM_ATOMIC(unsigned char) zm_clients_needs;

ZM_INLINE unsigned char zm_clients_need(void)
{
	return zm_load(&zm_clients_needs);
}

/* Is a resize a new block and the end of the old one to someone? */
bool zm_clients_have_blocks_move(void);

/* In the fork's handler, under the lock of the account. */
void zm_clients_enter_child(void);

#endif
