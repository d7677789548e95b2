/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/defrag.c - what defragmentation gains and costs, beside the known rule.
 *
 * Every row is a process of its own: a heap is filled, freed in part, defragmented by one rule
 * until fragmentation is at the target or the rule stops moving, and checked. Figures are medians
 * over the seeds.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmalloc.h>

#include "bench/defrag_heap.h"
#include "bench/defrag_rules.h"

#define SEEDS_MAX 15

/* Ten seconds of them are enough. */
#define IDLE_SLICES_MAX 20000

static struct options {
	const char *patterns, *rules, *sizes, *arenas, *unknown, *churn, *mib, *plot;
	unsigned seeds;
	double target_percent;
	bool json;
} options = {
	.patterns = "rand50,rand70,alt,age,ttl",
	.rules = "known1,known,mended,hints,driver",
	.sizes = "small",
	.arenas = "1",
	.unknown = "0",
	.churn = "no",
	.mib = "200",
	.seeds = 3,
	.target_percent = 1,
};

static const char usage_text[] =
	"usage: defrag [options]\n"
	"  --patterns LIST   rand50,rand70,alt,age,ttl\n"
	"  --rules LIST      known1,known,mended,hints,driver\n"
	"  --sizes LIST      small,skewed\n"
	"  --arenas LIST     1,4\n"
	"  --unknown LIST    percent of blocks that the walk never shows: 0,0.2,1,5\n"
	"  --churn LIST      no,yes: 256 frees and allocations for each 1,024 blocks examined\n"
	"  --mib LIST        MiB filled: 200,1024\n"
	"  --target PERCENT  stop at this fragmentation, a whole number; 1\n"
	"  --seeds N         medians of N runs; 3\n"
	"  --json            one object a row instead of a table\n"
	"  --plot FILE.svg   fragmentation over CPU time, drawn by gnuplot\n"
	"LIST is one or more of the values, with commas.\n";

/* ---- One run ---- */

static void run_in_child(const struct heap_spec *spec, const struct rule *rule,
			 struct outcome *outcome)
{
	struct heap heap;
	struct slab_census *census;

	heap_build(&heap, spec);
	census = heap_census(&heap);
	zmalloc_purge();
	outcome->before_percent = heap_frag().percent;
	outcome->rss_before = (double)zmalloc_get_rss();
	outcome->sample[0] = (struct sample){0, outcome->before_percent};
	outcome->samples = 1;
	rule->run(&heap, options.target_percent, outcome);
	outcome->after_percent = heap_frag().percent;
	outcome->rss_after = (double)zmalloc_get_rss();
	outcome->floor_bytes = (double)heap_floor(census);
	heap_check(&heap);
}

static bool write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t wrote = write(fd, bytes, size);

		if (wrote <= 0)
			return false;
		bytes += wrote;
		size -= (size_t)wrote;
	}
	return true;
}

static bool read_all(int fd, char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t got = read(fd, bytes, size);

		if (got <= 0)
			return false;
		bytes += got;
		size -= (size_t)got;
	}
	return true;
}

static bool run_once(const struct heap_spec *spec, const struct rule *rule, struct outcome *outcome)
{
	int ends[2], status;
	pid_t child;
	bool whole;

	if (pipe(ends) != 0 || (child = fork()) < 0) {
		perror("defrag");
		exit(1);
	}
	if (child == 0) {
		close(ends[0]);
		memset(outcome, 0, sizeof(*outcome));
		run_in_child(spec, rule, outcome);
		_exit(write_all(ends[1], (const char *)outcome, sizeof(*outcome)) ? 0 : 1);
	}
	close(ends[1]);
	whole = read_all(ends[0], (char *)outcome, sizeof(*outcome));
	close(ends[0]);
	waitpid(child, &status, 0);
	return whole && status == 0;
}

