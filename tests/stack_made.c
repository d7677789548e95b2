/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/stack_made.c - code that nobody has a table for.
 */
#include "config.h"

#include "tests/stack_made.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
/* push %rbp; mov %rsp, %rbp; call *%rsi; pop %rbp; ret */
static const uint8_t with_pointer[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
/* push %rbp; mov %rdi, %rbp; call *%rsi; pop %rbp; ret */
static const uint8_t without_pointer[] = {0x55, 0x48, 0x89, 0xfd, 0xff, 0xd6, 0x5d, 0xc3};
#elif defined(__aarch64__)
/* stp x29, x30, [sp, -16]!; mov x29, sp; blr x1; ldp x29, x30, [sp], 16; ret */
static const uint32_t with_pointer[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0020, 0xa8c17bfd, 0xd65f03c0};
/* stp x29, x30, [sp, -16]!; mov x29, x0; blr x1; ldp x29, x30, [sp], 16; ret */
static const uint32_t without_pointer[] = {0xa9bf7bfd, 0xaa0003fd, 0xd63f0020, 0xa8c17bfd,
					   0xd65f03c0};
#else
static const uint8_t with_pointer[1], without_pointer[1];
#define NONE_KNOWN
#endif

#define SECOND 64 /* bytes from one to the other */

bool make_code(struct made *made)
{
	char *page;
	void *second;

	made->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	page = mmap(NULL, made->page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (page == MAP_FAILED)
		return false;
	made->page = page;
	second = page + SECOND;
	memcpy(page, with_pointer, sizeof(with_pointer));
	memcpy(second, without_pointer, sizeof(without_pointer));
	memcpy(&made->with_pointer, &made->page, sizeof(made->page));
	memcpy(&made->without_pointer, &second, sizeof(second));
#if defined(NONE_KNOWN)
	unmake_code(made);
	return false;
#else
	if (mprotect(page, made->page_bytes, PROT_READ | PROT_EXEC) != 0) {
		unmake_code(made);
		return false;
	}
	__builtin___clear_cache(page, page + made->page_bytes);
	return true;
#endif
}

void unmake_code(struct made *made)
{
	munmap(made->page, made->page_bytes);
}
