/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/defrag/text.c - names for people.
 */
#include "config.h"

#include <zmalloc/defrag.h>

#include "allocator/slab.h"

int zdefrag_supported(void)
{
	return zm_slab_layout() != NULL;
}

const char *zdefrag_phase_name(int phase)
{
	static const char *const names[] = {
		[ZDEFRAG_IDLE] = "idle",         [ZDEFRAG_COUNTING] = "counting",
		[ZDEFRAG_PLANNING] = "planning", [ZDEFRAG_MOVING] = "moving",
		[ZDEFRAG_ENDING] = "ending",     [ZDEFRAG_PURGING] = "purging",
	};

	return phase >= 0 && phase <= ZDEFRAG_PURGING ? names[phase] : "unknown";
}

const char *zdefrag_reason_text(int reason)
{
	static const char *const texts[] = {
		[ZDEFRAG_REASON_NONE] = "none",
		[ZDEFRAG_REASON_LOW] = "fragmentation is low",
		[ZDEFRAG_REASON_UNATTAINABLE] = "moving would free nothing worth it",
		[ZDEFRAG_REASON_BUSY] = "another cycle runs",
		[ZDEFRAG_REASON_BACKOFF] = "the last cycle gained too little",
		[ZDEFRAG_REASON_NO_MEMORY] = "no memory for the tables",
		[ZDEFRAG_REASON_ABANDONED] = "abandoned",
		[ZDEFRAG_REASON_UNSUPPORTED] = "not supported by this allocator",
		[ZDEFRAG_REASON_NOT_ASKED] = "the program has stopped asking",
	};

	return reason >= 0 && reason <= ZDEFRAG_REASON_NOT_ASKED ? texts[reason] : "unknown";
}
