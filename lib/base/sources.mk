# SPDX-License-Identifier: BSD-2-Clause
# What every room stands on. It knows none of them.

zm_base_sources = \
	lib/base/assert.c \
	lib/base/assert.h \
	lib/base/atomic.h \
	lib/base/builder.c \
	lib/base/builder.h \
	lib/base/clock.h \
	lib/base/compiler.h \
	lib/base/fork.c \
	lib/base/fork.h \
	lib/base/helper.c \
	lib/base/helper.h \
	lib/base/large_stack.c \
	lib/base/large_stack.h \
	lib/base/largest.c \
	lib/base/largest.h \
	lib/base/lock.c \
	lib/base/lock.h \
	lib/base/probe.h \
	lib/base/program.c \
	lib/base/program.h \
	lib/base/result.h \
	lib/base/sized.c \
	lib/base/sized.h \
	lib/base/text.c \
	lib/base/text.h
