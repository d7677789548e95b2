# SPDX-License-Identifier: BSD-2-Clause
# ZM_TRY_LDFLAGS(VARIABLE, FLAGS...)
#
# Appends to VARIABLE each of the blank-separated FLAGS with which a shared library links.
AC_DEFUN([ZM_TRY_LDFLAGS], [
	for zm_flag in m4_normalize([$2]); do
		AS_VAR_PUSHDEF([zm_cache], [zm_cv_ldflag_$zm_flag])
		AC_CACHE_CHECK([whether a library links with $zm_flag], [zm_cache], [
			zm_save_CFLAGS=$CFLAGS zm_save_LDFLAGS=$LDFLAGS
			CFLAGS="$CFLAGS$lt_prog_compiler_pic"
			LDFLAGS="$LDFLAGS -shared $zm_flag"
			AC_LINK_IFELSE([AC_LANG_SOURCE([[int zm_flag_probe(void); int zm_flag_probe(void) { return 0; }]])],
				[AS_VAR_SET([zm_cache], [yes])], [AS_VAR_SET([zm_cache], [no])])
			CFLAGS=$zm_save_CFLAGS LDFLAGS=$zm_save_LDFLAGS
		])
		AS_VAR_IF([zm_cache], [yes], [AS_VAR_APPEND([$1], [" $zm_flag"])])
		AS_VAR_POPDEF([zm_cache])
	done
])

# ZM_LINKER
#
# What the shared library asks of the linker, in ZM_LDFLAGS, and whether it takes a symbol map: the
# conditional ZM_SYMBOL_MAP.
AC_DEFUN([ZM_LINKER], [
	AC_REQUIRE([AC_CANONICAL_HOST])
	ZM_LDFLAGS=

	# Our own functions call one another straight, whatever a program may define.
	ZM_TRY_LDFLAGS([ZM_LDFLAGS], [-Wl,-Bsymbolic-functions])

	# Threads that outlive a dlclose() still run our exit destructor: the code has to stay.
	ZM_TRY_LDFLAGS([ZM_LDFLAGS], [-Wl,-z,nodelete])
	AS_CASE([$ZM_LDFLAGS], [*nodelete*],
		[AC_DEFINE([HAVE_LINKER_NODELETE], [1], [Define to 1 if the linker marks the shared library as one that stays loaded.])])

	# A missing library shows here and not in the programs. The run-time library of a sanitizer comes
	# from the program, so its names are undefined by design.
	AS_IF([test "$zm_sanitizer" = no], [ZM_TRY_LDFLAGS([ZM_LDFLAGS], [-Wl,-z,defs])])

	AC_CACHE_CHECK([whether the linker takes a symbol map], [zm_cv_symbol_map], [
		AS_ECHO(["ZM_1.0 { global: zm_flag_probe; local: *; };"]) >conftest.map
		zm_save_CFLAGS=$CFLAGS zm_save_LDFLAGS=$LDFLAGS
		CFLAGS="$CFLAGS$lt_prog_compiler_pic"
		LDFLAGS="$LDFLAGS -shared -Wl,--version-script=conftest.map"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[int zm_flag_probe(void); int zm_flag_probe(void) { return 0; }]])],
			[zm_cv_symbol_map=yes], [zm_cv_symbol_map=no])
		CFLAGS=$zm_save_CFLAGS LDFLAGS=$zm_save_LDFLAGS
		rm -f conftest.map
	])
	AM_CONDITIONAL([ZM_SYMBOL_MAP], [test "$zm_cv_symbol_map" = yes])
	AC_SUBST([ZM_LDFLAGS])
])

# ZM_LIBTOOL
#
# Where shared libraries name the libraries that they need, do not link those into programs as well:
# a program that links libzmalloc.la would get the allocator ahead of the C library, and with it
# another malloc() of its own. Debian's libtool does this already.
AC_DEFUN([ZM_LIBTOOL], [
	AC_REQUIRE([AC_CANONICAL_HOST])
	AS_CASE([$host_os],
		[linux*|*bsd*|dragonfly*|solaris*|haiku*], [link_all_deplibs=no])
	AM_CONDITIONAL([ZM_STATIC], [test "$enable_static" = yes])
])
