/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/process.h - other processes that show themselves (zmalloc_stats_publish): which there are, what they
 * hold now, and what may be asked of them.
 *
 * Who may look is the kernel's to decide: the same user, and root. A process that began as root and became
 * another user is root's to see only, until it runs another program or calls prctl(PR_SET_DUMPABLE,
 * 1) (prctl(2)); so is one of a set-user-ID program. Neither PID nor mount namespaces hide a process
 * from who sees its number in /proc. Figures are asked for and come from a thread of the other
 * process. A process that is stopped gives no answer,
 * and one that shows itself passively (ZMALLOC_PUBLISH=passive, and every process where the system
 * has no sealed memory files) is not asked: its figures are those of its last renewal, a tenth of a
 * second ago or less while it allocates or frees, and updated_ms tells when that was.
 *
 * All functions are thread-safe, none is async-signal-safe. They return 0, or -1 with errno:
 *
 *   ENOENT     the process shows nothing
 *   ESRCH      there is no such process (any more)
 *   EACCES     the kernel does not let this user look at it
 *   EPERM      a file in place of its page, or the directory, is not this user's alone
 *   EBADMSG    what is there is no page of this library, or says what cannot be
 *   ETIMEDOUT  it did not answer in time
 *   EINVAL     the size of a struct was never set
 *   ENOTSUP    the system does not tell of processes; of commands: the process does not answer, or its
 *              allocator cannot
 */
#ifndef ZMALLOC_PROCESS_H
#define ZMALLOC_PROCESS_H

#include "profile.h"
#include "scope.h"
#include "stats.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The numbers of the processes that show themselves and may be looked at, in order. Looks at every process
 * of the machine; nobody is asked anything.
 * pids   out; room for `room` of them; may be NULL if room is 0
 * count  out; how many there are, which may be more than `room`
 * Errors ENOMEM
 */
ZMALLOC_API int zmalloc_process_list(int64_t *pids, size_t room, size_t *count);

/*
 * The figures of a process of now, as zmalloc_process_read(), with a time limit of the caller's.
 * timeout_ms  how long to wait for an answer; 0: take the last figures
 * process     out; filled with the last figures also where the answer is ETIMEDOUT
 */
ZMALLOC_API int zmalloc_process_ask(int64_t pid, unsigned timeout_ms,
				    struct zmalloc_process *process);

/*
 * Show the size classes of a process, as zmalloc_stats_visit_bins() does those of this one. mimalloc tells
 * only of the thread that is asked, and so has none to tell.
 * arena   a number, or ZMALLOC_STATS_ALL_ARENAS
 * Returns also what visit returned, if that ended the visit
 * Errors  as above; ENOENT also: no such arena
 */
ZMALLOC_API int zmalloc_process_visit_bins(int64_t pid, unsigned arena, unsigned timeout_ms,
					   int (*visit)(const struct zmalloc_bin_stats *bin,
							void *context),
					   void *context);

/* Show the arenas of a process that are there, with their figures, as zmalloc_stats_get_arena(). */
ZMALLOC_API int zmalloc_process_visit_arenas(int64_t pid, unsigned timeout_ms,
					     int (*visit)(unsigned arena,
							  const struct zmalloc_stats *stats,
							  void *context),
					     void *context);

/*
 * Show the scopes of a process, as zmalloc_scope_visit() does those of this one. Up to 2,400 are of one look;
 * more are asked for in turn.
 * Errors  as above; ENOTSUP also: its library is older than scopes
 */
ZMALLOC_API int zmalloc_process_visit_scopes(int64_t pid, unsigned timeout_ms,
					     int (*visit)(const struct zmalloc_scope_stats *scope,
							  void *context),
					     void *context);

/*
 * Have a process give unused memory back to the kernel: zmalloc_purge(). It goes on with its work meanwhile,
 * but that who allocates may wait for its allocator.
 * bytes   out; by how much its resident set shrank; may be NULL
 * Errors  as above; ETIMEDOUT: it may still do it
 */
ZMALLOC_API int zmalloc_process_purge(int64_t pid, unsigned timeout_ms, uint64_t *bytes);

/*
 * Have a process take a heap profile, as zmalloc_profile_start() does here, or end it. Who may look at a process
 * may do so, for a profile costs it 1 % of its time and some memory.
 * mean_bytes  of the process that is asked, 0 for ZMALLOC_PROFILE_MEAN_BYTES
 * Errors      as above, and those of zmalloc_profile_start(); ENOTSUP also: its library is older than profiles;
 *             ETIMEDOUT: it may still do it
 */
ZMALLOC_API int zmalloc_process_profile_start(int64_t pid, uint64_t mean_bytes,
					      unsigned timeout_ms);
ZMALLOC_API int zmalloc_process_profile_stop(int64_t pid, unsigned timeout_ms);

/*
 * What there is of a profile, as zmalloc_profile_get_info(). Numbers that its version does not tell are
 * UINT64_MAX.
 * Errors  as above; ENODATA: there was never one; ENOTSUP also: its library is older than profiles
 */
ZMALLOC_API int zmalloc_process_get_profile_info(int64_t pid, unsigned timeout_ms,
						 struct zmalloc_profile_info *info);

/*
 * Show the stacks of its profile, as zmalloc_profile_visit() does those of this one. The frames are addresses in
 * the other process. Some hundred are of one look; more are asked for in turn, each with the same time limit.
 * Returns also what visit returned, if that ended the visit
 * Errors  as above; EAGAIN: a new profile began meanwhile, and what was shown is of the one before
 */
ZMALLOC_API int zmalloc_process_visit_profile(
	int64_t pid, unsigned timeout_ms,
	int (*visit)(const struct zmalloc_profile_stack *stack, void *context), void *context);

/* How the figures of a process come to be those of now. */
enum zmalloc_process_way {
	ZMALLOC_PROCESS_ANSWERS = 1,
	ZMALLOC_PROCESS_PASSIVE = 2
};

/* What an operator knows a process by. */
struct zmalloc_process_info {
	size_t size; /* of this struct, as zmalloc_stats.size; swap_bytes says more */
	int64_t pid;
	uint32_t user;          /* who it runs as */
	uint32_t way;           /* enum zmalloc_process_way */
	uint64_t uptime_ms;     /* since it began */
	uint64_t limit_bytes;   /* the tightest limit on its memory, as it sees it itself;
				 ZMALLOC_STATS_UNKNOWN where nobody tells, as below */
	char limit_source[128]; /* and what sets it, as zmalloc_get_memory_limit_source() */
	char command[512];      /* all three terminated, and printable ASCII */
	char group[256];        /* its control group, which names its unit or container */

	/*
	 * The kernel walks the process's page tables for these: 38 ms for 1 GiB of small pages. It does so
	 * only for a caller whose struct, by its size, has them.
	 */
	uint64_t swap_bytes;
	uint64_t pss_bytes; /* its resident set, a page that n processes have counted as one n-th */
};

/*
 * Reads much of /proc. Who asks about many processes, or often, sets about->size to
 * offsetof(struct zmalloc_process_info, swap_bytes).
 */
ZMALLOC_API int zmalloc_process_about(int64_t pid, unsigned timeout_ms,
				      struct zmalloc_process_info *about);

#ifdef __cplusplus
}
#endif

#endif
