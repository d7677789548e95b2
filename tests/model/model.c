/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/model/model.c - the machine (model.h): threads as coroutines, a choice before each access,
 * and a search through all choices, depth first, by running the threads anew for each.
 *
 * Before each atomic access a thread lets the search choose who goes on; a load lets it choose which
 * store is read. Two threads whose next accesses do not concern each other are run in one order only
 * (sleep sets: Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996).
 */
#include "config.h"

#include "tests/model/model.h"

#if defined(HAVE_MAKECONTEXT)

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum {
	WORDS = 64,     /* variables of a model */
	STORES = 48,    /* to one of them, in one run */
	CHOICES = 1024, /* in one run */
	SITES = 64,     /* orders that can be taken away */
	TRACE = 128,    /* accesses of a run that are remembered */
	STACK_BYTES = 64 * 1024,
	RUNS_MAX = 5000000
};

/* ---- State of one run ---- */

/* What a thread has seen: of each word the number of a store, of each thread how far it was. */
struct view {
	uint16_t word[WORDS];
	uint16_t thread[MODEL_THREADS];
};

struct store {
	uint64_t value;
	struct view view;
};

struct word {
	const void *at;
	size_t size;
	unsigned stores;
	struct store store[STORES];
	/* Plain accesses: by whom, and how far that thread was. */
	int writer;
	uint16_t written, read[MODEL_THREADS];
};

enum kind {
	LOAD,
	STORE,
	CHANGE,
	FENCE,
	LOCK,
	UNLOCK
};

struct thread {
	ucontext_t context;
	char stack[STACK_BYTES];
	void (*body)(void);
	bool done;
	/* What it does when it goes on. */
	enum kind next;
	const void *next_at;
	struct view now, at_acquire, at_release;
};

static struct word words[WORDS];
static unsigned words_count;
static struct thread threads[MODEL_THREADS];
static struct thread *running; /* NULL: none, the model's reset() or at_end() */
static bool starting;
static unsigned asleep; /* a bit for each thread */
static ucontext_t search;
static jmp_buf at_end_failed;

/* ---- The search ---- */

struct choice {
	unsigned at, count;
};
static struct choice choices[CHOICES];
static unsigned choices_made, choices_known;

static bool run_failed, run_pruned;
static const char *failed_text, *failed_file;
static int failed_line;

struct site {
	const char *file, *text; /* text: of model_broken() */
	int line;
	enum model_order order;
};
static struct site sites[SITES];
static unsigned sites_count;
static int taken_away; /* number of a site; -1: none */

struct traced {
	int thread;
	enum kind kind;
	const char *file;
	int line;
	uint64_t value;
};
static struct traced trace[TRACE];
static unsigned traced;

static void give_up(const char *why)
{
	fprintf(stderr, "model: %s\n", why);
	exit(2);
}

static unsigned choose(unsigned count)
{
	if (choices_made == CHOICES)
		give_up("too many choices in one run: does a thread wait in a loop?");
	if (choices_made == choices_known)
		choices[choices_known++] = (struct choice){0, count};
	if (choices[choices_made].count != count)
		give_up("a run did not begin as the one before: what does reset() leave?");
	return choices[choices_made++].at;
}

/* False: all have been tried. */
static bool next_choices(void)
{
	while (choices_known != 0 &&
	       choices[choices_known - 1].at + 1 >= choices[choices_known - 1].count)
		choices_known--;
	if (choices_known == 0)
		return false;
	choices[choices_known - 1].at++;
	return true;
}

static int number_of(const struct thread *thread)
{
	return (int)(thread - threads);
}

static void end_run(void)
{
	running = NULL;
	setcontext(&search);
	abort();
}

void model_failed(const char *text, const char *file, int line)
{
	run_failed = true;
	failed_text = text;
	failed_file = file;
	failed_line = line;
	if (running == NULL)
		longjmp(at_end_failed, 1);
	end_run();
	abort();
}

