/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/profile/names_libdw.c - names by elfutils' libdw: from the symbol tables and the debug information of the
 * files that are mapped, or from separate debug files that it finds by build-id, on this machine or, where
 * DEBUGINFOD_URLS says so, elsewhere.
 */
#include "tools/profile/names.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/profile/cxx_name.h"
#include "tools/profile/units.h"

struct names {
	Dwfl *dwfl;
	const struct mappings *mappings;
	bool is_quick;
	struct units **units; /* of modules that were asked about, to be freed */
	size_t count;
	char *cxx[PLACES_MOST]; /* of the last answer, to be freed */
	char missing[160];
};

/* ---- Files ---- */

/* libdw's callbacks have no argument of their own for whom they are called. */
static const struct mappings *reported;

/*
 * The file that the process has mapped, not what is at its path by now, which may be another one, or that of
 * another container. Its name is as the process sees it: debug files are found by that.
 */
static int find_file(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
		     char **file_name, Elf **elf)
{
	const struct mapping *mapping = NULL;
	Dwarf_Addr start, end;
	int fd;

	dwfl_module_info(module, NULL, &start, &end, NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < reported->count && mapping == NULL; i++)
		if (reported->mapping[i].start >= start && reported->mapping[i].start < end)
			mapping = &reported->mapping[i];
	fd = mapping != NULL ? mapping_open(reported, mapping) : -1;
	if (fd < 0)
		return dwfl_linux_proc_find_elf(module, user, name, base, file_name, elf);
	*file_name = strdup(mapping->path);
	return fd;
}

static const Dwfl_Callbacks callbacks = {.find_elf = find_file,
					 .find_debuginfo = dwfl_standard_find_debuginfo};

struct names *names_open(const struct mappings *mappings, bool is_quick)
{
	struct names *names = calloc(1, sizeof(*names));
	int error;

	if (names == NULL)
		return NULL;
	names->mappings = mappings;
	names->is_quick = is_quick;
	/* Who is in a hurry does not wait for a network. */
	if (is_quick)
		unsetenv("DEBUGINFOD_URLS");
	names->dwfl = dwfl_begin(&callbacks);
	if (names->dwfl == NULL) {
		snprintf(names->missing, sizeof(names->missing), "libdw: %s", dwfl_errmsg(-1));
		return names;
	}
	error = dwfl_linux_proc_report(names->dwfl, (pid_t)mappings->pid);
	if (error == 0 && dwfl_report_end(names->dwfl, NULL, NULL) != 0)
		error = -1;
	if (error != 0)
		snprintf(names->missing, sizeof(names->missing), "libdw: %s",
			 error > 0 ? strerror(error) : dwfl_errmsg(-1));
	return names;
}

static void forget_cxx(struct names *names)
{
	for (size_t i = 0; i < PLACES_MOST; i++) {
		free(names->cxx[i]);
		names->cxx[i] = NULL;
	}
}

void names_close(struct names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < names->count; i++)
		units_free(names->units[i]);
	free(names->units);
	forget_cxx(names);
	if (names->dwfl != NULL)
		dwfl_end(names->dwfl);
	free(names);
}

const char *names_missing(const struct names *names)
{
	if (names == NULL)
		return "there is no memory for them";
	return *names->missing != '\0' ? names->missing : NULL;
}

/* ---- Names ---- */

/* A module's debug information, read when it is first asked about. NULL: it has none. */
static struct units *units_of(struct names *names, Dwfl_Module *module)
{
	struct units **grown;
	void **user;

	dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
	if (*user != NULL)
		return *user;
	grown = realloc(names->units, (names->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	names->units = grown;
	*user = units_read(module);
	if (*user != NULL)
		names->units[names->count++] = *user;
	return *user;
}

/* The name of a symbol that the address is really in: not of one that only comes before it. */
static const char *symbol_of(Dwfl_Module *module, uint64_t address)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name =
		dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);

	if (name == NULL || *name == '\0')
		return NULL;
	return symbol.st_size == 0 || offset < symbol.st_size ? name : NULL;
}

static size_t find_symbols(struct names *names, Dwfl_Module *module, uint64_t address,
			   struct name name[PLACES_MOST])
{
	struct units *units = names->is_quick ? NULL : units_of(names, module);
	size_t count = units != NULL ? units_find(units, address, name) : 0;

	/* Assembly has lines and no functions. */
	if (count != 0 && name[count - 1].function == NULL)
		name[count - 1].function = symbol_of(module, address);
	if (count != 0)
		return count;
	name[0] = (struct name){.function = symbol_of(module, address)};
	return name[0].function != NULL;
}

size_t names_find(struct names *names, uint64_t address, struct name name[PLACES_MOST])
{
	Dwfl_Module *module = names->dwfl != NULL ? dwfl_addrmodule(names->dwfl, address) : NULL;
	size_t count;

	if (module == NULL)
		return 0;
	reported = names->mappings;
	count = find_symbols(names, module, address, name);
	forget_cxx(names);
	for (size_t i = 0; i < count; i++) {
		names->cxx[i] = cxx_name(name[i].function);
		if (names->cxx[i] != NULL)
			name[i].function = names->cxx[i];
	}
	return count;
}
