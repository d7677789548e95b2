/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/limit.c - any text as memory.max or memory.limit_in_bytes.
 */
#include "config.h"

#include "fuzz.h"
#include "os/cgroup.h"

#include <errno.h>
#include <string.h>

/* Another way to the same answer, for digits and a newline. */
static void compare(const uint8_t *data, size_t size, int error, uint64_t bytes)
{
	char digits[64];
	unsigned long long expected;

	if (size < 2 || size > 40 || data[size - 1] != '\n')
		return;
	for (size_t i = 0; i < size - 1; i++) {
		if (data[i] < '0' || data[i] > '9')
			return;
	}
	memcpy(digits, data, size - 1);
	digits[size - 1] = '\0';
	errno = 0;
	expected = strtoull(digits, NULL, 10);
	HOLDS((errno == ERANGE) == (error == ERANGE));
	HOLDS(error || bytes == expected || (bytes == UINT64_MAX && expected > INT64_MAX - 65536));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bytes = 77;
	int error = zm_cgroup_limit_text(zm_span((const char *)data, size), &bytes);

	HOLDS(error == 0 || bytes == 77);
	HOLDS(error == 0 || error == EINVAL || error == ERANGE);
	compare(data, size, error, bytes);
	return 0;
}