/* ---- Who goes on ---- */

static bool is_taken(const void *lock)
{
	return ((const struct model_lock *)lock)->taken != 0;
}

static bool concern_each_other(const struct thread *a, const struct thread *b)
{
	if (a->next == FENCE || b->next == FENCE || a->next_at != b->next_at)
		return false;
	return a->next != LOAD || b->next != LOAD;
}

static unsigned able(void)
{
	unsigned mask = 0;

	for (int i = 0; i < MODEL_THREADS; i++)
		if (threads[i].body != NULL && !threads[i].done &&
		    !(threads[i].next == LOCK && is_taken(threads[i].next_at)))
			mask |= 1u << i;
	return mask;
}

static bool all_done(void)
{
	for (int i = 0; i < MODEL_THREADS; i++)
		if (threads[i].body != NULL && !threads[i].done)
			return false;
	return true;
}

/* Those that were tried before are asleep, until somebody does what concerns them. */
static struct thread *choose_thread(unsigned mask)
{
	unsigned count = 0, chosen, tried = 0;
	struct thread *next = NULL;

	for (int i = 0; i < MODEL_THREADS; i++)
		count += mask >> i & 1;
	chosen = choose(count);
	for (int i = 0; i < MODEL_THREADS && next == NULL; i++) {
		if (!(mask >> i & 1))
			continue;
		if (chosen-- == 0)
			next = &threads[i];
		else
			tried |= 1u << i;
	}
	asleep |= tried;
	for (int i = 0; i < MODEL_THREADS; i++)
		if (asleep >> i & 1 && concern_each_other(&threads[i], next))
			asleep &= ~(1u << i);
	return next;
}

static void go_on(void)
{
	struct thread *before = running, *next;
	unsigned mask = able();

	if (all_done())
		end_run();
	if (mask == 0)
		model_failed("no thread can go on", "", 0);
	if ((mask & ~asleep) == 0) {
		run_pruned = true;
		end_run();
	}
	next = choose_thread(mask & ~asleep);
	running = next;
	if (before == next)
		return;
	if (before == NULL || before->done)
		setcontext(&next->context);
	else
		swapcontext(&before->context, &next->context);
}

/* Before each access: let others go first, in every way there is. */
static void come_to(enum kind kind, const void *at)
{
	running->next = kind;
	running->next_at = at;
	if (starting)
		swapcontext(&running->context, &search);
	else
		go_on();
	running->now.thread[number_of(running)]++;
}

static void run_body(void)
{
	running->body();
	running->done = true;
	if (!starting)
		go_on();
	setcontext(&search);
}

/* ---- Orders that can be taken away ---- */

static int site_of(const char *file, int line, const char *text, enum model_order order)
{
	for (unsigned i = 0; i < sites_count; i++)
		if (sites[i].line == line && sites[i].order == order &&
		    strcmp(sites[i].file, file) == 0 &&
		    strcmp(sites[i].text != NULL ? sites[i].text : "", text != NULL ? text : "") ==
			    0)
			return (int)i;
	if (sites_count == SITES)
		give_up("too many orders");
	sites[sites_count] = (struct site){file, text, line, order};
	return (int)sites_count++;
}

bool model_broken(const char *text)
{
	return site_of("", 0, text, MODEL_RELAXED) == taken_away;
}

static enum model_order order_at(const char *file, int line, enum model_order order)
{
	if (order == MODEL_RELAXED || order == MODEL_IN_ORDER ||
	    site_of(file, line, NULL, order) != taken_away)
		return order;
	return MODEL_RELAXED;
}

static void note(enum kind kind, const char *file, int line, uint64_t value)
{
	if (traced < TRACE)
		trace[traced++] = (struct traced){number_of(running), kind, file, line, value};
}

/* ---- Memory ---- */

