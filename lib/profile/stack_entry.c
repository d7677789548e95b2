/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/profile/stack_entry.c - the unwind table's entry for an instruction.
 */
#include "config.h"

#include "profile/stack_table.h"

#include "os/os.h"
#include "profile/stack_machine.h"

/* A row of the header's table, sorted by where functions begin; both count from the header. */
struct place {
	int32_t pc_begin;
	int32_t entry;
};

/* The last place that begins at or before pc. */
static const struct place *search(const struct place *places, size_t count, int64_t pc)
{
	size_t low = 0;

	if (count == 0 || pc < places[0].pc_begin)
		return NULL;
	while (count > 1) {
		size_t half = count / 2;

		if (places[low + half].pc_begin <= pc) {
			low += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return &places[low];
}

/* Where the FDE of pc is, or of the function before it; 0 if the header is none that linkers write. */
static uintptr_t fde_of(const struct zm_os_object *object, uintptr_t pc)
{
	uintptr_t header = object->unwind_header;
	struct zm_bytes bytes = zm_bytes((const void *)header, object->end - header);
	unsigned version = (unsigned)zm_bytes_number(&bytes, 1);
	unsigned of_frames = (unsigned)zm_bytes_number(&bytes, 1);
	unsigned of_count = (unsigned)zm_bytes_number(&bytes, 1);
	unsigned of_table = (unsigned)zm_bytes_number(&bytes, 1);
	const struct place *place;
	size_t count;

	if (version != 1 || of_count == ZM_ENCODED_NOT ||
	    of_table != (ZM_ENCODED_DATA | ZM_ENCODED_FOUR))
		return 0;
	zm_bytes_encoded(&bytes, of_frames, header);
	count = zm_bytes_encoded(&bytes, of_count, header);
	if (bytes.bad || count > zm_bytes_left(&bytes) / sizeof(*place))
		return 0;
	place = search((const void *)bytes.at, count, (int64_t)(pc - header));
	return place ? header + (uintptr_t)(intptr_t)place->entry : 0;
}

/* The bytes of a CIE or an FDE, after its length. */
static bool record_at(const struct zm_os_object *object, uintptr_t at, struct zm_bytes *record)
{
	struct zm_bytes bytes;
	uint64_t length;

	if (at < object->start || at >= object->end)
		return false;
	bytes = zm_bytes((const void *)at, object->end - at);
	length = zm_bytes_number(&bytes, 4);
	*record = zm_bytes_cut(&bytes, length);
	return !record->bad && length != 0;
}

/* What the letters of a CIE announce. */
struct announced {
	bool sized; /* 'z': by their size, they can be skipped */
	unsigned of_addresses;
};

static bool read_letters(const char *letters, struct zm_bytes *bytes, struct announced *announced,
			 bool *of_signal)
{
	struct zm_bytes data = *bytes;

	for (; *letters; letters++) {
		switch (*letters) {
		case 'z':
			announced->sized = true;
			data = zm_bytes_cut(bytes, zm_bytes_uleb(bytes));
			break;
		case 'R':
			announced->of_addresses = (unsigned)zm_bytes_number(&data, 1);
			break;
		case 'P':
			/* Who handles exceptions: by the form, the address may be one that is read. */
			zm_bytes_encoded(&data,
					 (unsigned)zm_bytes_number(&data, 1) & ZM_ENCODED_FORM, 0);
			break;
		case 'L':
			zm_bytes_number(&data, 1);
			break;
		case 'S':
			*of_signal = true;
			break;
		case 'B': /* return addresses are signed with another key; they are stripped of either */
			break;
		default:
			return false;
		}
	}
	return announced->sized || data.at == bytes->at;
}

static bool read_cie(const struct zm_os_object *object, uintptr_t at, struct zm_stack_entry *entry,
		     struct announced *announced)
{
	struct zm_bytes bytes;
	const char *letters;
	unsigned version;
	uint64_t pc_register;

	if (!record_at(object, at, &bytes) || zm_bytes_number(&bytes, 4) != 0)
		return false;
	version = (unsigned)zm_bytes_number(&bytes, 1);
	letters = (const char *)bytes.at;
	while (zm_bytes_number(&bytes, 1) != 0)
		;
	entry->code_align = zm_bytes_uleb(&bytes);
	entry->data_align = zm_bytes_sleb(&bytes);
	pc_register = version == 1 ? zm_bytes_number(&bytes, 1) : zm_bytes_uleb(&bytes);
	if (bytes.bad || (version != 1 && version != 3) || pc_register != ZM_REGISTER_PC ||
	    !read_letters(letters, &bytes, announced, &entry->of_signal))
		return false;
	entry->common = bytes;
	return !bytes.bad;
}

static bool read_fde(const struct zm_os_object *object, uintptr_t at, uintptr_t pc,
		     struct zm_stack_entry *entry)
{
	struct announced announced = {false, 0};
	struct zm_bytes bytes;
	uintptr_t id_at, size;
	uint64_t id;

	if (!record_at(object, at, &bytes))
		return false;
	id_at = (uintptr_t)bytes.at;
	id = zm_bytes_number(&bytes, 4);
	if (id == 0 || !read_cie(object, id_at - (uintptr_t)id, entry, &announced))
		return false;
	entry->pc_begin = zm_bytes_encoded(&bytes, announced.of_addresses, 0);
	size = zm_bytes_encoded(&bytes, announced.of_addresses & ZM_ENCODED_FORM, 0);
	if (bytes.bad || pc - entry->pc_begin >= size)
		return false;
	if (announced.sized)
		zm_bytes_cut(&bytes, zm_bytes_uleb(&bytes));
	entry->moves = bytes;
	return !bytes.bad;
}

enum zm_stack_found zm_stack_entry_find(uintptr_t pc, struct zm_stack_entry *entry)
{
	struct zm_os_object object;
	uintptr_t fde;

	if (zm_os_find_object((const void *)pc, &object) != 0)
		return ZM_STACK_NO_OBJECT;
	if (object.unwind_header < object.start || object.unwind_header >= object.end)
		return ZM_STACK_NO_ENTRY;
	*entry = (struct zm_stack_entry){.of_signal = false};
	fde = fde_of(&object, pc);
	return fde && read_fde(&object, fde, pc, entry) ? ZM_STACK_FOUND : ZM_STACK_NO_ENTRY;
}
