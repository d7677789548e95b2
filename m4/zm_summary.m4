# SPDX-License-Identifier: BSD-2-Clause
# ZM_SUMMARY
#
# What was decided, in at most 15 lines.
AC_DEFUN([ZM_SUMMARY], [
	AS_IF([test "$zm_cv_symbol_map" = yes], [zm_map=ZMALLOC_1.0], [zm_map="none (the linker takes no symbol map)"])
	test "x$silent" = xyes || AS_ECHO(["
libzmalloc $PACKAGE_VERSION for $host
  allocator         $zm_malloc ($zm_malloc_why)
  allocator from    $zm_malloc_where
  usable size       $zm_usable_size
  system file       lib/os/$zm_os.c
  compiler          $CC
  checks            sanitizer $zm_sanitizer, assertions $zm_debug; static probes $zm_probes_why
  threads           thread-local $zm_tls_model, atomics $zm_cv_atomics
  libraries         shared $enable_shared, static $enable_static
  symbol versions   $zm_map
  compression       $zm_zlib
  terminal          $zm_curses
  names             $zm_libdw
  test framework    Check, $zm_check
"])
])
