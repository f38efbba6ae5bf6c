/* SPDX-License-Identifier: MIT */
/*
 * Page tables against two naive models.
 *
 * The flat model is an array with a cell per 4 KiB page, in a few windows of the input range; a
 * mapping is laid out in it leaf by leaf, greedily. The oracle reads the tree bit by bit as
 * hardware would, and knows nothing of the code under test but where the top table lies: it spells
 * entries out from the specifications on its own. After every operation some addresses are walked
 * and compared; now and then everything is: each leaf's bits, the number of tables, that none is
 * empty.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pt/pt.h"

#define PAGE	  ((uint64_t)4096)
#define STEPS	  10000
#define FULL_LOOK 500
#define WINDOWS	  4

struct cell {
	uint64_t pa;	  /* of this page */
	uint8_t size_lg2; /* of its leaf; 0: not mapped */
	uint8_t prot;
};

struct window {
	uint64_t iova, npages;
	struct cell *cells;
};

struct variant {
	const char *name;
	const struct pt_ops *ops;
	bool arm;
	unsigned int levels, va_bits, pa_bits;
	uint64_t pgsizes;
};

static const struct variant variants[] = {
	{ "x86-64, 4 levels", &pt_x86_64, false, 4, 47, 52, 0 },
	{ "x86-64, 5 levels", &pt_x86_64, false, 5, 56, 52, 0 },
	{ "x86-64, 4 KiB and 1 GiB", &pt_x86_64, false, 4, 47, 52, 1ull << 12 | 1ull << 30 },
	{ "armv8-4k", &pt_armv8_4k, true, 4, 48, 48, 0 },
	{ "armv8-4k, 4 KiB only", &pt_armv8_4k, true, 4, 48, 48, 1ull << 12 },
};

struct model {
	const struct variant *v;
	struct pt pt;
	struct pt_gather gather;
	struct window windows[WINDOWS];
	uint64_t seed;
	uint64_t mapped, refused, unmapped; /* that the stream was worth something */
};

static uint64_t random_next(struct model *m)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed * 0x2545f4914f6cdd1du >> 8;
}

/* Small numbers as likely as large ones; 1 .. @max. */
static uint64_t random_size(struct model *m, uint64_t max)
{
	unsigned int bits = 1 + (unsigned int)(random_next(m) % 20);
	uint64_t n = 1 + random_next(m) % ((uint64_t)1 << bits);

	return n < max ? n : max;
}

/* The oracle: one bit at a time. */

static bool bit(uint64_t value, unsigned int n)
{
	return value >> n & 1;
}

/* Bits @high .. @low of @value, in their place. */
static uint64_t field(uint64_t value, unsigned int high, unsigned int low)
{
	uint64_t out = 0;

	for (unsigned int n = low; n <= high; n++)
		out |= (uint64_t)bit(value, n) << n;
	return out;
}

enum what {
	NOTHING,
	TABLE,
	LEAF,
	BAD
};

/* @level counts from the leaf-most. */
static enum what x86_what(uint64_t e, unsigned int level)
{
	if (!bit(e, 0))
		return NOTHING;
	if (level == 0)
		return LEAF;
	if (!bit(e, 7))
		return TABLE;
	return level == 1 || level == 2 ? LEAF : BAD;
}

static enum what arm_what(uint64_t e, unsigned int level)
{
	if (!bit(e, 0))
		return NOTHING;
	if (level == 0)
		return bit(e, 1) ? LEAF : BAD;
	if (bit(e, 1))
		return TABLE;
	return level == 1 || level == 2 ? LEAF : BAD;
}

/* The leaf that ought to stand for @cell, which is the first page of its leaf. */
static uint64_t x86_leaf(const struct cell *cell)
{
	uint64_t e = cell->pa;

	e += 1;	     /* P */
	e += 1 << 2; /* U/S */
	e += 1 << 5; /* A */
	if (cell->prot & PT_WRITE)
		e += (1 << 1) + (1 << 6); /* R/W, D */
	if (cell->size_lg2 > 12)
		e += 1 << 7; /* PS */
	return e;
}

