/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/zlib.c - zlib, charged as zmalloc_hooks(3) says. pkg-config: zlib */
#include "use.h"

int main(void)
{
	static unsigned char text[100000], packed[200000];
	z_stream stream;

	memset(&stream, 0, sizeof(stream));
	charge_zlib(&stream);
	DEMAND(deflateInit(&stream, 9) == Z_OK);
	stream.next_in = text;
	stream.avail_in = sizeof(text);
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	DEMAND(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	in_use(200000);
	deflateEnd(&stream);
	return at_the_end();
}
