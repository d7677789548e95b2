# SPDX-License-Identifier: BSD-2-Clause
# Tests of pressure: by what a test can make, and by what the kernel does. `make check-pressure` presses for longer.

if ZM_OS_LINUX
zm_internal_tests += tests/test_pressure tests/test_pressure_kernel
endif
tests_test_pressure_SOURCES = tests/test_pressure.c $(zm_os_fixture)
tests_test_pressure_LDADD = $(zm_internal_ldadd)
tests_test_pressure_kernel_SOURCES = tests/test_pressure_kernel.c
tests_test_pressure_kernel_LDADD = $(zm_internal_ldadd)

check-pressure: tests/test_pressure_kernel$(EXEEXT)
	ZMALLOC_TEST_PRESS_S=20 tests/test_pressure_kernel$(EXEEXT)
.PHONY: check-pressure
