# SPDX-License-Identifier: BSD-2-Clause
# Tests of the static probes.

zm_script_tests += tests/check_static_probes.sh
check_PROGRAMS += tests/probe_program
tests_probe_program_SOURCES = tests/probe_program.c $(zm_defrag_blocks)
