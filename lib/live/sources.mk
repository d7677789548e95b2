# SPDX-License-Identifier: BSD-2-Clause
# This process shown to others, and others read from here.

zm_live_sources = \
	lib/live/page.h \
	lib/live/page_dir.c \
	lib/live/publish.c \
	lib/live/publish.h \
	lib/live/published.c
