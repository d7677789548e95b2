# SPDX-License-Identifier: BSD-2-Clause
# ZM_SEARCH_LIB(FUNCTION, LIBRARIES, IF-FOUND)
#
# Finds the one of the blank-separated LIBRARIES that FUNCTION needs, none included, and adds it to
# ZM_SYSTEM_LIBS. LIBS is left as it was.
AC_DEFUN([ZM_SEARCH_LIB], [
	zm_save_LIBS=$LIBS
	AC_SEARCH_LIBS([$1], [$2], [
		AS_CASE([$ac_cv_search_$1],
			["none required"], [],
			[AS_CASE([" $ZM_SYSTEM_LIBS "],
				[*" $ac_cv_search_$1 "*], [],
				[AS_VAR_APPEND([ZM_SYSTEM_LIBS], [" $ac_cv_search_$1"])])])
		$3
	])
	LIBS=$zm_save_LIBS
])

# ZM_PROC_FILE(NAME, MACRO)
#
# Whether the system may have /proc/self/NAME. By the system's name, as the machine that builds may be
# another; an older kernel that lacks it is noticed when the library runs.
AC_DEFUN([ZM_PROC_FILE], [
	AC_CACHE_CHECK([for /proc/self/$1], [zm_cv_proc_self_$1],
		[AS_CASE([$host_os], [linux*], [zm_cv_proc_self_$1=yes], [zm_cv_proc_self_$1=no])])
	AS_IF([test $zm_cv_proc_self_$1 = yes],
		[AC_DEFINE([$2], [1], [Define to 1 if the system may have /proc/self/$1.])])
])

# ZM_SYSTEMS(MACRO)
#
# MACRO(NAME, HOSTS) of each system that lib/os has a file for, NAME.c; HOSTS is the pattern of its names in
# $host_os. A line here needs the condition ZM_OS_NAME in lib/os/sources.mk. All others get none.c.
m4_define([ZM_SYSTEMS], [
	$1([linux], [linux*])
	$1([darwin], [darwin*])
	$1([freebsd], [freebsd*|dragonfly*])
	$1([netbsd], [netbsd*])
	$1([openbsd], [openbsd*])
	$1([solaris], [solaris*])
	$1([haiku], [haiku*])
])
m4_define([ZM_SYSTEM_CASE], [[$2], [zm_cv_os=$1],])
m4_define([ZM_SYSTEM_CONDITIONAL], [AM_CONDITIONAL([ZM_OS_]m4_toupper([$1]), [test $zm_os = $1])])

