/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tools/flame/svg.c - a flame graph as a file.
 *
 * page.js reads the frames back from here: a group of class "f" for each, callees after their
 * caller, with a title whose first line is the name, a rectangle, and the name once more where some
 * of it fits.
 */
#include "config.h"

#include "tools/flame/order.h"
#include "tools/flame/page.h"
#include "tools/flame/text.h"

#include <errno.h>

/* In pixels; page.js has SIDE and ROW as well. */
#define WIDTH 1200
#define SIDE 10
#define INNER (WIDTH - 2 * SIDE)
#define TOP 92 /* of the frames, under the heading */
#define ROW 18
#define FOOT 44
#define NARROWEST 0.1
#define WIDE 4         /* more are drawn apart from each other */
#define CHARACTER 7.25 /* of a monospaced font of 12 pixels */
#define LEAST_CELLS 3  /* less of a name says nothing */
#define TITLE_CELLS 60
#define SUBTITLE_CELLS 90
#define NAME_CELLS 500

#define COLOURS 16
#define STEPS 8

struct page {
	struct zm_builder *out;
	const struct flame *flame;
	struct flame_order order;
	unsigned height;
};

static void text(struct page *page, const char *words)
{
	zm_build_text(page->out, words);
}

static void number(struct page *page, double value)
{
	flame_build_number(page->out, value, 4);
}

static void lines(struct page *page, const char *const *line)
{
	for (; *line != NULL; line++)
		text(page, *line);
}

/* ---- A frame --------------------------------------------------------------------------------- */

/* By name; of a difference, which of the steps of red or of blue. */
static void build_colour(struct page *page, const struct flame_frame *frame)
{
	double bytes = (double)frame->figures.bytes, before = (double)frame->figures.before;
	double change = bytes > before ? bytes - before : before - bytes;
	double share = change > 0 ? change / (bytes > before ? bytes : before) : 0;

	if (!page->flame->is_difference) {
		text(page, "c");
		zm_build_number(page->out, frame->name->hash % COLOURS);
	} else if (share < 0.01) {
		text(page, "same");
	} else {
		text(page, bytes > before ? "up" : "down");
		zm_build_number(page->out, 1 + (uint64_t)(share * (STEPS - 0.001)));
	}
}

/* "+2.0 MiB (+20.0 %), before 10.0 MiB" */
static void build_change(struct page *page, const struct flame_figures *figures)
{
	bool grew = figures->bytes > figures->before;
	uint64_t change =
		grew ? figures->bytes - figures->before : figures->before - figures->bytes;
	const char *sign = grew ? "+" : "-";

	if (change == 0) {
		text(page, "unchanged");
		return;
	}
	text(page, sign);
	flame_build_bytes(page->out, change);
	if (figures->before == 0) {
		text(page, ", all of it new");
	} else if (figures->bytes == 0) {
		text(page, ", all of it gone");
	} else {
		text(page, " (");
		text(page, sign);
		flame_build_share(page->out, (double)change, (double)figures->before);
		text(page, "), before ");
		flame_build_bytes(page->out, figures->before);
	}
}

static void build_title(struct page *page, const struct flame_frame *frame)
{
	const struct flame_figures *figures = &frame->figures;

	text(page, "<title>");
	flame_build_text(page->out, frame->name->text, NAME_CELLS);
	text(page, "\n");
	flame_build_bytes(page->out, figures->bytes);
	text(page, " (");
	flame_build_share(page->out, (double)figures->bytes,
			  (double)page->order.frame[0].figures.bytes);
	text(page, "), ");
	flame_build_count(page->out, figures->blocks);
	text(page, figures->blocks == 1 ? " block" : " blocks");
	if (page->flame->is_difference) {
		text(page, "\n");
		build_change(page, figures);
	}
	text(page, "</title>");
}

static void build_label(struct page *page, const struct flame_frame *frame, double left,
			double width, unsigned top)
{
	double cells = (width - 6) / CHARACTER;

	if (cells < LEAST_CELLS)
		return;
	text(page, "<text x=\"");
	number(page, left + 3);
	text(page, "\" y=\"");
	zm_build_number(page->out, top + 12);
	text(page, "\">");
	flame_build_text(page->out, frame->name->text, (size_t)cells);
	text(page, "</text>");
}

static void build_frame(struct page *page, const struct flame_frame *frame)
{
	double whole = (double)page->order.frame[0].weight;
	/* Nothing at all is a whole, too. */
	double scale = whole > 0 ? INNER / whole : 0;
	double left = SIDE + frame->left * scale;
	double width = whole > 0 ? (double)frame->weight * scale : INNER;
	unsigned top = TOP + frame->depth * ROW;

	text(page, "<g class=\"f ");
	build_colour(page, frame);
	if (width > WIDE)
		text(page, " wide");
	text(page, "\" data-now=\"");
	zm_build_number(page->out, frame->figures.bytes);
	if (page->flame->is_difference) {
		text(page, "\" data-before=\"");
		zm_build_number(page->out, frame->figures.before);
	}
	text(page, "\">");
	build_title(page, frame);
	text(page, "<rect x=\"");
	number(page, left);
	text(page, "\" y=\"");
	zm_build_number(page->out, top);
	text(page, "\" width=\"");
	number(page, width);
	text(page, "\" height=\"17\"/>");
	build_label(page, frame, left, width, top);
	text(page, "</g>\n");
}

