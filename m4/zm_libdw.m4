# SPDX-License-Identifier: BSD-2-Clause
# ZM_LIBDW_OPTION, ZM_LIBDW
#
# Elfutils' libdw, by which `zmalloc profile` finds functions, files and lines: LIBDW_CFLAGS, LIBDW_LIBS. Without it
# there are modules and offsets. pkg-config may know that of another C library than the compiler's, so it is tried.
AC_DEFUN([ZM_LIBDW_OPTION], [
	AC_ARG_WITH([libdw],
		[AS_HELP_STRING([--with-libdw=auto|yes|no],
			[names for zmalloc profile by elfutils' libdw; auto, the default: where it is])],
		[], [with_libdw=auto])
	AS_CASE([$with_libdw], [auto|yes|no], [],
		[AC_MSG_ERROR([--with-libdw=$with_libdw: not auto, yes or no])])
])

AC_DEFUN([ZM_LIBDW], [
	zm_no_libdw="none: zmalloc profile has modules and offsets only (Debian: libdw-dev; Fedora: elfutils-devel)"
	zm_cv_libdw=no
	AS_IF([test "$with_libdw" != no], [
		PKG_CHECK_MODULES([LIBDW], [libdw >= 0.170], [
			AC_MSG_CHECKING([whether programs link with libdw])
			zm_save_CFLAGS=$CFLAGS
			zm_save_LIBS=$LIBS
			CFLAGS="$CFLAGS $LIBDW_CFLAGS"
			LIBS="$LIBDW_LIBS $LIBS"
			AC_LINK_IFELSE([AC_LANG_PROGRAM([[
				#include <dwarf.h>
				#include <elfutils/libdw.h>
				#include <elfutils/libdwfl.h>
			]], [[
				return dwfl_linux_proc_report(0, 0) + dwarf_tag(0);
			]])], [zm_cv_libdw=yes])
			CFLAGS=$zm_save_CFLAGS
			LIBS=$zm_save_LIBS
			AC_MSG_RESULT([$zm_cv_libdw])
		], [:])
	])
	AS_IF([test "$zm_cv_libdw" = yes],
		[zm_libdw="libdw `$PKG_CONFIG --modversion libdw`"],
		[AS_IF([test "$with_libdw" = yes],
			[AC_MSG_ERROR([--with-libdw=yes: it is not there (Debian: libdw-dev; Fedora: elfutils-devel)])])
		zm_libdw=$zm_no_libdw
		LIBDW_CFLAGS=
		LIBDW_LIBS=])
	# Names of C++ are read by the C++ library that is there at run time. dlopen() is in a library of its own in
	# glibc before 2.34.
	AS_IF([test "$zm_cv_libdw" = yes], [
		zm_save_LIBS=$LIBS
		AC_SEARCH_LIBS([dlopen], [dl])
		LIBS=$zm_save_LIBS
		AS_CASE([$ac_cv_search_dlopen], [-l*], [LIBDW_LIBS="$LIBDW_LIBS $ac_cv_search_dlopen"])
	])
	AM_CONDITIONAL([ZM_HAVE_LIBDW], [test "$zm_cv_libdw" = yes])
	AC_SUBST([zm_cv_libdw])
])