# ZM_PLATFORM
#
# Which file of lib/os/ speaks to the kernel, in zm_os and one automake conditional for each, and what
# that system offers. What /proc holds follows from the system's name: the machine that builds may be
# another.
AC_DEFUN([ZM_PLATFORM], [
	AC_REQUIRE([AC_CANONICAL_HOST])
	AC_CACHE_CHECK([which file of lib/os fits], [zm_cv_os],
		[AS_CASE([$host_os], ZM_SYSTEMS([ZM_SYSTEM_CASE]) [zm_cv_os=none])])
	AC_SUBST([zm_os], [$zm_cv_os])
	ZM_SYSTEMS([ZM_SYSTEM_CONDITIONAL])
	AM_CONDITIONAL([ZM_OS_NONE], [test $zm_os = none])

	ZM_PROC_FILE([stat], [HAVE_PROC_SELF_STAT])
	ZM_PROC_FILE([smaps], [HAVE_PROC_SELF_SMAPS])
	ZM_PROC_FILE([smaps_rollup], [HAVE_PROC_SELF_SMAPS_ROLLUP])

	ZM_SYSTEM_LIBS=
	AC_CACHE_CHECK([for the flag that links threads], [zm_cv_pthread], [
		zm_cv_pthread=no
		for zm_flag in -pthread -lpthread; do
			zm_save_LIBS=$LIBS
			LIBS="$zm_flag $LIBS"
			AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <pthread.h>]],
				[[pthread_key_t key; return pthread_key_create(&key, 0);]])],
				[zm_cv_pthread=$zm_flag])
			LIBS=$zm_save_LIBS
			test "$zm_cv_pthread" = no || break
		done
	])
	AS_IF([test "$zm_cv_pthread" = no], [AC_MSG_ERROR([POSIX threads are needed: no <pthread.h>, or nothing to link])])
	AS_VAR_APPEND([ZM_SYSTEM_LIBS], [" $zm_cv_pthread"])

	# The heap profile: how far to the next sample, and what each stands for.
	ZM_SEARCH_LIB([expm1], [m], [])

	# Finding the functions of a jemalloc that has plain names.
	ZM_SEARCH_LIB([dladdr], [dl],
		[AC_DEFINE([HAVE_DLADDR], [1], [Define to 1 if you have dladdr().])])

	# Finding a table of jemalloc's that has no name outside it.
	AC_CHECK_FUNCS([dl_iterate_phdr])

	# Stacks of a profile. The same without a lock, and the processors whose unwind tables we read.
	AC_CACHE_CHECK([for _dl_find_object], [zm_cv_dl_find_object], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <dlfcn.h>]],
			[[struct dl_find_object found; return _dl_find_object(&found, &found);]])],
			[zm_cv_dl_find_object=yes], [zm_cv_dl_find_object=no])
	])
	AM_CONDITIONAL([ZM_DL_FIND_OBJECT], [test $zm_cv_dl_find_object = yes])
	AC_CACHE_CHECK([for a processor whose unwind tables are read], [zm_cv_stack_tables], [
		AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
			#if !defined __LP64__ || !(defined __x86_64__ || defined __aarch64__)
			#error another one
			#endif
			extern int one_like_it;
			]])],
			[zm_cv_stack_tables=yes], [zm_cv_stack_tables=no])
	])
	AM_CONDITIONAL([ZM_STACK_TABLES], [test $zm_cv_stack_tables = yes])
	zm_stack_tables=no
	AS_IF([test $zm_cv_dl_find_object$zm_cv_stack_tables = yesyes],
		[zm_stack_tables=yes
		AC_DEFINE([HAVE_STACK_TABLES], [1], [Define to 1 if unwind tables of all objects are read.])])
	AC_SUBST([zm_stack_tables])

	# tests/model runs its threads as coroutines. macOS has the functions, and a header that refuses them.
	AC_CACHE_CHECK([for makecontext in ucontext.h], [zm_cv_makecontext], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <ucontext.h>
			static void run(void) {}]],
			[[ucontext_t context; makecontext(&context, run, 0); return getcontext(&context);]])],
			[zm_cv_makecontext=yes], [zm_cv_makecontext=no])
	])
	AS_IF([test $zm_cv_makecontext = yes],
		[AC_DEFINE([HAVE_MAKECONTEXT], [1], [Define to 1 if you have makecontext().])])
	AM_CONDITIONAL([ZM_HAVE_MAKECONTEXT], [test $zm_cv_makecontext = yes])

	# The environment of a process that has rights of its own.
	AC_CHECK_FUNCS([secure_getenv issetugid])

	# A test that needs a full disk makes one in a namespace of its own.
	AC_CHECK_FUNCS([unshare])

	# The report when memory runs out.
	ZM_SEARCH_LIB([backtrace], [execinfo],
		[AC_DEFINE([HAVE_BACKTRACE], [1], [Define to 1 if you have backtrace().])])
	AC_CACHE_CHECK([for _Unwind_Backtrace], [zm_cv_unwind_backtrace], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <unwind.h>
			static _Unwind_Reason_Code see(struct _Unwind_Context *context, void *unused)
			{ (void)unused; return _Unwind_GetIP(context) ? _URC_NO_REASON : _URC_END_OF_STACK; }]],
			[[return _Unwind_Backtrace(see, 0);]])],
			[zm_cv_unwind_backtrace=yes], [zm_cv_unwind_backtrace=no])
	])
	AS_IF([test $zm_cv_unwind_backtrace = yes],
		[AC_DEFINE([HAVE_UNWIND_BACKTRACE], [1], [Define to 1 if you have _Unwind_Backtrace().])])

	AC_CACHE_CHECK([for epoll], [zm_cv_epoll], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/epoll.h>]], [[return epoll_create1(EPOLL_CLOEXEC);]])],
			[zm_cv_epoll=yes], [zm_cv_epoll=no])
	])
	AS_IF([test $zm_cv_epoll = yes], [AC_DEFINE([HAVE_EPOLL], [1], [Define to 1 if you have epoll.])])

	AC_CACHE_CHECK([for kqueue], [zm_cv_kqueue], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <sys/types.h>
			#include <sys/event.h>
			#include <sys/time.h>]], [[return kqueue();]])],
			[zm_cv_kqueue=yes], [zm_cv_kqueue=no])
	])
	AS_IF([test $zm_cv_kqueue = yes], [AC_DEFINE([HAVE_KQUEUE], [1], [Define to 1 if you have kqueue.])])

	AC_CACHE_CHECK([for task_info], [zm_cv_task_info], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mach/mach.h>
			#include <mach/task.h>]],
			[[struct task_basic_info info; mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;
			return task_info(mach_task_self(), TASK_BASIC_INFO, (task_info_t)&info, &count);]])],
			[zm_cv_task_info=yes], [zm_cv_task_info=no])
	])
	AS_IF([test $zm_cv_task_info = yes], [AC_DEFINE([HAVE_TASK_INFO], [1], [Define to 1 if you have task_info().])])

	AC_CACHE_CHECK([for __builtin_prefetch], [zm_cv_prefetch], [
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [[int here = 0; __builtin_prefetch(&here); return here;]])],
			[zm_cv_prefetch=yes], [zm_cv_prefetch=no])
	])
	AS_IF([test $zm_cv_prefetch = yes],
		[AC_DEFINE([HAVE_BUILTIN_PREFETCH], [1], [Define to 1 if the compiler has __builtin_prefetch().])])

	AC_CHECK_DECL([MSG_NOSIGNAL],
		[AC_DEFINE([HAVE_MSG_NOSIGNAL], [1], [Define to 1 if send() takes MSG_NOSIGNAL.])], [],
		[[#include <sys/types.h>
		#include <sys/socket.h>]])

	AC_SUBST([ZM_SYSTEM_LIBS])
])
