# SPDX-License-Identifier: BSD-2-Clause
# The writers of profiles. They need nothing of lib/ but the builder of text and pages of the system's
# (lib/os/pages.c), so that the tool is made of them too.

zm_profile_writers = \
	lib/profile/gzip.c \
	lib/profile/gzip.h \
	lib/profile/modules.c \
	lib/profile/modules.h \
	lib/profile/scratch.c \
	lib/profile/scratch.h \
	lib/profile/sheet.h \
	lib/profile/write.h \
	lib/profile/write_collapsed.c \
	lib/profile/write_heap.c \
	lib/profile/write_pprof.c \
	lib/profile/write_profile.c

# What the library alone has of them.
zm_profile_files = \
	lib/profile/dump.c \
	lib/profile/moment.c \
	lib/profile/moment.h \
	lib/profile/moment_name.c \
	lib/profile/moment_name.h \
	lib/profile/own.c \
	lib/profile/own.h \
	lib/profile/report.c \
	lib/profile/write_file.c \
	lib/profile/write_file.h

libzmalloc_la_SOURCES += $(zm_profile_writers) $(zm_profile_files)