static uint64_t memory_read(const void *at, size_t size)
{
	uint8_t byte;
	uint16_t half;
	uint32_t word;
	uint64_t wide;

	switch (size) {
	case 1:
		memcpy(&byte, at, 1);
		return byte;
	case 2:
		memcpy(&half, at, 2);
		return half;
	case 4:
		memcpy(&word, at, 4);
		return word;
	default:
		memcpy(&wide, at, 8);
		return wide;
	}
}

static void memory_write(const void *at, size_t size, uint64_t value)
{
	uint8_t byte = (uint8_t)value;
	uint16_t half = (uint16_t)value;
	uint32_t word = (uint32_t)value;
	void *to = (void *)(uintptr_t)at;

	memcpy(to,
	       size == 1   ? &byte
	       : size == 2 ? (void *)&half
	       : size == 4 ? (void *)&word
			   : (void *)&value,
	       size);
}

static uint64_t cut(uint64_t value, size_t size)
{
	return size == 8 ? value : value & (((uint64_t)1 << 8 * size) - 1);
}

static struct word *word_at(const void *at, size_t size, const char *file, int line)
{
	struct word *word;

	/* A pointer that was read too early is null, and so leads near 0. */
	if ((uintptr_t)at < 1 << 16)
		model_failed("a pointer is followed that is not there yet", file, line);
	for (unsigned i = 0; i < words_count; i++)
		if (words[i].at == at)
			return &words[i];
	if (words_count == WORDS)
		give_up("too many variables");
	word = &words[words_count++];
	memset(word, 0, offsetof(struct word, store));
	word->at = at;
	word->size = size;
	word->stores = 1;
	memset(&word->store[0], 0, sizeof(word->store[0]));
	word->store[0].value = memory_read(at, size);
	word->writer = -1;
	memset(word->read, 0, sizeof(word->read));
	return word;
}

static size_t index_of(const struct word *word)
{
	return (size_t)(word - words);
}

static void add_view(struct view *to, const struct view *from)
{
	for (size_t i = 0; i < words_count; i++)
		if (to->word[i] < from->word[i])
			to->word[i] = from->word[i];
	for (size_t i = 0; i < MODEL_THREADS; i++)
		if (to->thread[i] < from->thread[i])
			to->thread[i] = from->thread[i];
}

static void see(struct word *word, unsigned number, enum model_order order)
{
	const struct view *view = &word->store[number].view;

	running->now.word[index_of(word)] = (uint16_t)number;
	add_view(&running->at_acquire, view);
	if (order & MODEL_ACQUIRE)
		add_view(&running->now, view);
}

/* read: the store that was read in the same access, whose view goes on; or NULL. */
static void add_store(struct word *word, uint64_t value, enum model_order order,
		      const struct store *read)
{
	struct store *store;

	if (word->stores == STORES)
		give_up("too many stores to one variable");
	store = &word->store[word->stores];
	running->now.word[index_of(word)] = (uint16_t)word->stores++;
	store->value = cut(value, word->size);
	store->view = order & MODEL_RELEASE ? running->now : running->at_release;
	if (read != NULL)
		add_view(&store->view, &read->view);
	store->view.word[index_of(word)] = (uint16_t)(word->stores - 1);
	memory_write(word->at, word->size, value);
}

uint64_t model_load(struct model_access access)
{
	enum model_order order = order_at(access.file, access.line, access.order);
	struct word *word;
	unsigned oldest, number;

	if (running == NULL)
		return memory_read(access.at, access.size);
	come_to(LOAD, access.at);
	word = word_at(access.at, access.size, access.file, access.line);
	oldest = running->now.word[index_of(word)];
	number = word->stores - 1 - choose(word->stores - oldest);
	see(word, number, order);
	note(LOAD, access.file, access.line, word->store[number].value);
	return word->store[number].value;
}

