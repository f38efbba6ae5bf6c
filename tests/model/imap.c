/* SPDX-License-Identifier: MIT */
/*
 * The interval map against a sorted array that is searched from its beginning: random streams of
 * all operations, dense and sparse, at both ends of the address range and in the middle. Now and
 * then the tree's own structure is checked, too: order, fill, spans, the chain of leaves, the
 * accounts.
 *
 * UIOMMU_TEST_SEED gives the seed; a failure is reproduced by the one that is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/imap.h"
#include "base/imap_tree.h"
#include "base/mem.h"

#define MODEL_MAX 3000u

struct model {
	struct imap_ent ent[MODEL_MAX];
	unsigned int n;
};

/* The addresses that a stream uses: base .. base + span, in steps. */
struct region {
	const char *name;
	uint64_t base, span, step, longest;
};

static const struct region regions[] = {
	{ "dense, at 0", 0, 4000, 1, 3 },
	{ "dense, at the end", UINT64_MAX - 4000, 4000, 1, 3 },
	{ "pages, at 0", 0, (uint64_t)1 << 25, 4096, 16384 },
	{ "pages, in the middle", (uint64_t)1 << 40, (uint64_t)1 << 24, 4096, 65536 },
	{ "sparse", 0, UINT64_MAX, 1, (uint64_t)1 << 52 },
	{ "sparse, at the end", (uint64_t)1 << 63, UINT64_MAX >> 1, 0x1001, (uint64_t)1 << 50 },
};

static uint64_t seed, state;

static uint64_t rnd(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t bound)
{
	return bound ? rnd() % bound : 0;
}

/* ---- the model ---- */

/* The first whose last >= @addr. */
static unsigned int model_from(const struct model *m, uint64_t addr)
{
	unsigned int i = 0;

	while (i < m->n && m->ent[i].last < addr)
		i++;
	return i;
}

static bool model_overlaps(const struct model *m, uint64_t start, uint64_t last)
{
	unsigned int i = model_from(m, start);

	return i < m->n && m->ent[i].start <= last;
}

static int model_insert(struct model *m, uint64_t start, uint64_t last, void *val)
{
	unsigned int i = model_from(m, start);

	if (start > last)
		return -EINVAL;
	if (model_overlaps(m, start, last))
		return -EEXIST;
	memmove(&m->ent[i + 1], &m->ent[i], (m->n - i) * sizeof(m->ent[0]));
	m->ent[i] = (struct imap_ent){ start, last, val };
	m->n++;
	return 0;
}

static void *model_remove(struct model *m, uint64_t start)
{
	unsigned int i = model_from(m, start);
	void *val;

	if (i == m->n || m->ent[i].start != start)
		return NULL;
	val = m->ent[i].val;
	memmove(&m->ent[i], &m->ent[i + 1], (m->n - i - 1) * sizeof(m->ent[0]));
	m->n--;
	return val;
}

static bool model_set_last(struct model *m, uint64_t start, uint64_t last)
{
	unsigned int i = model_from(m, start);

	if (last < start || i == m->n || m->ent[i].start != start)
		return false;
	if (i + 1 < m->n && m->ent[i + 1].start <= last)
		return false;
	m->ent[i].last = last;
	return true;
}

struct query {
	uint64_t lo, hi, len, align, off;
};

static bool model_gap_place(
	const struct query *q, unsigned __int128 start, unsigned __int128 end, uint64_t *out)
{
	unsigned __int128 hi_end = (unsigned __int128)q->hi + 1;

	start = start > q->lo ? start : q->lo;
	end = end < hi_end ? end : hi_end;
	start += (q->align + q->off - (uint64_t)(start % q->align)) % q->align;
	if (start + q->len > end)
		return false;
	*out = (uint64_t)start;
	return true;
}

static int model_find_gap(const struct model *m, const struct query *q, uint64_t *out)
{
	unsigned __int128 from = 0;

	for (unsigned int i = 0; i < m->n; i++) {
		if (model_gap_place(q, from, m->ent[i].start, out))
			return 0;
		from = (unsigned __int128)m->ent[i].last + 1;
	}
	return model_gap_place(q, from, (unsigned __int128)1 << 64, out) ? 0 : -ENOSPC;
}

/* ---- the tree's structure ---- */