/* ---- Medians ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_at(const struct outcome *outcomes, unsigned count, size_t offset)
{
	double values[SEEDS_MAX];

	for (unsigned i = 0; i < count; i++)
		memcpy(&values[i], (const char *)&outcomes[i] + offset, sizeof(double));
	qsort(values, count, sizeof(values[0]), by_value);
	return values[count / 2];
}

static double worst_at(const struct outcome *outcomes, unsigned count, size_t offset)
{
	double worst = 0, value;

	for (unsigned i = 0; i < count; i++) {
		memcpy(&value, (const char *)&outcomes[i] + offset, sizeof(value));
		worst = value > worst ? value : worst;
	}
	return worst;
}

static double sum_at(const struct outcome *outcomes, unsigned count, size_t offset)
{
	double sum = 0, value;

	for (unsigned i = 0; i < count; i++) {
		memcpy(&value, (const char *)&outcomes[i] + offset, sizeof(value));
		sum += value;
	}
	return sum;
}

#define SUM(member) sum_at(outcomes, count, offsetof(struct outcome, member))
#define MEDIAN(member) median_at(outcomes, count, offsetof(struct outcome, member))
#define WORST(member) worst_at(outcomes, count, offsetof(struct outcome, member))

/* Median of moved over floor, run by run. */
static double median_ratio(const struct outcome *outcomes, unsigned count)
{
	double values[SEEDS_MAX];

	for (unsigned i = 0; i < count; i++)
		values[i] = outcomes[i].floor_bytes > 0
				    ? outcomes[i].moved_bytes / outcomes[i].floor_bytes
				    : 0;
	qsort(values, count, sizeof(values[0]), by_value);
	return values[count / 2];
}

/* ---- Output ---- */

static void describe(const struct heap_spec *spec, char *text, size_t size)
{
	snprintf(text, size, "%s %s, %zu MiB, %u arena%s, %.1f %% unknown%s", spec->pattern,
		 spec->skewed ? "skewed" : "small", spec->fill_bytes >> 20, spec->arenas,
		 spec->arenas == 1 ? "" : "s", spec->unknown_permille / 10.0,
		 spec->churn ? ", churn" : "");
}

static void print_heading(const struct heap_spec *spec)
{
	char text[128];

	describe(spec, text, sizeof(text));
	printf("\n%s\n%-8s %15s %6s %8s %8s %6s %8s %7s %16s %7s %15s %12s\n", text, "rule",
	       "frag %", "passes", "moved MB", "floor MB", "x", "examined", "CPU s",
	       "slice (over 1ms)", "refused", "RSS MiB", "purge ms");
}

static void print_row(const struct rule *rule, const struct outcome *outcomes, unsigned count)
{
	char slice[32];

	snprintf(slice, sizeof(slice), "%.2fms (%.0f)", WORST(slice_ms), SUM(slices_over));
	printf("%-8s %6.1f -> %5.2f %6.1f %8.1f %8.1f %6.2f %7.2fM %7.3f %16s %6.2fM %6.0f -> "
	       "%5.0f %5.0f (%4.1f)\n",
	       rule->name, MEDIAN(before_percent), MEDIAN(after_percent), WORST(passes),
	       MEDIAN(moved_bytes) / 1e6, MEDIAN(floor_bytes) / 1e6, median_ratio(outcomes, count),
	       MEDIAN(visited) / 1e6, MEDIAN(cpu_s), slice, MEDIAN(refused) / 1e6,
	       MEDIAN(rss_before) / (1 << 20), MEDIAN(rss_after) / (1 << 20), MEDIAN(purge_ms),
	       WORST(purge_slice_ms));
	fflush(stdout);
}

static void print_json(const struct heap_spec *spec, const struct rule *rule,
		       const struct outcome *outcomes, unsigned count)
{
	printf("{\"pattern\":\"%s\",\"sizes\":\"%s\",\"fill_bytes\":%zu,\"arenas\":%u,"
	       "\"unknown_percent\":%.1f,\"churn\":%s,\"rule\":\"%s\",\"seeds\":%u,"
	       "\"frag_percent_before\":%.3f,\"frag_percent_after\":%.3f,\"passes\":%.2f,"
	       "\"moved_bytes\":%.0f,\"floor_bytes\":%.0f,\"moved_over_floor\":%.4f,"
	       "\"examined\":%.0f,\"refused\":%.0f,\"cpu_seconds\":%.4f,\"longest_slice_ms\":%.3f,"
	       "\"slices\":%.0f,\"slices_over_1ms\":%.0f,"
	       "\"purge_cpu_ms\":%.3f,\"longest_purge_ms\":%.3f,"
	       "\"rss_bytes_before\":%.0f,\"rss_bytes_after\":%.0f}\n",
	       spec->pattern, spec->skewed ? "skewed" : "small", spec->fill_bytes, spec->arenas,
	       spec->unknown_permille / 10.0, spec->churn ? "true" : "false", rule->name, count,
	       MEDIAN(before_percent), MEDIAN(after_percent), WORST(passes), MEDIAN(moved_bytes),
	       MEDIAN(floor_bytes), median_ratio(outcomes, count), MEDIAN(visited), MEDIAN(refused),
	       MEDIAN(cpu_s), WORST(slice_ms), SUM(slices), SUM(slices_over), MEDIAN(purge_ms),
	       WORST(purge_slice_ms), MEDIAN(rss_before), MEDIAN(rss_after));
	fflush(stdout);
}

