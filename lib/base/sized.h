/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/sized.h - structs of the public headers whose first member is their size.
 *
 * The caller's may be of another version of the header, so it may be shorter or longer than ours.
 */
#ifndef ZM_SIZED_H
#define ZM_SIZED_H

#include <stdbool.h>
#include <stddef.h>

/* Has the caller set that size? Ask before anything else is done with it. False: errno is EINVAL. */
bool zm_sized_is_set(const void *of);

/*
 * Copy ours, of `known` bytes, to the caller's. What ours does not have is zeroed there, and the size says
 * how much is filled. Returns 0; -1 with EINVAL if the caller's has no room for its own size.
 */
int zm_sized_hand_over(void *to, const void *from, size_t known);

#endif
