# SPDX-License-Identifier: BSD-2-Clause
# libzmalloc_preload.so: malloc()'s names for programs that were never changed, on the public API alone.
# `zmalloc run` preloads it. -fno-builtin: what it defines it must not be thought to call.

if ZM_PRELOAD
preloaddir = $(libdir)/zmalloc
preload_LTLIBRARIES = libzmalloc_preload.la

# It is linked anew for its place, with the library that is in its own by then. By a variable, as automake
# takes a rule of that name for one in the place of its own.
zm_install_preload = install-preloadLTLIBRARIES
$(zm_install_preload): install-libLTLIBRARIES
endif

uninstall-hook: zm-uninstall-preload
zm-uninstall-preload:
	@rmdir "$(DESTDIR)$(libdir)/zmalloc" 2>/dev/null || :
.PHONY: zm-uninstall-preload
libzmalloc_preload_la_SOURCES = \
	lib/base/builder.c \
	lib/base/builder.h \
	lib/base/largest.c \
	lib/base/largest.h \
	lib/preload/calls.c \
	lib/preload/malloc.c \
	lib/preload/new.c \
	lib/preload/preload.h \
	lib/preload/pressure.c \
	lib/preload/report.c \
	lib/preload/slow.c \
	lib/preload/start.c \
	lib/preload/store.c
libzmalloc_preload_la_CFLAGS = $(AM_CFLAGS) -fno-builtin -fexceptions
libzmalloc_preload_la_LIBADD = libzmalloc.la $(ZM_SYSTEM_LIBS)
libzmalloc_preload_la_LDFLAGS = $(AM_LDFLAGS) $(ZM_LDFLAGS) -module -avoid-version -shared \
	-Wl,--version-script=$(top_srcdir)/lib/preload/preload.map
EXTRA_libzmalloc_preload_la_DEPENDENCIES = lib/preload/preload.map
EXTRA_DIST += lib/preload/preload.map
