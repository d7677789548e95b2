/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/openssl.c - OpenSSL, charged as zmalloc_hooks(3) says. pkg-config: openssl */
#include "use.h"

#include <openssl/ssl.h>

int main(void)
{
	SSL_CTX *context;

	DEMAND(charge_openssl() == 0);
	context = SSL_CTX_new(TLS_client_method());
	DEMAND(context != NULL);
	in_use(10000);
	SSL_CTX_free(context);
	OPENSSL_cleanup();
	return at_the_end();
}
