/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/downstream/redis/figures.c - a Redis module: what INFO says beside what the library says.
 *
 * It runs inside the server and asks the same libzmalloc, so both figures are of one moment: the
 * command ZMALLOC.FIGURES runs on the thread that allocates, and nothing else does meanwhile.
 */
#include <stdio.h>

#include <redismodule.h>
#include <zmalloc.h>

/* Of the section "memory". */
static unsigned long long info_figure(RedisModuleCtx *ctx, const char *field)
{
	RedisModuleServerInfoData *info = RedisModule_GetServerInfo(ctx, "memory");
	int error = 0;
	unsigned long long figure = RedisModule_ServerInfoGetFieldUnsigned(info, field, &error);

	RedisModule_FreeServerInfo(ctx, info);
	return error == 0 ? figure : 0;
}

static void reply(RedisModuleCtx *ctx, const char *name, unsigned long long figure)
{
	char line[64];

	snprintf(line, sizeof(line), "%s=%llu", name, figure);
	RedisModule_ReplyWithCString(ctx, line);
}

/* Lines NAME=FIGURE in bytes, fit for a shell. */
static int figures(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	size_t before = zmalloc_used_memory(), after, allocated = 0;
	unsigned long long info = info_figure(ctx, "used_memory");
	char line[96];

	(void)argv, (void)argc;
	after = zmalloc_used_memory();
	zmalloc_get_allocator_info(1, &allocated, NULL, NULL, NULL, NULL, NULL);

	RedisModule_ReplyWithArray(ctx, 7);
	reply(ctx, "used_before", before);
	reply(ctx, "info_used", info);
	reply(ctx, "used_after", after);
	reply(ctx, "info_peak", info_figure(ctx, "used_memory_peak"));
	reply(ctx, "peak", zmalloc_peak_memory());
	reply(ctx, "allocated", allocated);
	snprintf(line, sizeof(line), "allocator=%s", zmalloc_allocator());
	RedisModule_ReplyWithCString(ctx, line);
	return REDISMODULE_OK;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
	(void)argv, (void)argc;
	if (RedisModule_Init(ctx, "zmalloc", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
		return REDISMODULE_ERR;
	return RedisModule_CreateCommand(ctx, "zmalloc.figures", figures, "readonly", 0, 0, 0);
}
