# SPDX-License-Identifier: BSD-2-Clause
# ZM_CURSES
#
# Ncurses of wide characters, for `zmalloc top` on a terminal: CURSES_CFLAGS, CURSES_LIBS. Without it top writes
# plain lines only. pkg-config may know that of another C library than the compiler's, so it is tried.
AC_DEFUN([ZM_CURSES], [
	zm_no_curses="none: zmalloc top has plain lines only (Debian: libncurses-dev; Fedora: ncurses-devel; brew: ncurses)"
	PKG_CHECK_MODULES([CURSES], [ncursesw], [
		AC_CACHE_CHECK([whether programs link with ncursesw], [zm_cv_curses], [
			zm_save_CFLAGS=$CFLAGS
			zm_save_LIBS=$LIBS
			CFLAGS="$CFLAGS $CURSES_CFLAGS"
			LIBS="$CURSES_LIBS $LIBS"
			AC_LINK_IFELSE([AC_LANG_PROGRAM([[
				#include <curses.h>
				#include <term.h>
			]], [[
				int error;

				return setupterm(0, 1, &error) + resizeterm(1, 1) + set_escdelay(1);
			]])], [zm_cv_curses=yes], [zm_cv_curses=no])
			CFLAGS=$zm_save_CFLAGS
			LIBS=$zm_save_LIBS
		])
	], [zm_cv_curses=no])
	AS_IF([test "$zm_cv_curses" = yes],
		[zm_curses="ncurses `$PKG_CONFIG --modversion ncursesw`"],
		[zm_curses=$zm_no_curses
		CURSES_CFLAGS=
		CURSES_LIBS=])
	AM_CONDITIONAL([ZM_HAVE_CURSES], [test "$zm_cv_curses" = yes])
	AC_SUBST([zm_cv_curses])
])
