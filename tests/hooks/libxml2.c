/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/libxml2.c - libxml2, charged as zmalloc_hooks(3) says. pkg-config: libxml-2.0 */
#include "use.h"

int main(void)
{
	static const char text[] = "<a><b c='d'>text</b></a>";
	xmlDocPtr document;

	DEMAND(charge_libxml2() == 0);
	document = xmlReadMemory(text, sizeof(text) - 1, "text", NULL, 0);
	DEMAND(document != NULL);
	in_use(1000);
	xmlFreeDoc(document);
	xmlCleanupParser();
	return at_the_end();
}
