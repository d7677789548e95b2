/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/symbols.c - names for addresses of a running process, each looked for once.
 */
#include "tools/profile/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/builder.h"
#include "tools/profile/names.h"

/* Pointers by a hash: to what is at an address, and to places by what they are. */
struct table {
	void **slot;
	size_t count, slots; /* a power of two, twice as many as there are at least */
};

struct symbols {
	struct mappings mappings;
	struct names *names;
	struct table where, place;
	char refusal[160];
};

/* ---- Tables ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		hash = mix(hash, (unsigned char)*text);
	return mix(hash, text != NULL);
}

/* The slot that it is in or goes into. */
static void **slot_of(const struct table *table, uint64_t hash,
		      bool (*is_it)(const void *there, const void *wanted), const void *wanted)
{
	size_t at = (size_t)hash & (table->slots - 1);

	while (table->slot[at] != NULL && !is_it(table->slot[at], wanted))
		at = (at + 1) & (table->slots - 1);
	return &table->slot[at];
}

static bool is_nothing(const void *there, const void *wanted)
{
	(void)there;
	(void)wanted;
	return false;
}

static bool has_room(struct table *table, uint64_t (*hash_of)(const void *))
{
	struct table grown = {NULL, table->count, table->slots != 0 ? table->slots * 2 : 1024};

	if (table->count * 2 < table->slots)
		return true;
	grown.slot = calloc(grown.slots, sizeof(*grown.slot));
	if (grown.slot == NULL)
		return false;
	for (size_t i = 0; i < table->slots; i++)
		if (table->slot[i] != NULL)
			*slot_of(&grown, hash_of(table->slot[i]), is_nothing, NULL) =
				table->slot[i];
	free(table->slot);
	*table = grown;
	return true;
}

/* ---- Places ---- */

static uint64_t hash_of_place(const void *one)
{
	const struct place *place = one;
	uint64_t hash = mix_text(mix_text(0, place->function), place->file);

	return mix_text(mix(mix(hash, place->line), place->offset), place->module);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_place(const void *there, const void *wanted)
{
	const struct place *a = there, *b = wanted;

	return a->line == b->line && a->offset == b->offset &&
	       same_text(a->function, b->function) && same_text(a->file, b->file) &&
	       same_text(a->module, b->module);
}

/* Names are whatever is in somebody's file: what would change a terminal becomes a question mark. */
static char *clean_copy(char *at, const char *text, const char **copy)
{
	size_t size;

	if (text == NULL)
		return at;
	*copy = at;
	for (; *text != '\0'; text += size != 0 ? size : 1) {
		size = zm_character_size(text);
		/* The control characters beyond ASCII are of two bytes. */
		if (size == 0 || (size == 2 && (unsigned char)text[0] == 0xc2 &&
				  (unsigned char)text[1] < 0xa0)) {
			*at++ = '?';
		} else {
			memcpy(at, text, size);
			at += size;
		}
	}
	*at++ = '\0';
	return at;
}

static size_t room_of(const char *text)
{
	return text != NULL ? strlen(text) + 1 : 0;
}

static const struct place *intern(struct symbols *symbols, const struct place *wanted)
{
	struct place *place;
	void **slot;
	char *at;

	if (!has_room(&symbols->place, hash_of_place))
		return NULL;
	place = malloc(sizeof(*place) + room_of(wanted->function) + room_of(wanted->file) +
		       room_of(wanted->module));
	if (place == NULL)
		return NULL;
	*place = *wanted;
	at = clean_copy((char *)(place + 1), wanted->function, &place->function);
	at = clean_copy(at, wanted->file, &place->file);
	clean_copy(at, wanted->module, &place->module);
	slot = slot_of(&symbols->place, hash_of_place(place), same_place, place);
	if (*slot != NULL) {
		free(place);
		return *slot;
	}
	place->id = symbols->place.count++;
	*slot = place;
	return place;
}

/* ---- Addresses ---- */

static uint64_t hash_of_where(const void *one)
{
	return mix(0, ((const struct where *)one)->address);
}

static bool same_address(const void *there, const void *wanted)
{
	return ((const struct where *)there)->address == ((const struct where *)wanted)->address;
}

static bool add_place(struct symbols *symbols, struct where *where, const struct name *name,
		      const struct mapping *mapping)
{
	struct place place = {.module = mapping != NULL ? mapping->path : ""};

	if (name != NULL) {
		place.function = name->function;
		place.file = name->file;
		place.line = name->line;
	}
	if (place.function == NULL)
		place.offset = where->offset;
	where->place[where->count] = intern(symbols, &place);
	return where->place[where->count++] != NULL;
}

/* The call is before what it returns to: the next byte may be of another line, or of another function. */
static bool find_places(struct symbols *symbols, struct where *where)
{
	uint64_t address = where->address != 0 ? where->address - 1 : 0;
	const struct mapping *mapping = mapping_of(&symbols->mappings, address);
	struct name name[PLACES_MOST];
	size_t count = symbols->names != NULL ? names_find(symbols->names, address, name) : 0;
	bool is_there = true;

	where->offset =
		mapping != NULL ? address - mapping->start + mapping->offset : where->address;
	for (size_t i = 0; is_there && i < count; i++)
		is_there = add_place(symbols, where, &name[i], mapping);
	if (count == 0)
		is_there = add_place(symbols, where, NULL, mapping);
	return is_there;
}

const struct where *symbols_find(struct symbols *symbols, uintptr_t address)
{
	const struct where wanted = {.address = address};
	struct where *where;
	void **slot;

	if (!has_room(&symbols->where, hash_of_where))
		return NULL;
	slot = slot_of(&symbols->where, hash_of_where(&wanted), same_address, &wanted);
	if (*slot != NULL)
		return *slot;
	where = calloc(1, sizeof(*where));
	if (where == NULL)
		return NULL;
	where->address = address;
	if (!find_places(symbols, where)) {
		free(where);
		return NULL;
	}
	symbols->where.count++;
	*slot = where;
	return where;
}

/* ---- The whole ---- */

struct symbols *symbols_open(int64_t pid, bool is_quick)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (symbols == NULL)
		return NULL;
	mappings_read(pid, &symbols->mappings);
	if (symbols->mappings.error == 0)
		symbols->names = names_open(&symbols->mappings, is_quick);
	if (symbols->mappings.error != 0)
		snprintf(symbols->refusal, sizeof(symbols->refusal),
			 "/proc/%lld/maps cannot be read: %s", (long long)pid,
			 strerror(symbols->mappings.error));
	else if (names_missing(symbols->names) != NULL)
		snprintf(symbols->refusal, sizeof(symbols->refusal), "%s",
			 names_missing(symbols->names));
	return symbols;
}

static void free_table(struct table *table)
{
	for (size_t i = 0; i < table->slots; i++)
		free(table->slot[i]);
	free(table->slot);
}

void symbols_close(struct symbols *symbols)
{
	if (symbols == NULL)
		return;
	names_close(symbols->names);
	mappings_free(&symbols->mappings);
	free_table(&symbols->where);
	free_table(&symbols->place);
	free(symbols);
}

const struct mappings *symbols_mappings(const struct symbols *symbols)
{
	return &symbols->mappings;
}

const char *symbols_refusal(const struct symbols *symbols)
{
	return *symbols->refusal != '\0' ? symbols->refusal : NULL;
}

const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}
