/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * examples/wordstore.c - which word stands in which line of which file.
 *
 * A word index that several threads build in memory, halve and drop again. After each stage it
 * prints what libzmalloc knows: what the process uses, the peak, and what each thread has allocated
 * less what it has freed. Threads free what others allocated, so a single thread's figure may fall
 * below zero; the sum over all threads is the used memory, to the byte.
 *
 * Halving leaves holes all over the heap. Where the allocator allows for it, the index is then
 * defragmented: its blocks are moved together, and the memory between them is given back.
 */
#define _XOPEN_SOURCE 700 /* nftw() */

#include <ctype.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmalloc.h>
#include <zmalloc/defrag.h>

#define WORKERS 3
#define SHARDS 64         /* each with a lock of its own: far more than threads that want one */
#define SHARD_BUCKETS 128 /* a power of two */
#define WORD_BYTES_MAX 64 /* longer runs of letters are cut */

/* ---- The index ---- */

struct place {
	uint32_t file, line;
};

struct word {
	struct word *next;
	struct place *places;
	size_t count, room; /* places filled, places that the block holds */
	uint32_t hash;
	char text[];
};

struct shard {
	pthread_mutex_t lock;
	size_t words;
	struct word *buckets[SHARD_BUCKETS];
};

static struct shard *shards;

static uint32_t hash_word(const char *text)
{
	uint32_t hash = 2166136261u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash ^ hash >> 15;
}

static struct word *new_word(const char *text, uint32_t hash, struct word *next)
{
	size_t bytes = strlen(text) + 1;
	struct word *word = zcalloc(sizeof(*word) + bytes);

	word->next = next;
	word->hash = hash;
	memcpy(word->text, text, bytes);
	return word;
}

static void free_word(struct word *word)
{
	zfree(word->places);
	zfree(word);
}

/* Grows to what the allocator gives, not to what was asked for: no byte of the block is wasted. */
static void add_place(struct word *word, struct place place)
{
	if (word->count == word->room) {
		size_t usable;

		word->places = zrealloc_usable(
			word->places, (word->count + word->count / 2 + 1) * sizeof(place), &usable);
		word->room = usable / sizeof(place);
	}
	word->places[word->count++] = place;
}

static void add_word(const char *text, struct place place)
{
	uint32_t hash = hash_word(text);
	struct shard *shard = &shards[hash % SHARDS];
	struct word **bucket = &shard->buckets[hash / SHARDS % SHARD_BUCKETS], *word;

	pthread_mutex_lock(&shard->lock);
	for (word = *bucket; word; word = word->next)
		if (word->hash == hash && !strcmp(word->text, text))
			break;
	if (!word) {
		word = *bucket = new_word(text, hash, *bucket);
		shard->words++;
	}
	add_place(word, place);
	pthread_mutex_unlock(&shard->lock);
}

/* Drops one word in `every`. */
static void drop_words(struct shard *shard, size_t every)
{
	size_t seen = 0;

	pthread_mutex_lock(&shard->lock);
	for (size_t i = 0; i < SHARD_BUCKETS; i++) {
		struct word **link = &shard->buckets[i];

		while (*link) {
			struct word *word = *link;

			if (++seen % every) {
				link = &word->next;
				continue;
			}
			*link = word->next;
			free_word(word);
			shard->words--;
		}
	}
	pthread_mutex_unlock(&shard->lock);
}

static size_t count_words(void)
{
	size_t words = 0;

	for (size_t i = 0; i < SHARDS; i++)
		words += shards[i].words;
	return words;
}

/* ---- The texts ---- */

static char **paths;
static size_t path_count, path_room;

