/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/portability/stubs/32/gnu/stubs-32.h - which functions the C library has not, for 32 bits.
 *
 * glibc's <features.h> includes a file of this name, which only the 32-bit library's packages have:
 * enough for a compiler's front end where they are missing.
 */
