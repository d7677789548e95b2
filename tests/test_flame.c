/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/test_flame.c - the text of flame graphs; check_flame.sh opens them in a browser.
 */
#include "tests/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/flame.h"

/* ---- The text, and the frames in it ---------------------------------------------------------- */

struct written {
	char *text;
	size_t size, room;
};

static int keep(void *context, const char *text, size_t size)
{
	struct written *written = context;

	if (written->room - written->size <= size) {
		written->room = 2 * (written->room + size);
		written->text = realloc(written->text, written->room);
		ck_assert_ptr_nonnull(written->text);
	}
	memcpy(written->text + written->size, text, size);
	written->size += size;
	written->text[written->size] = '\0';
	return 0;
}

/* The caller frees it. */
static char *text_of(const struct flame *flame)
{
	struct written written = {NULL, 0, 0};
	struct zm_builder out;

	zm_builder_start_writer(&out, keep, &written);
	ck_assert_int_eq(flame_write(flame, &out), 0);
	ck_assert_int_eq(zm_builder_finish(&out), 0);
	return written.text;
}

static char *text_and_free(struct flame *flame)
{
	char *text = text_of(flame);

	flame_free(flame);
	return text;
}

struct frame {
	char colour[16];
	double left, width;
	int top;
	char title[256], label[64];
};

/* From `at`; the place after it, or NULL. */
static const char *read_frame(const char *at, struct frame *frame)
{
	char piece[4096] = ""; /* sscanf() looks for the end of its text first, each time */
	const char *end, *label;

	*frame = (struct frame){.label = ""};
	at = strstr(at, "<g class=\"f ");
	if (at == NULL)
		return NULL;
	end = strstr(at, "</g>");
	strncpy(piece, at,
		(size_t)(end - at) < sizeof(piece) ? (size_t)(end - at) : sizeof(piece) - 1);
	at = piece;
	ck_assert_int_eq(sscanf(at, "<g class=\"f %15[a-z0-9]", frame->colour), 1);
	ck_assert_int_eq(sscanf(strstr(at, "<title>"), "<title>%255[^<]", frame->title), 1);
	ck_assert_int_eq(sscanf(strstr(at, "<rect"), "<rect x=\"%lf\" y=\"%d\" width=\"%lf\"",
				&frame->left, &frame->top, &frame->width),
			 3);
	label = strstr(at, "<text");
	if (label != NULL)
		sscanf(strchr(label, '>'), ">%63[^<]", frame->label);
	return end;
}

/* The first of that name. */
static struct frame frame_of(const char *text, const char *name)
{
	size_t size = strlen(name);
	struct frame frame;

	while ((text = read_frame(text, &frame)) != NULL)
		if (strncmp(frame.title, name, size) == 0 && frame.title[size] == '\n')
			return frame;
	ck_abort_msg("no frame is called '%s'", name);
	return frame;
}

static void add(struct flame *flame, uint64_t bytes, uint64_t before, uint64_t blocks,
		const char *stack)
{
	const char *names[8];
	unsigned count = 0;
	char copy[256];

	strcpy(copy, stack);
	for (char *at = strtok(copy, ";"); at != NULL; at = strtok(NULL, ";"))
		names[count++] = at;
	ck_assert_int_eq(flame_add(flame, names, count, bytes, before, blocks), 0);
}

static bool near(double a, double b)
{
	return a - b < 0.0002 && b - a < 0.0002;
}

#define INNER 1180.0

/* ---- Frames ---------------------------------------------------------------------------------- */

static struct flame *known(void)
{
	struct flame *flame = flame_new("known", "", false);

	add(flame, 60 * MIB, 0, 1, "main;large");
	add(flame, 10 * MIB, 0, 1000, "main;small;leaf");
	add(flame, 20 * MIB, 0, 2000, "main;small");
	add(flame, 9 * MIB, 0, 3, "other");
	add(flame, 1 * MIB, 0, 1234567, "other;leaf");
	return flame;
}

