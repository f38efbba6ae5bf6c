/* SPDX-License-Identifier: MIT */
/*
 * Micro-benchmarks: what an operation costs, beside what a floor or a peer costs in the same run.
 *
 * A row compares a subject with a reference. Each is a function that repeats its operation
 * `iterations` times; the harness chooses the number, so that one batch is much longer than the
 * clock's resolution, and takes samples of both in turn, so that a disturbance hits both. A sample
 * is the cost of one operation, averaged over a batch. Every unit is a cost: less is better (I/Os
 * per second are given as nanoseconds per I/O).
 *
 * The figures are the minimum, the median and the 99th percentile of the samples. The ratio is that
 * of the two minima, and goals are compared with minima: what the code costs where nothing disturbs
 * it. A missed goal is printed, not an error.
 *
 *     static void lookup(void *arg, uint64_t iterations)
 *     {
 *             for (uint64_t i = 0; i < iterations; i++)
 *                     bench_use(imap_find(arg, i & 1023, NULL));
 *     }
 *     ...
 *     struct bench_row row = {
 *             .path = "imap/find/1024",
 *             .subject = { .fn = lookup, .arg = &map },
 *             .reference = { .name = "array, binary search", .fn = array_lookup, .arg = &array },
 *             .goal = { BENCH_AT_MOST, 40, "at most 40 ns" },
 *     };
 *     return bench_run(&row) ? EXIT_FAILURE : EXIT_SUCCESS;
 *
 * Environment: UIOMMU_BENCH_JSON names a file that each row is appended to as a line of JSON;
 * UIOMMU_BENCH_SAMPLES is the number of samples (a few show that the program works, not what it
 * costs); UIOMMU_BENCH_FILTER runs only rows whose path contains it.
 */
#ifndef UIOMMU_BENCH_H
#define UIOMMU_BENCH_H

#include <stddef.h>
#include <stdint.h>

struct bench_side {
	const char *name; /* of the reference: "floor: direct-mapped array" */
	/* Does the operation @iterations times. */
	void (*fn)(void *arg, uint64_t iterations);
	/* Prepares a batch of @iterations; isn't timed; may be NULL. */
	void (*before)(void *arg, uint64_t iterations);
	void *arg;
	double ops;	     /* operations that one iteration counts as; 0 is 1 */
	uint64_t iterations; /* in one batch, at least 1; 0: the harness chooses */
};

enum bench_goal_kind {
	BENCH_NO_GOAL,
	BENCH_AT_MOST,	     /* the minimum is at most `limit`, in the row's unit */
	BENCH_RATIO_AT_MOST, /* it is at most `limit` times the reference's */
};

struct bench_goal {
	enum bench_goal_kind kind;
	double limit;
	const char *text; /* for people: "at most 3.5 ns" */
};

struct bench_row {
	const char *path; /* "layer/what/variant": unique in the whole of `make bench` */
	const char *unit; /* NULL is "ns"; bench_run() measures nanoseconds and nothing else */
	struct bench_side subject;
	struct bench_side reference; /* fn NULL: none */
	struct bench_goal goal;
	unsigned int samples; /* 0: as many as fit in about a quarter of a second, 11 .. 500 */
};

/**
 * bench_run() - measure a row, print and record it
 * Return: 0; -EINVAL a row without path or subject; -ENOMEM; -errno of the file that rows go to.
 */
int bench_run(const struct bench_row *row);

/**
 * bench_report() - print and record a row whose samples the caller took itself
 * @row:       path, unit, reference.name and goal are used
 * @samples:   cost of one operation, in the row's unit; sorted in place
 * @n:         at least 1
 * @reference: samples of the reference, sorted in place; NULL if there is none
 *
 * Take samples of both in turn. Return: as bench_run().
 */
int bench_report(
	const struct bench_row *row, double *samples, size_t n, double *reference, size_t nref);

/* Nanoseconds of a monotonic clock. */
uint64_t bench_now(void);

/* The compiler has to compute @value, and to assume that memory is read and changed here. */
static inline void bench_use(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/* The next number of a reproducible random sequence (splitmix64); start with any *@state. */
static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

#endif
