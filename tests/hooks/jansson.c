/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/jansson.c - jansson, charged as zmalloc_hooks(3) says. pkg-config: jansson */
#include "use.h"

int main(void)
{
	json_t *value;
	char *text;

	charge_jansson();
	value = json_loads("{\"a\": [1, 2, 3, {\"b\": \"c\"}]}", 0, NULL);
	DEMAND(value != NULL);
	text = json_dumps(value, 0);
	DEMAND(text != NULL);
	in_use(300);
	free_text(text);
	json_decref(value);
	return at_the_end();
}
