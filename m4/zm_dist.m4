# SPDX-License-Identifier: BSD-2-Clause
# ZM_DIST_TAR
#
# Have `make dist` give the same bytes for the same tree, whoever makes it, wherever and when. GNU tar
# takes the order, owner, mode and time of its members from $(zm_tar_options) in Makefile.am; another
# tar archives as it likes.
AC_DEFUN([ZM_DIST_TAR], [
	AS_CASE([$am__tar],
		[*--format=ustar*],
			[am__tar=`AS_ECHO(["$am__tar"]) | sed 's/--format=ustar/& $(zm_tar_options)/'`])
])
