/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/stats/write_scopes.c - the scopes of this process, in each format.
 *
 * A program without scopes has no part of this in what it writes. All of a document are of one look.
 */
#include "config.h"

#include "account/scope.h"
#include "stats/write.h"

static void put_unsigned_or(struct zm_builder *out, uint64_t value, const char *unknown)
{
	if (value != ZMALLOC_STATS_UNKNOWN)
		zm_build_number(out, value);
	else
		zm_build_text(out, unknown);
}

/* False: there are none, or `out` has the error. */
static bool take(struct zm_builder *out, struct zm_scope_sheet *sheet)
{
	if (!zm_scopes_exist())
		return false;
	if (out->error == 0)
		out->error = zm_scopes_take(sheet);
	return out->error == 0;
}

/* ---- JSON ---- */

static void put_json_scope(struct zm_builder *out, const struct zmalloc_scope_stats *scope)
{
	zm_build_text(out, "{\"name\":");
	if (*scope->name != '\0')
		zm_build_quoted(out, scope->name);
	else
		zm_build_text(out, "null");
	zm_build_text(out, ",\"used_bytes\":");
	zm_build_signed(out, scope->used_bytes);
	zm_build_text(out, ",\"peak_bytes\":");
	put_unsigned_or(out, scope->peak_bytes, "null");
	zm_build_text(out, ",\"limit_bytes\":");
	put_unsigned_or(out, scope->limit_bytes, "null");
	zm_build_text(out, ",\"refusals\":");
	zm_build_number(out, scope->refusals);
	zm_build_text(out, ",\"threads\":");
	zm_build_number(out, scope->threads);
	zm_build_text(out, "}");
}

void zm_write_json_scopes(struct zm_builder *out)
{
	struct zm_scope_sheet sheet;

	if (!take(out, &sheet))
		return;
	zm_build_text(out, ",\"scopes\":[");
	for (size_t i = 0; i < sheet.count; i++) {
		zm_build_text(out, i != 0 ? ",\n  " : "\n  ");
		put_json_scope(out, &sheet.stats[i]);
	}
	zm_build_text(out, "]");
	zm_scopes_let_go(&sheet);
}

/* ---- OpenMetrics ---- */

enum column {
	USED,
	PEAK,
	LIMIT,
	REFUSALS,
	THREADS,
	COLUMNS
};

static const struct {
	const char *name, *type, *unit, *help;
} families[COLUMNS] = {
	{"scope_used_bytes", "gauge", "bytes", "What a scope has"},
	{"scope_peak_bytes", "gauge", "bytes", "The highest that it was seen to have"},
	{"scope_limit_bytes", "gauge", "bytes", "The limit of a scope that has one"},
	{"scope_refusals", "counter", "", "Allocations and resizes that the scope's limit refused"},
	{"scope_threads", "gauge", "", "Threads that are in the scope right now"},
};

static bool has(const struct zmalloc_scope_stats *scope, enum column column)
{
	return column != LIMIT || scope->limit_bytes != ZMALLOC_STATS_UNKNOWN;
}

static void put_value(struct zm_builder *out, const struct zmalloc_scope_stats *scope,
		      enum column column)
{
	const uint64_t value[COLUMNS] = {[PEAK] = scope->peak_bytes,
					 [LIMIT] = scope->limit_bytes,
					 [REFUSALS] = scope->refusals,
					 [THREADS] = scope->threads};

	if (column == USED)
		zm_build_signed(out, scope->used_bytes);
	else
		zm_build_number(out, value[column]);
}

/* Everything else is the last, and is no scope. */
static void put_column(struct zm_builder *out, const struct zm_scope_sheet *sheet,
		       enum column column)
{
	bool begun = false;

	for (size_t i = 0; i + 1 < sheet->count; i++) {
		const struct zmalloc_scope_stats *scope = &sheet->stats[i];

		if (!has(scope, column))
			continue;
		if (!begun)
			zm_write_family(out, families[column].name, families[column].type,
					families[column].unit, families[column].help);
		begun = true;
		zm_build_text(out, "zmalloc_");
		zm_build_text(out, families[column].name);
		zm_build_text(out, column == REFUSALS ? "_total{scope=" : "{scope=");
		zm_build_quoted(out, scope->name);
		zm_build_text(out, "} ");
		put_value(out, scope, column);
		zm_build_text(out, "\n");
	}
}

void zm_write_openmetrics_scopes(struct zm_builder *out)
{
	struct zm_scope_sheet sheet;

	if (!take(out, &sheet))
		return;
	for (enum column column = USED; column < COLUMNS; column++)
		put_column(out, &sheet, column);
	zm_write_family(out, "unscoped_bytes", "gauge", "bytes", "What is used outside of scopes");
	zm_build_text(out, "zmalloc_unscoped_bytes ");
	zm_build_signed(out, sheet.stats[sheet.count - 1].used_bytes);
	zm_build_text(out, "\n");
	zm_scopes_let_go(&sheet);
}

/* ---- For people ---- */

enum {
	NAME_WIDTH = 24,
	BYTES_WIDTH = 12,
	COUNT_WIDTH = 10
};

static void put_human(struct zm_builder *out, uint64_t bytes)
{
	char text[ZM_HUMAN_BYTES];

	zm_build_right(out, bytes != ZMALLOC_STATS_UNKNOWN ? zm_human_bytes(bytes, text) : "-",
		       BYTES_WIDTH);
}

/* With a sign, where it is below nought. */
static void put_used(struct zm_builder *out, int64_t bytes)
{
	char text[1 + ZM_HUMAN_BYTES] = "-";

	zm_human_bytes(bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes, text + 1);
	zm_build_right(out, bytes < 0 ? text : text + 1, BYTES_WIDTH);
}

static void put_row(struct zm_builder *out, const struct zmalloc_scope_stats *scope)
{
	char digits[ZM_DIGITS];

	zm_build_left(out, *scope->name != '\0' ? scope->name : "everything else", NAME_WIDTH);
	put_used(out, scope->used_bytes);
	put_human(out, scope->peak_bytes);
	put_human(out, scope->limit_bytes);
	zm_build_right(out, zm_digits(scope->refusals, digits), COUNT_WIDTH);
	zm_build_right(out, zm_digits(scope->threads, digits), COUNT_WIDTH);
	zm_build_text(out, "\n");
}

void zm_write_table_scopes(struct zm_builder *out)
{
	struct zm_scope_sheet sheet;

	if (!take(out, &sheet))
		return;
	zm_build_text(out, "\n");
	zm_build_left(out, "SCOPE", NAME_WIDTH);
	zm_build_right(out, "USED", BYTES_WIDTH);
	zm_build_right(out, "PEAK", BYTES_WIDTH);
	zm_build_right(out, "LIMIT", BYTES_WIDTH);
	zm_build_right(out, "REFUSALS", COUNT_WIDTH);
	zm_build_right(out, "THREADS", COUNT_WIDTH);
	zm_build_text(out, "\n");
	for (size_t i = 0; i < sheet.count; i++)
		put_row(out, &sheet.stats[i]);
	zm_scopes_let_go(&sheet);
}
