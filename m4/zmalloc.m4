# zmalloc.m4 - for programs that use libzmalloc. Installed; libzmalloc's own build does not use it.
# SPDX-License-Identifier: BSD-2-Clause
# serial 1

# ZMALLOC_CHECK([MINIMUM-VERSION], [IF-FOUND], [IF-NOT-FOUND])
#
# Looks for libzmalloc with pkg-config ($PKG_CONFIG, if that is set), and without it where the compiler
# looks. Sets and substitutes ZMALLOC_CFLAGS and ZMALLOC_LIBS, which the user may preset, and does
# IF-FOUND; else IF-NOT-FOUND, by default an error that names what to install. LIBS and CFLAGS are left
# alone.
AC_DEFUN([ZMALLOC_CHECK], [
	AC_REQUIRE([AC_PROG_CC])
	AC_ARG_VAR([ZMALLOC_CFLAGS], [C compiler flags for libzmalloc, instead of asking pkg-config])
	AC_ARG_VAR([ZMALLOC_LIBS], [linker flags for libzmalloc, instead of asking pkg-config])
	test -n "$ZMALLOC_PKG_CONFIG" || ZMALLOC_PKG_CONFIG=$PKG_CONFIG
	AC_CHECK_TOOL([ZMALLOC_PKG_CONFIG], [pkg-config])
	zmalloc_minimum="m4_translit(m4_default_nblank([$1], [1]), [.], [,])"
	AC_MSG_CHECKING([for libzmalloc m4_default_nblank([$1], [1])])
	if test -z "$ZMALLOC_CFLAGS$ZMALLOC_LIBS" && test -n "$ZMALLOC_PKG_CONFIG" &&
		$ZMALLOC_PKG_CONFIG --exists zmalloc; then
		ZMALLOC_CFLAGS=`$ZMALLOC_PKG_CONFIG --cflags zmalloc`
		ZMALLOC_LIBS=`$ZMALLOC_PKG_CONFIG --libs zmalloc`
	fi
	test -n "$ZMALLOC_LIBS" || ZMALLOC_LIBS=-lzmalloc
	zmalloc_save_CPPFLAGS=$CPPFLAGS zmalloc_save_LIBS=$LIBS
	CPPFLAGS="$CPPFLAGS $ZMALLOC_CFLAGS" LIBS="$ZMALLOC_LIBS $LIBS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[
			#include <zmalloc.h>
			#define MINIMUM(major, minor, patch, ...) \
				((major) * 1000000 + (minor) * 1000 + (patch))
			#if ZMALLOC_VERSION_NUMBER < MINIMUM($zmalloc_minimum, 0, 0)
			#error older than asked for
			#endif
		]], [[zfree(zmalloc(1))]])],
		[zmalloc_found=yes], [zmalloc_found=no])
	CPPFLAGS=$zmalloc_save_CPPFLAGS LIBS=$zmalloc_save_LIBS
	AC_MSG_RESULT([$zmalloc_found])
	if test $zmalloc_found = yes; then
		m4_default_nblank([$2], [:])
	else
		ZMALLOC_CFLAGS= ZMALLOC_LIBS=
		m4_default_nblank([$3], [AC_MSG_ERROR([libzmalloc m4_default_nblank([$1], [1]) or newer was not found: install it (Debian: libzmalloc-dev; Fedora: libzmalloc-devel), or say where it is with ZMALLOC_CFLAGS and ZMALLOC_LIBS])])
	fi
])
