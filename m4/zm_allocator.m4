# SPDX-License-Identifier: BSD-2-Clause
# ZM_ALLOCATORS(MACRO)
#
# MACRO(NAME, ADAPTOR) of each allocator there is, in the order in which they are offered. NAME is what
# --with-malloc takes, and ADAPTOR the file of lib/allocator/ that serves it, ADAPTOR.h. A line here needs
#   ZM_FIND_NAME            below, in capitals: looks for it with ZM_FIND_MALLOC; not for libc
#   ZM_PACKAGES_NAME        below: what to install, on four kinds of systems; not for libc
#   ZM_FEATURES_ADAPTOR     below, if there is anything to ask of what was found
#   ZM_ALLOCATOR_ADAPTOR    in lib/allocator/sources.mk: the condition of the adaptor's sources
# and a line in packaging/allocators.
m4_define([ZM_ALLOCATORS], [
	$1([jemalloc], [jemalloc])
	$1([tcmalloc], [tcmalloc])
	$1([tcmalloc_minimal], [tcmalloc])
	$1([mimalloc], [mimalloc])
	$1([libc], [libc])
])

# "jemalloc, tcmalloc, ..." for messages, and "jemalloc|tcmalloc|..." for patterns of the shell.
m4_define([ZM_ALLOCATOR_WORD], [$1 ])
m4_define([ZM_ALLOCATOR_WORDS], m4_normalize(ZM_ALLOCATORS([ZM_ALLOCATOR_WORD])))
m4_define([ZM_ALLOCATOR_NAMES], [m4_bpatsubst(m4_dquote(m4_defn([ZM_ALLOCATOR_WORDS])), [ ], [, ])])
m4_define([ZM_ALLOCATOR_PATTERN], [m4_translit(m4_defn([ZM_ALLOCATOR_WORDS]), [ ], [|])])

