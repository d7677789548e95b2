/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/results.c - medians, and the forms in which they are written.
 */
#include "results.h"

#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts its values. */
static struct spread spread_of(double *values, size_t count)
{
	qsort(values, count, sizeof(values[0]), ascending);
	return (struct spread){.low = values[count / 4],
			       .median = values[count / 2],
			       .high = values[count * 3 / 4]};
}

static bool spread_over(const struct results *results, size_t workload, size_t column,
			bool relative, struct spread *spread)
{
	const double *ns = results->of[workload][column].ns;
	const double *reference = results->of[workload][0].ns;
	double *values = malloc(results->rounds * sizeof(values[0]));

	for (size_t i = 0; i < results->rounds; i++) {
		if (ns[i] < 0 || (relative && reference[i] < 0)) {
			free(values);
			return false;
		}
		values[i] = relative ? reference[i] / ns[i] : ns[i];
	}
	*spread = spread_of(values, results->rounds);
	free(values);
	return true;
}

bool spread_of_ns(const struct results *results, size_t workload, size_t column,
		  struct spread *spread)
{
	return spread_over(results, workload, column, false, spread);
}

bool spread_of_speed(const struct results *results, size_t workload, size_t column,
		     struct spread *spread)
{
	return spread_over(results, workload, column, true, spread);
}

static void write_cell(const struct results *results, size_t workload, size_t column, FILE *to)
{
	struct spread ns, speed;

	if (!spread_of_ns(results, workload, column, &ns)) {
		fprintf(to, " %20s", "-");
		return;
	}
	if (column == 0 || !spread_of_speed(results, workload, column, &speed))
		fprintf(to, " %10.*f%10s", ns.median < 1000 ? 2 : 0, ns.median, "");
	else
		fprintf(to, " %8.*f %.3f+-%-4.3f", ns.median < 1000 ? 2 : 0, ns.median,
			speed.median, (speed.high - speed.low) / 2);
}

void write_table(const struct results *results, FILE *to)
{
	fprintf(to, "%s\n", results->machine);
	fprintf(to,
		"ns of an operation, and speed as a ratio to %s: medians of %zu rounds, half the "
		"distance of the quartiles\n\n%-16s",
		results->column[0], results->rounds, "");
	for (size_t c = 0; c < results->columns; c++)
		fprintf(to, " %20s", results->column[c]);
	fputc('\n', to);
	for (size_t w = 0; w < results->workloads; w++) {
		fprintf(to, "%-16s", results->workload[w]);
		for (size_t c = 0; c < results->columns; c++)
			write_cell(results, w, c, to);
		fputc('\n', to);
	}
}

typedef void (*row_writer)(const char *workload, const char *column, const struct spread *ns,
			   const struct spread *speed, FILE *to);

/* A row for each workload and column. */
static void write_rows(const struct results *results, row_writer write_row, const char *between,
		       FILE *to)
{
	const char *separator = "";
	struct spread ns, speed;

	for (size_t w = 0; w < results->workloads; w++)
		for (size_t c = 0; c < results->columns; c++) {
			if (!spread_of_ns(results, w, c, &ns))
				continue;
			if (!spread_of_speed(results, w, c, &speed))
				speed = (struct spread){0, 0, 0};
			fputs(separator, to);
			write_row(results->workload[w], results->column[c], &ns, &speed, to);
			separator = between;
		}
}

static void write_csv_row(const char *workload, const char *column, const struct spread *ns,
			  const struct spread *speed, FILE *to)
{
	fprintf(to, "%s,%s,%.3f,%.3f,%.3f,%.4f,%.4f,%.4f\n", workload, column, ns->low, ns->median,
		ns->high, speed->low, speed->median, speed->high);
}

static void write_json_row(const char *workload, const char *column, const struct spread *ns,
			   const struct spread *speed, FILE *to)
{
	fprintf(to,
		"    {\"workload\": \"%s\", \"column\": \"%s\", \"ns\": [%.3f, %.3f, %.3f], "
		"\"speed\": [%.4f, %.4f, %.4f]}",
		workload, column, ns->low, ns->median, ns->high, speed->low, speed->median,
		speed->high);
}

void write_csv(const struct results *results, FILE *to)
{
	fprintf(to, "workload,column,ns_low,ns,ns_high,speed_low,speed,speed_high\n");
	write_rows(results, write_csv_row, "", to);
}