/* ---- Around the frames ----------------------------------------------------------------------- */

static void build_beginning(struct page *page)
{
	text(page, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"");
	zm_build_number(page->out, page->height);
	text(page, "\" viewBox=\"0 0 1200 ");
	zm_build_number(page->out, page->height);
	text(page, "\">\n<title>");
	flame_build_text(page->out, page->flame->title, NAME_CELLS);
	text(page, "</title>\n<style><![CDATA[\n");
	lines(page, flame_page_style);
	text(page, "]]></style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n");
}

static void build_heading(struct page *page)
{
	text(page, "<g id=\"heading\">\n<rect class=\"ground\" width=\"100%\" height=\"88\"/>\n"
		   "<text class=\"name\" x=\"10\" y=\"31\">");
	flame_build_text(page->out, page->flame->title, TITLE_CELLS);
	text(page, "</text>\n<text class=\"quiet\" x=\"10\" y=\"52\">");
	flame_build_text(page->out, page->flame->subtitle, SUBTITLE_CELLS);
	text(page,
	     "</text>\n<text id=\"about\" class=\"quiet\" x=\"10\" y=\"80\"> </text>\n"
	     "<foreignObject id=\"controls\" x=\"750\" y=\"10\" width=\"440\" height=\"54\">\n"
	     "<div xmlns=\"http://www.w3.org/1999/xhtml\">\n"
	     "<input id=\"wanted\" type=\"search\" placeholder=\"Search (Ctrl-F)\" "
	     "aria-label=\"Search frames by regular expression\" "
	     "autocomplete=\"off\" spellcheck=\"false\"/>\n"
	     "<button id=\"clear\" type=\"button\">Clear</button>\n"
	     "<button id=\"reset\" type=\"button\">Reset zoom</button>\n"
	     "<output id=\"found\" for=\"wanted\"></output>\n"
	     "</div>\n</foreignObject>\n</g>\n");
}

static void build_left_out(struct page *page)
{
	const struct flame_order *order = &page->order;

	if (order->left_out == 0)
		return;
	flame_build_count(page->out, order->left_out);
	text(page, order->left_out == 1 ? " frame is" : " frames are");
	text(page, " left out, narrower than 0.1 pixel: ");
	flame_build_share(page->out, order->left_out_weight, (double)order->frame[0].weight);
	text(page, " of the width");
}

static void build_step(struct page *page, const char *colour, unsigned step, unsigned at)
{
	text(page, "<rect class=\"");
	text(page, colour);
	if (step != 0)
		zm_build_number(page->out, step);
	text(page, "\" x=\"");
	zm_build_number(page->out, at);
	text(page, "\" y=\"");
	zm_build_number(page->out, page->height - 27);
	text(page, "\" width=\"14\" height=\"11\"/>");
}

/* From all of it gone to all of it new. */
static void build_scale(struct page *page)
{
	unsigned at = 60;

	text(page, "<g id=\"scale\"><text class=\"quiet\" x=\"10\" y=\"");
	zm_build_number(page->out, page->height - 17);
	text(page, "\">shrank</text>");
	for (unsigned step = STEPS; step > 0; step--, at += 14)
		build_step(page, "down", step, at);
	build_step(page, "same", 0, at);
	for (unsigned step = 1; step <= STEPS; step++)
		build_step(page, "up", step, at += 14);
	text(page, "<text class=\"quiet\" x=\"");
	zm_build_number(page->out, at + 22);
	text(page, "\" y=\"");
	zm_build_number(page->out, page->height - 17);
	text(page, "\">grew</text></g>\n");
}

static void build_foot(struct page *page)
{
	if (page->flame->is_difference)
		build_scale(page);
	text(page, "<text id=\"note\" class=\"quiet\" x=\"");
	zm_build_number(page->out, page->flame->is_difference ? 400 : 10);
	text(page, "\" y=\"");
	zm_build_number(page->out, page->height - 17);
	text(page, "\">");
	build_left_out(page);
	text(page, "</text>\n");
}

int flame_write(const struct flame *flame, struct zm_builder *out)
{
	struct page page = {.out = out, .flame = flame};
	size_t at = 0;

	if (!flame_order_make(&page.order, flame, NARROWEST / INNER))
		return ENOMEM;
	page.height = TOP + (page.order.depth + 1) * ROW + FOOT;
	build_beginning(&page);
	text(&page, "<g id=\"frames\">\n");
	do {
		build_frame(&page, &page.order.frame[at]);
		at = flame_order_next(&page.order, at);
	} while (at != 0 && out->error == 0);
	text(&page, "</g>\n");
	build_foot(&page);
	build_heading(&page);
	text(&page, "<script><![CDATA[\n");
	lines(&page, flame_page_script);
	text(&page, "]]></script>\n</svg>\n");
	flame_order_free(&page.order);
	return out->error;
}