static uint64_t arm_leaf(const struct cell *cell)
{
	uint64_t e = cell->pa;

	e += cell->size_lg2 > 12 ? 1 : 3; /* block, page */
	e += 1 << 2;			  /* AttrIndx 1 */
	e += 1 << 6;			  /* AP[1]: EL0 */
	if (!(cell->prot & PT_WRITE))
		e += 1 << 7; /* AP[2]: read-only */
	e += 3 << 8;	     /* inner shareable */
	e += 1 << 10;	     /* AF */
	e += 1 << 11;	     /* nG */
	e += 1ull << 53;     /* PXN */
	e += 1ull << 54;     /* UXN */
	return e;
}

static uint64_t expected_table(const struct model *m, uint64_t addr)
{
	/* P, R/W, U/S, A; valid, type */
	return addr + (m->v->arm ? 3 : 1 + 2 + 4 + 32);
}

/* The model. */

static struct cell *cell_at(struct model *m, uint64_t iova)
{
	for (unsigned int w = 0; w < WINDOWS; w++) {
		struct window *window = &m->windows[w];

		if (iova >= window->iova && iova - window->iova < window->npages * PAGE)
			return &window->cells[(iova - window->iova) / PAGE];
	}
	return NULL;
}

/* Where the leaf of a mapped page begins. */
static uint64_t leaf_begin(uint64_t iova, const struct cell *cell)
{
	return iova - iova % ((uint64_t)1 << cell->size_lg2);
}

static bool size_allowed(const struct model *m, unsigned int size_lg2)
{
	return !m->v->pgsizes || bit(m->v->pgsizes, size_lg2);
}

static bool model_overlaps(struct model *m, uint64_t iova, uint64_t npages)
{
	for (uint64_t i = 0; i < npages; i++) {
		if (cell_at(m, iova + i * PAGE)->size_lg2)
			return true;
	}
	return false;
}

static void model_map(struct model *m, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot)
{
	while (len) {
		unsigned int size_lg2 = 30;
		struct cell *cell = cell_at(m, iova);
		uint64_t size;

		for (;; size_lg2 -= 9) {
			size = (uint64_t)1 << size_lg2;
			if (size_allowed(m, size_lg2) && iova % size == 0 && pa % size == 0 &&
				len >= size)
				break;
		}
		for (uint64_t off = 0; off < size; off += PAGE, cell++)
			*cell = (struct cell){ pa + off, (uint8_t)size_lg2, (uint8_t)prot };
		iova += size;
		pa += size;
		len -= size;
	}
}

/* Every leaf that begins in the range. Return: bytes. */
static uint64_t model_unmap(struct model *m, uint64_t iova, uint64_t len)
{
	uint64_t bytes = 0, size;

	for (uint64_t at = iova + (-iova & (PAGE - 1)); at - iova < len; at += PAGE) {
		struct cell *cell = cell_at(m, at);

		if (!cell->size_lg2 || leaf_begin(at, cell) != at)
			continue;
		size = (uint64_t)1 << cell->size_lg2;
		bytes += size;
		for (uint64_t i = 0; i < size / PAGE; i++)
			cell[i].size_lg2 = 0;
	}
	return bytes;
}

/* Comparisons. */

static void check_walk(struct model *m, uint64_t iova, unsigned int need)
{
	const struct cell *cell = cell_at(m, iova);
	struct pt_leaf leaf;
	int err = m->v->ops->walk(&m->pt, iova, need, &leaf);

	if (!cell->size_lg2) {
		assert_int_equal(err, -ENOENT);
		assert_int_equal(leaf.prot, 0);
		return;
	}
	assert_int_equal(err, need & ~cell->prot ? -EPERM : 0);
	assert_int_equal(leaf.pa, cell->pa + iova % PAGE);
	assert_int_equal(leaf.size_lg2, cell->size_lg2);
	assert_int_equal(leaf.prot, cell->prot);
}