struct census {
	const struct imap_leaf *leaf; /* the previous one */
	uint64_t last;		      /* of the previous interval */
	size_t intervals, bytes;
	uint64_t gap;
	unsigned int order;
};

static unsigned int naive_order(uint64_t start, uint64_t end)
{
	for (unsigned int order = 63; order; order--) {
		uint64_t size = (uint64_t)1 << order, up;

		if (__builtin_add_overflow(start, size - 1, &up))
			continue;
		up &= ~(size - 1);
		if (up < end && end - up >= size)
			return order;
	}
	return 0;
}

static void check_leaf(const struct imap_leaf *leaf, struct census *c)
{
	unsigned int n = leaf->node.n;

	assert_in_range(n, 1, IMAP_SLOTS);
	if (c->leaf)
		assert_ptr_equal(c->leaf->next, leaf);
	c->gap = 0;
	c->order = 0;
	for (unsigned int i = 0; i < n; i++) {
		assert_true(leaf->start[i] <= leaf->last[i]);
		if (c->intervals)
			assert_true(leaf->start[i] > c->last);
		if (i && leaf->start[i] - c->last - 1) {
			uint64_t gap = leaf->start[i] - c->last - 1;
			unsigned int order = naive_order(c->last + 1, leaf->start[i]);

			c->gap = gap > c->gap ? gap : c->gap;
			c->order = order > c->order ? order : c->order;
		}
		c->last = leaf->last[i];
		c->intervals++;
	}
	c->leaf = leaf;
	c->bytes += sizeof(*leaf);
}

static void check_node(
	const struct imap_node *node, unsigned int level, bool is_root, struct census *c)
{
	const struct imap_inner *in = imap_inner(node);
	uint64_t gap = 0;
	unsigned int order = 0;

	if (!level) {
		check_leaf(imap_leaf(node), c);
		return;
	}
	assert_in_range(node->n, is_root ? 2 : IMAP_SLOTS_MIN, IMAP_SLOTS);
	for (unsigned int i = 0; i < node->n; i++) {
		if (i && in->lo[i] - c->last - 1) {
			uint64_t size = in->lo[i] - c->last - 1;
			unsigned int o = naive_order(c->last + 1, in->lo[i]);

			gap = size > gap ? size : gap;
			order = o > order ? o : order;
		}
		check_node(in->child[i], level - 1, false, c);
		assert_int_equal(in->last[i], c->last);
		assert_int_equal(in->gap[i], c->gap);
		assert_int_equal(in->order[i], c->order);
		gap = c->gap > gap ? c->gap : gap;
		order = c->order > order ? c->order : order;
	}
	c->gap = gap;
	c->order = order;
	c->bytes += sizeof(*in);
}

static void check_first_keys(const struct imap_node *node, unsigned int level, uint64_t lo)
{
	const struct imap_inner *in = imap_inner(node);

	if (!level) {
		assert_int_equal(imap_leaf(node)->start[0], lo);
		return;
	}
	assert_int_equal(in->lo[0], lo);
	for (unsigned int i = 0; i < node->n; i++)
		check_first_keys(in->child[i], level - 1, in->lo[i]);
}

static void check_tree(const struct imap *map)
{
	struct census c = { .leaf = NULL };
	struct imap_ent ent;

	if (!map->root) {
		assert_int_equal(map->height, 0);
		assert_int_equal(map->count, 0);
		assert_int_equal(map->bytes, 0);
		return;
	}
	check_node(map->root, map->height - 1, true, &c);
	assert_null(c.leaf->next);
	assert_int_equal(c.intervals, map->count);
	assert_int_equal(c.bytes, map->bytes);
	assert_true(imap_next(map, 0, &ent));
	check_first_keys(map->root, map->height - 1, ent.start);
}

/* ---- operations ---- */

static void assert_ent(const struct imap_ent *got, const struct imap_ent *want)
{
	assert_int_equal(got->start, want->start);
	assert_int_equal(got->last, want->last);
	assert_ptr_equal(got->val, want->val);
}

static uint64_t pick(const struct region *r)
{
	return r->base + below(r->span / r->step) * r->step;
}

