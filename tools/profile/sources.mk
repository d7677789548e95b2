# SPDX-License-Identifier: BSD-2-Clause
# `zmalloc profile`. Names come from libdw where that is; what writes pprof's format is the library's own, compiled
# once more, with the pages of the system's that it works in.
zm_profile_tool = \
	$(zm_profile_writers) \
	lib/os/pages.c \
	tools/profile/build_id.c \
	tools/profile/chains.c \
	tools/profile/chains.h \
	tools/profile/explain.c \
	tools/profile/explain.h \
	tools/profile/file.c \
	tools/profile/file.h \
	tools/profile/graph.c \
	tools/profile/json.c \
	tools/profile/mappings.c \
	tools/profile/mappings.h \
	tools/profile/names.h \
	tools/profile/pprof.c \
	tools/profile/profile.h \
	tools/profile/symbols.c \
	tools/profile/symbols.h \
	tools/profile/table.c \
	tools/profile/take.c \
	tools/profile/take.h \
	tools/profile/wrapper.c \
	tools/profile/wrapper.h
if ZM_HAVE_LIBDW
zm_profile_tool += \
	tools/profile/cxx_name.c \
	tools/profile/cxx_name.h \
	tools/profile/names_libdw.c \
	tools/profile/units.c \
	tools/profile/units.h
else
zm_profile_tool += tools/profile/names_none.c
endif