START_TEST(test_a_frame_is_as_wide_as_what_it_and_its_callees_hold)
{
	char *text = text_and_free(known());
	struct frame all = frame_of(text, "all"), main_ = frame_of(text, "main");
	struct frame large = frame_of(text, "large"), small = frame_of(text, "small");
	struct frame leaf = frame_of(text, "leaf"), other = frame_of(text, "other");

	ck_assert(near(all.left, 10) && near(all.width, INNER));
	ck_assert(near(main_.left, 10) && near(main_.width, INNER * .9));
	ck_assert(near(large.left, 10) && near(large.width, INNER * .6));
	ck_assert(near(small.left, 10 + INNER * .6) && near(small.width, INNER * .3));
	ck_assert(near(leaf.left, small.left) && near(leaf.width, INNER * .1));
	ck_assert(near(other.left, 10 + INNER * .9) && near(other.width, INNER * .1));
	ck_assert_int_eq(main_.top, all.top + 18);
	ck_assert_int_eq(other.top, all.top + 18);
	ck_assert_int_eq(leaf.top, all.top + 54);
	free(text);
}
END_TEST

START_TEST(test_a_title_has_name_bytes_share_and_blocks)
{
	char *text = text_and_free(known());

	ck_assert_str_eq(frame_of(text, "all").title, "all\n100.0 MiB (100.0 %), 1,237,571 blocks");
	ck_assert_str_eq(frame_of(text, "large").title, "large\n60.0 MiB (60.0 %), 1 block");
	ck_assert_str_eq(frame_of(text, "small").title, "small\n30.0 MiB (30.0 %), 3,000 blocks");
	free(text);
}
END_TEST

START_TEST(test_callees_follow_their_caller_and_the_widest_is_first)
{
	static const char *const names[] = {"all",  "main",  "large", "small",
					    "leaf", "other", "leaf"};
	char *text = text_and_free(known());
	const char *at = text;
	struct frame frame;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		at = read_frame(at, &frame);
		ck_assert_ptr_nonnull(at);
		ck_assert_int_eq(strncmp(frame.title, names[i], strlen(names[i])), 0);
	}
	ck_assert_ptr_null(read_frame(at, &frame));
	free(text);
}
END_TEST

START_TEST(test_the_order_of_the_stacks_does_not_matter)
{
	static const char *const stack[] = {"b;x", "a;y", "a;x", "b", "c;a;x", "c;b"};
	struct flame *one = flame_new("t", "s", false), *other = flame_new("t", "s", false);
	char *text, *again, *reverse;

	for (size_t i = 0; i < COUNT_OF(stack); i++) {
		add(one, MIB, 0, 1, stack[i]);
		add(other, MIB, 0, 1, stack[COUNT_OF(stack) - 1 - i]);
	}
	text = text_of(one);
	again = text_and_free(one);
	reverse = text_and_free(other);
	ck_assert_str_eq(text, again);
	ck_assert_str_eq(text, reverse);
	/* Of the same width, by name. */
	ck_assert(frame_of(text, "a").left < frame_of(text, "b").left);
	ck_assert(frame_of(text, "b").left < frame_of(text, "c").left);
	free(text);
	free(again);
	free(reverse);
}
END_TEST

START_TEST(test_a_name_is_cut_to_what_fits)
{
	struct flame *flame = flame_new("t", "", false);
	struct frame frame;
	char *text;

	add(flame, 10, 0, 1, "a_long_name_for_a_tenth_of_the_width");
	add(flame, 2, 0, 1, "no_letter_fits");
	add(flame, 88, 0, 1, "short");
	text = text_and_free(flame);
	/* 118 pixels, of which 112 are for the letters, of 7.25 each. */
	frame = frame_of(text, "a_long_name_for_a_tenth_of_the_width");
	ck_assert_str_eq(frame.label, "a_long_name_fo\xe2\x80\xa6");
	ck_assert_str_eq(frame_of(text, "no_letter_fits").label, "");
	ck_assert_str_eq(frame_of(text, "short").label, "short");
	free(text);
}
END_TEST

START_TEST(test_a_colour_follows_from_the_name)
{
	struct flame *flame = flame_new("t", "", false);
	char *text;

	add(flame, 10, 0, 1, "main;free_them");
	add(flame, 10, 0, 1, "helper;main");
	text = text_and_free(flame);
	/* FNV-1a of the name, by 16. */
	ck_assert_str_eq(frame_of(text, "main").colour, "c8");
	ck_assert_str_eq(frame_of(text, "helper").colour, "c13");
	ck_assert_str_eq(frame_of(strstr(text, "<title>helper\n"), "main").colour, "c8");
	free(text);
}
END_TEST

/* ---- A difference ---------------------------------------------------------------------------- */