/* An address that matters: of an interval, next to one, or any. */
static uint64_t pick_near(const struct region *r, const struct model *m)
{
	const struct imap_ent *ent;

	if (!m->n || below(4) == 0)
		return pick(r);
	ent = &m->ent[below(m->n)];
	switch (below(6)) {
	case 0:
		return ent->start - 1;
	case 1:
		return ent->last;
	case 2:
		return ent->last + 1;
	case 3:
		return ent->start + (ent->last - ent->start) / 2;
	default:
		return ent->start;
	}
}

static uint64_t last_of(const struct region *r, uint64_t start)
{
	uint64_t len = (1 + below(r->longest / r->step)) * r->step, last;

	return __builtin_add_overflow(start, len - 1, &last) ? UINT64_MAX : last;
}

static void *next_val(void)
{
	static uintptr_t val;

	return (void *)(val += 16);
}

static void do_insert(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = below(3) ? pick(r) : pick_near(r, m), last = last_of(r, start);
	void *val = next_val();
	int err;

	if (m->n == MODEL_MAX)
		return;
	if (below(64) == 0)
		last = pick(r);
	err = imap_insert(map, start, last, val);
	assert_int_equal(err, model_insert(m, start, last, val));
}

/* A stream of neighbours, up or down, as allocators make them. */
static void do_stream(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = pick(r), step = (1 + below(3)) * r->step;
	bool up = below(2);

	for (unsigned int i = 0; i < 100 && m->n < MODEL_MAX; i++) {
		void *val = next_val();

		assert_int_equal(imap_insert(map, start, start + r->step - 1, val),
			model_insert(m, start, start + r->step - 1, val));
		if (up ? start > r->base + r->span - 2 * step : start < r->base + step)
			break;
		start = up ? start + step : start - step;
	}
}

static void do_remove(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = pick_near(r, m);

	assert_ptr_equal(imap_remove(map, start), model_remove(m, start));
}

static void do_remove_run(struct imap *map, struct model *m, const struct region *r)
{
	unsigned int i = (unsigned int)below(m->n), n = (unsigned int)below(60);

	while (n-- && i < m->n) {
		uint64_t start = m->ent[i].start;

		assert_ptr_equal(imap_remove(map, start), model_remove(m, start));
	}
}

static void do_set_last(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = pick_near(r, m), last = below(8) ? last_of(r, start) : pick_near(r, m);

	assert_int_equal(imap_set_last(map, start, last), model_set_last(m, start, last));
}

static void do_find(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t addr = pick_near(r, m);
	unsigned int i = model_from(m, addr);
	struct imap_ent ent;
	bool found = imap_find(map, addr, &ent);

	assert_int_equal(found, i < m->n && m->ent[i].start <= addr);
	assert_int_equal(found, imap_find(map, addr, NULL));
	if (found)
		assert_ent(&ent, &m->ent[i]);
	assert_int_equal(imap_next(map, addr, &ent), i < m->n);
	if (i < m->n)
		assert_ent(&ent, &m->ent[i]);
}

static void do_iterate(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = pick_near(r, m), last = pick_near(r, m);
	unsigned int i = model_from(m, start);
	struct imap_iter it;
	struct imap_ent ent;
	bool more;

	if (below(8) == 0)
		last = UINT64_MAX;
	if (start > last)
		return;
	assert_int_equal(imap_overlaps(map, start, last, &ent), model_overlaps(m, start, last));
	if (model_overlaps(m, start, last))
		assert_ent(&ent, &m->ent[i]);
	for (more = imap_iter_first(&it, map, start, last, &ent); more;
		more = imap_iter_next(&it, &ent)) {
		assert_in_range(i, 0, m->n - 1);
		assert_ent(&ent, &m->ent[i++]);
	}
	assert_true(i == m->n || m->ent[i].start > last);
	assert_false(imap_iter_next(&it, &ent));
}

static struct query pick_query(const struct region *r, const struct model *m)
{
	struct query q = { 0, UINT64_MAX, r->step, 1, 0 };

