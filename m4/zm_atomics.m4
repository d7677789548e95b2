# SPDX-License-Identifier: BSD-2-Clause
# ZM_ATOMICS
#
# Which spelling of atomic operations on a pointer-wide integer there is: C11, else __atomic, else
# __sync. Defines one of HAVE_STDATOMIC_H, HAVE_GCC_ATOMIC, HAVE_SYNC_ATOMIC. The cache variable
# zm_cv_atomics=stdatomic|gcc|sync, given to configure, tries another one.
AC_DEFUN([ZM_ATOMICS], [
	AC_CACHE_CHECK([for atomic operations], [zm_cv_atomics], [
		zm_cv_atomics=no
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdatomic.h>
			#include <stddef.h>
			static _Atomic(size_t) count;]],
			[[return (int)atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);]])],
			[zm_cv_atomics=stdatomic])
		AS_IF([test $zm_cv_atomics = no], [AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stddef.h>
			static size_t count;]],
			[[return (int)__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);]])],
			[zm_cv_atomics=gcc])])
		AS_IF([test $zm_cv_atomics = no], [AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stddef.h>
			static size_t count;]],
			[[return (int)__sync_fetch_and_add(&count, 1);]])],
			[zm_cv_atomics=sync])])
	])
	AS_CASE([$zm_cv_atomics],
		[stdatomic], [AC_DEFINE([HAVE_STDATOMIC_H], [1], [Define to 1 to use the atomic operations of C11.])],
		[gcc], [AC_DEFINE([HAVE_GCC_ATOMIC], [1], [Define to 1 to use the __atomic built-in functions.])],
		[sync], [AC_DEFINE([HAVE_SYNC_ATOMIC], [1], [Define to 1 to use the __sync built-in functions.])],
		[AC_MSG_ERROR([$CC has no atomic operations on size_t: C11 <stdatomic.h>, __atomic or __sync is needed])])
])
