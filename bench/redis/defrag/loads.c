/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/redis/defrag/loads.c - the workloads.
 *
 * Values have 16 to 512 bytes, evenly. Everything comes from the seed, so both servers of a pair get
 * the same commands in the same order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loads.h"

#define VALUE_MIN 16
#define VALUE_MAX 512

/* Members of one hash, list or sorted set: far more than fit the compact encodings. */
#define MEMBERS 2000

/* Members in one command. */
#define BATCH 10

/* ---- Words ---- */

/* splitmix64 */
static uint64_t random_bits(struct load *load)
{
	uint64_t z = load->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t random_below(struct load *load, size_t limit)
{
	return (size_t)(random_bits(load) % limit);
}

static struct word literal(const char *text)
{
	return (struct word){text, strlen(text)};
}

struct name {
	char text[48];
};

static struct word numbered(struct name *name, const char *prefix, size_t number)
{
	int length = snprintf(name->text, sizeof(name->text), "%s:%09zu", prefix, number);

	return (struct word){name->text, (size_t)length};
}

static struct word random_value(struct load *load)
{
	static char bytes[VALUE_MAX];

	if (bytes[0] == '\0')
		memset(bytes, 'x', sizeof(bytes));
	return (struct word){bytes, VALUE_MIN + random_below(load, VALUE_MAX - VALUE_MIN + 1)};
}

/* ---- Strings ---- */

static void set_string(struct load *load, size_t number)
{
	struct name name;
	const struct word words[] = {literal("SET"), numbered(&name, "key", number),
				     random_value(load)};

	client_queue(load->client, words, 3);
}

static void delete_string(struct load *load, size_t number)
{
	struct name name;
	const struct word words[] = {literal("DEL"), numbered(&name, "key", number)};

	client_queue(load->client, words, 2);
}

static void fill_strings(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		set_string(load, i);
	client_drain(load->client);
}

static void thin_random_half(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		if (random_below(load, 2) == 0)
			delete_string(load, i);
	client_drain(load->client);
}

/* Nine tenths of the older half and one tenth of the newer. */
static void thin_by_age(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		if ((random_below(load, 10) == 0) == (i >= load->count / 2))
			delete_string(load, i);
	client_drain(load->client);
}

void churn(struct load *load, size_t replacements)
{
	for (size_t i = 0; i < replacements; i++)
		set_string(load, random_below(load, load->count));
	client_drain(load->client);
}

/* ---- Collections ---- */

/* A third of the keys each. */
enum kind {
	HASH,
	LIST,
	SORTED_SET,
	KINDS
};

static const char *const kind_name[] = {"hash", "list", "zset"};

static size_t keys_of_a_kind(const struct load *load)
{
	return load->count / KINDS / MEMBERS;
}

/* One command that adds BATCH members from `first` on. */
static void add_members(struct load *load, enum kind kind, size_t key, size_t first)
{
	static const char *const command[] = {"HSET", "RPUSH", "ZADD"};
	struct name key_name, names[BATCH];
	struct word words[2 + 2 * BATCH];
	char values[BATCH][VALUE_MAX + 1];
	size_t count = 0;

	words[count++] = literal(command[kind]);
	words[count++] = numbered(&key_name, kind_name[kind], key);
	for (size_t i = 0; i < BATCH; i++) {
		struct word member = numbered(&names[i], "member", first + i);
		struct word value = random_value(load);

		/* A member of a list or sorted set is told from the others by how it begins. */
		if (kind != HASH) {
			memcpy(values[i], value.bytes, value.length);
			memcpy(values[i], member.bytes, member.length);
			value.bytes = values[i];
		}
		if (kind == HASH)
			words[count++] = member;
		if (kind == SORTED_SET)
			words[count++] = (struct word){member.bytes + strlen("member:"), 9};
		words[count++] = value;
	}
	client_queue(load->client, words, count);
}

static void fill_collections(struct load *load)
{
	for (size_t first = 0; first < MEMBERS; first += BATCH)
		for (size_t key = 0; key < keys_of_a_kind(load); key++)
			for (enum kind kind = HASH; kind < KINDS; kind++)
				add_members(load, kind, key, first);
	client_drain(load->client);
}

static void delete_every_other_field(struct load *load, struct word key)
{
	for (size_t i = 0; i < MEMBERS; i += 2) {
		struct name field;
		const struct word words[] = {literal("HDEL"), key, numbered(&field, "member", i)};

		client_queue(load->client, words, 3);
	}
}

/* A list has no command that deletes by place: what is to go is made the same, then deleted. */
static void delete_every_other_element(struct load *load, struct word key)
{
	for (size_t i = 0; i < MEMBERS; i += 2) {
		char index[24];
		int length = snprintf(index, sizeof(index), "%zu", i);
		const struct word words[] = {
			literal("LSET"), key, {index, (size_t)length}, literal("-")};

		client_queue(load->client, words, 4);
	}
	client_queue(load->client,
		     (struct word[]){literal("LREM"), key, literal("0"), literal("-")}, 4);
}

static void delete_every_other_scored(struct load *load, struct word key)
{
	for (size_t i = 0; i < MEMBERS; i += 2) {
		char score[24];
		int length = snprintf(score, sizeof(score), "%zu", i);
		const struct word bound = {score, (size_t)length};
		const struct word words[] = {literal("ZREMRANGEBYSCORE"), key, bound, bound};

		client_queue(load->client, words, 4);
	}
}

static void thin_collections(struct load *load)
{
	for (size_t key = 0; key < keys_of_a_kind(load); key++) {
		struct name name[KINDS];

		delete_every_other_field(load, numbered(&name[HASH], kind_name[HASH], key));
		delete_every_other_element(load, numbered(&name[LIST], kind_name[LIST], key));
		delete_every_other_scored(load,
					  numbered(&name[SORTED_SET], kind_name[SORTED_SET], key));
	}
	client_drain(load->client);
}

/* ---- All of them ---- */

const struct workload workloads[] = {
	{"random", "strings, a random half deleted", fill_strings, thin_random_half, false},
	{"age", "strings, 90 % of the older half deleted and 10 % of the newer", fill_strings,
	 thin_by_age, false},
	{"collections", "hashes, lists and sorted sets, every other member deleted",
	 fill_collections, thin_collections, false},
	{"churn", "strings, a random half deleted, others replaced meanwhile", fill_strings,
	 thin_random_half, true},
	{NULL, NULL, NULL, NULL, false},
};

const struct workload *workload_named(const char *name)
{
	for (const struct workload *workload = workloads; workload->name != NULL; workload++)
		if (strcmp(workload->name, name) == 0)
			return workload;
	errno = ENOENT;
	die(name);
	return NULL;
}
