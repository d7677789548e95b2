/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/allocator/jemalloc_mib.h - jemalloc's controls by number, and which arenas it has.
 *
 * A name is looked up once, and the numbers of an arena or a bin are put into a copy of its path.
 */
#ifndef ZM_ALLOCATOR_JEMALLOC_MIB_H
#define ZM_ALLOCATOR_JEMALLOC_MIB_H

#include <stdbool.h>
#include <stddef.h>

#define ZM_JE_MIB_DEPTH 8

struct zm_je_mib {
	size_t path[ZM_JE_MIB_DEPTH];
	size_t depth; /* 0: this jemalloc has nothing of that name */
};

/* Where the numbers stand: arena.<arena>.*, stats.arenas.<arena>.bins.<bin>.*, arenas.bin.<bin>.* */
enum {
	ZM_JE_CONTROL_ARENA_AT = 1,
	ZM_JE_ARENA_AT = 2,
	ZM_JE_ARENA_BIN_AT = 4,
	ZM_JE_LAYOUT_BIN_AT = 2
};

/* False if there is nothing of that name. */
bool zm_je_resolve(struct zm_je_mib *mib, const char *name);

/* A value of exactly this size; false, and the value untouched, if the control has none such. */
bool zm_je_read(const struct zm_je_mib *mib, void *value, size_t bytes);
bool zm_je_read_by_name(const char *name, void *value, size_t bytes);

/* The same with a number put into the path; the path is a copy. */
bool zm_je_read_at(struct zm_je_mib mib, unsigned at, size_t number, void *value, size_t bytes);
bool zm_je_write_at(struct zm_je_mib mib, unsigned at, size_t number, void *value, size_t bytes);

/* Renew the snapshot from which all statistics are read. It takes every arena's locks. */
void zm_je_renew_statistics(void);

/* ---- Arenas ---- */

/* Arenas are numbered from 0 to this, not all of them being there. */
unsigned zm_je_arenas(void);

/* Is there an arena of this number? Another thread may make or destroy it at any moment. */
bool zm_je_has_arena(unsigned arena);

/*
 * A control that takes no value, of one arena or of MALLCTL_ARENAS_ALL. name: with 0 for the arena,
 * "arena.0.purge". 0 or an errno value.
 */
int zm_je_control_arena(const char *name, unsigned arena);

#endif