START_TEST(test_a_difference_is_as_wide_as_the_larger_figure)
{
	struct flame *flame = flame_new("t", "", true);
	char *text;

	add(flame, 60 * MIB, 20 * MIB, 5, "grew");
	add(flame, 10 * MIB, 30 * MIB, 5, "shrank");
	add(flame, 0, 10 * MIB, 0, "gone");
	text = text_and_free(flame);
	ck_assert(near(frame_of(text, "grew").width, INNER * .6));
	ck_assert(near(frame_of(text, "shrank").width, INNER * .3));
	ck_assert(near(frame_of(text, "gone").width, INNER * .1));
	ck_assert_ptr_nonnull(strstr(text, "id=\"scale\""));
	free(text);
}
END_TEST

START_TEST(test_a_title_of_a_difference_has_the_change)
{
	struct flame *flame = flame_new("t", "", true);
	char *text;

	add(flame, 60 * MIB, 20 * MIB, 5, "grew");
	add(flame, 10 * MIB, 40 * MIB, 1, "shrank");
	add(flame, 0, 10 * MIB, 0, "gone");
	add(flame, 20 * MIB, 0, 3, "new");
	add(flame, 10 * MIB, 10 * MIB, 1, "same");
	text = text_and_free(flame);
	ck_assert_str_eq(
		frame_of(text, "grew").title,
		"grew\n60.0 MiB (60.0 %), 5 blocks\n+40.0 MiB (+200.0 %), before 20.0 MiB");
	ck_assert_str_eq(
		frame_of(text, "shrank").title,
		"shrank\n10.0 MiB (10.0 %), 1 block\n-30.0 MiB (-75.0 %), before 40.0 MiB");
	ck_assert_str_eq(frame_of(text, "gone").title,
			 "gone\n0 B (0.0 %), 0 blocks\n-10.0 MiB, all of it gone");
	ck_assert_str_eq(frame_of(text, "new").title,
			 "new\n20.0 MiB (20.0 %), 3 blocks\n+20.0 MiB, all of it new");
	ck_assert_str_eq(frame_of(text, "same").title,
			 "same\n10.0 MiB (10.0 %), 1 block\nunchanged");
	ck_assert_str_eq(
		frame_of(text, "all").title,
		"all\n100.0 MiB (100.0 %), 10 blocks\n+20.0 MiB (+25.0 %), before 80.0 MiB");
	free(text);
}
END_TEST

START_TEST(test_the_more_of_a_frame_is_growth_the_redder_it_is)
{
	struct flame *flame = flame_new("t", "", true);
	char *text;

	add(flame, 100, 0, 1, "new");
	add(flame, 100, 50, 1, "doubled");
	add(flame, 100, 98, 1, "little");
	add(flame, 1000, 995, 1, "next to nothing");
	add(flame, 98, 100, 1, "less");
	add(flame, 50, 100, 1, "halved");
	add(flame, 0, 100, 1, "gone");
	text = text_and_free(flame);
	ck_assert_str_eq(frame_of(text, "new").colour, "up8");
	ck_assert_str_eq(frame_of(text, "doubled").colour, "up4");
	ck_assert_str_eq(frame_of(text, "little").colour, "up1");
	ck_assert_str_eq(frame_of(text, "next to nothing").colour, "same");
	ck_assert_str_eq(frame_of(text, "less").colour, "down1");
	ck_assert_str_eq(frame_of(text, "halved").colour, "down4");
	ck_assert_str_eq(frame_of(text, "gone").colour, "down8");
	free(text);
}
END_TEST

/* ---- Odd input ------------------------------------------------------------------------------- */

START_TEST(test_narrow_frames_are_left_out_and_told)
{
	struct flame *flame = flame_new("t", "", false);
	struct frame frame;
	char *text;

	/* A tenth of a pixel is one in 11,800. */
	add(flame, 117980, 0, 1, "wide");
	add(flame, 10, 0, 1, "wide;just");
	add(flame, 4, 0, 1, "narrow;callee");
	add(flame, 4, 0, 1, "narrow;callee;another");
	add(flame, 1, 0, 1, "wide;narrow as well");
	add(flame, 0, 0, 0, "nothing;at;all");
	text = text_and_free(flame);
	frame = frame_of(text, "just");
	ck_assert(frame.width < 0.1001);
	ck_assert_ptr_null(strstr(text, "<title>narrow"));
	ck_assert_ptr_null(strstr(text, "<title>callee"));
	ck_assert_ptr_null(strstr(text, "<title>nothing"));
	ck_assert_ptr_nonnull(strstr(
		text, ">4 frames are left out, narrower than 0.1 pixel: 0.0 % of the width<"));
	/* The frames that are drawn need the room: everything, wide, just. */
	ck_assert_int_eq(frame_of(text, "all").top + 36, frame.top);
	ck_assert_ptr_nonnull(strstr(text, "viewBox=\"0 0 1200 190\""));
	free(text);

	flame = flame_new("t", "", false);
	for (unsigned i = 0; i < 12000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%u;callee", i);
		add(flame, 1, 0, 1, name);
	}
	add(flame, 12000, 0, 1, "half");
	text = text_and_free(flame);
	ck_assert_ptr_nonnull(strstr(
		text,
		">24,000 frames are left out, narrower than 0.1 pixel: 50.0 % of the width<"));
	free(text);
}
END_TEST