# ZM_ALLOCATOR_OPTION
#
# Which allocator is asked for: --with-malloc, else the environment variable MALLOC, else auto. Sets
# zm_malloc to it, zm_malloc_said to the words that asked, and zm_malloc_why for the summary. Stops at
# names that are none, and at those that $zm_forces_libc, where it is set, rules out.
AC_DEFUN([ZM_ALLOCATOR_OPTION], [
	AC_ARG_WITH([malloc],
		[AS_HELP_STRING([--with-malloc=NAME],
			[the allocator behind: auto (jemalloc on Linux if it is there, else libc; the
			 default), or one of ]ZM_ALLOCATOR_NAMES)],
		[zm_malloc=$withval zm_malloc_said=--with-malloc=$withval],
		[zm_malloc=${MALLOC:-auto} zm_malloc_said="the environment variable MALLOC=$MALLOC"])
	AC_ARG_VAR([MALLOC], [default for --with-malloc])
	AC_ARG_VAR([MALLOC_CFLAGS], [C compiler flags for the allocator, instead of looking for it])
	AC_ARG_VAR([MALLOC_LIBS], [linker flags for the allocator, instead of looking for it])

	AS_CASE([$zm_malloc],
		[auto], [zm_malloc_why="chosen by auto"],
		ZM_ALLOCATOR_PATTERN, [zm_malloc_why="asked for by $zm_malloc_said"],
		[AC_MSG_ERROR([unknown allocator in $zm_malloc_said: give auto or one of ]m4_dquote(ZM_ALLOCATOR_NAMES))])

	AS_CASE([$zm_forces_libc,$zm_malloc],
		[,*|*,libc], [],
		[*,auto], [zm_malloc=libc zm_malloc_why="forced by $zm_forces_libc"],
		[AC_MSG_ERROR([$zm_forces_libc works with the C library's malloc only, and $zm_malloc_said asks for another: use --with-malloc=libc, or drop one of the two])])
])

# ZM_ALLOCATOR
#
# Finds the allocator that was asked for. Sets
#   zm_malloc              its name
#   zm_adaptor             the adaptor that serves it
#   zm_malloc_where        where it was found, for the summary
#   ZM_MALLOC_CFLAGS       what compiling against it needs
#   ZM_MALLOC_LIBS         what linking with it needs
#   ZM_MALLOC_STATIC_LIBS  the same for a static program: the libraries that it needs itself as well
# the header of the adaptor, and one automake conditional for each adaptor, ZM_ALLOCATOR_*.
AC_DEFUN([ZM_ALLOCATOR], [
	AC_REQUIRE([ZM_ALLOCATOR_OPTION])
	ZM_MALLOC_CFLAGS= ZM_MALLOC_LIBS= ZM_MALLOC_STATIC_LIBS=
	zm_malloc_where="the C library"
	AS_CASE([$zm_os,$zm_malloc],
		[linux,auto], [
			ZM_FIND_JEMALLOC
			AS_IF([test "$zm_found" = yes],
				[zm_malloc=jemalloc zm_malloc_why="chosen by auto: Linux, and it is there"],
				[zm_malloc=libc
				zm_malloc_why="chosen by auto: $zm_missing"
				AS_IF([test "$zm_broken" = yes],
					[AC_MSG_WARN([the C library's malloc is taken in place of jemalloc: $zm_missing. What the compiler and the linker said is in config.log])])])
		],
		[*,auto], [zm_malloc=libc zm_malloc_why="chosen by auto: not Linux"],
		[*,libc], [],
		[ZM_ALLOCATORS([ZM_ALLOCATOR_FIND])])
	ZM_ALLOCATORS([ZM_ALLOCATOR_ADAPTOR])
	ZM_ALLOCATORS([ZM_ALLOCATOR_FEATURES])
	AC_DEFINE_UNQUOTED([ZM_ALLOCATOR_HEADER], ["allocator/$zm_adaptor.h"], [The header of the allocator's adaptor.])
	AC_DEFINE_UNQUOTED([ZM_ALLOCATOR_NAME], ["$zm_malloc"], [Name of the allocator, as --with-malloc takes it.])
	AC_SUBST([zm_malloc])
	AC_SUBST([ZM_MALLOC_CFLAGS])
	AC_SUBST([ZM_MALLOC_LIBS])
	AC_SUBST([ZM_MALLOC_STATIC_LIBS])
])

# Steps for one line of ZM_ALLOCATORS.
m4_define([ZM_ALLOCATOR_FIND], [m4_if([$1], [libc], [], [
	AS_IF([test "$zm_malloc" = $1], [
		m4_ifndef([ZM_FIND_]m4_toupper([$1]), [m4_fatal([m4/zm_allocator.m4 does not say how to find $1: no ZM_FIND_]m4_toupper([$1]))])
		m4_ifndef([ZM_PACKAGES_]m4_toupper([$1]), [m4_fatal([m4/zm_allocator.m4 does not say what to install for $1: no ZM_PACKAGES_]m4_toupper([$1]))])
		m4_indir([ZM_FIND_]m4_toupper([$1]))
		ZM_NEED_FOUND(m4_indir([ZM_PACKAGES_]m4_toupper([$1])))
	])
])])
m4_define([ZM_ALLOCATOR_ADAPTOR], [
	AS_IF([test "$zm_malloc" = $1], [zm_adaptor=$2])
])
# Two names may have one adaptor: it is asked once.
m4_define([ZM_ALLOCATOR_FEATURES], [m4_ifdef([zm_adaptor_$2_is_done], [], [
	m4_define([zm_adaptor_$2_is_done])
	m4_ifdef([ZM_FEATURES_]m4_toupper([$2]),
		[AS_IF([test "$zm_adaptor" = $2], [m4_indir([ZM_FEATURES_]m4_toupper([$2]))])])
	AM_CONDITIONAL([ZM_ALLOCATOR_]m4_toupper([$2]), [test "$zm_adaptor" = $2])
])])

# ZM_NEED_FOUND(DEBIAN, FEDORA, ALPINE, BREW)
#
# Stops unless the last ZM_FIND_MALLOC found its allocator, and names the package to install.
m4_define([ZM_NEED_FOUND], [
	AS_IF([test "$zm_found" = no],
		[AC_MSG_ERROR([$zm_malloc was not found, which $zm_malloc_said asks for: $zm_missing. Install it (Debian, Ubuntu: $1; Fedora, openSUSE: $2; Alpine: $3; FreeBSD, Homebrew: $4), or say where it is with MALLOC_CFLAGS and MALLOC_LIBS, or use --with-malloc=libc])])
])

# ZM_FIND_MALLOC(NAME, PKG-CONFIG-MODULE, LIBS, DEFINES, STATIC-SETS, HEADER, PROGRAM)
#
# Links PROGRAM with MALLOC_LIBS if the user gave them; else with each of the blank-separated LIBS
# ("none": the C library has it); else with what pkg-config knows, for those outside the search path.
# Each is tried with each of the blank-separated DEFINES ("plain": with none), for other spellings of
# the names; ZM_IN_LIBC is defined along with "none".
#
# PROGRAM must declare whatever it calls, by including HEADER: gcc 14 and clang 16 refuse the rest.
#
# STATIC-SETS are the sets of further libraries, with commas for blanks, that the static library may
# need. The first with which a static program links is taken, or the first of all if none does.
#
# Sets zm_found to yes or no, the ZM_MALLOC_ variables, zm_malloc_where, and zm_cv_malloc_NAME_define to the
# one of DEFINES that it took. If zm_found is no, zm_missing says why, and zm_broken is yes if HEADER is
# there all the same. zm_cv_malloc_NAME=no, given to configure, hides the allocator.
AC_DEFUN([ZM_FIND_MALLOC], [
	m4_pushdef([zm_cache], [zm_cv_malloc_$1])
	AC_CACHE_CHECK([for $1], [zm_cache], [
		zm_cache=no
		zm_save_LIBS=$LIBS zm_save_CPPFLAGS=$CPPFLAGS zm_save_LDFLAGS=$LDFLAGS
		AS_IF([test -n "$MALLOC_LIBS"], [zm_candidates=user], [zm_candidates="$3 pkg-config"])
		for zm_candidate in $zm_candidates; do
			zm_cache[]_cflags=$MALLOC_CFLAGS zm_libs=$zm_candidate
			AS_CASE([$zm_candidate],
				[none], [zm_cache[]_cflags=-DZM_IN_LIBC zm_libs=],
				[user], [zm_libs=$MALLOC_LIBS],
				[pkg-config], [
					zm_libs=`${PKG_CONFIG:-false} --libs $2 2>/dev/null` || continue
					zm_cache[]_cflags="$MALLOC_CFLAGS `$PKG_CONFIG --cflags $2`"
				])
			for zm_define in $4; do
				AS_CASE([$zm_define], [plain], [zm_cppflags=], [zm_cppflags=-D$zm_define])
				LIBS="$zm_libs $zm_save_LIBS"
				CPPFLAGS="$zm_save_CPPFLAGS $zm_cache[]_cflags $zm_cppflags"
				AC_LINK_IFELSE([$7], [zm_cache=${zm_libs:-none} zm_cache[]_define=$zm_define])
				test "$zm_cache" = no || break 2
			done
		done
		zm_cache[]_broken=no
		AS_IF([test "$zm_cache" = no], [
			CPPFLAGS="$zm_save_CPPFLAGS $MALLOC_CFLAGS `${PKG_CONFIG:-false} --cflags $2 2>/dev/null`"
			AC_PREPROC_IFELSE([AC_LANG_SOURCE([[#include <$6>]])], [zm_cache[]_broken=yes])
		])
		zm_cache[]_static=
		AS_CASE([$zm_cache], [no|none], [], [
			LDFLAGS="$LDFLAGS -static"
			for zm_set in $5; do
				zm_set=`AS_ECHO(["$zm_set"]) | tr , ' '`
				LIBS="$zm_libs $zm_set $zm_save_LIBS"
				zm_links=no
				AC_LINK_IFELSE([$7], [zm_links=yes])
				AS_CASE([$zm_links,$zm_cache[]_static], [yes,*|*,], [zm_cache[]_static=$zm_set])
				test $zm_links = no || break
			done
		])
		LIBS=$zm_save_LIBS CPPFLAGS=$zm_save_CPPFLAGS LDFLAGS=$zm_save_LDFLAGS
	])
	zm_found=yes
	AS_CASE([$zm_cache],
		[no], [
			zm_found=no zm_broken=$zm_cache[]_broken zm_missing="no $1 here"
			AS_IF([test "$zm_broken" = yes],
				[zm_missing="<$6> is here, but no program with it links"])
		],
		[none], [],
		[zm_malloc_where=$zm_cache
		ZM_MALLOC_CFLAGS=$zm_cache[]_cflags
		ZM_MALLOC_LIBS=$zm_cache
		ZM_MALLOC_STATIC_LIBS="$zm_cache $zm_cache[]_static"])
	m4_popdef([zm_cache])
])

# ---- jemalloc -----------------------------------------------------------------------------------

m4_define([ZM_PACKAGES_JEMALLOC], [[libjemalloc-dev], [jemalloc-devel], [jemalloc-dev], [jemalloc]])

# ZM_FIND_JEMALLOC
#
# By the names that are jemalloc's alone: malloc and free are in every C library. Three kinds: plain
# names (Debian, Fedora), the prefix je_ (Homebrew, private builds), part of the C library (FreeBSD).
# The header renames nothing that the linker sees: what it renames are the names of jemalloc's sources.
AC_DEFUN([ZM_FIND_JEMALLOC], [
	ZM_FIND_MALLOC([jemalloc], [jemalloc], [none -ljemalloc], [plain ZM_JE_PREFIXED], [-lm -lm,-lstdc++ -lm,-ldl],
		[jemalloc/jemalloc.h],
		[AC_LANG_PROGRAM([[
			#include <stddef.h>
			#ifdef ZM_IN_LIBC
			#include <malloc_np.h>
			#else
			#include <jemalloc/jemalloc.h>
			#endif
			#ifdef ZM_JE_PREFIXED
			#define ZM_JE(name) je_##name
			#else
			#define ZM_JE(name) name
			#endif
		]], [[
			size_t size = ZM_JE(nallocx)(1, 0);
			void *block = ZM_JE(rallocx)(ZM_JE(mallocx)(size, 0), ZM_JE(sallocx)(0, 0), 0);
			ZM_JE(sdallocx)(block, size, 0);
			return ZM_JE(mallctl)("version", 0, &size, 0, 0);
		]])])
])

# ZM_FEATURES_JEMALLOC
#
# The kind that was found, and what Redis's own copy adds: je_get_defrag_hint(). Its je_malloc_with_usize()
# and their like tell sizes that cost nothing here: counters are borrowed, or sizes are in a table.
AC_DEFUN([ZM_FEATURES_JEMALLOC], [
	AS_IF([test "$zm_cv_malloc_jemalloc" = none],
		[AC_DEFINE([ZM_JE_IN_LIBC], [1], [Define to 1 if jemalloc is part of the C library.])])
	AS_IF([test "$zm_cv_malloc_jemalloc_define" = ZM_JE_PREFIXED],
		[AC_DEFINE([ZM_JE_PREFIXED], [1], [Define to 1 if the names of jemalloc carry the prefix je_.])])
	zm_save_LIBS=$LIBS
	LIBS="$ZM_MALLOC_LIBS $LIBS"
	AC_CHECK_FUNC([je_get_defrag_hint],
		[AC_DEFINE([HAVE_JE_GET_DEFRAG_HINT], [1], [Define to 1 if jemalloc has je_get_defrag_hint().])])
	LIBS=$zm_save_LIBS
])

# ---- tcmalloc -----------------------------------------------------------------------------------

m4_define([ZM_PACKAGES_TCMALLOC], [[libgoogle-perftools-dev], [gperftools-devel], [gperftools-dev], [gperftools]])
m4_define([ZM_PACKAGES_TCMALLOC_MINIMAL], m4_defn([ZM_PACKAGES_TCMALLOC]))

# The static library of the full one finds its call stacks with libunwind where it was built with it. That
# comes after the C++ library: both have the functions of the C++ ABI's unwinder, and mix badly.
AC_DEFUN([ZM_FIND_TCMALLOC], [
	ZM_FIND_MALLOC([tcmalloc], [libtcmalloc], [-ltcmalloc], [plain],
		[-lm,-lstdc++,-lpthread -lm,-lstdc++,-lpthread,-lunwind,-llzma -lm,-lstdc++,-lpthread,-lunwind -lm,-lc++,-lpthread],
		[gperftools/tcmalloc.h], [ZM_TCMALLOC_PROGRAM])
])

AC_DEFUN([ZM_FIND_TCMALLOC_MINIMAL], [
	ZM_FIND_MALLOC([tcmalloc_minimal], [libtcmalloc_minimal], [-ltcmalloc_minimal], [plain],
		[-lm,-lstdc++,-lpthread -lm,-lc++,-lpthread],
		[gperftools/tcmalloc.h], [ZM_TCMALLOC_PROGRAM])
])

m4_define([ZM_TCMALLOC_PROGRAM], [AC_LANG_PROGRAM([[
	#include <stddef.h>
	#include <gperftools/malloc_extension_c.h>
	#include <gperftools/tcmalloc.h>
]], [[
	void *block = tc_malloc(1);
	size_t size = tc_malloc_size(block);
	tc_free_sized(block, size);
	return MallocExtension_GetNumericProperty("generic.heap_size", &size);
]])])

# ---- mimalloc -----------------------------------------------------------------------------------

m4_define([ZM_PACKAGES_MIMALLOC], [[libmimalloc-dev], [mimalloc-devel], [mimalloc2-dev], [mimalloc]])

AC_DEFUN([ZM_FIND_MIMALLOC], [
	ZM_FIND_MALLOC([mimalloc], [mimalloc], [-lmimalloc], [plain], [-lpthread -lpthread,-lrt],
		[mimalloc.h],
		[AC_LANG_PROGRAM([[
			#include <stddef.h>
			#include <mimalloc.h>
		]], [[
			void *block = mi_malloc(1);
			size_t size = mi_usable_size(block);
			mi_free_size(block, size);
			return mi_version() < 160;
		]])])
])

# ZM_MIMALLOC_IF(CONDITION, THEN): by the preprocessor, with what mimalloc's header defines. A release is
# 209 for 2.0.9, 301 for 3.0.1, and 30302 for 3.3.2.
m4_define([ZM_MIMALLOC_IF], [
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <mimalloc.h>
		#if !($1)
		#error no
		#endif]])], [$2])
])

# ZM_FEATURES_MIMALLOC
#
# What the delay is called after which pages are given back: decommit_delay in 2.0, purge_delay since.
# Whether a heap has a part for each thread, as in 3.6.
AC_DEFUN([ZM_FEATURES_MIMALLOC], [
	zm_save_CPPFLAGS=$CPPFLAGS
	CPPFLAGS="$CPPFLAGS $ZM_MALLOC_CFLAGS"
	AC_CHECK_DECLS([mi_option_purge_delay, mi_theap_get_default], [], [], [[#include <mimalloc.h>]])
	AC_CACHE_CHECK([for what is wrong in this mimalloc], [zm_cv_mimalloc_wrong], [
		zm_cv_mimalloc_wrong=nothing
		ZM_MIMALLOC_IF([MI_MALLOC_VERSION / 10 == 30], [zm_cv_mimalloc_wrong=aligned])
		ZM_MIMALLOC_IF([(MI_MALLOC_VERSION >= 30300 && MI_MALLOC_VERSION <= 30302) || MI_MALLOC_VERSION / 10 == 33],
			[zm_cv_mimalloc_wrong=threads])
	])
	AS_CASE([$zm_cv_mimalloc_wrong],
		[aligned], [AC_MSG_WARN([mimalloc 3.0 corrupts memory when threads free one another's aligned blocks. This library protects its own aligned blocks, at the price of larger ones; a program that calls mi_malloc_aligned() itself is not protected. mimalloc 2.0.9 and 3.6.0 are right])],
		[threads], [AC_MSG_WARN([mimalloc 3.3.0 to 3.3.2 are known to crash in programs with threads (https://github.com/microsoft/mimalloc/issues/1287), and nothing here keeps them from it. mimalloc 2.0.9 is right, and so is 3.4.1])])
	AS_IF([test "$ac_cv_have_decl_mi_theap_get_default" = yes],
		[AC_MSG_WARN([this mimalloc takes locks while a thread begins or ends, and fork() does not wait for them: a child that starts threads may wait for ever if a thread of its parent began or ended at that moment (seen with 3.6.0, not with 2.0.9 and 3.0.1)])])
	CPPFLAGS=$zm_save_CPPFLAGS
])
