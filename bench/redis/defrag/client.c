/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/client.c - the parts of the RESP protocol that the bench needs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

/* Replies that may pile up: few enough for the server's output buffer and ours to hold them. */
#define REPLIES_MAX 1000
#define OUT_MAX ((size_t)256 << 10)

void die(const char *what)
{
	fprintf(stderr, "bench-redis-defrag: %s: %s\n", what, strerror(errno));
	exit(1);
}

void client_open(struct client *client, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int yes = 1;

	memset(client, 0, sizeof(*client));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (client->fd < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		die("cannot connect");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

void client_close(struct client *client)
{
	close(client->fd);
	free(client->out);
}

/* ---- Sending ---- */

static void put(struct client *client, const char *bytes, size_t length)
{
	if (client->out_used + length > client->out_room) {
		client->out_room = (client->out_used + length) * 2;
		client->out = realloc(client->out, client->out_room);
		if (client->out == NULL)
			die("realloc");
	}
	memcpy(client->out + client->out_used, bytes, length);
	client->out_used += length;
}

static void put_count(struct client *client, char type, size_t count)
{
	char line[32];

	put(client, line, (size_t)snprintf(line, sizeof(line), "%c%zu\r\n", type, count));
}

static void send_queued(struct client *client)
{
	for (size_t sent = 0; sent < client->out_used;) {
		ssize_t bytes =
			send(client->fd, client->out + sent, client->out_used - sent, MSG_NOSIGNAL);

		if (bytes <= 0)
			die("cannot send");
		sent += (size_t)bytes;
	}
	client->out_used = 0;
}

void client_queue(struct client *client, const struct word *words, size_t count)
{
	put_count(client, '*', count);
	for (size_t i = 0; i < count; i++) {
		put_count(client, '$', words[i].length);
		put(client, words[i].bytes, words[i].length);
		put(client, "\r\n", 2);
	}
	if (++client->replies >= REPLIES_MAX || client->out_used > OUT_MAX)
		client_drain(client);
}

/* ---- Replies ---- */

static char next_byte(struct client *client)
{
	if (client->in_at == client->in_end) {
		ssize_t bytes = recv(client->fd, client->in, sizeof(client->in), 0);

		if (bytes <= 0)
			die("the server is gone");
		client->in_at = 0;
		client->in_end = (size_t)bytes;
	}
	return client->in[client->in_at++];
}

static size_t read_line(struct client *client, char *line, size_t room)
{
	size_t used = 0;

	for (;;) {
		char byte = next_byte(client);

		if (byte == '\n')
			break;
		if (byte != '\r' && used + 1 < room)
			line[used++] = byte;
	}
	line[used] = '\0';
	return used;
}

/* Returns the text of a reply that is no array; of a number or a state, its line. */
static char *read_reply(struct client *client)
{
	char line[512], *text;
	long length;

	read_line(client, line, sizeof(line));
	if (line[0] == '-') {
		errno = EINVAL;
		die(line);
	}
	if (line[0] != '$')
		return strdup(line + 1);
	length = strtol(line + 1, NULL, 10);
	if (length < 0)
		return strdup("");
	text = malloc((size_t)length + 1);
	if (text == NULL)
		die("malloc");
	for (long i = 0; i < length; i++)
		text[i] = next_byte(client);
	text[length] = '\0';
	next_byte(client), next_byte(client);
	return text;
}

void client_drain(struct client *client)
{
	send_queued(client);
	for (; client->replies > 0; client->replies--)
		free(read_reply(client));
}

char *client_ask(struct client *client, const char *command)
{
	struct word words[8];
	size_t count = 0;

	client_drain(client);
	while (*command != '\0' && count < 8) {
		size_t length = strcspn(command, " ");

		words[count++] = (struct word){command, length};
		command += length + strspn(command + length, " ");
	}
	client_queue(client, words, count);
	send_queued(client);
	client->replies = 0;
	return read_reply(client);
}

double info_number(const char *info, const char *field)
{
	size_t length = strlen(field);

	for (const char *at = info; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, field, length) == 0 && at[length] == ':')
			return strtod(at + length + 1, NULL);
	}
	errno = ENOENT;
	die(field);
	return 0;
}
