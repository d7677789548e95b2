/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/scratch.h - memory of the system's for the time of one writing. The size is fixed, so it can be had
 * ahead for a moment at which there is none; pages of it that a small profile does not need are not touched.
 * What is large and would be on the stack, which may be small, is here too.
 */
#ifndef ZM_PROFILE_SCRATCH_H
#define ZM_PROFILE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "profile/gzip.h"

/* Where code is, by address. A process with more than so many pieces has the rest without names. */
struct zm_profile_module {
	uintptr_t start, limit;
	uint64_t offset;
	uint32_t number; /* in the order of the sheet, from 1 */
	uint32_t path;   /* in `paths` */
};

enum {
	ZM_PROFILE_MODULES = 4096,
	ZM_PROFILE_PATHS_BYTES = 512 * 1024,
	ZM_PROFILE_PLACES = 256 * 1024,
	ZM_PROFILE_GZIP_BYTES = 1024 * 1024 /* zlib takes 270 KiB, its successors more */
};

struct zm_profile_scratch {
	struct zm_builder out; /* of who writes a file */
	struct zm_gzip gzip;
	/* What deflate keeps. */
	_Alignas(16) unsigned char gzip_memory[ZM_PROFILE_GZIP_BYTES];
	struct zm_profile_module module[ZM_PROFILE_MODULES];
	char paths[ZM_PROFILE_PATHS_BYTES]; /* each with its end */
	/* Addresses that have been written, by their hash. Only as many as are asked for are used. */
	uintptr_t place[ZM_PROFILE_PLACES];
};
#define ZM_PROFILE_SCRATCH_BYTES sizeof(struct zm_profile_scratch)

/* 0; ENOMEM or what the system says. */
int zm_profile_scratch_take(struct zm_profile_scratch **scratch);
void zm_profile_scratch_give(struct zm_profile_scratch *scratch);

#endif
