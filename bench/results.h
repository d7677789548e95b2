/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench/results.h - rounds gathered, medians taken of them, and the forms in which they are
 * written.
 *
 * All ratios are of one round: the reference column and the other ran one after the other, and the
 * median is that of these ratios. The machine may slow down in the middle of a run; it slows down
 * both.
 */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define COLUMNS_MAX 12
#define WORKLOADS_MAX 40

struct rounds {
	double *ns; /* of one operation, one for each round; negative: cannot be done */
};

struct results {
	size_t columns, workloads, rounds;
	const char *column[COLUMNS_MAX]; /* 0 is the reference */
	const char *workload[WORKLOADS_MAX], *what[WORKLOADS_MAX];
	struct rounds of[WORKLOADS_MAX][COLUMNS_MAX];
	char machine[128];
};

/* A median and the quartiles around it. */
struct spread {
	double low, median, high;
};

/* False if this column cannot do this workload. Speed: of the column over the reference's. */
bool spread_of_ns(const struct results *results, size_t workload, size_t column,
		  struct spread *spread);
bool spread_of_speed(const struct results *results, size_t workload, size_t column,
		     struct spread *spread);

void write_table(const struct results *results, FILE *to);
void write_csv(const struct results *results, FILE *to);
void write_json(const struct results *results, FILE *to);

/* Pictures: FOLDER/speed.svg and FOLDER/ns.svg. Returns false, with a message, if gnuplot fails. */
bool write_plots(const struct results *results, const char *folder);

#endif