/* For nftw(), which passes no context on. Links are left out: they would count a text twice. */
static int add_path(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(status->st_mode))
		return 0;
	if (path_count == path_room) {
		path_room = path_room ? path_room * 2 : 16;
		paths = zrealloc(paths, path_room * sizeof(*paths));
	}
	paths[path_count++] = zstrdup(path);
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files are taken as they are; below a folder, every regular file. */
static int find_texts(int count, char **arguments)
{
	for (int i = 0; i < count; i++) {
		char *real = realpath(arguments[i], NULL);

		if (!real || nftw(real, add_path, 16, FTW_PHYS)) {
			fprintf(stderr, "wordstore: %s: %s\n", arguments[i], strerror(errno));
			return -1;
		}
		zlibc_free(real); /* the C library's block, not ours */
	}
	if (path_count)
		qsort(paths, path_count, sizeof(*paths), compare_paths);
	return 0;
}

/* The licence texts: Debian's place, Fedora's and Arch's, FreeBSD's, Alpine's. */
static int find_licences(void)
{
	static char places[][32] = {"/usr/share/common-licenses", "/usr/share/licenses",
				    "/usr/local/share/licenses", "/usr/share/spdx"};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !path_count; i++) {
		char *place = places[i];

		if (access(place, R_OK) == 0 && find_texts(1, &place))
			return -1;
	}
	return 0;
}

static void forget_texts(void)
{
	while (path_count)
		zfree(paths[--path_count]);
	zfree(paths);
}

static int read_text(uint32_t file)
{
	char *line = NULL, word[WORD_BYTES_MAX + 1];
	struct place place = {file, 0};
	FILE *text = fopen(paths[file], "r");
	size_t room = 0;
	ssize_t bytes;

	if (!text) {
		fprintf(stderr, "wordstore: %s: %s\n", paths[file], strerror(errno));
		return -1;
	}
	while ((bytes = getline(&line, &room, text)) > 0) {
		size_t length = 0;

		place.line++;
		for (ssize_t i = 0; i <= bytes; i++) {
			if (isalpha((unsigned char)line[i])) {
				if (length < WORD_BYTES_MAX)
					word[length++] = tolower((unsigned char)line[i]);
			} else if (length) {
				word[length] = '\0';
				add_word(word, place);
				length = 0;
			}
		}
	}
	zlibc_free(line);
	fclose(text);
	return 0;
}

/* ---- The crew: threads that live through all stages, so their figures can be compared ---- */

enum stage_kind {
	LOAD,
	HALVE,
	DROP,
	LEAVE
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t begin, done;
	unsigned stage; /* counts up; a worker does each once */
	enum stage_kind kind;
	size_t next_path, end_path; /* LOAD: the texts still to be taken */
	int busy, failed;
	int64_t held_bytes[WORKERS]; /* by each thread, after its last stage */
} crew = {.lock = PTHREAD_MUTEX_INITIALIZER,
	  .begin = PTHREAD_COND_INITIALIZER,
	  .done = PTHREAD_COND_INITIALIZER};

static int take_text(uint32_t *file)
{
	int there;

	pthread_mutex_lock(&crew.lock);
	there = crew.next_path < crew.end_path;
	if (there)
		*file = (uint32_t)crew.next_path++;
	pthread_mutex_unlock(&crew.lock);
	return there;
}

static int do_stage(enum stage_kind kind, int worker)
{
	int failed = 0;
	uint32_t file;

	if (kind == LOAD)
		while (take_text(&file))
			failed |= read_text(file);
	else
		for (size_t i = worker; i < SHARDS; i += WORKERS)
			drop_words(&shards[i], kind == HALVE ? 2 : 1);
	return failed;
}

