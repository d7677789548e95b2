#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# check_mutants.sh - the faults of `make mutants`, which runs by hand, are still in the sources that they name, and so
# are the tests that are to notice them.
command -v perl >/dev/null 2>&1 || {
	echo 'SKIP: perl is not installed'
	exit 77
}
exec perl "${srcdir:-.}/tests/mutants/run.pl" --fits "${srcdir:-.}"
