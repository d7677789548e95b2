/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/libbpf.c - libbpf, charged as zmalloc_hooks(3) says. pkg-config: libbpf */
#include "use.h"

int main(void)
{
	/* The C library would have one of malloc() for it, and keep it. */
	static char buffer[BUFSIZ];
	char name[32];
	struct btf *btf;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	leave_out_others();
	btf = btf__new_empty();
	DEMAND(btf != NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "number_%d", i);
		DEMAND(btf__add_int(btf, name, 4, BTF_INT_SIGNED) == i + 1);
	}
	in_use(20000);
	btf__free(btf);
	return at_the_end();
}