struct census {
	uint64_t tables, bytes;
};

/* All that lies below @table, whose first entry covers @iova. Return: entries that aren't empty. */
static unsigned int check_tree(struct model *m, const uint64_t *table, unsigned int level,
	uint64_t iova, struct census *census)
{
	unsigned int live = 0;

	census->tables++;
	for (unsigned int i = 0; i < 512; i++, iova += PAGE << (9 * level)) {
		uint64_t e = table[i], addr = field(e, 47, 12);
		enum what what = m->v->arm ? arm_what(e, level) : x86_what(e, level);

		assert_int_not_equal(what, BAD);
		if (what == NOTHING) {
			assert_int_equal(e, 0);
			continue;
		}
		live++;
		if (what == TABLE) {
			assert_int_equal(e, expected_table(m, addr));
			assert_true(check_tree(
				m, (const uint64_t *)(uintptr_t)addr, level - 1, iova, census));
		} else {
			const struct cell *cell = cell_at(m, iova);

			assert_non_null(cell);
			assert_int_equal(cell->size_lg2, 12 + 9 * level);
			assert_int_equal(e, m->v->arm ? arm_leaf(cell) : x86_leaf(cell));
			census->bytes += PAGE << (9 * level);
		}
	}
	return live;
}

static void check_all(struct model *m)
{
	struct census census = { 0 };
	uint64_t bytes = 0;

	check_tree(m, m->pt.top, m->v->levels - 1, 0, &census);
	for (unsigned int w = 0; w < WINDOWS; w++) {
		for (uint64_t i = 0; i < m->windows[w].npages; i++)
			bytes += m->windows[w].cells[i].size_lg2 ? PAGE : 0;
	}
	assert_int_equal(census.bytes, bytes);
	assert_int_equal(census.tables, m->pt.ntables);
}

/* The stream. */

struct range {
	uint64_t iova, npages;
};

static struct range random_range(struct model *m)
{
	struct window *window = &m->windows[random_next(m) % WINDOWS];
	uint64_t page = random_next(m) % window->npages, npages;

	/* Often at a border of a leaf, where there is one. */
	if (random_next(m) % 3 == 0)
		page -= (window->iova / PAGE + page) % 512 % (page + 1);
	if (random_next(m) % 8 == 0)
		page -= (window->iova / PAGE + page) % 262144 % (page + 1);
	npages = random_size(m, window->npages - page);
	if (random_next(m) % 3 == 0 && npages > 512)
		npages -= npages % 512;
	return (struct range){ window->iova + page * PAGE, npages };
}

static uint64_t random_pa(struct model *m, const struct range *range)
{
	static const uint64_t congruent[] = { 1, 1, 512, 512, 262144, 262144 };
	uint64_t max = ((uint64_t)1 << m->v->pa_bits) / PAGE - range->npages, page;
	uint64_t unit = congruent[random_next(m) % 6];

	page = random_next(m) % max;
	page -= page % unit;
	page += range->iova / PAGE % unit;
	return (page <= max ? page : max) * PAGE;
}

static void step_map(struct model *m)
{
	struct range range = random_range(m);
	unsigned int prot = random_next(m) & 1 ? PT_READ : PT_READ | PT_WRITE;
	uint64_t pa = random_pa(m, &range), len = range.npages * PAGE;
	bool overlaps = model_overlaps(m, range.iova, range.npages), failing;
	unsigned long fail = random_next(m) % 8 ? 0 : 1 + random_next(m) % 6;
	int err;

	base_fail_nth(fail);
	err = m->v->ops->map(&m->pt, range.iova, pa, len, prot);
	failing = fail && base_fail_count() >= fail;
	base_fail_nth(0);
	assert_int_equal(err, overlaps ? -EEXIST : failing ? -ENOMEM : 0);
	if (err) {
		m->refused++;
		return;
	}
	model_map(m, range.iova, pa, len, prot);
	m->mapped++;
}

