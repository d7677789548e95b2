# SPDX-License-Identifier: BSD-2-Clause
# Memory gets short: events from the kernel and from limits.

zm_pressure_sources = \
	lib/pressure/level.c \
	lib/pressure/level.h \
	lib/pressure/on_pressure.c \
	lib/pressure/pending.c \
	lib/pressure/pending.h \
	lib/pressure/pressure.c \
	lib/pressure/pressure.h
