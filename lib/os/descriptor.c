/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/descriptor.c - descriptors out of the program's way.
 */
#include "config.h"

#include "os/descriptor.h"

#include <fcntl.h>
#include <sys/resource.h>

/*
 * The descriptor is to lie above those that programs count on: the lowest that are free, and the 1,024
 * of select(2) where the limit allows. A table of descriptors has 8 bytes for each number up to the
 * highest in use, so it is not put higher than this.
 */
enum {
	HIGHEST_DESCRIPTOR = 1100,
	SPARE_DESCRIPTORS = 16
};

static int lowest_wanted(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > HIGHEST_DESCRIPTOR)
		return HIGHEST_DESCRIPTOR - SPARE_DESCRIPTORS;
	if (limit.rlim_cur <= SPARE_DESCRIPTORS)
		return 0;
	return (int)limit.rlim_cur - SPARE_DESCRIPTORS;
}

int zm_descriptor_copy_up(int fd)
{
	int higher = fcntl(fd, F_DUPFD_CLOEXEC, lowest_wanted());

	return higher < 0 ? fd : higher;
}
