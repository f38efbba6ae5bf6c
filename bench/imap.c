/* SPDX-License-Identifier: MIT */
/*
 * The interval map with a million ranges of one page. Peers: libc's tsearch(), which is a red-black
 * tree with a node per range, for insertion; a binary search in a sorted array, the floor of what
 * is searched by comparison, for lookups; and for places, a walk over as many gaps as the kernel's
 * allocator had to pass in the figure that the goal is taken from.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/imap.h"
#include "base/range.h"
#include "bench.h"

#define MILLION ((uint64_t)1000000)
#define SMOKE	((uint64_t)50000) /* where one or two samples show that the program works */
#define PAGE	((uint64_t)4096)
#define WALKED	((uint64_t)20000)

struct range {
	uint64_t start, last;
};

static struct {
	uint64_t ranges;
	struct imap map;
	void *tree;
	struct range *sorted;
	uint64_t *order; /* of insertion; also of lookups */
	uint64_t at;	 /* position in `order` */
} world;

/* Pages with a free page after each. */
static struct range range_at(uint64_t i)
{
	return (struct range){ i * 2 * PAGE, i * 2 * PAGE + PAGE - 1 };
}

static void order_sequential(void)
{
	for (uint64_t i = 0; i < world.ranges; i++)
		world.order[i] = i;
}

static void order_shuffle(void)
{
	uint64_t state = 1;

	for (uint64_t i = world.ranges - 1; i; i--) {
		uint64_t j = bench_random(&state) % (i + 1), other = world.order[j];

		world.order[j] = world.order[i];
		world.order[i] = other;
	}
}

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->start > y->last) - (x->last < y->start);
}

static void insert_range(uint64_t i)
{
	struct range r = range_at(i);

	if (imap_insert(&world.map, r.start, r.last, &world))
		abort();
}

static void map_fill(void)
{
	imap_fini(&world.map);
	for (uint64_t i = 0; i < world.ranges; i++)
		insert_range(world.order[i]);
}

static void map_reset(void *arg, uint64_t iterations)
{
	imap_fini(&world.map);
}

static void map_insert(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		insert_range(world.order[i]);
}

static void nothing(void *range)
{
}

static void tree_reset(void *arg, uint64_t iterations)
{
	tdestroy(world.tree, nothing);
	world.tree = NULL;
}

static void tree_insert(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		if (!tsearch(&world.sorted[world.order[i]], &world.tree, compare))
			abort();
	}
}

static void map_remove(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		bench_use((uintptr_t)imap_remove(&world.map, range_at(world.order[i]).start));
}

static void map_refill(void *arg, uint64_t iterations)
{
	map_fill();
}

static void tree_refill(void *arg, uint64_t iterations)
{
	tree_reset(arg, iterations);
	tree_insert(arg, world.ranges);
}

static void tree_remove(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		tdelete(&world.sorted[world.order[i]], &world.tree, compare);
}

/* Whether each lookup's address depends on what the one before it found. */
struct chain {
	uint64_t mask;
};

static uint64_t next_index(uint64_t found)
{
	world.at = (world.at + 1 + (found >> 63)) % world.ranges;
	return world.order[world.at];
}

static void map_lookup(void *arg, uint64_t iterations)
{
	const struct chain *chain = arg;
	struct imap_ent ent = { .last = 0 };

	for (uint64_t i = 0; i < iterations; i++) {
		imap_find(&world.map, next_index(ent.last & chain->mask) * 2 * PAGE + 100, &ent);
		bench_use(ent.last);
	}
}

static void array_lookup(void *arg, uint64_t iterations)
{
	const struct chain *chain = arg;
	uint64_t last = 0;

	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t addr = next_index(last & chain->mask) * 2 * PAGE + 100, n = world.ranges;
		const struct range *at = world.sorted;

		for (; n > 1; n -= n / 2)
			at = at[n / 2].start <= addr ? at + n / 2 : at;
		last = at->last;
		bench_use(last);
	}
}

static void map_iterate(void *arg, uint64_t iterations)
{
	struct imap_iter it;
	struct imap_ent ent;
	uint64_t n = 0;

	while (n < iterations) {
		bool more = imap_iter_first(&it, &world.map, 0, UINT64_MAX, &ent);

		for (; more && n < iterations; n++) {
			bench_use(ent.start);
			more = imap_iter_next(&it, &ent);
		}
	}
}

static void array_iterate(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		bench_use(world.sorted[i % world.ranges].start);
}

struct place {
	uint64_t len, align;
	bool anywhere; /* from 0, else from a random address */
};

static void map_find_gap(void *arg, uint64_t iterations)
{
	const struct place *place = arg;
	uint64_t out = 0;

	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t lo = place->anywhere ? 0 : next_index(out) * 2 * PAGE;

		if (imap_find_gap(&world.map, lo, UINT64_MAX, place->len, place->align, 0, &out))
			abort();
		bench_use(out);
	}
}

