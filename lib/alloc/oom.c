/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/alloc/oom.c - what happens when there is no memory left.
 */
#include "config.h"

#include "alloc/oom.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmalloc.h>

#include "account/account.h"
#include "account/client.h"
#include "account/limits.h"
#include "account/scope.h"
#include "allocator/allocator.h"
#include "base/builder.h"
#include "base/probe.h"
#include "os/os.h"

typedef void (*oom_handler)(size_t size);

static void build_hard_limit(struct zm_builder *report, size_t size)
{
	size_t bytes = zm_limit_hard();

	if (bytes == SIZE_MAX)
		return;
	zm_build_text(report, "zmalloc: hard limit ");
	zm_build_bytes(report, bytes);
	zm_build_text(report, " (");
	zm_build_text(report, zm_limit_setter());
	zm_build_text(report, zm_limit_is_why(size) ? "), which refused it\n" : ")\n");
}

/* Who has the most, and the scope whose limit refused it. */
static ZM_COLD void write_scopes(size_t size)
{
	struct zm_builder report;
	struct zm_scope_share share[5];
	size_t limit_bytes, count = zm_scopes_largest(share, sizeof(share) / sizeof(share[0]));
	const char *refuser = zm_scope_is_why(size, &limit_bytes);

	zm_builder_start(&report);
	if (refuser != NULL) {
		zm_build_text(&report, "zmalloc: scope ");
		zm_build_quoted(&report, refuser);
		zm_build_text(&report, " has a limit of ");
		zm_build_bytes(&report, limit_bytes);
		zm_build_text(&report, ", which refused it\n");
	}
	for (size_t i = 0; i < count; i++) {
		zm_build_text(&report, "zmalloc: scope ");
		zm_build_quoted(&report, share[i].name);
		zm_build_text(&report, ": ");
		zm_build_bytes(&report, share[i].used_bytes);
		zm_build_text(&report, ", peak ");
		zm_build_bytes(&report, share[i].peak_bytes);
		zm_build_text(&report, "\n");
	}
	if (report.length != 0)
		zm_os_write(STDERR_FILENO, report.text, report.length);
}

/* In one write, so that lines of two threads do not mix. */
static ZM_COLD void write_report(size_t size, size_t limit_bytes, const char *source)
{
	struct zm_builder report;
	char allocator[64];

	zm_allocator_name(allocator, sizeof(allocator));

	zm_builder_start(&report);
	zm_build_text(&report, "zmalloc: out of memory: asked for ");
	if (size == SIZE_MAX)
		zm_build_text(&report, "more than a size can express");
	else
		zm_build_bytes(&report, size);
	zm_build_text(&report, "\nzmalloc: used ");
	zm_build_bytes(&report, zm_account_used());
	zm_build_text(&report, "\nzmalloc: peak ");
	zm_build_bytes(&report, zm_account_peak());
	zm_build_text(&report, "\nzmalloc: limit ");
	zm_build_bytes(&report, limit_bytes);
	zm_build_text(&report, " (");
	zm_build_text(&report, source);
	zm_build_text(&report, ")\n");
	build_hard_limit(&report, size);
	zm_build_text(&report, "zmalloc: allocator ");
	zm_build_text(&report, allocator);
	zm_build_text(&report, "\n");
	zm_os_write(STDERR_FILENO, report.text, report.length);
}

/*
 * Finding the limit, the report and the backtrace each take KiBs of a stack that may be small, one
 * after the other. The backtrace comes last, as it may need memory.
 */
static void report_and_abort(size_t size)
{
	char source[256];
	size_t limit_bytes = 0;

	zm_os_memory_limit(&limit_bytes, source, sizeof(source));
	write_report(size, limit_bytes, source);
	write_scopes(size);
	zm_clients_see_moment(ZM_CLIENT_REPORT);
	zm_os_backtrace(STDERR_FILENO, 2);
	abort();
}

static ZM_ATOMIC(oom_handler) handler = report_and_abort;

void zmalloc_set_oom_handler(void (*new_handler)(size_t))
{
	zm_store_release(&handler, new_handler != NULL ? new_handler : report_and_abort);
}

/* The program's own may end the process, or free what is to be seen: others are told before. */
ZM_COLD void *zm_oom(size_t size)
{
	oom_handler call = zm_load_acquire(&handler);

	zm_probe_out_of_memory(size);
	zm_limit_tell_refused();
	if (call != report_and_abort)
		zm_clients_see_moment(ZM_CLIENT_OUT_OF_MEMORY);
	call(size);
	errno = ENOMEM;
	return NULL;
}

ZM_COLD void *zm_enomem(void)
{
	zm_probe_try_failed();
	zm_limit_tell_refused();
	errno = ENOMEM;
	return NULL;
}

ZM_COLD void *zm_einval(void)
{
	errno = EINVAL;
	return NULL;
}
