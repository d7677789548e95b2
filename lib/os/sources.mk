# SPDX-License-Identifier: BSD-2-Clause
# The operating system's file, by what configure found (m4/zm_platform.m4), and the capability files
# that it is built on; all of them are in the tarball.

zm_os_sources = \
	lib/os/backtrace.c \
	lib/os/descriptor.h \
	lib/os/environment.c \
	lib/os/failure.h \
	lib/os/file.h \
	lib/os/limit.c \
	lib/os/limit.h \
	lib/os/mapping.h \
	lib/os/os.h \
	lib/os/pages.c \
	lib/os/pressure.h \
	lib/os/pressure_watch.h \
	lib/os/process.h \
	lib/os/rss_only.h \
	lib/os/shared.h \
	lib/os/sigpipe.c \
	lib/os/sigpipe.h \
	lib/os/stay.c

# Those that read the text of Linux's /proc build everywhere: their tests need no Linux.
zm_os_proc_sources = \
	lib/os/cgroup.c \
	lib/os/cgroup.h \
	lib/os/file.c \
	lib/os/lines.c \
	lib/os/lines.h \
	lib/os/maps.c \
	lib/os/proc.c \
	lib/os/proc.h

# A queue of the kernel's, for what is told of memory getting short.
zm_os_kqueue_sources = \
	lib/os/descriptor.c \
	lib/os/file.c \
	lib/os/pressure_kqueue.c \
	lib/os/pressure_watch.c

zm_os_no_linux_sources = \
	lib/os/no_group_limit.c \
	lib/os/no_objects.c \
	lib/os/no_mapping.c \
	lib/os/no_process.c \
	lib/os/no_shared.c \
	lib/os/no_stat.c

if ZM_OS_LINUX
zm_os_sources += \
	lib/os/can_read.c \
	lib/os/descriptor.c \
	lib/os/directory.c \
	lib/os/directory.h \
	lib/os/linux.c \
	lib/os/mapping.c \
	lib/os/pressure_epoll.c \
	lib/os/pressure_group.c \
	lib/os/pressure_service.c \
	lib/os/pressure_stalls.c \
	lib/os/pressure_watch.c \
	lib/os/process.c \
	lib/os/process_about.c \
	lib/os/shared.c \
	$(zm_os_proc_sources)
if ZM_DL_FIND_OBJECT
zm_os_sources += lib/os/objects.c
else
zm_os_sources += lib/os/objects_kept.c
endif
endif
if ZM_OS_DARWIN
zm_os_sources += lib/os/darwin.c $(zm_os_no_linux_sources) $(zm_os_kqueue_sources)
endif
if ZM_OS_FREEBSD
zm_os_sources += lib/os/freebsd.c lib/os/rss_only.c lib/os/no_can_read.c $(zm_os_no_linux_sources) $(zm_os_kqueue_sources)
endif
if ZM_OS_NETBSD
zm_os_sources += lib/os/netbsd.c lib/os/rss_only.c lib/os/no_can_read.c $(zm_os_no_linux_sources) $(zm_os_kqueue_sources)
endif
if ZM_OS_OPENBSD
zm_os_sources += lib/os/openbsd.c lib/os/rss_only.c lib/os/no_can_read.c $(zm_os_no_linux_sources) $(zm_os_kqueue_sources)
endif
if ZM_OS_SOLARIS
zm_os_sources += lib/os/solaris.c lib/os/rss_only.c lib/os/file.c lib/os/no_can_read.c $(zm_os_no_linux_sources) lib/os/no_pressure.c
endif
if ZM_OS_HAIKU
zm_os_sources += lib/os/haiku.c lib/os/rss_only.c lib/os/no_can_read.c $(zm_os_no_linux_sources) lib/os/no_pressure.c
endif
if ZM_OS_NONE
zm_os_sources += lib/os/none.c lib/os/no_can_read.c $(zm_os_no_linux_sources) lib/os/no_pressure.c
endif