void write_json(const struct results *results, FILE *to)
{
	fprintf(to,
		"{\n  \"machine\": \"%s\",\n  \"reference\": \"%s\",\n  \"rounds\": %zu,\n"
		"  \"results\": [\n",
		results->machine, results->column[0], results->rounds);
	write_rows(results, write_json_row, ",\n", to);
	fprintf(to, "\n  ]\n}\n");
}

/* ---- Pictures ---- */

/*
 * A row for each workload that the reference can do:
 * its name, then speed, low and high of each column.
 */
static void write_plot_data(const struct results *results, FILE *to)
{
	struct spread speed;

	fprintf(to, "$data << END\n");
	for (size_t w = 0; w < results->workloads; w++) {
		if (!spread_of_ns(results, w, 0, &speed))
			continue;
		fprintf(to, "%s", results->workload[w]);
		for (size_t c = 1; c < results->columns; c++)
			if (spread_of_speed(results, w, c, &speed))
				fprintf(to, " %.4f %.4f %.4f", speed.median, speed.low, speed.high);
			else
				fprintf(to, " NaN NaN NaN");
		fputc('\n', to);
	}
	fprintf(to, "END\n");
}

/* Of what costs nanoseconds in itself, with no reference beside it. */
static void write_plot_ns(const struct results *results, FILE *to)
{
	struct spread ns;

	fprintf(to, "$ns << END\n");
	for (size_t w = 0; w < results->workloads; w++) {
		fprintf(to, "%s", results->workload[w]);
		for (size_t c = 0; c < results->columns; c++)
			if (spread_of_ns(results, w, c, &ns))
				fprintf(to, " %.3f", ns.median);
			else
				fprintf(to, " NaN");
		fputc('\n', to);
	}
	fprintf(to, "END\n");
}

static void write_plot_script(const struct results *results, const char *folder, FILE *to)
{
	write_plot_data(results, to);
	write_plot_ns(results, to);
	fprintf(to,
		"set terminal svg size 1400,560 font 'sans,13' background '#ffffff'\n"
		"set style data histogram\nset style fill solid 0.9 noborder\nset boxwidth 0.9\n"
		"set grid ytics lc '#dddddd'\nset border 3 lc '#777777'\n"
		"set xtics rotate by -40 nomirror\nset ytics nomirror\n"
		"set key outside top center horizontal\n"
		"set linetype 1 lc '#8da0cb'\nset linetype 2 lc '#1b7837'\n"
		"set linetype 3 lc '#5aae61'\nset linetype 4 lc '#d6604d'\n"
		"set linetype 5 lc '#f4a582'\nset linetype 6 lc '#777777'\n"
		"set output '%s/speed.svg'\nset title 'Speed as a ratio to %s (longer is faster; "
		"whiskers: quartiles)'\nset style histogram errorbars gap 1.5 lw 1\n"
		"set yrange [0:*]\nset arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc "
		"'#444444' dt 2\nplot ",
		folder, results->column[0]);
	for (size_t c = 1; c < results->columns; c++)
		fprintf(to, "%s$data using %zu:%zu:%zu%s title '%s' lt %zu", c > 1 ? ", " : "",
			c * 3 - 1, c * 3, c * 3 + 1, c == 1 ? ":xtic(1)" : "", results->column[c],
			c);
	fprintf(to,
		"\nunset arrow 1\nset output '%s/ns.svg'\nset title 'ns of an operation (shorter "
		"is "
		"faster)'\nset style histogram clustered gap 1.5\nset logscale y\nset yrange "
		"[*:*]\n"
		"plot $ns using 2:xtic(1) title '%s' lc '#cccccc'",
		folder, results->column[0]);
	for (size_t c = 1; c < results->columns; c++)
		fprintf(to, ", $ns using %zu title '%s' lt %zu", c + 2, results->column[c], c);
	fputc('\n', to);
}

bool write_plots(const struct results *results, const char *folder)
{
	FILE *gnuplot = popen("gnuplot", "w");

	if (gnuplot == NULL)
		return false;
	write_plot_script(results, folder, gnuplot);
	if (pclose(gnuplot) == 0)
		return true;
	fprintf(stderr, "bench: gnuplot failed; on Debian it is in the package gnuplot-nox\n");
	return false;
}
