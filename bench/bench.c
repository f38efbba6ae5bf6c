/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_NS    200000u
#define ROW_NS	    250000000u
#define SAMPLES_MIN 11u
#define SAMPLES_MAX 500u
#define WARM_UP	    3u
#define LINE_LEN    2048

struct figures {
	double min, median, p99;
};

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What reading the clock adds to a batch. */
static uint64_t clock_cost(void)
{
	static uint64_t cost;

	if (cost)
		return cost;
	cost = UINT64_MAX;
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t start = bench_now(), took = bench_now() - start;

		if (took < cost)
			cost = took ? took : 1;
	}
	return cost;
}

static uint64_t batch_ns(const struct bench_side *side, uint64_t iterations)
{
	uint64_t start, took, cost = clock_cost();

	if (side->before)
		side->before(side->arg, iterations);
	start = bench_now();
	side->fn(side->arg, iterations);
	took = bench_now() - start;
	return took > cost ? took - cost : 0;
}

/* The first power of two whose batch is long enough. */
static uint64_t choose_iterations(const struct bench_side *side)
{
	uint64_t n = 1;

	if (side->iterations)
		return side->iterations;
	while (n < (uint64_t)1 << 40 && batch_ns(side, n) < BATCH_NS)
		n *= 2;
	return n;
}

static double sample(const struct bench_side *side, uint64_t iterations)
{
	double ops = side->ops > 0 ? side->ops : 1;

	return (double)batch_ns(side, iterations) / ((double)iterations * ops);
}

static unsigned int choose_samples(
	const struct bench_row *row, uint64_t subject, uint64_t reference)
{
	const char *env = getenv("UIOMMU_BENCH_SAMPLES");
	uint64_t start, once, fit;

	if (env && atoi(env) > 0)
		return (unsigned int)atoi(env);
	if (row->samples)
		return row->samples;
	start = bench_now();
	batch_ns(&row->subject, subject);
	if (row->reference.fn)
		batch_ns(&row->reference, reference);
	once = bench_now() - start;
	fit = ROW_NS / (once ? once : 1);
	return fit < SAMPLES_MIN   ? SAMPLES_MIN
	       : fit > SAMPLES_MAX ? SAMPLES_MAX
				   : (unsigned int)fit;
}

/* Both in turn, and who begins changes each time. */
static void take_samples(const struct bench_row *row, const uint64_t iterations[2], unsigned int n,
	double *samples, double *reference)
{
	const struct bench_side *side[2] = { &row->subject, &row->reference };
	double *out[2] = { samples, reference };

	for (unsigned int i = 0; i < n + WARM_UP; i++) {
		for (unsigned int turn = 0; turn < 2; turn++) {
			unsigned int who = (i + turn) & 1;

			if (!side[who]->fn)
				continue;
			/* The warm-up's samples are overwritten. */
			out[who][i < WARM_UP ? 0 : i - WARM_UP] =
				sample(side[who], iterations[who]);
		}
	}
}

static bool wanted(const char *path)
{
	const char *filter = getenv("UIOMMU_BENCH_FILTER");

	return !filter || strstr(path, filter);
}

