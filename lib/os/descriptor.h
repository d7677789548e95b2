/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/os/descriptor.h - descriptors that the library keeps in a program that has descriptors of its own.
 */
#ifndef ZM_OS_DESCRIPTOR_H
#define ZM_OS_DESCRIPTOR_H

/*
 * The same file under a higher number, close-on-exec; where no higher one is free, the number that it has.
 * The old one is the caller's to close.
 */
int zm_descriptor_copy_up(int fd);

#endif
