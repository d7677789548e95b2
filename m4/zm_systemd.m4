# SPDX-License-Identifier: BSD-2-Clause
# ZM_SYSTEMD
#
# Where units of systemd go: below the prefix, which is right for a package; a build for /usr/local has them
# where systemd looks too. Sets systemdsystemunitdir and the condition ZM_SYSTEMD.
AC_DEFUN([ZM_SYSTEMD], [
	AC_ARG_WITH([systemdsystemunitdir],
		[AS_HELP_STRING([--with-systemdsystemunitdir=DIR],
			[where the units for `zmalloc export` go, or "no"; by default PREFIX/lib/systemd/system on Linux])],
		[],
		[AS_CASE([$host_os], [linux*], [with_systemdsystemunitdir='${prefix}/lib/systemd/system'],
			[with_systemdsystemunitdir=no])])
	AS_IF([test "x$with_systemdsystemunitdir" = xyes],
		[with_systemdsystemunitdir='${prefix}/lib/systemd/system'])
	AC_SUBST([systemdsystemunitdir], [$with_systemdsystemunitdir])
	AM_CONDITIONAL([ZM_SYSTEMD], [test "x$with_systemdsystemunitdir" != xno])
])
