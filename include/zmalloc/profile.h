/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zmalloc/profile.h - the heap profile: which code holds the memory, with any allocator.
 *
 * While it is on, the library takes a sample of what the program allocates: after so many bytes, a random
 * number of a given mean, the block that is being allocated is noted with the stack of the call. The
 * probability that a block is noted follows from its size, and each one noted stands for the inverse of that:
 * the figures are estimates of all blocks, without bias, and the more exact the more memory they speak of.
 * Sizes are as zmalloc_size() tells them, so live bytes come to what zmalloc_used_memory() has grown by since
 * the start. A resize is the end of a block and a new one, unless the block stays as it was.
 *
 *     zmalloc_profile_start(0);
 *     ...
 *     zmalloc_profile_dump("heap.pb.gz", ZMALLOC_PROFILE_PPROF);       go tool pprof PROGRAM heap.pb.gz
 *
 * Stacks are addresses; names are found by whoever reads the file, on any machine that has the program and
 * its debug information. They are found by the unwind tables that compilers write for exceptions, and by frame
 * pointers where there are no such tables; where there is neither, the stack ends.
 *
 * While it is off nothing is slower and nothing is kept. What it needs while it is on is its own memory, which
 * comes from the system and is not in zmalloc_used_memory(): zmalloc_profile_get_info() tells how much.
 *
 * ZMALLOC_PROFILE in the environment starts it when the library is loaded: 1 for the default mean, or a mean
 * as in 64K; with commas behind it options, of zmalloc_profile(7). Anything else is told on stderr, and there is
 * no profile. ZMALLOC_PROFILE_DIR names a folder: there the profile is written at moments that matter.
 * A program whose file gives it rights that its user has not ignores both.
 *
 * All functions are thread-safe and not async-signal-safe, and none of them allocates. The child of a
 * fork() goes on with a profile of its own, which begins as a copy.
 */
#ifndef ZMALLOC_PROFILE_H
#define ZMALLOC_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "../zmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The mean of bytes between two samples unless another is given, and how deep a stack is kept. */
#define ZMALLOC_PROFILE_MEAN_BYTES ((size_t)512 * 1024)
#define ZMALLOC_PROFILE_DEPTH_MAX 64

/* How a profile is written. */
enum zmalloc_profile_format {
	ZMALLOC_PROFILE_PPROF = 1,   /* profile.proto, as gzip: for go tool pprof and many others */
	ZMALLOC_PROFILE_HEAP_V2 = 2, /* jemalloc's text: for jeprof and google-pprof */
	ZMALLOC_PROFILE_COLLAPSED = 3 /* a line for each stack, outermost first: for flame graphs */
};

/*
 * Start a new profile; what there was of one is forgotten. Blocks that are there already are not in it.
 * mean_bytes  0: ZMALLOC_PROFILE_MEAN_BYTES; 1: every block, which is slow and soon fills what there is
 * Returns     0; -1 with errno, and what there was is as before
 * Errors      EINVAL: mean_bytes is more than 1 TiB; ENOMEM: the system has no memory for it; EALREADY: one is
 *             being taken, end it first
 */
ZMALLOC_API int zmalloc_profile_start(size_t mean_bytes);

/*
 * End it. What it has found stays as it is, to be read, until another starts: frees from now on are not seen.
 * Returns     0, also if there is none
 */
ZMALLOC_API int zmalloc_profile_stop(void);

/*
 * Forget all that was found: as if the profile, which goes on if it is on, had just begun.
 * Returns     0; -1 with errno
 * Errors      ENODATA: there was never one
 */
ZMALLOC_API int zmalloc_profile_reset(void);

/* A stack and what was allocated there. */
struct zmalloc_profile_stack {
	/* Estimates: what is in use; all since the start, what is in use included. */
	uint64_t live_blocks, live_bytes, total_blocks, total_bytes;
	/* What they are made from: the samples themselves, and their sizes as they are. */
	uint64_t live_samples, live_sample_bytes, total_samples, total_sample_bytes;
	/* Return addresses, the caller of the allocation first; valid during the call. */
	const uintptr_t *frames;
	unsigned depth;
};

/*
 * Call `visit` for each stack, in the order in which they were first seen, until it returns other than 0. It may
 * allocate and call everything but the functions of this header. Figures of one stack are of one moment.
 * Returns     0; what `visit` returned; -1 with errno
 * Errors      ENODATA: there was never a profile
 */
ZMALLOC_API int zmalloc_profile_visit(int (*visit)(const struct zmalloc_profile_stack *stack,
						   void *context),
				      void *context);

/* Set `size` to sizeof(struct zmalloc_profile_info) first; an older library fills what it knows. */
struct zmalloc_profile_info {
	size_t size;
	uint64_t mean_bytes;
	uint64_t is_on;        /* 1: it is being taken */
	uint64_t started_ns;   /* when it was, by the clock of the day, in ns since 1970 */
	uint64_t duration_ns;  /* how long it has been taken, or was */
	uint64_t samples;      /* noted since the start */
	uint64_t lost_samples; /* not noted, as there was no room */
	uint64_t stacks;       /* that differ */
	uint64_t memory_bytes; /* what the profile takes of the system at most */
};

/*
 * Errors      ENODATA: there was never a profile; EINVAL: size is no size of this struct
 */
ZMALLOC_API int zmalloc_profile_get_info(struct zmalloc_profile_info *info);

/*
 * Write the profile into a new file, which only its owner may read. A file of that name, or a link, is left as
 * it is.
 * Returns     0; -1 with errno, and no file is left
 * Errors      ENODATA: there was never a profile; EINVAL: no such format; EEXIST: there is something of that
 *             name; those of open(2) and write(2)
 */
ZMALLOC_API int zmalloc_profile_dump(const char *path, enum zmalloc_profile_format format);

#ifdef __cplusplus
}
#endif

#endif
