# SPDX-License-Identifier: BSD-2-Clause
# `zmalloc run`: zm_run_sources, and zm_run_made, which make writes.

zm_run_preloads = tools/run/libraries.c tools/run/program.c tools/run/run.c
zm_run_preloads_not = tools/run/none.c
zm_run_sources = tools/run/run.h
if ZM_PRELOAD
zm_run_sources += $(zm_run_preloads)
zm_run_made = tools/run/allocators.c
else
zm_run_sources += $(zm_run_preloads_not)
zm_run_made =
endif
CLEANFILES += tools/run/allocators.c

# The one list of them, packaging/allocators, as C.
zm_allocators_to_c = sed -n -e '/^\#/d' -e 's/^\([a-z_]*\)  *\([a-z_]*\) .*/	{"\1", "\2"},/p'
tools/run/allocators.c: packaging/allocators tools/run/sources.mk
	$(AM_V_at)$(MKDIR_P) tools/run
	$(AM_V_GEN){ \
		echo '/* Made by make. */' && echo '#include "config.h"' && echo '#include "tools/run/run.h"' && \
		echo 'const struct run_allocator run_allocators[] = {' && \
		$(zm_allocators_to_c) $(srcdir)/packaging/allocators && \
		echo '	{NULL, NULL},' && echo '};'; } >$@.new && mv $@.new $@
