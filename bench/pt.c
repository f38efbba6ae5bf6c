/* SPDX-License-Identifier: MIT */
/*
 * Page tables: map, unmap and walk in each format, beside a floor that only does what can't be left
 * out.
 *
 * For stores the floor is a loop that writes the same entries into tables that it knows; where
 * tables are new, it takes them from an array and zeroes them. For walks it chases the same
 * pointers through the same tables, and checks nothing. A call of the floor isn't inlined either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "pt/pt.h"

#define PAGE	 ((uint64_t)4096)
#define MIB	 ((uint64_t)1 << 20)
#define GIB	 ((uint64_t)1 << 30)
#define RW	 (PT_READ | PT_WRITE)
#define ENTRIES	 512
#define ADDR	 0x0000fffffffff000u
#define BASE	 (64 * GIB)	     /* of what is mapped and unmapped */
#define WALKED	 ((uint64_t)1 << 20) /* pages that walks choose from, at address 0 */
#define DELTA	 PAGE		     /* nothing larger than a page fits */
#define NOINLINE __attribute__((noinline))

/* One format's table, and what a row does to it: operations of @len bytes, @stride apart. */
struct tree {
	const struct pt_ops *ops;
	struct pt pt;
	struct pt_gather gather;
	uint64_t len, stride;
	uint64_t delta; /* output minus input address */
};

/* The floor's tables. */
static uint64_t (*floor_tables)[ENTRIES];
static size_t floor_next;

static void map(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t iova = BASE + i * t->stride;

		if (t->ops->map(&t->pt, iova, iova + t->delta, t->len, RW))
			abort();
	}
}

static void unmap(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations; i++)
		t->ops->unmap(&t->pt, BASE + i * t->stride, t->len, &t->gather);
}

static void clear(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	unmap(t, iterations);
	pt_gather_free(&t->pt, &t->gather);
}

static void prepare_unmap(void *arg, uint64_t iterations)
{
	clear(arg, iterations);
	map(arg, iterations);
}

static void floor_reset(void *arg, uint64_t iterations)
{
	floor_next = 0;
}

static NOINLINE uint64_t *chase(const uint64_t *table, uint64_t iova, unsigned int level)
{
	for (unsigned int l = 3; l > level; l--)
		table = (const uint64_t *)(uintptr_t)(table[iova >> (12 + 9 * l) & 511] & ADDR);
	return (uint64_t *)(uintptr_t)&table[iova >> (12 + 9 * level) & 511];
}

/* A descent and the store of what is there already. */
static void floor_one(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t *entry = chase(t->pt.top, BASE + i * PAGE, 0);

		*(volatile uint64_t *)entry = *entry;
	}
}

static NOINLINE void store(uint64_t *entry, uint64_t value, uint64_t step, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++, value += step)
		entry[i] = value;
	bench_use(0);
}

/* Entries of tables that are there: of @len by @step. */
static void floor_entries(struct tree *t, uint64_t iterations, uint64_t step)
{
	for (uint64_t i = 0; i < iterations; i++)
		store(floor_tables[i & 7], BASE + i, step, t->len / step);
}

static void floor_pages(void *arg, uint64_t iterations)
{
	floor_entries(arg, iterations, PAGE);
}

static void floor_blocks(void *arg, uint64_t iterations)
{
	floor_entries(arg, iterations, 2 * MIB);
}

/* Entries of new tables. */
static void floor_new_tables(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations * (t->len / (2 * MIB)); i++) {
		uint64_t *table = floor_tables[floor_next++];

		memset(table, 0, PAGE);
		bench_use(0);
		store(table, BASE + i, PAGE, ENTRIES);
	}
}

static void floor_clear(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations * (t->len / (2 * MIB)); i++)
		store(floor_tables[floor_next++], 0, 0, ENTRIES);
}

/* Walks. */

static void walk_hot(void *arg, uint64_t iterations)
{
	struct tree *t = arg;
	struct pt_leaf leaf;

	for (uint64_t i = 0; i < iterations; i++) {
		if (t->ops->walk(&t->pt, 0x12345678, PT_READ, &leaf))
			abort();
		bench_use(leaf.pa);
	}
}

static void floor_hot(void *arg, uint64_t iterations)
{
	struct tree *t = arg;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(*chase(t->pt.top, 0x12345678, 0) & ADDR);
}

static void walk_random(void *arg, uint64_t iterations)
{
	struct tree *t = arg;
	struct pt_leaf leaf;
	uint64_t state = iterations;

	for (uint64_t i = 0; i < iterations; i++) {
		if (t->ops->walk(&t->pt, bench_random(&state) % WALKED * PAGE, PT_READ, &leaf))
			abort();
		bench_use(leaf.pa);
	}
}

static void floor_random(void *arg, uint64_t iterations)
{
	struct tree *t = arg;
	uint64_t state = iterations;

	for (uint64_t i = 0; i < iterations; i++)
		bench_use(*chase(t->pt.top, bench_random(&state) % WALKED * PAGE, 0) & ADDR);
}

/* Each address is known only when the one before has been translated. */
static uint64_t next_of(uint64_t pa, uint64_t i)
{
	return ((pa + i) * 0x9e3779b97f4a7c15u >> 44) * PAGE;
}

static void walk_dependent(void *arg, uint64_t iterations)
{
	struct tree *t = arg;
	struct pt_leaf leaf = { 0 };

	for (uint64_t i = 0; i < iterations; i++) {
		if (t->ops->walk(&t->pt, next_of(leaf.pa, i), PT_READ, &leaf))
			abort();
	}
	bench_use(leaf.pa);
}

