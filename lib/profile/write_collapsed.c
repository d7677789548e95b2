/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_collapsed.c - a line for each stack that has live memory, outermost frame first: what flame
 * graphs are made from.
 *
 *     redis-server+0x4a1f0;redis-server+0x7c02e;libfoo.so.1+0x1139 1048576
 *
 * A frame is the file's name and where in the file the call is. The figure is the estimate of its live bytes.
 */
#include "config.h"

#include <string.h>

#include "profile/modules.h"
#include "profile/write.h"

struct lines {
	struct zm_builder *out;
	struct zm_profile_modules modules;
};

/* What parts frames, and what parts the figure, is not in a name. */
static void put_name(struct zm_builder *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	for (const char *at = slash != NULL ? slash + 1 : path; *at != '\0';) {
		size_t size = zm_character_size(at);

		if (size == 0 || *at == ';' || *at == ' ')
			zm_build_text(out, "_");
		else
			zm_build_piece(out, at, size);
		at += size != 0 ? size : 1;
	}
}

static void put_frame(const struct lines *lines, uintptr_t address)
{
	const struct zm_profile_module *module = zm_profile_module_of(&lines->modules, address);

	if (module != NULL) {
		put_name(lines->out, lines->modules.scratch->paths + module->path);
		address = (uintptr_t)(address - module->start + module->offset);
		zm_build_text(lines->out, "+");
	}
	zm_build_text(lines->out, "0x");
	zm_build_hex(lines->out, address, 1);
}

static int put_line(const struct zmalloc_profile_stack *stack, void *context)
{
	const struct lines *lines = context;
	unsigned depth = zm_profile_depth(stack);

	if (stack->live_bytes == 0)
		return 0;
	if (depth == 0)
		zm_build_text(lines->out, "unknown");
	for (unsigned i = depth; i-- > 0;) {
		put_frame(lines, stack->frames[i] - 1);
		if (i != 0)
			zm_build_text(lines->out, ";");
	}
	zm_build_text(lines->out, " ");
	zm_build_number(lines->out, stack->live_bytes);
	zm_build_text(lines->out, "\n");
	return lines->out->error;
}

int zm_profile_write_collapsed(const struct zm_profile_sheet *sheet,
			       struct zm_profile_scratch *scratch, struct zm_builder *out)
{
	struct lines lines = {.out = out};
	int error = zm_profile_modules_take(&lines.modules, sheet, scratch, true);

	return error != 0 ? error : sheet->each_stack(sheet, put_line, &lines);
}
