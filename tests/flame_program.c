/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/flame_program.c - writes a flame graph with made-up stacks on stdout, for check_flame.sh:
 * `flame_program small|difference|hostile|server|leak|large`.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/flame.h"

#define MIB ((uint64_t)1 << 20)

static void add(struct flame *flame, uint64_t kib, uint64_t before_kib, const char *stack)
{
	const char *names[64];
	char copy[1024];
	unsigned count = 0;

	snprintf(copy, sizeof(copy), "%s", stack);
	for (char *at = strtok(copy, ";"); at != NULL; at = strtok(NULL, ";"))
		names[count++] = at;
	if (flame_add(flame, names, count, kib << 10, before_kib << 10, kib / 3 + 1) != 0)
		abort();
}

static struct flame *begin(const char *title, bool is_difference)
{
	struct flame *flame = flame_new(title, "made up, for a test", is_difference);

	if (flame == NULL)
		abort();
	return flame;
}

/* 100 MiB; drive.js knows the figures. */
static struct flame *make_small(void)
{
	struct flame *flame = begin("small", false);

	add(flame, 50 << 10, 0, "main;serve;read_table");
	add(flame, 20 << 10, 0, "main;serve;cache_insert");
	add(flame, 10 << 10, 0, "main;serve;cache_insert;table_grow");
	add(flame, 15 << 10, 0, "main;load;table_grow");
	add(flame, 4 << 10, 0, "main");
	add(flame, 1 << 10, 0, "HelperThread;read_table");
	add(flame, 1, 0, "HelperThread;tiny");
	return flame;
}

static struct flame *make_difference(void)
{
	struct flame *flame = begin("difference", true);

	add(flame, 60 << 10, 20 << 10, "main;grew");
	add(flame, 10 << 10, 30 << 10, "main;shrank");
	add(flame, 10 << 10, 10 << 10, "main;stayed");
	add(flame, 8 << 10, 0, "main;is_new");
	add(flame, 0, 12 << 10, "main;is_gone");
	return flame;
}

static struct flame *make_hostile(void)
{
	struct flame *flame = begin("</title><script>document.hurt = 1</script> & \"'\x01", false);

	add(flame, 4 << 10, 0, "</script><script>document.hurt = 2</script>");
	add(flame, 3 << 10, 0, "]]><script>document.hurt = 3</script>");
	add(flame, 3 << 10, 0,
	    "\"/><image href=\"x\" onerror=\"document.hurt = 4\"/>&amp;&#0;&unknown;");
	add(flame, 3 << 10, 0, "\x1b[31mred\r\n\t\x7f\xff\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80 end");
	add(flame, 3 << 10, 0,
	    "no characters \xef\xbf\xbe \xef\xbf\xbf \xc2\x85 \xe2\x80\xae"
	    "desrever \xf0\x9f\xbf\xbf");
	add(flame, 3 << 10, 0,
	    "Gr\xc3\xb6\xc3\x9f"
	    "e \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e \xf0\x9f\x94\xa5");
	add(flame, 2 << 10, 0, "__proto__;constructor;toString");
	return flame;
}