static void floor_dependent(void *arg, uint64_t iterations)
{
	struct tree *t = arg;
	uint64_t pa = 0;

	for (uint64_t i = 0; i < iterations; i++)
		pa = *chase(t->pt.top, next_of(pa, i), 0) & ADDR;
	bench_use(pa);
}

/* Rows. */

typedef void bench_fn(void *arg, uint64_t iterations);

struct line {
	const char *what;
	bench_fn *before, *subject, *floor;
	const char *floor_name;
	uint64_t len, stride; /* of operations */
	uint64_t unit;	      /* what is counted */
	uint64_t iterations;
	uint64_t keep,
		nkeep; /* the last page of each of so many ranges of this size stays mapped */
	struct bench_goal goal;
};

#define ONE	     "floor: chase and store", PAGE, PAGE, PAGE, 256, 2 * MIB, 1
#define PRESENT	     "floor: stores", MIB, 2 * MIB, PAGE, 16, 2 * MIB, 16
#define NEW(len, n)  "floor: zero tables, stores", len, len, PAGE, n, 0, 0
#define FULL(len, n) "floor: stores of 0", len, len, PAGE, n, 0, 0
#define BLOCKS	     "floor: stores", 64 * MIB, 64 * MIB, 2 * MIB, 15, GIB, 1
#define CHASE	     "floor: pointer chase", 0, 0, 0, 0, 0, 0
#define ABSOLUTE(n, text)                                                                          \
	{                                                                                          \
		BENCH_AT_MOST, n, "at most " text " ns"                                            \
	}
#define RATIO(n, text)                                                                             \
	{                                                                                          \
		BENCH_RATIO_AT_MOST, n, "at most " text " times the floor"                         \
	}

static const struct line lines[] = {
	{ "map/4k", clear, map, floor_one, ONE, ABSOLUTE(15, "15") },
	{ "unmap/4k", prepare_unmap, unmap, floor_one, ONE, ABSOLUTE(20, "20") },
	{ "map/1m-by-4k", clear, map, floor_pages, PRESENT, ABSOLUTE(2, "2.0") },
	{ "unmap/1m-by-4k", prepare_unmap, unmap, floor_pages, PRESENT, ABSOLUTE(2, "2.0") },
	{ "map/64m-by-4k", clear, map, floor_new_tables, NEW(64 * MIB, 4), RATIO(1.25, "1.25") },
	{ "unmap/64m-by-4k", prepare_unmap, unmap, floor_clear, FULL(64 * MIB, 4),
		RATIO(1.25, "1.25") },
	{ "map/1g-by-4k", clear, map, floor_new_tables, NEW(GIB, 1), RATIO(1.25, "1.25") },
	{ "unmap/1g-by-4k", prepare_unmap, unmap, floor_clear, FULL(GIB, 1), RATIO(1.25, "1.25") },
	{ "map/64m-by-2m", clear, map, floor_blocks, BLOCKS, ABSOLUTE(2, "2.0") },
	{ "unmap/64m-by-2m", prepare_unmap, unmap, floor_blocks, BLOCKS, ABSOLUTE(2, "2.0") },
	{ "walk/hot", NULL, walk_hot, floor_hot, CHASE, ABSOLUTE(9, "9") },
	{ "walk/random", NULL, walk_random, floor_random, CHASE, { 0 } },
	{ "walk/random-dependent", NULL, walk_dependent, floor_dependent, CHASE,
		ABSOLUTE(30, "30") },
};

static int keep_tables(struct tree *t, const struct line *line)
{
	int err = 0;

	for (uint64_t i = 1; !err && i <= line->nkeep; i++)
		err = t->ops->map(&t->pt, BASE + i * line->keep - PAGE, 0, PAGE, RW);
	return err;
}

static int run(struct tree *t, const struct line *line)
{
	double ops = line->unit ? (double)(line->len / line->unit) : 1;
	char path[64];
	struct bench_row row = {
		.path = path,
		.subject = { NULL, line->subject, line->before, t, ops, line->iterations },
		.reference = { line->floor_name, line->floor, floor_reset, t, ops,
			line->iterations },
		.goal = line->goal,
	};
	int err;

	snprintf(path, sizeof(path), "pt/%s/%s", t->ops->name, line->what);
	t->len = line->len;
	t->stride = line->stride;
	t->delta = line->unit == PAGE ? DELTA : 0;
	err = keep_tables(t, line);
	if (!err)
		err = bench_run(&row);
	t->ops->unmap(&t->pt, BASE, BASE, &t->gather);
	pt_gather_free(&t->pt, &t->gather);
	return err;
}

static int run_format(const struct pt_ops *ops)
{
	struct tree t = { .ops = ops };
	int err = ops->init(&t.pt, NULL);

	if (err)
		return err;
	err = ops->map(&t.pt, 0, DELTA, WALKED * PAGE, RW);
	for (size_t i = 0; !err && i < sizeof(lines) / sizeof(lines[0]); i++)
		err = run(&t, &lines[i]);
	ops->fini(&t.pt);
	return err;
}

int main(void)
{
	size_t len = GIB / (2 * MIB) * sizeof(*floor_tables);
	int err;

	floor_tables = aligned_alloc(2 * MIB, len);
	if (!floor_tables)
		return EXIT_FAILURE;
	(void)madvise(floor_tables, len, MADV_HUGEPAGE);
	memset(floor_tables, 0, len);
	err = run_format(&pt_x86_64);
	if (!err)
		err = run_format(&pt_armv8_4k);
	free(floor_tables);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
