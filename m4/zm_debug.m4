# SPDX-License-Identifier: BSD-2-Clause
# ZM_DEBUG_OPTION
#
# Reads --enable-debug. Sets zm_debug to yes or no, and has lib/base/assert.h check what it is told. The
# compiler's flags stay the user's: CFLAGS=-O0 is another matter.
AC_DEFUN([ZM_DEBUG_OPTION], [
	AC_ARG_ENABLE([debug],
		[AS_HELP_STRING([--enable-debug],
			[check assertions at run time: locks that must be held, the account's invariant,
			 lists and tables, arguments of internal functions])],
		[zm_debug=$enableval], [zm_debug=no])
	AS_CASE([$zm_debug],
		[yes], [AC_DEFINE([ZM_DEBUG], [1], [Define to check assertions at run time.])],
		[no], [],
		[AC_MSG_ERROR([--enable-debug=$zm_debug: give yes or no])])
])
