# SPDX-License-Identifier: BSD-2-Clause
# The flame graph: zm_flame_sources, and zm_flame_made, which make writes.

zm_flame_sources = \
	tools/flame.h \
	tools/flame/order.c \
	tools/flame/order.h \
	tools/flame/page.h \
	tools/flame/svg.c \
	tools/flame/text.c \
	tools/flame/text.h \
	tools/flame/tree.c \
	tools/flame/tree.h
zm_flame_made = tools/flame/page.c

# Style and script as C, each line a string of its own: C lets a compiler refuse long ones. Comments stay out.
zm_flame_page = tools/flame/page.css tools/flame/page.js
EXTRA_DIST += $(zm_flame_page)
CLEANFILES += $(zm_flame_made)
zm_line_to_c = sed -e '/^[[:space:]]*\/\//d' -e '/^\/\*.*\*\/$$/d' -e '/^\/\*/,/\*\/$$/d' -e '/^$$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' \
	-e 's/^/"/' -e 's/$$/\\n",/'
tools/flame/page.c: $(zm_flame_page) tools/flame/sources.mk
	$(AM_V_at)$(MKDIR_P) tools/flame
	$(AM_V_GEN){ \
		echo '/* Made by make. */' && echo '/* clang-format off */' && \
		echo '#include "config.h"' && echo '#include <stddef.h>' && echo '#include "tools/flame/page.h"' && \
		echo 'const char *const flame_page_style[] = {' && \
		$(zm_line_to_c) $(srcdir)/tools/flame/page.css && echo 'NULL};' && \
		echo 'const char *const flame_page_script[] = {' && \
		$(zm_line_to_c) $(srcdir)/tools/flame/page.js && echo 'NULL};'; } >$@.new && mv $@.new $@