/* ---- The picture: the first heap of the run, one line a rule ---- */

static FILE *plot_data;
static char plot_commands[2048];
static int plot_lines;

static void plot_row(const struct rule *rule, const struct outcome *outcome)
{
	size_t length = strlen(plot_commands);

	for (uint32_t i = 0; i < outcome->samples; i++)
		fprintf(plot_data, "%.6f %.4f\n", outcome->sample[i].cpu_s,
			outcome->sample[i].percent);
	fprintf(plot_data, "%.6f %.4f\n\n\n", outcome->cpu_s, outcome->after_percent);
	snprintf(plot_commands + length, sizeof(plot_commands) - length,
		 "%s data index %d using 1:2 with lines linewidth 2 title \"%s\"",
		 length == 0 ? "plot" : ",", plot_lines++, rule->text);
}

static void draw(const struct heap_spec *spec)
{
	char title[128];
	FILE *gnuplot = popen("gnuplot", "w");

	if (gnuplot == NULL) {
		fprintf(stderr, "defrag: --plot needs gnuplot (Debian: gnuplot-nox)\n");
		exit(1);
	}
	describe(spec, title, sizeof(title));
	fprintf(gnuplot,
		"set terminal svg size 900,540 font 'sans,13' background 'white'\n"
		"set output '%s'\nset title \"%s\"\nset xlabel 'CPU seconds'\n"
		"set ylabel 'fragmentation, %% of live bytes'\nset yrange [0:*]\nset grid\n"
		"data = '%s.dat'\n%s\n",
		options.plot, title, options.plot, plot_commands);
	if (pclose(gnuplot) != 0) {
		fprintf(stderr, "defrag: gnuplot failed; --plot needs it (Debian: gnuplot-nox)\n");
		exit(1);
	}
}

/* ---- Rows ---- */