static void *work(void *number)
{
	int64_t start = zmalloc_thread_used_memory();
	int worker = (int)(intptr_t)number;
	unsigned stage = 0;

	pthread_mutex_lock(&crew.lock);
	for (;;) {
		int failed;

		while (crew.stage == stage)
			pthread_cond_wait(&crew.begin, &crew.lock);
		stage = crew.stage;
		if (crew.kind == LEAVE)
			break;
		pthread_mutex_unlock(&crew.lock);
		failed = do_stage(crew.kind, worker);
		pthread_mutex_lock(&crew.lock);
		crew.failed |= failed;
		crew.held_bytes[worker] = zmalloc_thread_used_memory() - start;
		if (!--crew.busy)
			pthread_cond_signal(&crew.done);
	}
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

static void run_stage(enum stage_kind kind)
{
	pthread_mutex_lock(&crew.lock);
	crew.kind = kind;
	crew.busy = kind == LEAVE ? 0 : WORKERS;
	crew.stage++;
	pthread_cond_broadcast(&crew.begin);
	while (crew.busy)
		pthread_cond_wait(&crew.done, &crew.lock);
	pthread_mutex_unlock(&crew.lock);
}

/* ---- The table ---- */

static double kib(double bytes)
{
	return bytes / 1024;
}

static void print_head(void)
{
	printf("%-12s %7s %10s %10s %10s", "KiB", "words", "used", "peak", "main");
	for (int i = 0; i < WORKERS; i++)
		printf("   thread %d", i + 1);
	putchar('\n');
}

static void print_row(const char *stage, int64_t main_start)
{
	printf("%-12s %7zu %10.1f %10.1f %10.1f", stage, shards ? count_words() : 0,
	       kib((double)zmalloc_used_memory()), kib((double)zmalloc_peak_memory()),
	       kib((double)(zmalloc_thread_used_memory() - main_start)));
	for (int i = 0; i < WORKERS; i++)
		printf(" %10.1f", kib((double)crew.held_bytes[i]));
	putchar('\n');
}

/* ---- Defragmentation ---- */

/* Where the walk over the index is. */
struct cursor {
	size_t shard, bucket;
};

/* Each block is passed through zdefrag_visit(), and the answer is stored where the pointer was. */
static void visit_bucket(zdefrag *d, struct word **link)
{
	for (; *link; link = &(*link)->next) {
		*link = zdefrag_visit(d, *link);
		(*link)->places = zdefrag_visit(d, (*link)->places);
	}
}

/*
 * The lock that guards a shard guards its walk. The cursor survives whatever is added or dropped
 * between two calls, for buckets stay where they are.
 */
static int walk_index(zdefrag *d, int begin, void *context)
{
	struct cursor *at = context;

	if (begin)
		*at = (struct cursor){0, 0};
	for (; at->shard < SHARDS; at->shard++, at->bucket = 0) {
		struct shard *shard = &shards[at->shard];
		int over = 0;

		pthread_mutex_lock(&shard->lock);
		while (at->bucket < SHARD_BUCKETS && !over) {
			visit_bucket(d, &shard->buckets[at->bucket++]);
			over = zdefrag_slice_over(d);
		}
		pthread_mutex_unlock(&shard->lock);
		if (over)
			return 0;
	}
	return 1;
}

static void draw_bar(zdefrag *d, void *context)
{
	static const char full[] = "########################";
	struct zdefrag_stats stats = {.size = sizeof(stats)};
	int width = sizeof(full) - 1, done;

	(void)context;
	zdefrag_get_stats(d, &stats);
	done = (int)stats.permille * width / 1000;
	printf("\r%-9s [%-*.*s] %8" PRIu64 " blocks moved", zdefrag_phase_name(stats.phase), width,
	       done, full, stats.moved);
	fflush(stdout);
}

static void print_holes(const char *when)
{
	size_t allocated = 0, holes = 0;

	zmalloc_get_allocator_info(1, &allocated, NULL, NULL, NULL, NULL, &holes);
	printf("%s: %.1f KiB free between %.1f KiB of blocks; %.1f KiB resident\n", when,
	       kib((double)holes), kib((double)allocated), kib((double)zmalloc_get_rss()));
}

static void defragment(void)
{
	struct zdefrag_settings settings;
	struct zdefrag_stats stats = {.size = sizeof(stats)};
	struct cursor at;
	zdefrag *d;

	zdefrag_settings_init(&settings);
	settings.lower_percent = 1; /* as far as it goes, for the show */
	d = zdefrag_new(walk_index, &at, &settings);
	if (!d) {
		printf("%s cannot be defragmented\n", zmalloc_allocator());
		return;
	}
	print_holes("before");
	if (isatty(1))
		zdefrag_set_progress(d, draw_bar, NULL);
	zdefrag_run(d);
	if (isatty(1))
		printf("\r%60s\r", "");
	zdefrag_get_stats(d, &stats);
	if (stats.moved == 0)
		printf("nothing to gain: blocks and caches of other threads are in every slab\n");
	else
		printf("moved %" PRIu64 " blocks, gave back %" PRIu64 " slabs, in %.1f ms of CPU "
		       "time and never more than %.2f ms at once\n",
		       stats.moved, stats.slabs_released,
		       (double)(stats.cpu_ns - stats.purge_ns) / 1e6,
		       (double)stats.longest_slice_ns / 1e6);
	print_holes("after");
	zdefrag_free(d);
}

/* ---- The run ---- */

static void open_index(void)
{
	shards = zcalloc_num(SHARDS, sizeof(*shards));
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&shards[i].lock, NULL);
}

