# SPDX-License-Identifier: BSD-2-Clause
# ZM_STATIC_PROBES_OPTION
#
# Reads --enable-probes: auto, yes or no in zm_probes_wish.
AC_DEFUN([ZM_STATIC_PROBES_OPTION], [
	AC_ARG_ENABLE([probes],
		[AS_HELP_STRING([--enable-probes],
			[static probes for bpftrace, perf and SystemTap, by <sys/sdt.h>, see zmalloc_probes(7);
			 by default where it is found])],
		[zm_probes_wish=$enableval], [zm_probes_wish=auto])
	AS_CASE([$zm_probes_wish],
		[auto | yes | no], [],
		[AC_MSG_ERROR([--enable-probes=$zm_probes_wish: give auto, yes or no])])
])

# ZM_STATIC_PROBES
#
# Defines ZM_PROBES where the library is to have static probes, and sets zm_probes to yes or no, and
# zm_probes_why for people. Other systems have a header of the same name, whose probes ask for a step of
# their own in the build: it is SystemTap's macros that are tried, with the arguments that we have.
AC_DEFUN([ZM_STATIC_PROBES], [
	zm_probes=no
	zm_probes_why=no
	AS_IF([test "$zm_probes_wish" != no], [
		AC_CACHE_CHECK([for static probes of SystemTap's sys/sdt.h], [zm_cv_sdt], [
			AC_LINK_IFELSE([AC_LANG_PROGRAM([[
				#include <stddef.h>
				#include <sys/sdt.h>
			]], [[
				size_t bytes = sizeof(bytes);

				STAP_PROBE(zmalloc, none);
				STAP_PROBE4(zmalloc, four, &bytes, bytes, (const char *)0, 4u);
			]])], [zm_cv_sdt=yes], [zm_cv_sdt=no])
		])
		AS_IF([test "$zm_cv_sdt" = yes], [
			zm_probes=yes
			zm_probes_why=yes
			AC_DEFINE([ZM_PROBES], [1], [Define to have static probes by <sys/sdt.h>.])
		], [
			zm_probes_why="no: no sys/sdt.h (Debian: systemtap-sdt-dev; Fedora: systemtap-sdt-devel)"
			AS_IF([test "$zm_probes_wish" = yes], [
				AC_MSG_ERROR([--enable-probes: there is no sys/sdt.h of SystemTap's (Debian: systemtap-sdt-dev; Fedora: systemtap-sdt-devel)])
			])
		])
	])
])
