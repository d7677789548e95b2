/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/lua.c - Lua, charged as zmalloc_hooks(3) says. pkg-config: lua5.4 */
#include "use.h"

#include <lauxlib.h>
#include <lualib.h>

int main(void)
{
	lua_State *state = charged_lua();

	DEMAND(state != NULL);
	luaL_openlibs(state);
	DEMAND(luaL_dostring(state, "t = {} for i = 1, 10000 do t[i] = tostring(i) end") == LUA_OK);
	in_use(10000 * 20);
	/* By its own count, which knows sizes asked for. */
	DEMAND((size_t)lua_gc(state, LUA_GCCOUNT) * 1024 <= zmalloc_used_memory());
	lua_close(state);
	return at_the_end();
}