/* Looks for two pages in one-page gaps. */
static void array_find_gap(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		uint64_t n = 1;

		while (n < WALKED && world.sorted[n].start - world.sorted[n - 1].last <= 2 * PAGE)
			n++;
		bench_use(world.sorted[n].start);
	}
}

static int insert_row(const char *path, double limit, const char *text)
{
	struct bench_row row = {
		.path = path,
		.subject = { .fn = map_insert, .before = map_reset, .iterations = world.ranges },
		.reference = { .name = "tsearch",
			.fn = tree_insert,
			.before = tree_reset,
			.iterations = world.ranges },
		.goal = { BENCH_AT_MOST, limit, text },
		.samples = 3,
	};

	return bench_run(&row);
}

static int bytes_row(const char *path, double limit, const char *text)
{
	double bytes = (double)world.map.bytes / (double)world.map.count;
	double floor = sizeof(struct imap_ent);
	struct bench_row row = {
		.path = path,
		.unit = "B",
		.reference = { .name = "floor: sorted array" },
		.goal = { BENCH_AT_MOST, limit, text },
	};

	return bench_report(&row, &bytes, 1, &floor, 1);
}

static int inserts(void)
{
	int err;

	order_sequential();
	map_fill();
	err = bytes_row("imap/bytes/sequential", 32, "at most 32 B");
	if (!err)
		err = insert_row("imap/insert/sequential/1M", 115, "at most 115 ns");
	order_shuffle();
	map_fill();
	if (!err)
		err = bytes_row("imap/bytes/random", 64, "at most 64 B");
	if (!err)
		err = insert_row("imap/insert/random/1M", 450, "at most 450 ns");
	return err;
}

static int removes(void)
{
	struct bench_row row = {
		.path = "imap/remove/random/1M",
		.subject = { .fn = map_remove, .before = map_refill, .iterations = world.ranges },
		.reference = { .name = "tdelete",
			.fn = tree_remove,
			.before = tree_refill,
			.iterations = world.ranges },
		.samples = 2,
	};

	return bench_run(&row);
}

static int lookups(void)
{
	struct chain independent = { 0 }, dependent = { UINT64_MAX };
	struct bench_row find = {
		.path = "imap/find/random/1M",
		.subject = { .fn = map_lookup, .arg = &independent, .iterations = world.ranges },
		.reference = { .name = "sorted array",
			.fn = array_lookup,
			.arg = &independent,
			.iterations = world.ranges },
		.samples = 5,
		.goal = { BENCH_AT_MOST, 245, "at most 245 ns" },
	};
	struct bench_row iterate = {
		.path = "imap/iterate/1M",
		.subject = { .fn = map_iterate },
		.reference = { .name = "floor: array", .fn = array_iterate },
	};
	int err;

	map_fill();
	err = bench_run(&find);
	find.path = "imap/find/dependent/1M";
	find.subject.arg = find.reference.arg = &dependent;
	find.goal.kind = BENCH_NO_GOAL;
	if (!err)
		err = bench_run(&find);
	return err ? err : bench_run(&iterate);
}

static int gap_row(const char *path, struct place place)
{
	struct bench_row row = {
		.path = path,
		.subject = { .fn = map_find_gap, .arg = &place },
		.reference = { .name = "walk of 20,000 gaps", .fn = array_find_gap },
		.goal = { BENCH_AT_MOST, 400, "at most 400 ns" },
	};

	return bench_run(&row);
}

static int gaps(void)
{
	int err = gap_row("imap/find_gap/from-anywhere/1M", (struct place){ PAGE, PAGE, false });

	/* Behind a million gaps that are too small: the last but ten is two pages larger. */
	imap_remove(&world.map, range_at(world.ranges - 10).start);
	if (!err)
		err = gap_row("imap/find_gap/last-gap/1M", (struct place){ 2 * PAGE, PAGE, true });
	if (!err)
		err = gap_row(
			"imap/find_gap/aligned/1M", (struct place){ 2 * PAGE, 2 * PAGE, true });
	return err;
}

static int world_init(void)
{
	const char *samples = getenv("UIOMMU_BENCH_SAMPLES");

	world.ranges = samples && atoi(samples) <= 2 ? SMOKE : MILLION;
	if (world.ranges != MILLION)
		fprintf(stderr, "imap: too few samples, hence fewer ranges than the rows say\n");
	imap_init(&world.map);
	world.sorted = calloc(world.ranges, sizeof(*world.sorted));
	world.order = calloc(world.ranges, sizeof(*world.order));
	if (!world.sorted || !world.order)
		return -ENOMEM;
	for (uint64_t i = 0; i < world.ranges; i++)
		world.sorted[i] = range_at(i);
	return 0;
}

static void world_fini(void)
{
	imap_fini(&world.map);
	tree_reset(NULL, 0);
	free(world.order);
	free(world.sorted);
}

int main(void)
{
	int err = world_init();

	if (!err)
		err = inserts();
	if (!err)
		err = removes();
	if (!err)
		err = lookups();
	if (!err)
		err = gaps();
	world_fini();
	if (err)
		fprintf(stderr, "imap: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
