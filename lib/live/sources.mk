# SPDX-License-Identifier: BSD-2-Clause
# This process shown to others, and others read from here.

zm_live_sources = \
	lib/live/answer.c \
	lib/live/answer.h \
	lib/live/ask.c \
	lib/live/ask.h \
	lib/live/command.c \
	lib/live/command.h \
	lib/live/command_profile.c \
	lib/live/page.h \
	lib/live/process_profile.c \
	lib/live/processes.c \
	lib/live/publish.c \
	lib/live/publish.h \
	lib/live/published.c \
	lib/live/published.h \
	lib/live/published_dir.c \
	lib/live/published_file.c \
	lib/live/records.c \
	lib/live/records.h \
	lib/live/sequence.h
