/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_machine.h - what differs from processor to processor where a stack is walked.
 */
#ifndef ZM_PROFILE_STACK_MACHINE_H
#define ZM_PROFILE_STACK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* What is known of the registers of a frame. */
struct zm_stack_frame {
	uintptr_t pc;
	uintptr_t sp;
	uintptr_t fp;
	uintptr_t ra; /* of the innermost frame only; 0 in others, whose callees have changed it */
	bool exact;   /* pc is the instruction itself, not the one after a call */
};

#if defined(__x86_64__)

/* Numbers of DWARF's. */
enum {
	ZM_REGISTER_FP = 6,
	ZM_REGISTER_SP = 7,
	ZM_REGISTER_PC = 16
};

/* The function that this is expanded in, as its own unwind table describes it. */
#define ZM_STACK_HERE(frame)                                                                       \
	__asm__ volatile("1: lea 1b(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"                  \
			 : "=r"((frame)->pc), "=r"((frame)->sp), "=r"((frame)->fp));               \
	(frame)->ra = 0;                                                                           \
	(frame)->exact = true

/* The frame record is the uppermost that a function has of the stack: the caller's ends above these words. */
#define ZM_STACK_RECORD_WORDS 2

#elif defined(__aarch64__)

enum {
	ZM_REGISTER_FP = 29,
	ZM_REGISTER_SP = 31,
	ZM_REGISTER_PC = 30
};

#define ZM_STACK_HERE(frame)                                                                       \
	__asm__ volatile("1: adr %0, 1b\n\tmov %1, sp\n\tmov %2, x29\n\tmov %3, x30"               \
			 : "=&r"((frame)->pc), "=&r"((frame)->sp), "=&r"((frame)->fp),             \
			   "=&r"((frame)->ra));                                                    \
	(frame)->exact = true

#endif

/*
 * Where a frame record is, seen from the frame pointer, in words: the caller's frame pointer, and the
 * return address. ppc64 keeps the latter in the frame of the caller, and its chain is always there.
 */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
#define ZM_FRAME_RECORD 1
#define ZM_FRAME_NEXT 0
#define ZM_FRAME_RA 1
#define ZM_FRAME_RA_IN_NEXT 0
#elif defined(__riscv)
#define ZM_FRAME_RECORD 1
#define ZM_FRAME_NEXT (-2)
#define ZM_FRAME_RA (-1)
#define ZM_FRAME_RA_IN_NEXT 0
#elif defined(__powerpc64__)
#define ZM_FRAME_RECORD 1
#define ZM_FRAME_NEXT 0
#define ZM_FRAME_RA 2
#define ZM_FRAME_RA_IN_NEXT 1
#else
#define ZM_FRAME_RECORD 0
#endif

/* A return address without the signature that aarch64 may have put into its upper bits. */
static inline uintptr_t zm_stack_address(uintptr_t ra)
{
#if defined(__aarch64__)
	/* xpaclri, by the number that older processors and assemblers take for nothing. */
	register uintptr_t x30 __asm__("x30") = ra;

	__asm__("hint #7" : "+r"(x30));
	return x30;
#else
	return ra;
#endif
}

#endif
