/* SPDX-License-Identifier: BSD-2-Clause */
/* tests/hooks/curl.c - curl, charged as zmalloc_hooks(3) says. pkg-config: libcurl */
#include "use.h"

static size_t drop(char *bytes, size_t size, size_t num, void *context)
{
	(void)bytes, (void)context;
	return size * num;
}

int main(void)
{
	CURL *handle;

	DEMAND(charge_curl() == 0);
	handle = curl_easy_init();
	DEMAND(handle != NULL);
	curl_easy_setopt(handle, CURLOPT_URL, "file:///etc/passwd");
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, drop);
	DEMAND(curl_easy_perform(handle) == CURLE_OK);
	in_use(1000);
	curl_easy_cleanup(handle);
	curl_global_cleanup();
	return at_the_end();
}
