/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/write_pprof.c - pprof's profile.proto, as gzip.
 *
 * A profile.proto is a message of protocol buffers: fields in any order, each a number and a value, which is a
 * number or bytes with their length before them. So whatever is known first is written first: a
 * location stands before the first sample that has it.
 *
 * The four values of a sample, their units and their order are those of Go's heap profiles, which every reader
 * of such files knows. A location's address is that of the call, one byte before the address that the stack
 * has: Go's runtime writes it so, and pprof does the same to the stacks of older formats ("Adjust by -1 to land
 * somewhere on the actual call", profile/legacy_profile.go); nobody subtracts from a location.
 */
#include "config.h"

#include <string.h>

#include "profile/gzip.h"
#include "profile/modules.h"
#include "profile/write.h"

/* ---- Fields ----------------------------------------------------------------------------------- */

enum profile_field {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_STRING = 6,
	PROFILE_TIME_NS = 9,
	PROFILE_DURATION_NS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_SAMPLE_TYPE = 14
};

enum {
	IS_NUMBER = 0,
	IS_BYTES = 2,
	NUMBER_BYTES = 10 /* at most */
};

/* The head of a field, or a message of a few numbers: its length has to be known before it is written. */
struct message {
	size_t size;
	unsigned char bytes[8 * NUMBER_BYTES];
};

/* Its bytes are left as they are. */
static void begin(struct message *message)
{
	message->size = 0;
}

static void add_number(struct message *message, uint64_t number)
{
	while (number >= 0x80) {
		message->bytes[message->size++] = (unsigned char)(number | 0x80);
		number >>= 7;
	}
	message->bytes[message->size++] = (unsigned char)number;
}

static void add_field(struct message *message, unsigned field, uint64_t number)
{
	add_number(message, field << 3 | IS_NUMBER);
	add_number(message, number);
}

/* The head of a field of bytes, which the caller puts. */
static void put_head_of(struct zm_builder *out, unsigned field, size_t size)
{
	struct message head;

	begin(&head);
	add_number(&head, field << 3 | IS_BYTES);
	add_number(&head, size);
	zm_build_piece(out, head.bytes, head.size);
}

static void put_bytes(struct zm_builder *out, unsigned field, const void *bytes, size_t size)
{
	put_head_of(out, field, size);
	zm_build_piece(out, bytes, size);
}

static void put_message(struct zm_builder *out, unsigned field, const struct message *message)
{
	put_bytes(out, field, message->bytes, message->size);
}

static void put_number(struct zm_builder *out, unsigned field, uint64_t number)
{
	struct message message;

	begin(&message);
	add_field(&message, field, number);
	zm_build_piece(out, message.bytes, message.size);
}

/* Numbers as one field of bytes. */
struct packed {
	unsigned field;
	unsigned count;
	const uint64_t *numbers;
};

static size_t bytes_of(uint64_t number)
{
	size_t bytes = 1;

	for (; number >= 0x80; number >>= 7)
		bytes++;
	return bytes;
}

/* Without its head, which is of a byte and the length. */
static size_t bytes_of_packed(const struct packed *packed)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < packed->count; i++)
		bytes += bytes_of(packed->numbers[i]);
	return bytes;
}

static void put_packed(struct zm_builder *out, const struct packed *packed)
{
	struct message one;

	put_head_of(out, packed->field, bytes_of_packed(packed));
	for (unsigned i = 0; i < packed->count; i++) {
		begin(&one);
		add_number(&one, packed->numbers[i]);
		zm_build_piece(out, one.bytes, one.size);
	}
}

/* ---- Strings ---------------------------------------------------------------------------------- */

/* The first of the table of strings, which has to begin with an empty one; those of mappings follow. */
enum string {
	EMPTY,
	ALLOC_OBJECTS,
	ALLOC_SPACE,
	INUSE_OBJECTS,
	INUSE_SPACE,
	SPACE,
	COUNT,
	BYTES,
	COMMENT,
	STRINGS
};

static const char *const strings[COMMENT] = {
	"",      "alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
	"space", "count",         "bytes",
};