/* What a profile of a server may look like. */
static const struct {
	unsigned kib, before_kib;
	const char *stack;
} server[] = {
	{88210, 61010,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "setCommand;setGenericCommand;dbAdd;dictAddRaw;zmalloc_usable"},
	{61200, 60800,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "setCommand;setGenericCommand;setKey;dbOverwrite;dupStringObject;"
	 "createEmbeddedStringObject"},
	{45300, 44100,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "hsetCommand;hashTypeSet;lpAppend;lp_realloc"},
	{23100, 22900,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "hsetCommand;hashTypeConvert;dictExpand;zcalloc"},
	{17500, 2100,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "zaddCommand;zaddGenericCommand;zsetAdd;zslInsert;zslCreateNode"},
	{9800, 9700,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "lpushCommand;pushGenericCommand;listTypePush;quicklistPushHead;quicklistCreateNode"},
	{6200, 8900,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processMultibulkBuffer;"
	 "createStringObject;createRawStringObject;sdsnewlen"},
	{14900, 31800,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;sdsMakeRoomFor;s_realloc_usable"},
	{8100, 0,
	 "main;aeMain;aeProcessEvents;acceptTcpHandler;acceptCommonHandler;createClient;zmalloc"},
	{5200, 5200,
	 "main;aeMain;aeProcessEvents;processTimeEvents;serverCron;databasesCron;dictResize;"
	 "dictExpand;zcalloc"},
	{19800, 20100,
	 "main;loadDataFromDisk;rdbLoad;rdbLoadRio;rdbLoadObject;rdbGenericLoadStringObject;"
	 "sdsnewlen"},
	{12100, 12300,
	 "main;loadDataFromDisk;rdbLoad;rdbLoadRio;rdbLoadObject;quicklistCreate;zmalloc"},
	{7400, 7400, "main;loadDataFromDisk;rdbLoad;rdbLoadRio;dbAddRDBLoad;dictAddRaw"},
	{3900, 3900, "main;initServer;createSharedObjects;createStringObject"},
	{2100, 2100, "main;initServer;aeCreateEventLoop;zcalloc"},
	{4300, 4300, "start_thread;bioProcessBackgroundJobs;lazyfreeFreeDatabase"},
	{6100, 5000,
	 "start_thread;IOThreadMain;readQueryFromClient;sdsMakeRoomFor;s_realloc_usable"},
	{900, 900, "start_thread;IOThreadMain;writeToClient;_addReplyProtoToList"},
	{1500, 200,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "evalCommand;luaCallFunction;lua_pcall;luaD_call;luaV_execute;luaH_set;luaH_resize;l_"
	 "alloc"},
	{2600, 2400,
	 "main;aeMain;aeProcessEvents;readQueryFromClient;processInputBuffer;processCommand;call;"
	 "evalCommand;luaCallFunction;lua_pcall;luaD_call;luaV_execute;luaS_newlstr;l_alloc"},
};

static struct flame *make_server(bool is_difference)
{
	struct flame *flame =
		flame_new(is_difference ? "redis-server 4711, growth in 60 s"
					: "redis-server 4711, live memory",
			  "2026-11-27 00:45 UTC, 20 stacks, one sample each 512 KiB, jemalloc",
			  is_difference);

	if (flame == NULL)
		abort();
	for (size_t i = 0; i < sizeof(server) / sizeof(*server); i++)
		add(flame, server[i].kib, is_difference ? server[i].before_kib : 0,
		    server[i].stack);
	return flame;
}

static uint64_t state = 1;

static unsigned below(unsigned bound)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % bound;
}

/* 20,000 stacks of 64 frames, which part at any depth. */
static struct flame *make_large(void)
{
	static char text[20000][32];
	const char *names[64];
	struct flame *flame = begin("large", false);

	for (unsigned i = 0; i < 20000; i++)
		snprintf(text[i], sizeof(text[i]), "function_of_some_name_%u", i);
	for (unsigned i = 0; i < 64; i++)
		names[i] = text[i];
	for (unsigned stack = 0; stack < 20000; stack++) {
		for (unsigned i = below(64); i < 64; i++)
			names[i] = text[below(20000)];
		if (flame_add(flame, names, 64, MIB / (1 + below(100)), 0, 1 + below(9)) != 0)
			abort();
	}
	return flame;
}

static int write_all(void *unused, const char *text, size_t size)
{
	(void)unused;
	return fwrite(text, 1, size, stdout) == size ? 0 : EIO;
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";
	struct flame *flame = !strcmp(which, "small")        ? make_small()
			      : !strcmp(which, "difference") ? make_difference()
			      : !strcmp(which, "hostile")    ? make_hostile()
			      : !strcmp(which, "server")     ? make_server(false)
			      : !strcmp(which, "leak")       ? make_server(true)
			      : !strcmp(which, "large")      ? make_large()
							     : NULL;
	struct zm_builder out;
	int error;

	if (flame == NULL)
		return 2;
	zm_builder_start_writer(&out, write_all, NULL);
	error = flame_write(flame, &out);
	if (error == 0)
		error = zm_builder_finish(&out);
	flame_free(flame);
	return error != 0 || fflush(stdout) != 0;
}
