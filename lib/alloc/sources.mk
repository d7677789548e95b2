# SPDX-License-Identifier: BSD-2-Clause
# The allocation family.

zm_alloc_sources = \
	lib/alloc/alloc.c \
	lib/alloc/alloc.h \
	lib/alloc/arena.c \
	lib/alloc/borrowed.h \
	lib/alloc/counted.h \
	lib/alloc/flags.c \
	lib/alloc/oom.c \
	lib/alloc/oom.h \
	lib/alloc/string.c \
	lib/alloc/usable.c
