# SPDX-License-Identifier: BSD-2-Clause
# This process shown to others, and others read from here.

zm_live_sources = \
	lib/live/publish.c \
	lib/live/publish.h \
	lib/live/published.c \
	lib/live/published.h \
	lib/live/published_dir.c \
	lib/live/reader.c \
	lib/live/sequence.h