	if (below(2))
		q.lo = pick_near(r, m);
	if (below(2))
		q.hi = pick_near(r, m);
	switch (below(5)) {
	case 0:
		q.len = 1 + below(r->longest);
		break;
	case 1:
		q.len = (uint64_t)1 << below(64);
		break;
	case 2:
		q.len = rnd() | 1;
		break;
	default:
		q.len = (1 + below(8)) * r->step;
		break;
	}
	switch (below(4)) {
	case 0:
		q.align = (uint64_t)1 << below(64);
		break;
	case 1:
		q.align = (uint64_t)1 << (63 - __builtin_clzll(q.len));
		break;
	case 2:
		q.align = (uint64_t)1 << (63 - __builtin_clzll(r->step) + below(4));
		break;
	default:
		break;
	}
	q.off = below(2) ? 0 : below(q.align);
	return q;
}

static void do_find_gap(struct imap *map, struct model *m, const struct region *r)
{
	struct query q = pick_query(r, m);
	uint64_t want = 0, got = 0;
	int err = imap_find_gap(map, q.lo, q.hi, q.len, q.align, q.off, &got);

	if (q.lo > q.hi) {
		assert_int_equal(err, -ENOSPC);
		return;
	}
	assert_int_equal(err, model_find_gap(m, &q, &want));
	assert_int_equal(got, want);
	/* As allocators do: take what was found. */
	if (!err && m->n < MODEL_MAX && below(2)) {
		void *val = next_val();

		assert_int_equal(imap_insert(map, got, got + q.len - 1, val), 0);
		assert_int_equal(model_insert(m, got, got + q.len - 1, val), 0);
	}
}

static void do_insert_failing(struct imap *map, struct model *m, const struct region *r)
{
	uint64_t start = pick(r), last = last_of(r, start);
	size_t bytes = map->bytes;
	int err;

	base_fail_nth(1 + below(3));
	err = imap_insert(map, start, last, map);
	base_fail_nth(0);
	if (!err) {
		assert_ptr_equal(imap_remove(map, start), map);
		assert_false(model_overlaps(m, start, last));
		return;
	}
	assert_int_equal(bytes, map->bytes);
	if (err == -ENOMEM)
		check_tree(map);
	else
		assert_int_equal(err, -EEXIST);
}

struct op {
	void (*run)(struct imap *map, struct model *m, const struct region *r);
	unsigned int weight, weight_shrinking;
};

static const struct op ops[] = {
	{ do_insert, 60, 15 },
	{ do_stream, 2, 0 },
	{ do_remove, 10, 60 },
	{ do_remove_run, 0, 3 },
	{ do_set_last, 8, 8 },
	{ do_find, 10, 10 },
	{ do_iterate, 1, 1 },
	{ do_find_gap, 10, 10 },
	{ do_insert_failing, 4, 4 },
};

static const struct op *pick_op(bool shrinking)
{
	unsigned int at = (unsigned int)below(110);

	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		unsigned int weight = shrinking ? ops[i].weight_shrinking : ops[i].weight;

		if (at < weight)
			return &ops[i];
		at -= weight;
	}
	return &ops[0];
}

static void run_region(const struct region *r, unsigned int rounds)
{
	struct model *m = calloc(1, sizeof(*m));
	struct imap map;

	assert_non_null(m);
	imap_init(&map);
	for (unsigned int round = 0; round < rounds; round++) {
		bool shrinking = round % 2;

		for (unsigned int i = 0; i < 6000; i++) {
			if (shrinking && !m->n)
				break;
			pick_op(shrinking)->run(&map, m, r);
			assert_int_equal(map.count, m->n);
			if (i % 97 == 0)
				check_tree(&map);
		}
		check_tree(&map);
	}
	while (m->n) {
		uint64_t start = m->ent[below(m->n)].start;

		assert_ptr_equal(imap_remove(&map, start), model_remove(m, start));
		if (m->n % 16 == 0)
			check_tree(&map);
	}
	check_tree(&map);
	imap_fini(&map);
	free(m);
}

static void test_region(void **arg)
{
	const struct region *r = *arg;

	state = seed ^ (uint64_t)(r - regions);
	run_region(r, 10);
}

int main(void)
{
	const char *env = getenv("UIOMMU_TEST_SEED");
	struct CMUnitTest tests[sizeof(regions) / sizeof(regions[0])];
	unsigned int n = sizeof(regions) / sizeof(regions[0]);

	seed = env ? strtoull(env, NULL, 0) : 20240607;
	printf("UIOMMU_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ regions[i].name, test_region, NULL, NULL,
			(void *)&regions[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
