# SPDX-License-Identifier: BSD-2-Clause
# ZM_PRELOAD
#
# Whether libzmalloc_preload.so is built, which takes malloc()'s names in programs that were never changed: the
# conditional ZM_PRELOAD. The GNU C library keeps second names of its own malloc() for that, and its
# loader preloads. A sanitizer brings its own malloc() into the program.
AC_DEFUN([ZM_PRELOAD], [
	AC_CACHE_CHECK([whether programs can be preloaded], [zm_cv_preload], [
		zm_cv_preload=no
		AS_IF([test "$enable_shared,$zm_cv_symbol_map,$zm_sanitizer" = yes,yes,no], [
			AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <limits.h>
				#if !defined(__GLIBC__) || !defined(__ELF__) || !defined(__linux__)
				#error another C library
				#endif]])], [zm_cv_preload=yes])
		])
	])
	AM_CONDITIONAL([ZM_PRELOAD], [test "$zm_cv_preload" = yes])
	AC_SUBST([zm_cv_preload])
])
