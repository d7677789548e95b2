/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/orders.c - what check_orders.sh looks at in the assembler's language: the library's
 * inline functions, each in a function of its own. It is never linked.
 */
#include "defrag/table.h"

#include "allocator/jemalloc_granules.h"
#include "live/sequence.h"

uint32_t look_up(const void *ptr);
bool may_ask(const void *ptr);
size_t walk_to(size_t place);
uint32_t begin_writing(zm_sequence *sequence, uint32_t *figure);
void end_writing(zm_sequence *sequence, uint32_t *figure, uint32_t odd);
uint32_t copy(const zm_sequence *sequence, const uint32_t *figure);

uint32_t look_up(const void *ptr)
{
	return zm_table_get(ptr);
}

bool may_ask(const void *ptr)
{
	return zm_granule_known(ptr);
}

size_t walk_to(size_t place)
{
	return zm_granule_listed(place);
}

uint32_t begin_writing(zm_sequence *sequence, uint32_t *figure)
{
	uint32_t odd = zm_sequence_begin(sequence);

	*figure = 1;
	return odd;
}

void end_writing(zm_sequence *sequence, uint32_t *figure, uint32_t odd)
{
	*figure = 1;
	zm_sequence_end(sequence, odd);
}

uint32_t copy(const zm_sequence *sequence, const uint32_t *figure)
{
	uint32_t before = zm_load(sequence), copied;

	if (!zm_sequence_may_copy(before))
		return 0;
	copied = *figure;
	zm_sequence_copied();
	return zm_load(sequence) == before ? copied : 0;
}
