/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_heap.c - the text of gperftools' heap profiles in its kind "heap_v2".
 *
 * jemalloc has a form of its own, with a line "heap_v2/524288" at the top, which jeprof alone can read. This one
 * says the same, and jeprof, google-pprof and go tool pprof read it.
 *
 * Figures are those of the samples as they are: readers see by the kind that they were taken as jemalloc takes
 * them, and make estimates of them by the mean in the head and the mean size of each stack's samples.
 * They take one off every address but the first, for most of their profiles begin with the address of an
 * instruction and not of a return, so it is taken off the first one here.
 */
#include "config.h"

#include "profile/write.h"

struct sums {
	uint64_t live_samples, live_bytes, total_samples, total_bytes;
};

static int add(const struct zmalloc_profile_stack *stack, void *context)
{
	struct sums *sums = context;

	sums->live_samples += stack->live_samples;
	sums->live_bytes += stack->live_sample_bytes;
	sums->total_samples += stack->total_samples;
	sums->total_bytes += stack->total_sample_bytes;
	return 0;
}

/* "1: 4096 [2: 8192] @" */
static void put_figures(struct zm_builder *out, uint64_t live_samples, uint64_t live_bytes,
			uint64_t total_samples, uint64_t total_bytes)
{
	zm_build_number(out, live_samples);
	zm_build_text(out, ": ");
	zm_build_number(out, live_bytes);
	zm_build_text(out, " [");
	zm_build_number(out, total_samples);
	zm_build_text(out, ": ");
	zm_build_number(out, total_bytes);
	zm_build_text(out, "] @");
}

static void put_address(struct zm_builder *out, uintptr_t address)
{
	zm_build_text(out, " 0x");
	zm_build_hex(out, address, 1);
}

/* Readers overlook a line without an address. */
static int put_stack(const struct zmalloc_profile_stack *stack, void *context)
{
	struct zm_builder *out = context;
	unsigned depth = zm_profile_depth(stack);

	put_figures(out, stack->live_samples, stack->live_sample_bytes, stack->total_samples,
		    stack->total_sample_bytes);
	put_address(out, depth != 0 ? stack->frames[0] - 1 : 0);
	for (unsigned i = 1; i < depth; i++)
		put_address(out, stack->frames[i]);
	zm_build_text(out, "\n");
	return out->error;
}

/* As a line of Linux's /proc/self/maps, device and inode left out. */
static int put_mapping(const struct zm_profile_mapping *mapping, void *context)
{
	struct zm_builder *out = context;

	zm_build_hex(out, mapping->start, 8);
	zm_build_text(out, "-");
	zm_build_hex(out, mapping->limit, 8);
	zm_build_text(out, " r-xp ");
	zm_build_hex(out, mapping->offset, 8);
	zm_build_text(out, " 00:00 0 ");
	zm_build_text(out, mapping->path);
	zm_build_text(out, "\n");
	return out->error;
}

int zm_profile_write_heap(const struct zm_profile_sheet *sheet, struct zm_builder *out)
{
	struct sums sums = {0};
	int error = sheet->each_stack(sheet, add, &sums);

	if (error != 0)
		return error;
	zm_build_text(out, "heap profile: ");
	put_figures(out, sums.live_samples, sums.live_bytes, sums.total_samples, sums.total_bytes);
	zm_build_text(out, " heap_v2/");
	zm_build_number(out, sheet->mean_bytes);
	zm_build_text(out, "\n");
	error = sheet->each_stack(sheet, put_stack, out);
	if (error != 0)
		return error;
	zm_build_text(out, "\nMAPPED_LIBRARIES:\n");
	return zm_profile_each_mapping(sheet, put_mapping, out);
}
