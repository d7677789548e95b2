# SPDX-License-Identifier: BSD-2-Clause
# ZM_TLS
#
# The model of the library's one thread-local variable: --with-tls-model=auto|initial-exec|global-dynamic.
# initial-exec costs a load where global-dynamic costs a call, and takes its room from what the C
# library keeps in reserve for dlopen(). musl keeps none, so dlopen() of such a library always fails
# there; auto takes initial-exec everywhere else that the compiler has it.
#
# Defines HAVE_TLS_INITIAL_EXEC, and adds to ZM_CFLAGS what the static library's objects need for a plugin.
AC_DEFUN([ZM_TLS], [
	AC_REQUIRE([AC_CANONICAL_HOST])
	AC_ARG_WITH([tls-model],
		[AS_HELP_STRING([--with-tls-model=MODEL],
			[auto (the default), initial-exec (fastest) or global-dynamic (dlopen works without reserve)])],
		[zm_tls_model=$withval], [zm_tls_model=auto])
	AS_CASE([$zm_tls_model],
		[auto|initial-exec|global-dynamic], [],
		[AC_MSG_ERROR([--with-tls-model=$zm_tls_model: give auto, initial-exec or global-dynamic])])

	AC_CACHE_CHECK([for thread-local variables], [zm_cv_tls], [
		zm_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror$lt_prog_compiler_pic"
		zm_cv_tls=no
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[static _Thread_local int here;]], [[return here;]])],
			[zm_cv_tls=global-dynamic])
		AC_LINK_IFELSE([AC_LANG_PROGRAM([[static _Thread_local int here __attribute__((__tls_model__("initial-exec")));]], [[return here;]])],
			[zm_cv_tls=initial-exec])
		CFLAGS=$zm_save_CFLAGS
	])
	AS_IF([test "$zm_cv_tls" = no],
		[AC_MSG_ERROR([$CC has no _Thread_local: a C11 compiler is needed])])

	AS_CASE([$zm_tls_model,$zm_cv_tls],
		[initial-exec,global-dynamic],
			[AC_MSG_ERROR([$CC has no initial-exec thread-local variables on $host: use --with-tls-model=auto])],
		[auto,initial-exec], [
			zm_tls_model=initial-exec
			AS_CASE([$host_os], [linux*], [
				AC_CACHE_CHECK([for the GNU C library], [zm_cv_glibc], [
					AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <limits.h>
						#ifndef __GLIBC__
						#error not glibc
						#endif]])], [zm_cv_glibc=yes], [zm_cv_glibc=no])
				])
				AS_IF([test "$zm_cv_glibc" = no], [zm_tls_model=global-dynamic])
			])
		],
		[auto,*], [zm_tls_model=global-dynamic])
	AC_SUBST([zm_tls_model])
	AS_IF([test "$zm_tls_model" = initial-exec],
		[AC_DEFINE([HAVE_TLS_INITIAL_EXEC], [1], [Define to 1 to have the thread-local variable in the initial-exec model.])])
	ZM_TLS_IN_PLUGIN
])

# ZM_TLS_IN_PLUGIN
#
# The static library's objects fit into a plugin. -fPIE, the default of most compilers now, is enough for
# all but thread-local variables: some compilers (clang, gcc 16) make local-exec of whatever model one is
# given, as if only a program could carry it. From those it takes -fPIC, which libtool puts behind -fPIE
# for the shared library's objects.
AC_DEFUN([ZM_TLS_IN_PLUGIN], [
	AC_CACHE_CHECK([for the flag that lets a plugin carry thread-local variables], [zm_cv_tls_in_plugin], [
		zm_save_CFLAGS=$CFLAGS
		zm_save_LDFLAGS=$LDFLAGS
		LDFLAGS="$LDFLAGS -shared"
		zm_cv_tls_in_plugin=no
		for zm_flag in -fPIE -fPIC; do
			# Link-time optimization would compile for the plugin what is to be tried here.
			CFLAGS="$zm_save_CFLAGS -Werror -fno-lto -fvisibility=hidden $zm_flag"
			AC_LINK_IFELSE([AC_LANG_SOURCE([[
				#define HERE _Thread_local __attribute__((__tls_model__("$zm_tls_model")))
				extern HERE int here;
				HERE int here;
				__attribute__((__visibility__("default"))) int *where(void);
				int *where(void) { return &here; }
				]])], [zm_cv_tls_in_plugin=$zm_flag; break])
		done
		CFLAGS=$zm_save_CFLAGS
		LDFLAGS=$zm_save_LDFLAGS
	])
	AS_IF([test "$zm_cv_tls_in_plugin" = no],
		[ZM_TRY_CFLAGS([ZM_CFLAGS], [-fPIE])],
		[AS_VAR_APPEND([ZM_CFLAGS], [" $zm_cv_tls_in_plugin"])])
])