static bool listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
		if ((at == list || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
			return true;
	return false;
}

/* By all rules together. */
static size_t slices_taken;

/* What in the longest slices is the machine's own. */
static void run_idle(void)
{
	size_t slices = slices_taken < IDLE_SLICES_MAX ? slices_taken : IDLE_SLICES_MAX, over;
	double longest_ms = idle_slices(slices, &over);

	if (options.json)
		printf("{\"rule\":\"idle\",\"slices\":%zu,\"longest_slice_ms\":%.3f,"
		       "\"slices_over_1ms\":%zu}\n",
		       slices, longest_ms, over);
	else
		printf("\nThe machine: of %zu slices that did nothing the longest took %.2f ms; "
		       "%zu over "
		       "1 ms.\n",
		       slices, longest_ms, over);
}

static void run_rule(const struct heap_spec *spec, const struct rule *rule, bool plot)
{
	struct outcome *outcomes = calloc(options.seeds, sizeof(*outcomes));
	struct heap_spec seeded = *spec;

	for (unsigned i = 0; i < options.seeds; i++) {
		seeded.seed = i + 1;
		if (isatty(2))
			fprintf(stderr, "\r%s %s, seed %u of %u   ", spec->pattern, rule->name,
				i + 1, options.seeds);
		if (!run_once(&seeded, rule, &outcomes[i])) {
			fprintf(stderr, "defrag: %s with %s failed\n", rule->name, spec->pattern);
			exit(1);
		}
	}
	if (isatty(2))
		fprintf(stderr, "\r%60s\r", "");
	if (options.json)
		print_json(spec, rule, outcomes, options.seeds);
	else
		print_row(rule, outcomes, options.seeds);
	if (plot)
		plot_row(rule, &outcomes[0]);
	slices_taken += (size_t)sum_at(outcomes, options.seeds, offsetof(struct outcome, slices));
	free(outcomes);
}

static void run_heap(const struct heap_spec *spec)
{
	bool plot = options.plot != NULL && plot_commands[0] == 0;

	if (!options.json)
		print_heading(spec);
	for (size_t i = 0; i < rule_count; i++)
		if (listed(options.rules, rules[i].name))
			run_rule(spec, &rules[i], plot);
	if (plot) {
		fclose(plot_data);
		draw(spec);
	}
}

static void run_all(void)
{
	static const char *const patterns[] = {"rand50", "rand70", "alt", "age", "ttl"};
	char *mib = strdup(options.mib), *arenas, *unknown, *save[3];

	for (char *m = strtok_r(mib, ",", &save[0]); m != NULL; m = strtok_r(NULL, ",", &save[0]))
		for (int skewed = 0; skewed < 2; skewed++)
			for (int churn = 0; churn < 2; churn++) {
				struct heap_spec spec = {.skewed = skewed != 0,
							 .churn = churn != 0,
							 .fill_bytes = strtoul(m, NULL, 10) << 20};

				if (!listed(options.sizes, skewed ? "skewed" : "small") ||
				    !listed(options.churn, churn ? "yes" : "no"))
					continue;
				arenas = strdup(options.arenas);
				for (char *a = strtok_r(arenas, ",", &save[1]); a != NULL;
				     a = strtok_r(NULL, ",", &save[1])) {
					spec.arenas = (unsigned)strtoul(a, NULL, 10);
					unknown = strdup(options.unknown);
					for (char *u = strtok_r(unknown, ",", &save[2]); u != NULL;
					     u = strtok_r(NULL, ",", &save[2])) {
						spec.unknown_permille =
							(unsigned)(strtod(u, NULL) * 10 + 0.5);
						for (size_t i = 0; i < 5; i++) {
							spec.pattern = patterns[i];
							if (listed(options.patterns, patterns[i]))
								run_heap(&spec);
						}
					}
					free(unknown);
				}
				free(arenas);
			}
	free(mib);
}

static void parse(int argc, char **argv)
{
	static const struct option long_options[] = {{"patterns", required_argument, NULL, 'p'},
						     {"rules", required_argument, NULL, 'r'},
						     {"sizes", required_argument, NULL, 's'},
						     {"arenas", required_argument, NULL, 'a'},
						     {"unknown", required_argument, NULL, 'u'},
						     {"churn", required_argument, NULL, 'c'},
						     {"mib", required_argument, NULL, 'm'},
						     {"target", required_argument, NULL, 't'},
						     {"seeds", required_argument, NULL, 'n'},
						     {"json", no_argument, NULL, 'j'},
						     {"plot", required_argument, NULL, 'o'},
						     {"help", no_argument, NULL, 'h'},
						     {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		switch (option) {
		case 'p':
			options.patterns = optarg;
			break;
		case 'r':
			options.rules = optarg;
			break;
		case 's':
			options.sizes = optarg;
			break;
		case 'a':
			options.arenas = optarg;
			break;
		case 'u':
			options.unknown = optarg;
			break;
		case 'c':
			options.churn = optarg;
			break;
		case 'm':
			options.mib = optarg;
			break;
		case 't':
			options.target_percent = strtod(optarg, NULL);
			break;
		case 'n':
			options.seeds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'j':
			options.json = true;
			break;
		case 'o':
			options.plot = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	if (options.seeds < 1 || options.seeds > SEEDS_MAX || options.target_percent < 1) {
		fprintf(stderr, "defrag: --seeds from 1 to %d, --target from 1\n", SEEDS_MAX);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	char data[4096];

	parse(argc, argv);
	if (!zmalloc_has(ZMALLOC_CAN_DEFRAG) || !raw_open()) {
		printf("SKIP: the rules to compare with need jemalloc; this is %s\n",
		       zmalloc_allocator());
		return 77;
	}
	if (options.plot != NULL) {
		snprintf(data, sizeof(data), "%s.dat", options.plot);
		plot_data = fopen(data, "w");
		if (plot_data == NULL) {
			fprintf(stderr, "defrag: %s: %s\n", data, strerror(errno));
			return 1;
		}
	}
	if (!options.json)
		printf("%s, medians of %u, longest slice and purge: the worst; target %.0f %%\n",
		       zmalloc_allocator(), options.seeds, options.target_percent);
	run_all();
	run_idle();
	return 0;
}