int bench_run(const struct bench_row *row)
{
	uint64_t iterations[2] = { 0, 0 };
	double *samples;
	unsigned int n;
	int err;

	if (!row->path || !row->subject.fn)
		return -EINVAL;
	if (!wanted(row->path))
		return 0;
	iterations[0] = choose_iterations(&row->subject);
	if (row->reference.fn)
		iterations[1] = choose_iterations(&row->reference);
	n = choose_samples(row, iterations[0], iterations[1]);
	samples = calloc(2 * (size_t)n, sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	take_samples(row, iterations, n, samples, samples + n);
	err = bench_report(row, samples, n, row->reference.fn ? samples + n : NULL, n);
	free(samples);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct figures figures_of(double *samples, size_t n)
{
	qsort(samples, n, sizeof(*samples), compare);
	return (struct figures){ samples[0], samples[n / 2], samples[(n - 1) * 99 / 100] };
}

/* Text that grows in a fixed buffer; what doesn't fit is cut off, and seen by the length. */
struct line {
	char text[LINE_LEN];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (line->len >= sizeof(line->text))
		return;
	va_start(ap, fmt);
	len = vsnprintf(line->text + line->len, sizeof(line->text) - line->len, fmt, ap);
	va_end(ap);
	line->len += len > 0 ? (size_t)len : 0;
}

static void line_add_string(struct line *line, const char *text)
{
	line_add(line, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			line_add(line, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			line_add(line, "\\u%04x", (unsigned int)*text);
		else
			line_add(line, "%c", *text);
	}
	line_add(line, "\"");
}

static int append(const char *path, const struct line *line)
{
	int fd, err = 0;
	ssize_t written;

	if (line->len >= sizeof(line->text))
		return -EMSGSIZE;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	written = write(fd, line->text, line->len);
	if (written != (ssize_t)line->len)
		err = written < 0 ? -errno : -EIO;
	close(fd);
	return err;
}

static double ratio_of(const struct figures *subject, const struct figures *reference)
{
	return reference && reference->min > 0 ? subject->min / reference->min : 0;
}

static bool met(const struct bench_goal *goal, const struct figures *subject,
	const struct figures *reference)
{
	double value = goal->kind == BENCH_AT_MOST ? subject->min : ratio_of(subject, reference);

	return (goal->kind == BENCH_AT_MOST || (reference && reference->min > 0)) &&
	       value <= goal->limit;
}

static const char *unit_of(const struct bench_row *row)
{
	return row->unit ? row->unit : "ns";
}

static int record(
	const struct bench_row *row, const struct figures *subject, const struct figures *reference)
{
	const char *path = getenv("UIOMMU_BENCH_JSON");
	struct line line = { .len = 0 };

	if (!path || !*path)
		return 0;
	line_add(&line, "{\"path\": ");
	line_add_string(&line, row->path);
	line_add(&line, ", \"unit\": ");
	line_add_string(&line, unit_of(row));
	line_add(&line, ", \"min\": %.4g, \"median\": %.4g, \"p99\": %.4g", subject->min,
		subject->median, subject->p99);
	if (reference) {
		line_add(&line,
			", \"reference\": %.4g, \"reference_median\": %.4g, \"reference_name\": ",
			reference->min, reference->median);
		line_add_string(&line, row->reference.name ? row->reference.name : "reference");
		line_add(&line, ", \"ratio\": %.4g", ratio_of(subject, reference));
	} else {
		line_add(&line, ", \"reference\": null, \"reference_name\": null, \"ratio\": null");
	}
	if (row->goal.kind != BENCH_NO_GOAL) {
		line_add(&line, ", \"goal\": ");
		line_add_string(&line, row->goal.text ? row->goal.text : "");
		line_add(&line, ", \"goal_kind\": \"%s\", \"goal_limit\": %g, \"met\": %s",
			row->goal.kind == BENCH_AT_MOST ? "min" : "ratio", row->goal.limit,
			met(&row->goal, subject, reference) ? "true" : "false");
	} else {
		line_add(&line, ", \"goal\": null");
	}
	line_add(&line, "}\n");
	return append(path, &line);
}

static void print(
	const struct bench_row *row, const struct figures *subject, const struct figures *reference)
{
	static bool titled;

	if (!titled)
		printf("%-36s %9s %9s %9s\n", "path", "min", "median", "p99");
	titled = true;
	printf("%-36s %9.4g %9.4g %9.4g %s", row->path, subject->min, subject->median, subject->p99,
		unit_of(row));
	if (reference)
		printf("; %s %.4g / %.4g, ratio %.3g",
			row->reference.name ? row->reference.name : "reference", reference->min,
			reference->median, ratio_of(subject, reference));
	if (row->goal.kind != BENCH_NO_GOAL)
		printf("; goal %s: %s", row->goal.text ? row->goal.text : "",
			met(&row->goal, subject, reference) ? "met" : "missed");
	printf("\n");
	fflush(stdout);
}

int bench_report(
	const struct bench_row *row, double *samples, size_t n, double *reference, size_t nref)
{
	struct figures subject, other;
	bool compared = reference && nref;

	if (!row->path || !n)
		return -EINVAL;
	if (!wanted(row->path))
		return 0;
	subject = figures_of(samples, n);
	if (compared)
		other = figures_of(reference, nref);
	print(row, &subject, compared ? &other : NULL);
	return record(row, &subject, compared ? &other : NULL);
}
