/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/sized.c - structs of the public headers whose first member is their size.
 */
#include "config.h"

#include "base/sized.h"

#include <errno.h>
#include <string.h>

bool zm_sized_is_set(const void *of)
{
	if (*(const size_t *)of >= sizeof(size_t))
		return true;
	errno = EINVAL;
	return false;
}

int zm_sized_hand_over(void *to, const void *from, size_t known)
{
	size_t has = *(size_t *)to;
	size_t filled = has < known ? has : known;

	if (!zm_sized_is_set(to))
		return -1;
	memcpy(to, from, filled);
	memset((char *)to + filled, 0, has - filled);
	*(size_t *)to = filled;
	return 0;
}