START_TEST(test_names_are_text_whatever_they_are)
{
	static const struct {
		const char *name, *text;
	} names[] = {
		{"<b>&amp;\"'", "&lt;b&gt;&amp;amp;&quot;&#39;"},
		{"</script>", "&lt;/script&gt;"},
		{"]]>", "]]&gt;"},
		{"\x01\x1b\n\r\t\x7f", "??????"},
		{"\xff\xc0\xaf\xed\xa0\x80", "??????"},
		{"\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbf", "???"},
		{"\xc2\x85\xe2\x80\xae\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", "?????"},
		{"\xc3\xb6\xe6\x97\xa5\xf0\x9f\x94\xa5", "\xc3\xb6\xe6\x97\xa5\xf0\x9f\x94\xa5"},
		{"\xe6\x97", "??"},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct flame *flame = flame_new(names[i].name, names[i].name, false);
		struct frame frame;
		char *text, title[256];

		ck_assert_int_eq(flame_add(flame, &names[i].name, 1, MIB, 0, 1), 0);
		text = text_and_free(flame);
		snprintf(title, sizeof(title), "<title>%s</title>\n<style>", names[i].text);
		ck_assert_ptr_nonnull(strstr(text, title));
		snprintf(title, sizeof(title), "y=\"52\">%s</text>", names[i].text);
		ck_assert_ptr_nonnull(strstr(text, title));
		frame = frame_of(text, names[i].text);
		ck_assert_str_eq(frame.label, names[i].text);
		free(text);
	}
}
END_TEST

START_TEST(test_long_names_are_cut_between_characters)
{
	struct flame *flame = flame_new("t", "", false);
	char *name = malloc(30001), *text;
	const char *at;

	for (size_t i = 0; i < 10000; i++)
		memcpy(name + 3 * i, "\xe6\x97\xa5", 4);
	add(flame, 1, 0, 1, "short");
	ck_assert_int_eq(flame_add(flame, (const char *const[]){name}, 1, 99, 0, 1), 0);
	text = text_and_free(flame);
	/* 500 places, two for each character, one for the ellipsis. */
	at = strstr(text, "<title>\xe6") + 7;
	ck_assert_int_eq(strncmp(at, name, 3 * 249), 0);
	ck_assert_int_eq(strncmp(at + 3 * 249, "\xe2\x80\xa6\n", 4), 0);
	free(text);
	free(name);
}
END_TEST

START_TEST(test_nothing_is_a_graph_too)
{
	struct flame *flame = flame_new("", "", false);
	char *text;

	text = text_of(flame);
	ck_assert(near(frame_of(text, "all").width, INNER));
	free(text);
	ck_assert_int_eq(flame_add(flame, NULL, 0, 0, 0, 0), 0);
	add(flame, 0, 0, 0, "holds;nothing");
	text = text_and_free(flame);
	ck_assert_int_eq(strncmp(frame_of(text, "all").title, "all\n0 B (0.0 %), 0 blocks", 25), 0);
	ck_assert_ptr_null(strstr(text, "left out"));
	free(text);
}
END_TEST

START_TEST(test_a_frame_may_be_called_as_everything_is)
{
	struct flame *flame = flame_new("t", "", false);
	char *text;

	add(flame, 10, 0, 1, "all;all");
	add(flame, 30, 0, 1, "rest");
	text = text_and_free(flame);
	ck_assert_str_eq(frame_of(text, "all").title, "all\n40 B (100.0 %), 2 blocks");
	ck_assert_str_eq(frame_of(strstr(text, "</g>"), "all").title,
			 "all\n10 B (25.0 %), 1 block");
	free(text);
}
END_TEST

