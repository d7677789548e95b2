# SPDX-License-Identifier: BSD-2-Clause
# ZM_SANITIZER_OPTION
#
# Reads --enable-sanitizer=LIST. Sets zm_sanitizer to the comma-separated list, or "no", and
# zm_forces_libc to the option's own words if it leaves no choice of allocator: a sanitizer that
# watches blocks sees only those of the malloc that it intercepts, the C library's. thread watches
# accesses, not blocks, and leaves the choice alone.
AC_DEFUN([ZM_SANITIZER_OPTION], [
	AC_ARG_ENABLE([sanitizer],
		[AS_HELP_STRING([--enable-sanitizer=LIST],
			[build with compiler checks: a comma-separated list of address, undefined,
			 thread, memory (clang); all but thread force --with-malloc=libc])],
		[zm_sanitizer=$enableval], [zm_sanitizer=no])
	zm_forces_libc=
	AS_CASE([$zm_sanitizer],
		[no], [],
		[*,|,*|*,,*], [ZM_SANITIZER_REFUSE],
		[for zm_one in `AS_ECHO(["$zm_sanitizer"]) | tr ',' ' '`; do
			AS_CASE([$zm_one],
				[address|undefined|memory], [zm_forces_libc=--enable-sanitizer=$zm_sanitizer],
				[thread], [],
				[ZM_SANITIZER_REFUSE])
		done])
])

AC_DEFUN([ZM_SANITIZER_REFUSE],
	[AC_MSG_ERROR([--enable-sanitizer=$zm_sanitizer: give one or more, separated by commas, of address, undefined, thread, memory])])

# ZM_SANITIZER
#
# Checks that the compiler takes the list and puts it into ZM_SANITIZER_FLAGS, for compiling and
# linking. An error found ends the program, so that tests notice.
AC_DEFUN([ZM_SANITIZER], [
	ZM_SANITIZER_FLAGS=
	AS_IF([test "$zm_sanitizer" != no], [
		ZM_SANITIZER_FLAGS="-fsanitize=$zm_sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
		AC_MSG_CHECKING([whether $CC takes -fsanitize=$zm_sanitizer])
		zm_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS $ZM_SANITIZER_FLAGS"
		AC_LINK_IFELSE([AC_LANG_PROGRAM], [zm_takes=yes], [zm_takes=no])
		CFLAGS=$zm_save_CFLAGS
		AC_MSG_RESULT([$zm_takes])
		AS_IF([test $zm_takes = no], [
			AS_CASE([,$zm_sanitizer,],
				[*,memory,*], [AC_MSG_ERROR([$CC has no -fsanitize=$zm_sanitizer: memory needs clang, and goes with neither address nor thread. Set CC=clang])],
				[AC_MSG_ERROR([$CC has no -fsanitize=$zm_sanitizer: install its run-time library (Fedora: libasan, libubsan, libtsan; others: it comes with the compiler), and give address and thread to separate builds])])
		])
	])
	AC_SUBST([ZM_SANITIZER_FLAGS])
])
