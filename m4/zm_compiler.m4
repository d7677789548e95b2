# SPDX-License-Identifier: BSD-2-Clause
# ZM_TRY_CFLAGS(VARIABLE, FLAGS...)
#
# Appends to VARIABLE each of the blank-separated FLAGS that the compiler takes without a warning.
AC_DEFUN([ZM_TRY_CFLAGS], [
	for zm_flag in m4_normalize([$2]); do
		AS_VAR_PUSHDEF([zm_cache], [zm_cv_cflag_$zm_flag])
		AC_CACHE_CHECK([whether $CC takes $zm_flag], [zm_cache], [
			zm_save_CFLAGS=$CFLAGS
			CFLAGS="$CFLAGS -Werror $zm_flag"
			AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int zm_flag_probe(void); int zm_flag_probe(void) { return 0; }]])],
				[AS_VAR_SET([zm_cache], [yes])], [AS_VAR_SET([zm_cache], [no])])
			CFLAGS=$zm_save_CFLAGS
		])
		AS_VAR_IF([zm_cache], [yes], [AS_VAR_APPEND([$1], [" $zm_flag"])])
		AS_VAR_POPDEF([zm_cache])
	done
])

# ZM_COMPILER
#
# What the sources ask of the compiler. ZM_CFLAGS: warnings and code generation, for AM_CFLAGS.
AC_DEFUN([ZM_COMPILER], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [make every compiler warning an error])],
		[], [enable_werror=no])
	AS_CASE([$enable_werror], [yes|no], [], [AC_MSG_ERROR([--enable-werror takes yes or no, not '$enable_werror'])])

	ZM_CFLAGS=
	ZM_TRY_CFLAGS([ZM_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
		-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wformat=2 -Wundef -Wvla])

	# Only what a header marks ZMALLOC_API leaves the library, also where there is no symbol map.
	ZM_TRY_CFLAGS([ZM_CFLAGS], [-fvisibility=hidden])

	# What backtrace() goes by; 32-bit ARM has it on request only.
	ZM_TRY_CFLAGS([ZM_CFLAGS], [-funwind-tables])

	# Call the allocator through the GOT, without the jump through the PLT.
	ZM_TRY_CFLAGS([ZM_CFLAGS], [-fno-plt])

	# GCC makes every function that the attribute names, and every one that has it, one that is not
	# inlined: not here, where they are defined, and so not in a program that is optimized with them.
	AH_BOTTOM([/* Who may free a block is what programs are told, not the library itself. */
#define ZMALLOC_ATTR_FREED])

	# Flags are probed without it: it would turn an unrelated warning into a "no".
	AS_IF([test "$enable_werror" = yes], [AS_VAR_APPEND([ZM_CFLAGS], [" -Werror"])])
	AC_SUBST([ZM_CFLAGS])
])