START_TEST(test_figures_have_a_ceiling)
{
	struct flame *flame = flame_new("t", "", true);
	char *text;

	add(flame, UINT64_MAX, UINT64_MAX - 5, UINT64_MAX, "a");
	add(flame, UINT64_MAX, 0, UINT64_MAX, "a;b");
	add(flame, UINT64_MAX, 7, 1, "c");
	text = text_and_free(flame);
	ck_assert_str_eq(frame_of(text, "a").title,
			 "a\n15.9 EiB (100.0 %), 18,446,744,073,709,551,615 blocks\n"
			 "+5 B (+0.0 %), before 15.9 EiB");
	free(text);
}
END_TEST

START_TEST(test_deep_and_wide_graphs_are_written)
{
	const size_t stacks = steps(20000, 2000);
	struct flame *flame = flame_new("t", "", false);
	const unsigned depth_of_one = 10000;
	const char **deep = malloc(depth_of_one * sizeof(*deep));
	size_t frames = 0;
	char *text;
	struct frame frame;
	const char *at;

	for (size_t i = 0; i < stacks; i++) {
		char name[64][32];
		const char *names[64];

		for (unsigned depth = 0; depth < 64; depth++) {
			snprintf(name[depth], sizeof(name[depth]), "f%u_%zu", depth,
				 depth < 8 ? i & 1 : i);
			names[depth] = name[depth];
		}
		ck_assert_int_eq(flame_add(flame, names, 64, i < 100 ? 1000 * MIB : 1, 0, 1), 0);
	}
	at = text = text_and_free(flame);
	while ((at = read_frame(at, &frame)) != NULL)
		frames++;
	/* Everything; eight levels of two frames; the others of a hundred stacks. */
	ck_assert_uint_eq(frames, 1 + 8 * 2 + 56 * 100);
	free(text);

	flame = flame_new("t", "", false);
	for (unsigned i = 0; i < depth_of_one; i++)
		deep[i] = "again";
	ck_assert_int_eq(flame_add(flame, deep, depth_of_one, 1, 0, 1), 0);
	text = text_and_free(flame);
	ck_assert_ptr_nonnull(strstr(text, "viewBox=\"0 0 1200 180154\""));
	free(text);
	free(deep);
}
END_TEST

static int refuse(void *calls, const char *text, size_t size)
{
	(void)text, (void)size;
	return ++*(int *)calls < 3 ? 0 : ENOSPC;
}

START_TEST(test_the_writers_error_ends_it)
{
	struct flame *flame = known();
	struct zm_builder out;
	int calls = 0;

	zm_builder_start_writer(&out, refuse, &calls);
	ck_assert_int_eq(flame_write(flame, &out), ENOSPC);
	ck_assert_int_eq(calls, 3);
	flame_free(flame);
	flame_free(NULL);
}
END_TEST

int main(void)
{
	TCase *tests = tests_named("flame");

	tcase_add_test(tests, test_a_frame_is_as_wide_as_what_it_and_its_callees_hold);
	tcase_add_test(tests, test_a_title_has_name_bytes_share_and_blocks);
	tcase_add_test(tests, test_callees_follow_their_caller_and_the_widest_is_first);
	tcase_add_test(tests, test_the_order_of_the_stacks_does_not_matter);
	tcase_add_test(tests, test_a_name_is_cut_to_what_fits);
	tcase_add_test(tests, test_a_colour_follows_from_the_name);
	tcase_add_test(tests, test_a_difference_is_as_wide_as_the_larger_figure);
	tcase_add_test(tests, test_a_title_of_a_difference_has_the_change);
	tcase_add_test(tests, test_the_more_of_a_frame_is_growth_the_redder_it_is);
	tcase_add_test(tests, test_narrow_frames_are_left_out_and_told);
	tcase_add_test(tests, test_names_are_text_whatever_they_are);
	tcase_add_test(tests, test_long_names_are_cut_between_characters);
	tcase_add_test(tests, test_nothing_is_a_graph_too);
	tcase_add_test(tests, test_a_frame_may_be_called_as_everything_is);
	tcase_add_test(tests, test_figures_have_a_ceiling);
	tcase_add_test(tests, test_deep_and_wide_graphs_are_written);
	tcase_add_test(tests, test_the_writers_error_ends_it);
	return run_tests(tests);
}
