# SPDX-License-Identifier: BSD-2-Clause
# Tests of `zmalloc run`.

zm_script_tests += tests/check_run.sh
zm_test_files += \
	tests/run/early.c \
	tests/run/objects.cc \
	tests/run/plugin.c \
	tests/run/program.c