void model_store(struct model_access access, uint64_t value)
{
	enum model_order order = order_at(access.file, access.line, access.order);

	if (running == NULL) {
		memory_write(access.at, access.size, value);
		return;
	}
	come_to(STORE, access.at);
	add_store(word_at(access.at, access.size, access.file, access.line), value, order, NULL);
	note(STORE, access.file, access.line, value);
}

static uint64_t change_at_rest(struct model_access access, uint64_t value, bool add,
			       const uint64_t *expected)
{
	uint64_t old = memory_read(access.at, access.size);

	if (expected == NULL || old == cut(*expected, access.size))
		memory_write(access.at, access.size, add ? old + value : value);
	return old;
}

/* The last store is read, and the new one comes right behind it: nothing is between the two. */
static uint64_t change(struct model_access access, uint64_t value, bool add,
		       const uint64_t *expected)
{
	enum model_order order = order_at(access.file, access.line, access.order);
	struct word *word;
	struct store *last;
	uint64_t old;

	if (running == NULL)
		return change_at_rest(access, value, add, expected);
	come_to(CHANGE, access.at);
	word = word_at(access.at, access.size, access.file, access.line);
	last = &word->store[word->stores - 1];
	old = last->value;
	see(word, word->stores - 1, order);
	note(CHANGE, access.file, access.line, value);
	if (expected == NULL || old == cut(*expected, word->size))
		add_store(word, add ? old + value : value, order, last);
	return old;
}

uint64_t model_exchange(struct model_access access, uint64_t value)
{
	return change(access, value, false, NULL);
}

uint64_t model_add(struct model_access access, uint64_t value)
{
	return change(access, value, true, NULL);
}

bool model_compare_exchange(struct model_access access, uint64_t *expected, uint64_t value)
{
	uint64_t old = change(access, value, false, expected);
	bool done = old == cut(*expected, access.size);

	*expected = old;
	return done;
}

void model_fence(enum model_order asked, const char *file, int line)
{
	enum model_order order = order_at(file, line, asked);

	come_to(FENCE, NULL);
	note(FENCE, file, line, 0);
	if (order & MODEL_ACQUIRE)
		add_view(&running->now, &running->at_acquire);
	if (order & MODEL_RELEASE)
		running->at_release = running->now;
}

void model_fresh(const void *at, size_t size, uint64_t before)
{
	struct word *word = word_at(at, size, "", 0);
	uint64_t value = memory_read(at, size);

	word->store[0].value = cut(before, size);
	add_store(word, value, MODEL_RELAXED, NULL);
}

void model_plain(const void *at, bool write, const char *file, int line)
{
	struct word *word;
	uint16_t now;
	int self;

	if (running == NULL)
		return;
	self = number_of(running);
	/* After the last atomic access, whose store does not cover it, and before the next. */
	now = (uint16_t)(running->now.thread[self] + 1);
	word = word_at(at, 1, file, line);
	if (word->writer >= 0 && word->writer != self &&
	    running->now.thread[word->writer] < word->written)
		model_failed("a plain variable is used while another thread writes it", file, line);
	for (int i = 0; i < MODEL_THREADS && write; i++)
		if (i != self && running->now.thread[i] < word->read[i])
			model_failed("a plain variable is written while another thread reads it",
				     file, line);
	if (write) {
		word->writer = self;
		word->written = now;
	} else {
		word->read[self] = now;
	}
}

/* ---- Locks ---- */

void model_lock(struct model_lock *lock)
{
	struct word *word;

	if (running == NULL)
		return;
	come_to(LOCK, lock);
	word = word_at(lock, 1, __FILE__, __LINE__);
	see(word, word->stores - 1, MODEL_ACQUIRE);
	add_store(word, 1, MODEL_RELAXED, &word->store[word->stores - 1]);
	note(LOCK, "", 0, 0);
}

void model_unlock(struct model_lock *lock)
{
	if (running == NULL)
		return;
	come_to(UNLOCK, lock);
	add_store(word_at(lock, 1, __FILE__, __LINE__), 0, MODEL_RELEASE, NULL);
	note(UNLOCK, "", 0, 0);
}

