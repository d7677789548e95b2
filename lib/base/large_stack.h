/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/base/large_stack.h - calls that take more stack than a small thread has.
 *
 * Our own functions are content with 8 KiB. Some of the allocators' reports have more than that in
 * variables of their own.
 */
#ifndef ZM_LARGE_STACK_H
#define ZM_LARGE_STACK_H

/*
 * Call function(argument) in a thread of its own with 256 KiB of stack, and wait for it. That thread
 * takes no signal of the program's. Where no thread is to be had, the call is made right here.
 */
void zm_on_large_stack(void *(*function)(void *), void *argument);

#endif
