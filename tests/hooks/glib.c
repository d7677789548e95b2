/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/glib.c - GLib, charged as zmalloc_hooks(3) says. pkg-config: glib-2.0 */
#include "use.h"

int main(void)
{
	GBytes *bytes = charged_bytes(100000), *part;

	DEMAND(bytes != NULL);
	part = g_bytes_new_from_bytes(bytes, 1000, 1000);
	g_bytes_unref(bytes);
	in_use(100000);
	g_bytes_unref(part);
	return at_the_end();
}
