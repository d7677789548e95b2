/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/backtrace.c - the calling thread's stack, written out without allocating.
 *
 * backtrace(3) of glibc loads libgcc_s when it is first called. With no memory left that fails, and
 * the report of that very case had no stack. The unwinder called by its own name makes libgcc_s one
 * of the libraries that are loaded with this one, which costs a program's start less than a first
 * backtrace() there would.
 */
#include "config.h"

#include "os/os.h"
#include "os/sigpipe.h"

#include <errno.h>

#include "base/builder.h"

#ifdef HAVE_BACKTRACE
#include <execinfo.h>

/* Enough for the way from main() to a failing allocation; 512 bytes of stack. */
#define FRAMES 64

#ifdef HAVE_UNWIND_BACKTRACE
#include <unwind.h>

struct stack {
	void *frames[FRAMES];
	int found;
};

static _Unwind_Reason_Code add_frame(struct _Unwind_Context *context, void *argument)
{
	struct stack *stack = argument;

	/* What starts a thread ends the stack with an address of 0. */
	if (stack->found == FRAMES || _Unwind_GetIP(context) == 0)
		return _URC_END_OF_STACK;
	stack->frames[stack->found++] = (void *)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* Either function begins with the frame of its caller. */
#define FIND_FRAMES(stack) _Unwind_Backtrace(add_frame, &(stack))
#else
struct stack {
	void *frames[FRAMES];
	int found;
};

#define FIND_FRAMES(stack) ((stack).found = (int)backtrace((stack).frames, FRAMES))
#endif

static void write_symbols(int fd, void *const *frames, int count)
{
	struct zm_sigpipe hold;

	zm_sigpipe_hold(&hold, fd);
	backtrace_symbols_fd(frames, count, fd);
	zm_sigpipe_release(&hold);
}

int zm_os_backtrace(int fd, int skip)
{
	struct stack stack = {.found = 0};

	FIND_FRAMES(stack);
	skip++; /* this function */
	if (stack.found <= skip)
		return ENOMEM;
	write_symbols(fd, stack.frames + skip, stack.found - skip);
	return 0;
}

int zm_os_write_symbols(int fd, const uintptr_t *addresses, unsigned count)
{
	void *frames[FRAMES];

	if (count > FRAMES)
		count = FRAMES;
	for (unsigned i = 0; i < count; i++)
		frames[i] = (void *)addresses[i];
	if (count != 0)
		write_symbols(fd, frames, (int)count);
	return 0;
}
#else
int zm_os_backtrace(int fd, int skip)
{
	(void)fd;
	(void)skip;
	return ENOTSUP;
}

int zm_os_write_symbols(int fd, const uintptr_t *addresses, unsigned count)
{
	struct zm_builder lines;

	zm_builder_start(&lines);
	for (unsigned i = 0; i < count; i++) {
		zm_build_text(&lines, "[0x");
		zm_build_hex(&lines, addresses[i], 1);
		zm_build_text(&lines, "]\n");
	}
	return zm_os_write(fd, lines.text, lines.length);
}
#endif