static void close_index(void)
{
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&shards[i].lock);
	zfree(shards);
	shards = NULL;
}

static void load_quarters(int64_t main_start)
{
	static const char *const names[] = {"1/4 loaded", "1/2 loaded", "3/4 loaded", "loaded"};

	for (size_t i = 1; i <= 4; i++) {
		crew.end_path = path_count * i / 4;
		run_stage(LOAD);
		print_row(names[i - 1], main_start);
	}
}

static int usage(FILE *out, int status)
{
	fputs("usage: wordstore [FILE or FOLDER]...\n"
	      "Indexes the words of the given texts, by default of the licence texts that the\n"
	      "system ships, and shows what that takes.\n",
	      out);
	return status;
}

/* The index from first to last. Returns whether all texts were read and all blocks freed. */
static int run(void)
{
	int64_t main_start = zmalloc_thread_used_memory();
	size_t start = zmalloc_used_memory(), end;
	pthread_t threads[WORKERS];

	print_row("start", main_start);
	open_index();
	for (intptr_t i = 0; i < WORKERS; i++) {
		errno = pthread_create(&threads[i], NULL, work, (void *)i);
		if (errno) {
			perror("wordstore: no thread");
			return 0;
		}
	}
	load_quarters(main_start);
	run_stage(HALVE);
	print_row("halved", main_start);
	defragment();
	print_row("defragmented", main_start);
	run_stage(DROP);
	print_row("dropped", main_start);
	run_stage(LEAVE);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	close_index();
	print_row("closed", main_start);

	end = zmalloc_used_memory();
	if (end == start)
		printf("\nUsed memory is back at the %zu bytes it began with.\n", end);
	else
		printf("\nUsed memory is %zu bytes, but began with %zu: something was lost.\n", end,
		       start);
	return end == start && !crew.failed;
}

int main(int argc, char **argv)
{
	int done;

	if (argc > 1 && (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")))
		return usage(stdout, 0);
	if (argc > 1 && argv[1][0] == '-')
		return usage(stderr, 2);
	if (argc > 1 ? find_texts(argc - 1, argv + 1) : find_licences())
		return 1;
	if (!path_count) {
		fputs(argc > 1 ? "wordstore: nothing to read there: no regular file\n"
			       : "wordstore: this system ships no licence texts where they are "
				 "looked for: give text files or folders\n",
		      stderr);
		return 1;
	}

	printf("wordstore: %zu texts, %d threads, libzmalloc %s on %s\n\n", path_count, WORKERS,
	       zmalloc_version(), zmalloc_allocator());
	print_head();
	done = run();
	forget_texts();
	return done ? 0 : 1;
}
