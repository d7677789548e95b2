# SPDX-License-Identifier: BSD-2-Clause
# ZM_JEMALLOC_OPTION
#
# How the shared library has its jemalloc: --with-jemalloc. Sets zm_jemalloc to auto, private, shared or the
# path of an archive. Stops at what is none of these, and where another allocator was asked for.
AC_DEFUN([ZM_JEMALLOC_OPTION], [
	AC_REQUIRE([ZM_ALLOCATOR_OPTION])
	AC_ARG_WITH([jemalloc],
		[AS_HELP_STRING([--with-jemalloc=HOW],
			[how libzmalloc.so has its jemalloc: private (a copy within, of the
			 position-independent archive libjemalloc_pic.a; the default where that is found),
			 shared (the system's libjemalloc.so), or the path of an archive to keep a copy of])],
		[zm_jemalloc=$withval], [zm_jemalloc=auto])
	AC_ARG_VAR([OBJCOPY], [renames what is in the archive of jemalloc])
	AS_CASE([$zm_jemalloc],
		[auto|private|shared], [],
		[*/*|*.a], [
			AS_IF([test ! -f "$zm_jemalloc"],
				[AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc: there is no such file. Give private, shared or the path of a position-independent libjemalloc archive])])
			zm_beside=`AS_DIRNAME(["$zm_jemalloc"])`
			zm_jemalloc=`cd "$zm_beside" && pwd`/`AS_BASENAME(["$zm_jemalloc"])`
		],
		[AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc: give private, shared or the path of a position-independent libjemalloc archive])])
	AS_CASE([$zm_jemalloc,$zm_malloc],
		[auto,*|*,auto|*,jemalloc], [],
		[AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc says how to link jemalloc, and the allocator is $zm_malloc ($zm_malloc_why): use --with-malloc=jemalloc, or drop one of the two])])

	# An archive of the builder's own is what the static library goes with, too. Its headers may be beside it.
	AS_CASE([$zm_jemalloc], [/*], [
		MALLOC_LIBS=${MALLOC_LIBS:-"$zm_jemalloc -lm -lpthread"}
		for zm_include in "$zm_beside/include" "$zm_beside/../include"; do
			AS_IF([test -z "$MALLOC_CFLAGS" && test -f "$zm_include/jemalloc/jemalloc.h"],
				[MALLOC_CFLAGS=-I$zm_include])
		done
	])
])

# ZM_JEMALLOC
#
# Decides it, with libtool's answers at hand. Sets
#   zm_jemalloc            private or shared; none: another allocator
#   zm_jemalloc_archive    the archive of a private copy
#   ZM_SHARED_MALLOC_LIBS  what the shared library links with: nothing where its copy is private
# and the conditional and macro ZM_JE_PRIVATE.
AC_DEFUN([ZM_JEMALLOC], [
	AC_REQUIRE([ZM_JEMALLOC_OPTION])
	AC_CHECK_TOOL([OBJCOPY], [objcopy])
	zm_jemalloc_asked=$zm_jemalloc zm_jemalloc_archive= zm_jemalloc_without=
	AS_CASE([$zm_malloc,$zm_jemalloc],
		[jemalloc,shared], [],
		[jemalloc,*], [ZM_JEMALLOC_PRIVATE],
		[*,auto], [],
		[*,/*], [AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc: no program links with it and its headers (config.log says why). It must be a position-independent libjemalloc, with jemalloc/jemalloc.h in ../include or where MALLOC_CFLAGS says])],
		[AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc says how to link jemalloc, and the allocator is $zm_malloc ($zm_malloc_why): install jemalloc (Debian, Ubuntu: libjemalloc-dev), or drop --with-jemalloc])])
	AS_CASE([$zm_malloc,$zm_jemalloc_asked,$zm_jemalloc_without],
		[jemalloc,shared,*], [zm_jemalloc=shared],
		[jemalloc,*,], [zm_jemalloc=private],
		[jemalloc,auto,*], [zm_jemalloc=shared],
		[jemalloc,*], [AC_MSG_ERROR([--with-jemalloc=$zm_jemalloc_asked is not possible: $zm_jemalloc_without. Or use --with-jemalloc=shared])],
		[zm_jemalloc=none])

	ZM_SHARED_MALLOC_LIBS=$ZM_MALLOC_LIBS
	AS_CASE([$zm_jemalloc,$enable_shared],
		[private,*], [
			zm_malloc_where="$zm_jemalloc_archive, a private copy"
			ZM_SHARED_MALLOC_LIBS=
			AC_DEFINE([ZM_JE_PRIVATE], [1], [Define to 1 if the shared library has a jemalloc of its own, with the prefix je_.])
		],
		[shared,yes], [AS_VAR_APPEND([zm_malloc_where], [", shared${zm_jemalloc_without:+ ($zm_jemalloc_without)}"])])
	AM_CONDITIONAL([ZM_JE_PRIVATE], [test "$zm_jemalloc" = private])
	# A program that links the static library with this archive has its malloc(), and can have no other.
	AM_CONDITIONAL([ZM_STATIC_TAKES_MALLOC], [
		AS_CASE([$zm_jemalloc_asked,$zm_cv_malloc_jemalloc_define], [/*,plain], [:], [false])])
	AC_SUBST([zm_jemalloc])
	AC_SUBST([zm_jemalloc_archive])
	AC_SUBST([ZM_SHARED_MALLOC_LIBS])
])

# ZM_JEMALLOC_PRIVATE
#
# Sets zm_jemalloc_archive, or zm_jemalloc_without to why there can be no private copy.
m4_define([ZM_JEMALLOC_PRIVATE], [
	AS_CASE([$zm_jemalloc], [/*], [zm_jemalloc_archive=$zm_jemalloc])
	AS_IF([test "$enable_shared" = no],
			[zm_jemalloc_without="there is no shared library with --disable-shared"],
		[test "$zm_cv_malloc_jemalloc" = none],
			[zm_jemalloc_without="jemalloc is the C library's own malloc here"],
		[test "$pic_mode,$enable_static" = yes,yes],
			[zm_jemalloc_without="with --with-pic both libraries have the same objects: build one kind at a time, with --disable-static"],
		[test "$zm_jemalloc" = auto && test -n "$MALLOC_LIBS"],
			[zm_jemalloc_without="as MALLOC_LIBS says"],
		[test -z "$OBJCOPY"],
			[zm_jemalloc_without="objcopy was not found: install it (binutils), or say where it is with OBJCOPY"],
		[test -z "$zm_jemalloc_archive"], [
			ZM_JEMALLOC_ARCHIVE
			zm_jemalloc_archive=$zm_cv_jemalloc_archive
			AS_IF([test "$zm_jemalloc_archive" = no],
				[zm_jemalloc_without="no libjemalloc_pic.a was found: install it (Debian, Ubuntu: libjemalloc-dev), or give the path of an archive"])
		])
	AS_IF([test -z "$zm_jemalloc_without"], [ZM_JEMALLOC_TRY])
])

# ZM_JEMALLOC_ARCHIVE
#
# Where the compiler looks for libraries, and where pkg-config's jemalloc is.
AC_DEFUN([ZM_JEMALLOC_ARCHIVE], [
	AC_CACHE_CHECK([for libjemalloc_pic.a], [zm_cv_jemalloc_archive], [
		zm_cv_jemalloc_archive=no
		for zm_dir in \
			`AS_ECHO([" $ZM_MALLOC_LIBS $LDFLAGS "]) | tr ' ' '\n' | sed -n 's/^-L//p'` \
			"`$CC $CFLAGS -print-file-name=libjemalloc_pic.a 2>/dev/null | sed -n 's,/libjemalloc_pic\.a$,,p'`" \
			"`${PKG_CONFIG:-false} --variable=libdir jemalloc 2>/dev/null`"
		do
			AS_IF([test "$zm_cv_jemalloc_archive" = no && test -f "$zm_dir/libjemalloc_pic.a"],
				[zm_cv_jemalloc_archive=`cd "$zm_dir" && pwd`/libjemalloc_pic.a])
		done
	])
])

# ZM_JEMALLOC_TRY
#
# Makes the private archive and links a library with it: the tools can do it, the archive is of this
# machine and position-independent.
AC_DEFUN([ZM_JEMALLOC_TRY], [
	AC_CACHE_CHECK([whether a library links with a copy of it], [zm_cv_jemalloc_private], [
		zm_cv_jemalloc_private=no
		zm_save_CFLAGS=$CFLAGS zm_save_LDFLAGS=$LDFLAGS zm_save_LIBS=$LIBS
		CFLAGS="$CFLAGS$lt_prog_compiler_pic"
		LDFLAGS="$LDFLAGS -shared -Wl,--exclude-libs,libzm_conftest.a"
		LIBS="libzm_conftest.a -lm $LIBS"
		AS_IF([AR=$AR NM=$NM OBJCOPY=$OBJCOPY $SHELL "$srcdir/lib/allocator/jemalloc_private.sh" "$zm_jemalloc_archive" libzm_conftest.a >&AS_MESSAGE_LOG_FD 2>&1],
			[AC_LINK_IFELSE([AC_LANG_SOURCE([[
				void *je_malloc(unsigned long size);
				void *zm_flag_probe(void);
				void *zm_flag_probe(void) { return je_malloc(1); }]])],
				[zm_cv_jemalloc_private=yes])])
		rm -rf libzm_conftest.a libzm_conftest.a.work
		CFLAGS=$zm_save_CFLAGS LDFLAGS=$zm_save_LDFLAGS LIBS=$zm_save_LIBS
	])
	AS_IF([test "$zm_cv_jemalloc_private" = no],
		[zm_jemalloc_without="$zm_jemalloc_archive cannot be linked into a shared library (config.log says why): it must be position-independent and of ELF, as Debian's libjemalloc_pic.a is"])
])
