# SPDX-License-Identifier: BSD-2-Clause
# ZM_CHECK
#
# The unit test framework, for `make check` only. Without it the library builds, and `make check` says
# what to install.
AC_DEFUN([ZM_CHECK], [
	PKG_CHECK_MODULES([CHECK], [check >= 0.10],
		[zm_check="found (`$PKG_CONFIG --modversion check`)"],
		[zm_check="not found: make check needs it (Debian: check; Fedora: check-devel; brew: check)"
		zm_no_check=yes])
	AM_CONDITIONAL([ZM_HAVE_CHECK], [test "x$zm_no_check" != xyes])
])
