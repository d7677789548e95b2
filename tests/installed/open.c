/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/installed/open.c - the library as a plugin brings it: opened by a program that was not
 * linked with it, used, closed.
 *
 * argv[1]: the library's file.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	union {
		void *object;
		void *(*zmalloc)(size_t);
		void (*zfree)(void *);
	} allocate, release;
	void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	allocate.object = dlsym(library, "zmalloc");
	release.object = dlsym(library, "zfree");
	if (allocate.object == NULL || release.object == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	release.zfree(allocate.zmalloc(1));
	return dlclose(library);
}
