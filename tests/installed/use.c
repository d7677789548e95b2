/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/installed/use.c - a program of somebody else's, C and C++ alike: it knows the installed
 * headers and what pkg-config says, nothing of the build.
 *
 * argv[1]: the allocator that the library must name.
 */
#include <zmalloc.h>

#include <stdio.h>
#include <string.h>

static int expect(int holds, const char *what)
{
	if (!holds)
		fprintf(stderr, "not true: %s\n", what);
	return holds ? 0 : 1;
}

int main(int argc, char **argv)
{
	size_t before = zmalloc_used_memory();
	char *block = (char *)zmalloc(1000);
	char *copy = zstrdup("installed");
	int failed = 0;

	failed += expect(argc == 2 && strstr(zmalloc_allocator(), argv[1]) != NULL,
			 "zmalloc_allocator() names the allocator");
	failed += expect(strncmp(zmalloc_version(), "1.", 2) == 0,
			 "zmalloc_version() is of series 1");
	failed += expect(zmalloc_usable_size(block) >= 1000, "1000 bytes are usable");
	failed += expect(strcmp(copy, "installed") == 0, "zstrdup() copies");
	failed += expect(zmalloc_used_memory() == before + zmalloc_size(block) + zmalloc_size(copy),
			 "used memory is the sum of the live blocks");
	zfree(block);
	zfree(copy);
	failed += expect(zmalloc_used_memory() == before, "nothing is left");
	return failed == 0 ? 0 : 1;
}
