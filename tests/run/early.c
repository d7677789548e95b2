/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/run/early.c - a library whose resolver, which the loader calls while it links, calls malloc(): no
 * other library that is loaded before it is linked by then.
 */
#include <stdlib.h>

typedef void function(void);

char *early_block[3];
void early_call(void);

static void nothing(void)
{
}

static function *resolve(void)
{
	static const char text[] = "early";

	early_block[0] = malloc(100);
	early_block[1] = calloc(10, 100);
	early_block[2] = aligned_alloc(256, 512);
	for (unsigned i = 0; early_block[0] != 0 && i < sizeof(text); i++)
		((volatile char *)early_block[0])[i] = text[i];
	free(malloc(10));
	return nothing;
}

/*
 * Not seen from outside: the last of what the loader links of this library, whose own calls work by then, if
 * they go without a PLT.
 */
static void chosen(void) __attribute__((__ifunc__("resolve")));

void early_call(void)
{
	chosen();
}
