/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/plugin/program.c - loads a plugin that carries the library, uses it from threads, unloads it
 * while they live, lets them end, forks, and loads it once more.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4

static void *(*take)(size_t size);
static void (*give)(void *block);
static pthread_barrier_t used, unloaded;

static void *in_thread(void *unused)
{
	give(take(100));
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&unloaded);
	return unused;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why != NULL ? why : "failed");
	exit(1);
}

static void *symbol(void *plugin, const char *name)
{
	void *at = dlsym(plugin, name);

	if (at == NULL)
		fail(name, dlerror());
	return at;
}

static void in_a_round(const char *file)
{
	void *plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	pthread_t threads[THREADS];
	int (*use_all)(void), status;
	pid_t child;

	if (plugin == NULL)
		fail("dlopen", dlerror());
	*(void **)&take = symbol(plugin, "plugin_take");
	*(void **)&give = symbol(plugin, "plugin_free");
	*(void **)&use_all = symbol(plugin, "plugin_use_all");
	if (use_all() != 0)
		fail("plugin_use_all", NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, in_thread, NULL);
	pthread_barrier_wait(&used);
	if (dlclose(plugin) != 0)
		fail("dlclose", dlerror());
	pthread_barrier_wait(&unloaded);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	child = fork();
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		fail("fork", NULL);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	pthread_barrier_init(&used, NULL, THREADS + 1);
	pthread_barrier_init(&unloaded, NULL, THREADS + 1);
	for (int i = 0; i < 3; i++)
		in_a_round(argv[1]);
	puts("the threads ended");
	return 0;
}
