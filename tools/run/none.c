/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/run/none.c - where no program can be preloaded.
 */
#include "config.h"

#include "tools/command.h"
#include "tools/run/run.h"

int command_run(const struct options *options)
{
	(void)options;
	complain("this build has no libzmalloc_preload.so: programs can be run on the library "
		 "where it is "
		 "a shared one on the GNU C library, without a sanitizer");
	return RUN_FAILED;
}