static void put_string(struct zm_builder *out, const char *text)
{
	put_bytes(out, PROFILE_STRING, text, strlen(text));
}

/* What has to be told to whoever reads the figures; `pprof -comments` does. */
static void put_comment(struct zm_builder *out, uint64_t lost_samples)
{
	static const char words[] = " samples are lost, as the profile had no room for them";
	char text[ZM_DIGITS + sizeof(words)], digits[ZM_DIGITS];

	if (lost_samples == 0) {
		put_string(out, "");
		return;
	}
	put_number(out, PROFILE_COMMENT, COMMENT);
	put_string(out, strcat(strcpy(text, zm_digits(lost_samples, digits)), words));
}

/* ---- The head --------------------------------------------------------------------------------- */

static void put_value_type(struct zm_builder *out, unsigned field, enum string type,
			   enum string unit)
{
	struct message message;

	begin(&message);
	add_field(&message, 1, type);
	add_field(&message, 2, unit);
	put_message(out, field, &message);
}

static void put_head(struct zm_builder *out, const struct zm_profile_sheet *sheet)
{
	put_value_type(out, PROFILE_SAMPLE_TYPE, ALLOC_OBJECTS, COUNT);
	put_value_type(out, PROFILE_SAMPLE_TYPE, ALLOC_SPACE, BYTES);
	put_value_type(out, PROFILE_SAMPLE_TYPE, INUSE_OBJECTS, COUNT);
	put_value_type(out, PROFILE_SAMPLE_TYPE, INUSE_SPACE, BYTES);
	put_number(out, PROFILE_DEFAULT_SAMPLE_TYPE, INUSE_SPACE);
	put_value_type(out, PROFILE_PERIOD_TYPE, SPACE, BYTES);
	put_number(out, PROFILE_PERIOD, sheet->mean_bytes);
	put_number(out, PROFILE_TIME_NS, sheet->started_ns + sheet->duration_ns);
	put_number(out, PROFILE_DURATION_NS, sheet->duration_ns);
	for (size_t i = 0; i < COMMENT; i++)
		put_string(out, strings[i]);
	put_comment(out, sheet->lost_samples);
}

/* ---- Mappings --------------------------------------------------------------------------------- */

struct mappings {
	struct zm_builder *out;
	uint64_t number;
};

static void put_build_id(struct zm_builder *out, const struct zm_profile_mapping *mapping)
{
	unsigned bytes = mapping->build_id_bytes;

	if (bytes > ZM_BUILD_ID_BYTES)
		bytes = ZM_BUILD_ID_BYTES;
	put_head_of(out, PROFILE_STRING, (size_t)2 * bytes);
	for (unsigned i = 0; i < bytes; i++)
		zm_build_hex(out, mapping->build_id[i], 2);
}

static int put_mapping(const struct zm_profile_mapping *mapping, void *context)
{
	struct mappings *mappings = context;
	uint64_t string = STRINGS + 2 * mappings->number++;
	struct message message;

	begin(&message);
	add_field(&message, 1, mappings->number);
	add_field(&message, 2, mapping->start);
	add_field(&message, 3, mapping->limit);
	add_field(&message, 4, mapping->offset);
	add_field(&message, 5, string);
	add_field(&message, 6, string + 1);
	put_message(mappings->out, PROFILE_MAPPING, &message);
	put_string(mappings->out, mapping->path);
	put_build_id(mappings->out, mapping);
	return mappings->out->error;
}

/* ---- Locations -------------------------------------------------------------------------------- */

/*
 * Each address is written once, as far as there are places to know it again: its number is its place's.
 * Others are written anew with each stack that has them, with numbers of no place's.
 */
struct locations {
	struct zm_builder *out;
	const struct zm_profile_modules *modules;
	uintptr_t *place; /* 0: free */
	size_t places;    /* a power of two */
	size_t free;
	uint64_t numbers; /* given so far to addresses without a place */
};

