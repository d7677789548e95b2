#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_probes.sh - config.h holds every probe that the design names, each is read by code, and
# each that says "yes" on Linux has a row in which it is forced to "no".
set -u

failed=0
wrong() {
	echo "FAIL: $*"
	failed=1
}

# Macros that Autoconf, Automake and Libtool define on their own account, and that nobody need read.
theirs='^(HAVE_(DLFCN|INTTYPES|STDINT|STDIO|STDLIB|STRINGS|STRING|SYS_STAT|SYS_TYPES|UNISTD|MINIX_CONFIG|WCHAR)_H|
|STDC_HEADERS|LT_OBJDIR|PACKAGE(_[A-Z]+)?|VERSION|_.*|__.*)$'
theirs=$(printf '%s' "$theirs" | tr -d '\n')

macros=$(sed -n 's/^#[[:space:]]*undef \([A-Za-z_0-9]*\).*/\1/p' "$srcdir/config.h.in" | sort -u)
for macro in $macros; do
	printf '%s\n' "$macro" | grep -Eq "$theirs" && continue
	# Of a jemalloc that carries Redis's additions, which tests/check_configure.sh looks after.
	case $macro in HAVE_JE_*) continue ;; esac
	# A test or definition by this name, not just a word in a comment.
	grep -rEqw --include='*.[ch]' "(if|elif|ifdef|ifndef|defined)[ (!]+$macro" "$srcdir/lib" "$srcdir/tests" "$srcdir/tools" \
		"$srcdir/bench" "$srcdir/examples" 2>/dev/null ||
		grep -rqw --include='*.[ch]' --exclude=compiler.h "$macro" "$srcdir/lib" 2>/dev/null ||
		wrong "$macro is in config.h, and no code reads it"
done

for macro in HAVE_EPOLL HAVE_KQUEUE HAVE_PROC_SELF_STAT HAVE_PROC_SELF_SMAPS HAVE_PROC_SELF_SMAPS_ROLLUP \
	HAVE_TASK_INFO HAVE_MALLOC_SIZE HAVE_MALLOC_USABLE_SIZE HAVE_BACKTRACE HAVE_STDATOMIC_H \
	HAVE_GCC_ATOMIC HAVE_SYNC_ATOMIC HAVE_BUILTIN_PREFETCH HAVE_MSG_NOSIGNAL; do
	case " $(echo $macros) " in
	*" $macro "*) ;;
	*) wrong "$macro is not in config.h.in" ;;
	esac
done

for answer in zm_cv_epoll zm_cv_proc_self_stat zm_cv_proc_self_smaps zm_cv_proc_self_smaps_rollup \
	ac_cv_func_malloc_usable_size ac_cv_search_backtrace zm_cv_unwind_backtrace ac_cv_func_secure_getenv zm_cv_prefetch zm_cv_dl_find_object zm_cv_stack_tables ac_cv_have_decl_MSG_NOSIGNAL \
	zm_cv_curses zm_cv_zlib zm_cv_sdt zm_cv_jemalloc_archive zm_cv_symbol_map; do
	grep -qw "$answer=no" "$srcdir"/tests/*.rows || wrong "no row forces $answer to no"
done
for answer in gcc sync; do
	grep -qw "zm_cv_atomics=$answer" "$srcdir"/tests/*.rows || wrong "no row has zm_cv_atomics=$answer"
done
test $failed = 0 && echo "$(echo $macros | wc -w) macros"
exit $failed
