# SPDX-License-Identifier: BSD-2-Clause
# ZM_ZLIB
#
# zlib, for profiles as pprof reads them: HAVE_ZLIB, and its flag in ZM_ZLIB_LIBS, for the shared library and the
# tool: see lib/profile/gzip.c. Without it they are written as
# they are, which pprof reads too. pkg-config may know that of another C library than the compiler's,
# so it is tried. MemorySanitizer takes what zlib wrote for not written.
AC_DEFUN([ZM_ZLIB], [
	AC_CACHE_CHECK([for zlib], [zm_cv_zlib], [
		zm_save_LIBS=$LIBS
		LIBS="-lz $LIBS"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <zlib.h>]], [[
			z_stream stream = {0};

			return deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
		]])], [zm_cv_zlib=yes], [zm_cv_zlib=no])
		LIBS=$zm_save_LIBS
	])
	ZM_ZLIB_LIBS=
	AC_SUBST([ZM_ZLIB_LIBS])
	zm_zlib="profiles as gzip, by zlib"
	AS_IF([test "$zm_sanitizer" = memory], [zm_cv_zlib=no])
	AS_IF([test "$zm_cv_zlib" = yes], [
		AC_DEFINE([HAVE_ZLIB], [1], [Define to 1 if you have zlib.])
		ZM_ZLIB_LIBS=-lz
	], [zm_zlib="none: profiles are not compressed (Debian: zlib1g-dev; Fedora: zlib-devel)"])
])
