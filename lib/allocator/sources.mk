# SPDX-License-Identifier: BSD-2-Clause
# The allocator's adaptor, by what configure chose; all of them are in the tarball.

zm_allocator_sources = \
	lib/allocator/allocator.h \
	lib/allocator/arena.h \
	lib/allocator/contract.c \
	lib/allocator/native.h \
	lib/allocator/slab.h

if ZM_ALLOCATOR_JEMALLOC
zm_allocator_sources += \
	lib/allocator/arena_list.c \
	lib/allocator/jemalloc.c \
	lib/allocator/jemalloc.h \
	lib/allocator/jemalloc_arena.c \
	lib/allocator/jemalloc_arena.h \
	lib/allocator/jemalloc_decay.c \
	lib/allocator/jemalloc_decay.h \
	lib/allocator/jemalloc_errno.c \
	lib/allocator/jemalloc_errno.h \
	lib/allocator/jemalloc_gone.c \
	lib/allocator/jemalloc_gone.h \
	lib/allocator/jemalloc_granules.c \
	lib/allocator/jemalloc_granules.h \
	lib/allocator/jemalloc_hooks.c \
	lib/allocator/jemalloc_hooks.h \
	lib/allocator/jemalloc_info.c \
	lib/allocator/jemalloc_mib.c \
	lib/allocator/jemalloc_mib.h \
	lib/allocator/jemalloc_names.h \
	lib/allocator/jemalloc_native.c \
	lib/allocator/jemalloc_slab.c \
	lib/allocator/jemalloc_functions.c \
	lib/allocator/size_map.c \
	lib/allocator/size_map.h \
	lib/allocator/size_map_charged.h
endif
if ZM_ALLOCATOR_TCMALLOC
zm_allocator_sources += \
	lib/allocator/arena_list.c \
	lib/allocator/kept_info.c \
	lib/allocator/kept_info.h \
	lib/allocator/native_none.c \
	lib/allocator/no_arena_figures.c \
	lib/allocator/size_map.c \
	lib/allocator/size_map.h \
	lib/allocator/size_map_charged.h \
	lib/allocator/slab_inexact.c \
	lib/allocator/slab_none.c \
	lib/allocator/tcmalloc.c \
	lib/allocator/tcmalloc.h
endif
if ZM_ALLOCATOR_MIMALLOC
zm_allocator_sources += \
	lib/allocator/arena_list.c \
	lib/allocator/mimalloc.c \
	lib/allocator/mimalloc.h \
	lib/allocator/mimalloc_heap.h \
	lib/allocator/mimalloc_slab.c \
	lib/allocator/native_none.c \
	lib/allocator/no_arena_figures.c \
	lib/allocator/no_control.c \
	lib/allocator/size_map.c \
	lib/allocator/size_map.h \
	lib/allocator/slab_inexact.c
endif
if ZM_ALLOCATOR_LIBC
zm_allocator_sources += \
	lib/allocator/arena_list.c \
	lib/allocator/kept_info.c \
	lib/allocator/kept_info.h \
	lib/allocator/libc.c \
	lib/allocator/libc.h \
	lib/allocator/libc_choice.c \
	lib/allocator/libc_choice.h \
	lib/allocator/libc_info.c \
	lib/allocator/native_none.c \
	lib/allocator/no_arena_figures.c \
	lib/allocator/no_control.c \
	lib/allocator/prefix.h \
	lib/allocator/slab_inexact.c \
	lib/allocator/slab_none.c
endif

# The archive that was found, with names of its own: a jemalloc that only the shared library has.
lib/allocator/libjemalloc_private.a: $(zm_jemalloc_archive) lib/allocator/jemalloc_private.sh
	@$(MKDIR_P) lib/allocator
	$(AM_V_GEN)AR='$(AR)' NM='$(NM)' OBJCOPY='$(OBJCOPY)' $(SHELL) $(srcdir)/lib/allocator/jemalloc_private.sh \
		$(zm_jemalloc_archive) $@
CLEANFILES += lib/allocator/libjemalloc_private.a
EXTRA_DIST += lib/allocator/jemalloc_private.sh