static void step_unmap(struct model *m)
{
	struct range range = random_range(m);
	uint64_t iova = range.iova, len = range.npages * PAGE, bytes, off;

	if (random_next(m) % 8 == 0) {
		/* Nothing that a caller should do. */
		off = random_next(m) % PAGE;
		iova += off;
		len -= off;
		len -= random_next(m) % len;
	}
	bytes = model_unmap(m, iova, len);
	base_fail_nth(1);
	assert_int_equal(m->v->ops->unmap(&m->pt, iova, len, &m->gather), bytes);
	assert_int_equal(base_fail_count(), 0);
	base_fail_nth(0);
	m->unmapped += bytes != 0;
	if (random_next(m) % 4 == 0)
		pt_gather_free(&m->pt, &m->gather);
}

/* From time to time all goes, by one call. */
static void step_unmap_all(struct model *m)
{
	uint64_t bytes = 0;

	for (unsigned int w = 0; w < WINDOWS; w++)
		bytes += model_unmap(m, m->windows[w].iova, m->windows[w].npages * PAGE);
	assert_int_equal(m->v->ops->unmap(&m->pt, 0, UINT64_MAX, &m->gather), bytes);
	assert_int_equal(m->pt.ntables, 1);
}

static void step_walk(struct model *m)
{
	struct range range = random_range(m);

	check_walk(m, range.iova + random_next(m) % PAGE, (unsigned int)(random_next(m) % 4));
	/* Its end, and what stands beside it. */
	check_walk(m, range.iova + range.npages * PAGE - 1, PT_READ);
}

static void stream(void **state)
{
	struct model *m = *state;

	for (unsigned int step = 1; step <= STEPS; step++) {
		uint64_t what = random_next(m) % 256;

		if (what == 0)
			step_unmap_all(m);
		else if (what < 128)
			step_map(m);
		else
			step_unmap(m);
		for (unsigned int i = 0; i < 8; i++)
			step_walk(m);
		if (step % FULL_LOOK == 0)
			check_all(m);
	}
	assert_true(m->mapped > STEPS / 8);
	assert_true(m->refused > STEPS / 32);
	assert_true(m->unmapped > STEPS / 8);
}

static int window_init(struct window *window, uint64_t iova, uint64_t len)
{
	window->iova = iova;
	window->npages = len / PAGE;
	window->cells = calloc(window->npages, sizeof(*window->cells));
	return window->cells ? 0 : -1;
}

static int setup(void **state)
{
	const uint64_t gib = (uint64_t)1 << 30, mib = (uint64_t)1 << 20;
	const struct variant *v = *state;
	struct pt_cfg cfg = { .levels = v->levels, .pgsizes = v->pgsizes };
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return -1;
	*state = m;
	m->v = v;
	m->seed = 0x9e3779b97f4a7c15u;
	/* The bottom, around 1 GiB, around 512 GiB, the top. */
	if (window_init(&m->windows[0], 0, 16 * mib) ||
		window_init(&m->windows[1], gib - 8 * mib, 16 * mib) ||
		window_init(&m->windows[2], 511 * gib, 3 * gib) ||
		window_init(&m->windows[3], ((uint64_t)1 << v->va_bits) - 16 * mib, 16 * mib))
		return -1;
	return v->ops->init(&m->pt, &cfg);
}

static int teardown(void **state)
{
	struct model *m = *state;

	pt_gather_free(&m->pt, &m->gather);
	m->v->ops->fini(&m->pt);
	for (unsigned int w = 0; w < WINDOWS; w++)
		free(m->windows[w].cells);
	free(m);
	return 0;
}

int main(void)
{
	enum {
		N = sizeof(variants) / sizeof(variants[0])
	};
	struct CMUnitTest tests[N];

	for (unsigned int i = 0; i < N; i++)
		tests[i] = (struct CMUnitTest){ variants[i].name, stream, setup, teardown,
			(void *)(uintptr_t)&variants[i] };
	return cmocka_run_group_tests_name("pt", tests, NULL, NULL);
}