static void put_location(const struct locations *locations, uintptr_t address, uint64_t number)
{
	const struct zm_profile_module *module = zm_profile_module_of(locations->modules, address);
	struct message message;

	begin(&message);
	add_field(&message, 1, number);
	if (module != NULL)
		add_field(&message, 2, module->number);
	add_field(&message, 3, address);
	put_message(locations->out, PROFILE_LOCATION, &message);
}

static uint64_t number_of(struct locations *locations, uintptr_t address)
{
	size_t mask = locations->places - 1;
	size_t at = (size_t)((uint64_t)address * 0x9e3779b97f4a7c15u >> 32) & mask;
	uint64_t number;

	for (; locations->place[at] != 0; at = (at + 1) & mask)
		if (locations->place[at] == address)
			return at + 1;
	number = at + 1;
	if (address != 0 && locations->free > 1) {
		locations->place[at] = address;
		locations->free--;
	} else {
		number = locations->places + ++locations->numbers;
	}
	put_location(locations, address, number);
	return number;
}

static int count_frames(const struct zmalloc_profile_stack *stack, void *context)
{
	*(size_t *)context += zm_profile_depth(stack);
	return 0;
}

/* Half of the places stay free, or else looking for one would take long. */
static int make_places(struct locations *locations, const struct zm_profile_sheet *sheet,
		       struct zm_profile_scratch *scratch)
{
	size_t frames = 0;
	int error = sheet->each_stack(sheet, count_frames, &frames);

	for (locations->places = 64; locations->places / 2 < frames;)
		if (locations->places < ZM_PROFILE_PLACES)
			locations->places *= 2;
		else
			break;
	locations->place = scratch->place;
	locations->free = locations->places / 4 * 3;
	memset(locations->place, 0, locations->places * sizeof(locations->place[0]));
	return error;
}

/* ---- Samples ---------------------------------------------------------------------------------- */

/* The head of a field of bytes is one byte and the length, for fields up to 15. */
static size_t bytes_with_head(const struct packed *packed)
{
	size_t bytes = bytes_of_packed(packed);

	return 1 + bytes_of(bytes) + bytes;
}

static int put_sample(const struct zmalloc_profile_stack *stack, void *context)
{
	struct locations *locations = context;
	const uint64_t figures[] = {stack->total_blocks, stack->total_bytes, stack->live_blocks,
				    stack->live_bytes};
	uint64_t numbers[ZMALLOC_PROFILE_DEPTH_MAX];
	const struct packed frames = {1, zm_profile_depth(stack), numbers};
	const struct packed values = {2, sizeof(figures) / sizeof(figures[0]), figures};

	for (unsigned i = 0; i < frames.count; i++)
		numbers[i] = number_of(locations, stack->frames[i] - 1);
	put_head_of(locations->out, PROFILE_SAMPLE,
		    bytes_with_head(&frames) + bytes_with_head(&values));
	put_packed(locations->out, &frames);
	put_packed(locations->out, &values);
	return locations->out->error;
}

/* ---- All -------------------------------------------------------------------------------------- */

static int put_all(const struct zm_profile_sheet *sheet, struct zm_profile_scratch *scratch,
		   struct zm_builder *out)
{
	struct zm_profile_modules modules;
	struct locations locations = {.out = out, .modules = &modules};
	struct mappings mappings = {.out = out};
	int error;

	put_head(out, sheet);
	error = zm_profile_each_mapping(sheet, put_mapping, &mappings);
	if (error == 0)
		error = zm_profile_modules_take(&modules, sheet, scratch, false);
	if (error == 0)
		error = make_places(&locations, sheet, scratch);
	return error != 0 ? error : sheet->each_stack(sheet, put_sample, &locations);
}

int zm_profile_write_pprof(const struct zm_profile_sheet *sheet, struct zm_profile_scratch *scratch,
			   struct zm_builder *out)
{
	struct zm_gzip *gzip = &scratch->gzip;
	int error = zm_gzip_start(gzip, out, scratch->gzip_memory, sizeof(scratch->gzip_memory));
	int end;

	if (error != 0)
		return error;
	error = put_all(sheet, scratch, &gzip->plain);
	end = zm_gzip_finish(gzip);
	return error != 0 ? error : end;
}
