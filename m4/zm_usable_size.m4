# SPDX-License-Identifier: BSD-2-Clause
# ZM_USABLE_SIZE_OPTION
#
# Reads --disable-usable-size: build as for a C library that cannot tell the size of a block, with the
# size kept in front of it. Only the adaptor for libc does that, so zm_forces_libc is set.
AC_DEFUN([ZM_USABLE_SIZE_OPTION], [
	AC_ARG_ENABLE([usable-size],
		[AS_HELP_STRING([--disable-usable-size],
			[keep each block's size in front of it, as on systems without
			 malloc_usable_size() and malloc_size(); forces --with-malloc=libc])],
		[], [enable_usable_size=yes])
	AS_CASE([$enable_usable_size],
		[yes], [],
		[no], [zm_forces_libc=${zm_forces_libc:+$zm_forces_libc and }--disable-usable-size],
		[AC_MSG_ERROR([--enable-usable-size takes yes or no, not '$enable_usable_size'])])
])

# ZM_USABLE_SIZE
#
# Whether the C library can tell the size of a block. Defines ZM_HAVE_USABLE_SIZE if it can and may.
AC_DEFUN([ZM_USABLE_SIZE], [
	zm_usable_size=yes
	AS_IF([test "$zm_malloc" = libc], [
		AC_CHECK_HEADERS([malloc.h malloc/malloc.h malloc_np.h])
		AC_CHECK_FUNCS([malloc_usable_size malloc_size])
		AS_CASE([$enable_usable_size,$ac_cv_func_malloc_usable_size,$ac_cv_func_malloc_size],
			[no,*], [zm_usable_size="no (--disable-usable-size)"],
			[yes,no,no], [zm_usable_size="no (the C library cannot tell)"],
			[AC_DEFINE([ZM_HAVE_USABLE_SIZE], [1],
				[Define to 1 if malloc_usable_size() or malloc_size() tells the size of a block.])])
	])
])

# ZM_LIBC_MALLOC
#
# What else the C library's malloc offers to its adaptor.
AC_DEFUN([ZM_LIBC_MALLOC], [
	AS_IF([test "$zm_malloc" = libc], [
		AC_CHECK_FUNCS([mallinfo2 malloc_trim malloc_info malloc_good_size gnu_get_libc_version])
		AC_CACHE_CHECK([whether free keeps errno], [zm_cv_free_keeps_errno], [
			AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <stdlib.h>
				#if !defined(__OpenBSD__) && !(defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33))
				#error no promise
				#endif]])], [zm_cv_free_keeps_errno=yes], [zm_cv_free_keeps_errno=no])
		])
		AS_IF([test $zm_cv_free_keeps_errno = yes],
			[AC_DEFINE([HAVE_FREE_KEEPS_ERRNO], [1], [Define to 1 if free() promises to keep errno.])])
	])
])
