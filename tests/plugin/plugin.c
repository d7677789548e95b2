/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/plugin/plugin.c - a plugin that carries the static library. */
#include <zmalloc.h>
#include <zmalloc/arena.h>
#include <zmalloc/stats.h>

#define SEEN __attribute__((__visibility__("default")))

SEEN void *plugin_take(size_t size);
SEEN void plugin_free(void *block);
SEEN size_t plugin_used(void);
SEEN int plugin_use_all(void);

SEEN void *plugin_take(size_t size)
{
	return zmalloc(size);
}

SEEN void plugin_free(void *block)
{
	zfree(block);
}

SEEN size_t plugin_used(void)
{
	return zmalloc_used_memory();
}

/* What leaves handlers, keys and threads behind. */
SEEN int plugin_use_all(void)
{
	zarena *arena = zarena_create();

	if (arena == NULL)
		return -1;
	zfree(zarena_malloc(arena, 100));
	zmalloc_set_background_purge(1);
	zmalloc_stats_publish();
	return zarena_destroy(arena);
}
