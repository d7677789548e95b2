/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/descriptor.h - descriptors that the library keeps in a program that has descriptors of its own.
 */
#ifndef ZM_OS_DESCRIPTOR_H
#define ZM_OS_DESCRIPTOR_H

/*
 * The same file under a higher number, close-on-exec, and the old number closed; where no higher one is
 * free it stays what it is.
 */
int zm_descriptor_move_up(int fd);

#endif
