#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tests/check_os_calls.sh - lib/os calls nothing that allocates, locks or uses stdio.
#
# A probe may run inside an allocator, after fork() or when no memory is left (lib/os/os.h), so every
# outside function it calls is on the list below, which says for each why it is safe there.
set -u

. tests/build.env

case $zm_sanitizer in
no | '') ;;
*)
	echo "SKIP: built with --enable-sanitizer=$zm_sanitizer, whose runtime is called everywhere"
	exit 77
	;;
esac

# Memory and strings: arithmetic on what they are given.
allowed='bcmp memchr memcmp memcpy memmove memset stpcpy strcat strchr strcmp strcpy strlen'
# System calls and their thin wrappers.
allowed="$allowed close connect epoll_create1 epoll_ctl epoll_wait eventfd fcntl fstat fstatat ftruncate getpid getrlimit
	inotify_add_watch inotify_init1 ioctl kevent kqueue madvise mmap munmap open openat pipe pipe2 poll prctl pread
	pthread_sigmask read readlinkat send sigpending
	sigprocmask sigwait socket stat sysctl sysinfo syscall timerfd_create timerfd_settime write"
# A word of the calling thread's.
allowed="$allowed pthread_setcancelstate"
# Answered from the auxiliary vector or by one system call, for the names that we ask.
allowed="$allowed sysconf"
# The loader's list of objects, which is read without a lock, and what the kernel left beside it.
allowed="$allowed _dl_find_object getauxval __ehdr_start"
# The environment, which only the program itself may change, and who a process runs as.
allowed="$allowed getegid getenv geteuid getgid getuid issetugid secure_getenv"
# Arithmetic on a sigset_t.
allowed="$allowed sigaddset sigemptyset sigismember"
# Not safe everywhere, and said so in os.h: for the report of a process that is about to end.
allowed="$allowed backtrace backtrace_symbols_fd _Unwind_Backtrace _Unwind_GetIP _Unwind_GetIPInfo _Unwind_VRS_Get"
# Nor these: for the constructor, which the loader runs under its own lock.
allowed="$allowed dl_iterate_phdr dladdr dlopen"
# Of ours: one asks the loader as well, the other ends the process.
allowed="$allowed zm_is_in_program zm_assert_failed"
# Darwin and Haiku: traps to the kernel.
allowed="$allowed get_next_area_info get_system_info mach_task_self_ proc_pidinfo task_info vm_read_overwrite"
# The compiler's and the C library's own: errno, stack protector, _FORTIFY_SOURCE, division, TLS, and
# the table of addresses of a file, which ppc64el's compiler names in every function.
generated='^(__errno_location|___errno|__errno|__error|__stack_chk_(fail|guard)(_local)?|_errnop|
|__(memcpy|memmove|memset|poll|pread|pread64|read|stpcpy|strcat|strcpy)_chk|_GLOBAL_OFFSET_TABLE_|\.TOC\.|__(u?div|u?mod|u?divmod)[a-z]*[0-9]*|
|__aeabi_[a-z0-9_]+|__x86\.get_pc_thunk\.[a-z]+|__tls_get_addr|__(get|set)rlimit64|(getrlimit|mmap|open|openat|pread|stat|fcntl)64|__(fcntl|ioctl)_time64|__timerfd_settime64|
|__open(at)?(64)?_2|__gcov_.*|__stack_smash_handler)$'
generated=$(printf '%s' "$generated" | tr -d '\n')

# With the pieces of text that lib/os is built on.
objects=$(find lib/os lib/base/.libs -name '*.o' -path '*/.libs/*' \( -path 'lib/os/*' -o -name 'text.o' -o -name 'builder.o' \) 2>/dev/null)
test -n "$objects" || objects=$(find lib/os lib/base -name '*.o' \( -path 'lib/os/*' -o -name 'text.o' -o -name 'builder.o' \))
test -n "$objects" || {
	echo "FAIL: no objects below lib/os"
	exit 1
}

# Defined by one of the objects themselves: a call within lib/os.
own=$($NM -g $objects | awk 'NF == 3 && $2 != "U" { print $3 }' | sort -u)
bad=
for symbol in $($NM -u $objects | awk '$1 == "U" || $1 == "w" { print $2 }' | sed 's/@.*//' | sort -u); do
	case " $(echo $allowed) " in
	*" $symbol "* | *" ${symbol#_} "*) continue ;;
	esac
	printf '%s\n' "$symbol" | grep -Eq "$generated" && continue
	printf '%s\n' "$own" | grep -Fqx -- "$symbol" && continue
	bad="$bad $symbol"
done
test -z "$bad" || {
	echo "FAIL: lib/os calls what is not on the list of calls that neither allocate nor lock:$bad"
	exit 1
}
echo "$(echo $objects | wc -w) objects, no call that allocates"
