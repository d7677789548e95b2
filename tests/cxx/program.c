/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/cxx/program.c - a C program with a C++ library: what is used is what the program got from
 * us, to the byte, whoever serves the library's operator new.
 *
 *   program                       linked with the library (compiled with -DLINKED)
 *   program FILE [deep]           opens it after the first call of ours
 *
 * Prints the file that holds the library's operator new. Compiled with -DBARE it does without us, to
 * see whether the allocator behind us stands that.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(BARE)
#define zmalloc malloc
#define zfree free
#define zmalloc_size(ptr) ((void)(ptr), (size_t)0)
#define zmalloc_used_memory() ((size_t)0)
#define zmalloc_peak_memory() ((size_t)0)
#else
#include <zmalloc.h>
#endif

#define MIB ((size_t)1 << 20)

#if defined(LINKED)
void *plugin_new(size_t bytes);
void plugin_delete(void *ptr);
const char *plugin_file_of_new(void);

static void open_plugin(int argc, char **argv)
{
	(void)argc, (void)argv;
}
#else
static void *(*plugin_new)(size_t bytes);
static void (*plugin_delete)(void *ptr);
static const char *(*plugin_file_of_new)(void);

static void open_plugin(int argc, char **argv)
{
	int flags = RTLD_NOW;
	void *plugin;

#if defined(RTLD_DEEPBIND)
	flags |= argc > 2 && strcmp(argv[2], "deep") == 0 ? RTLD_DEEPBIND : 0;
#endif
	plugin = argc > 1 ? dlopen(argv[1], flags) : NULL;
	if (plugin == NULL) {
		fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "which library?");
		exit(2);
	}
	*(void **)&plugin_new = dlsym(plugin, "plugin_new");
	*(void **)&plugin_delete = dlsym(plugin, "plugin_delete");
	*(void **)&plugin_file_of_new = dlsym(plugin, "plugin_file_of_new");
}
#endif

static void *blocks[3];

static void see(const char *when)
{
	size_t live = 0;

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		live += zmalloc_size(blocks[i]);
	if (zmalloc_used_memory() == live && zmalloc_peak_memory() <= live + MIB)
		return;
	fprintf(stderr, "%s: %zu bytes live, %zu used, peak %zu\n", when, live,
		zmalloc_used_memory(), zmalloc_peak_memory());
	exit(1);
}

static void *new_in_thread(void *unused)
{
	(void)unused;
	return plugin_new(50 * MIB);
}

static void *new_and_z_in_thread(void *unused)
{
	void *object = plugin_new(50 * MIB);

	(void)unused;
	zfree(zmalloc(1000));
	plugin_delete(object);
	return plugin_new(20 * MIB);
}

static void *result_of(void *(*function)(void *))
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, function, NULL) != 0 ||
	    pthread_join(thread, &result) != 0)
		exit(2);
	return result;
}

int main(int argc, char **argv)
{
	void *object;

	blocks[0] = zmalloc(30 * MIB);
	open_plugin(argc, argv);
	see("at first");
	object = plugin_new(50 * MIB);
	blocks[1] = zmalloc(MIB);
	see("while the library has an object");
	plugin_delete(object);
	see("after it");
	object = result_of(new_in_thread);
	see("with an object of a thread that never called us");
	plugin_delete(object);
	see("after it, freed here");
	object = result_of(new_and_z_in_thread);
	blocks[2] = zmalloc(MIB);
	see("with an object of a thread that called us");
	plugin_delete(object);
	see("at last");
	puts(plugin_file_of_new());
	return 0;
}
