/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/client.h - a connection to a Redis or Valkey server on this machine.
 *
 * Every function ends the program with a message if the server answers with an error or is gone:
 * the bench has no use for half a measurement.
 */
#ifndef BENCH_REDIS_DEFRAG_CLIENT_H
#define BENCH_REDIS_DEFRAG_CLIENT_H

#include <stddef.h>

struct client {
	int fd;
	char *out; /* commands that wait to be sent */
	size_t out_used, out_room;
	char in[65536];
	size_t in_at, in_end;
	size_t replies; /* that are still to come */
};

/* An argument of a command. */
struct word {
	const char *bytes;
	size_t length;
};

void client_open(struct client *client, int port);
void client_close(struct client *client);

/*
 * Queue a command. It is sent, and its reply read and thrown away, with the next client_drain(), or
 * earlier when much has piled up.
 */
void client_queue(struct client *client, const struct word *words, size_t count);

/* Send what is queued and read all replies. */
void client_drain(struct client *client);

/* Ask one command of words between spaces. Returns the text of its reply; free() it. */
char *client_ask(struct client *client, const char *command);

/* The number after "FIELD:" in a reply of INFO; the program ends if it is not there. */
double info_number(const char *info, const char *field);

void die(const char *what);

#endif