/* ---- One run, all runs ---- */

static void start(struct thread *thread, void (*body)(void))
{
	memset(&thread->now, 0, sizeof(thread->now));
	thread->at_acquire = thread->at_release = thread->now;
	thread->now.thread[number_of(thread)] = 1;
	thread->body = body;
	thread->done = false;
	if (body == NULL)
		return;
	getcontext(&thread->context);
	thread->context.uc_stack.ss_sp = thread->stack;
	thread->context.uc_stack.ss_size = sizeof(thread->stack);
	thread->context.uc_link = NULL;
	makecontext(&thread->context, run_body, 0);
	running = thread;
	swapcontext(&search, &thread->context);
	running = NULL;
}

/* The threads are stopped before their first accesses; from there on they choose among themselves. */
static void run_threads(const struct model *model)
{
	static volatile bool begun;

	starting = true;
	for (int i = 0; i < MODEL_THREADS && !run_failed; i++)
		start(&threads[i], model->thread[i]);
	starting = false;
	if (run_failed)
		return;
	begun = false;
	getcontext(&search);
	if (begun)
		return;
	begun = true;
	go_on();
}

static void run_once(const struct model *model)
{
	words_count = traced = choices_made = asleep = 0;
	run_failed = run_pruned = false;
	model->reset();
	run_threads(model);
	if (!run_failed && !run_pruned && model->at_end != NULL && setjmp(at_end_failed) == 0)
		model->at_end();
}

/* Until one fails, or all have been run. */
static unsigned run_all(const struct model *model)
{
	unsigned runs = 0;

	choices_known = 0;
	do {
		run_once(model);
		if (++runs == RUNS_MAX)
			give_up("too many runs");
	} while (!run_failed && next_choices());
	return runs;
}

static const char *short_name(const char *file)
{
	const char *found = NULL;

	for (const char *at = file; *at != '\0'; at++)
		if (strncmp(at, "lib/", 4) == 0 || strncmp(at, "tests/", 6) == 0)
			found = at;
	return found != NULL ? found : file;
}

static void print_run(void)
{
	static const char *const did[] = {"loads",  "stores", "changes",
					  "fences", "locks",  "unlocks"};

	printf("    %s:%d: %s\n", short_name(failed_file), failed_line, failed_text);
	for (unsigned i = 0; i < traced; i++)
		printf("    thread %d %-8s %s:%d %llx\n", trace[i].thread, did[trace[i].kind],
		       short_name(trace[i].file), trace[i].line,
		       (unsigned long long)trace[i].value);
}

static void print_site(const struct site *site)
{
	static const char *const order[] = {"", "acquire", "release", "acquire and release"};

	if (site->text != NULL)
		printf("  %s", site->text);
	else
		printf("  without the %s at %s:%d", order[site->order], short_name(site->file),
		       site->line);
}

/* Does the model fail, as it must? */
static bool check_without(const struct model *model, int site)
{
	unsigned runs;

	taken_away = site;
	runs = run_all(model);
	print_site(&sites[site]);
	if (run_failed)
		printf(": fails, %u runs: %s\n", runs, failed_text);
	else
		printf(": HOLDS, %u runs: not needed, or the model is too weak\n", runs);
	return run_failed;
}

void model_check(const struct model *model, int *passed, int *failed)
{
	unsigned runs;

	sites_count = 0;
	taken_away = -1;
	runs = run_all(model);
	printf("%s: %s, %u runs\n", model->name, run_failed ? "FAILS" : "holds", runs);
	if (run_failed) {
		print_run();
		++*failed;
		return;
	}
	++*passed;
	for (unsigned i = 0, count = sites_count; i < count; i++)
		++*(check_without(model, (int)i) ? passed : failed);
}

#endif
