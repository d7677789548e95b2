/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/sqlite.c - SQLite, charged as zmalloc_hooks(3) says. pkg-config: sqlite3 */
#include "use.h"

int main(void)
{
	sqlite3 *db;

	DEMAND(charge_sqlite() == 0);
	DEMAND(sqlite3_open(":memory:", &db) == SQLITE_OK);
	DEMAND(sqlite3_exec(db, "create table t(a, b)", NULL, NULL, NULL) == SQLITE_OK);
	DEMAND(sqlite3_exec(db,
			    "with recursive c(x) as (select 1 union all select x + 1 from c"
			    " where x < 5000) insert into t select x, hex(randomblob(20)) from c",
			    NULL, NULL, NULL) == SQLITE_OK);
	/* It adds up what it asks sizes of. */
	DEMAND((size_t)sqlite3_memory_used() <= zmalloc_used_memory());
	in_use(5000 * 40);
	sqlite3_close(db);
	sqlite3_shutdown();
	return at_the_end();
}
