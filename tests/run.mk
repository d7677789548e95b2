# SPDX-License-Identifier: BSD-2-Clause
# Tests of `zmalloc run`.

zm_script_tests += tests/check_run.sh
zm_test_files += \
	tests/run/early.c \
	tests/run/objects.cc \
	tests/run/plugin.c \
	tests/run/program.c

# Real programs on each allocator, by hand: ALLOCATORS='libc mimalloc' TRY='python redis' pick some.
check-preload: all
	MAKE='$(MAKE)' srcdir=$(srcdir) $(SHELL) $(srcdir)/tests/preload/run.sh
clean-local: clean-preload
clean-preload:
	rm -rf check-preload
.PHONY: check-preload clean-preload
EXTRA_DIST += tests/preload/run.sh
