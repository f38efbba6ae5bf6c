/* SPDX-License-Identifier: MIT */
/*
 * Page tables: one suite, run for every format. What an entry has to look like is written here by
 * hand, as numbers, and tables are read as memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pt/page.h"
#include "pt/pt.h"

#define KIB4 ((uint64_t)1 << 12)
#define MIB2 ((uint64_t)1 << 21)
#define GIB  ((uint64_t)1 << 30)
#define RW   (PT_READ | PT_WRITE)

#define ADDR_BITS 0x0000fffffffff000u
#define TABLE_LEN 512

/* A format, and the bits beside the address that its entries have. */
struct variant {
	const char *name;
	const struct pt_ops *ops;
	unsigned int levels;
	uint64_t va_last, pa_last;
	uint64_t table, page_rw, page_ro, block_rw, block_ro;
};

static const struct variant variants[] = {
	{ "x86-64/4", &pt_x86_64, 4, 0x00007fffffffffff, 0x000fffffffffffff, 0x27, 0x67, 0x25, 0xe7,
		0xa5 },
	{ "x86-64/5", &pt_x86_64, 5, 0x00ffffffffffffff, 0x000fffffffffffff, 0x27, 0x67, 0x25, 0xe7,
		0xa5 },
	{ "armv8-4k", &pt_armv8_4k, 4, 0x0000ffffffffffff, 0x0000ffffffffffff, 0x3,
		0x0060000000000f47, 0x0060000000000fc7, 0x0060000000000f45, 0x0060000000000fc5 },
};

struct fixture {
	const struct variant *v;
	const struct pt_ops *ops;
	struct pt pt;
	struct pt_gather gather;
};

static int setup(void **state)
{
	const struct variant *v = *state;
	struct pt_cfg cfg = { .levels = v->levels };
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->v = v;
	f->ops = v->ops;
	*state = f;
	return f->ops->init(&f->pt, &cfg);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	base_fail_nth(0);
	pt_gather_free(&f->pt, &f->gather);
	f->ops->fini(&f->pt);
	free(f);
	return 0;
}

static int map(struct fixture *f, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot)
{
	return f->ops->map(&f->pt, iova, pa, len, prot);
}

static uint64_t unmap(struct fixture *f, uint64_t iova, uint64_t len)
{
	return f->ops->unmap(&f->pt, iova, len, &f->gather);
}

/* The table of @level on the path to @iova. */
static uint64_t *raw_table(const struct fixture *f, uint64_t iova, unsigned int level)
{
	uint64_t *table = f->pt.top;

	for (unsigned int l = f->pt.levels - 1; l > level; l--)
		table = (uint64_t *)(uintptr_t)(table[iova >> (12 + 9 * l) & 511] & ADDR_BITS);
	return table;
}

static uint64_t *raw(const struct fixture *f, uint64_t iova, unsigned int level)
{
	return &raw_table(f, iova, level)[iova >> (12 + 9 * level) & 511];
}

static void assert_leaf(const struct fixture *f, uint64_t iova, uint64_t pa, unsigned int size_lg2,
	unsigned int prot)
{
	struct pt_leaf leaf;

	assert_int_equal(f->ops->walk(&f->pt, iova, 0, &leaf), 0);
	assert_int_equal(leaf.pa, pa);
	assert_int_equal(leaf.size_lg2, size_lg2);
	assert_int_equal(leaf.prot, prot);
	assert_int_equal(leaf.level, (size_lg2 - 12) / 9);
}

static void assert_hole(const struct fixture *f, uint64_t iova, unsigned int level)
{
	struct pt_leaf leaf = { 1, 1, 1, 99 };

	assert_int_equal(f->ops->walk(&f->pt, iova, PT_READ, &leaf), -ENOENT);
	assert_int_equal(leaf.level, level);
	assert_int_equal(leaf.size_lg2, 12 + 9 * level);
	assert_int_equal(leaf.prot, 0);
	assert_int_equal(leaf.pa, 0);
}

static void new_table(void **state)
{
	struct fixture *f = *state;

	assert_ptr_equal(f->pt.ops, f->ops);
	assert_int_equal(f->pt.levels, f->v->levels);
	assert_int_equal(f->pt.pgsizes, KIB4 | MIB2 | GIB);
	assert_int_equal(f->pt.va_last, f->v->va_last);
	assert_int_equal(f->pt.pa_last, f->v->pa_last);
	assert_int_equal(f->pt.ntables, 1);
	assert_int_equal((uintptr_t)f->pt.top & 0xfff, 0);
	assert_int_equal((uintptr_t)f->pt.top & ~ADDR_BITS, 0);
	assert_hole(f, 0, f->v->levels - 1);
	assert_hole(f, f->pt.va_last, f->v->levels - 1);
}

static void configurations(void **state)
{
	struct fixture *f = *state;
	struct pt_cfg bad[] = { { .levels = 3 }, { .levels = 6 }, { .pgsizes = KIB4 | KIB4 << 1 },
		{ .pgsizes = 1 } };
	struct pt pt;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(f->ops->init(&pt, &bad[i]), -EINVAL);
		f->ops->fini(&pt);
	}
	base_fail_nth(1);
	assert_int_equal(f->ops->init(&pt, NULL), -ENOMEM);
	f->ops->fini(&pt);
	assert_int_equal(f->ops->init(&pt, NULL), 0);
	assert_int_equal(pt.levels, f->ops->default_levels);
	assert_int_equal(pt.pgsizes, f->ops->pgsizes);
	f->ops->fini(&pt);
}

static void page_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t pa = 0x123456789000;

	assert_int_equal(map(f, 0x7000, pa, KIB4, RW), 0);
	assert_int_equal(map(f, 0x8000, pa, KIB4, PT_READ), 0);
	assert_int_equal(map(f, 0x9000, pa, KIB4, PT_WRITE), 0);
	assert_int_equal(*raw(f, 0x7000, 0), pa | f->v->page_rw);
	assert_int_equal(*raw(f, 0x8000, 0), pa | f->v->page_ro);
	/* Neither format has write-only leaves. */
	assert_int_equal(*raw(f, 0x9000, 0), pa | f->v->page_rw);
	assert_int_equal(*raw(f, 0xa000, 0), 0);
	assert_leaf(f, 0x7123, pa + 0x123, 12, RW);
	assert_leaf(f, 0x8fff, pa + 0xfff, 12, PT_READ);
	assert_leaf(f, 0x9000, pa, 12, RW);
}

static void block_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t pa = 0x123440000000;

	assert_int_equal(map(f, 2 * MIB2, pa + MIB2, MIB2, RW), 0);
	assert_int_equal(map(f, 3 * MIB2, pa + MIB2, MIB2, PT_READ), 0);
	assert_int_equal(map(f, 2 * GIB, pa, GIB, RW), 0);
	assert_int_equal(map(f, 3 * GIB, pa, GIB, PT_READ), 0);
	assert_int_equal(*raw(f, 2 * MIB2, 1), (pa + MIB2) | f->v->block_rw);
	assert_int_equal(*raw(f, 3 * MIB2, 1), (pa + MIB2) | f->v->block_ro);
	assert_int_equal(*raw(f, 2 * GIB, 2), pa | f->v->block_rw);
	assert_int_equal(*raw(f, 3 * GIB, 2), pa | f->v->block_ro);
	assert_leaf(f, 2 * MIB2 + 0x12345, pa + MIB2 + 0x12345, 21, RW);
	assert_leaf(f, 3 * MIB2, pa + MIB2, 21, PT_READ);
	assert_leaf(f, 3 * GIB - 1, pa + GIB - 1, 30, RW);
	assert_leaf(f, 3 * GIB + MIB2, pa + MIB2, 30, PT_READ);
}

static void table_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = 0x123456789000;

	assert_int_equal(map(f, iova & f->pt.va_last, 0, KIB4, PT_READ), 0);
	assert_int_equal(f->pt.ntables, f->pt.levels);
	iova &= f->pt.va_last;
	for (unsigned int level = 1; level < f->pt.levels; level++) {
		uint64_t entry = *raw(f, iova, level);

		assert_int_equal(entry & ~ADDR_BITS, f->v->table);
		assert_int_equal(entry & ADDR_BITS, (uintptr_t)raw_table(f, iova, level - 1));
	}
}

/* Bit 63 and others of a table, and of a leaf, that take rights away: as hardware would read them.
 */
static void rights_combine(void **state)
{
	struct fixture *f = *state;
	bool arm = f->ops == &pt_armv8_4k;
	uint64_t *top = f->pt.top, *mid, *leaf, table, page;

	assert_int_equal(map(f, 0, 0, KIB4, RW), 0);
	mid = raw(f, 0, 1);
	leaf = raw(f, 0, 0);
	table = *mid;
	page = *leaf;

	/* read-only table: R/W clear; APTable[1] */
	*mid = arm ? table | 1ull << 62 : table & ~2ull;
	assert_leaf(f, 0, 0, 12, PT_READ);
	/* not for user requests: U/S clear; APTable[0] */
	*mid = arm ? table | 1ull << 61 : table & ~4ull;
	assert_leaf(f, 0, 0, 12, 0);
	*mid = table;
	table = *top;
	*top = arm ? table | 1ull << 62 : table & ~2ull;
	assert_leaf(f, 0, 0, 12, PT_READ);
	*top = table;
	/* leaf: U/S; AP[1] */
	*leaf = arm ? page & ~(1ull << 6) : page & ~4ull;
	assert_leaf(f, 0, 0, 12, 0);
	if (arm) {
		*leaf = page & ~(1ull << 10); /* AF */
		assert_leaf(f, 0, 0, 12, 0);
	}
	*leaf = page | 1ull << 63; /* XD; ignored */
	assert_leaf(f, 0, 0, 12, RW);
	*leaf = page;
}

/* What hardware finds invalid ends the walk, at whatever level it is. */
static void invalid_entries(void **state)
{
	struct fixture *f = *state;
	bool arm = f->ops == &pt_armv8_4k;
	unsigned int top = f->pt.levels - 1;
	uint64_t saved;

	assert_int_equal(map(f, 0, 0, KIB4, RW), 0);
	for (unsigned int level = 0; level <= top; level++) {
		uint64_t *entry = raw(f, 0, level);

		saved = *entry;
		*entry = saved & ~1ull; /* P; valid */
		assert_hole(f, 0, level);
		*entry = saved;
	}
	/* A leaf where none may be: PS; a block. At level 0 of ARM the type has to be 1. */
	for (unsigned int level = arm ? 0 : 3; level <= top; level += level ? 1 : 3) {
		uint64_t *entry = raw(f, 0, level);

		saved = *entry;
		*entry = arm ? saved & ~2ull : saved | 0x80;
		assert_hole(f, 0, level);
		*entry = saved;
	}
	assert_leaf(f, 0, 0, 12, RW);
}

/* Low address bits of a block aren't address: attribute bit 12 (PAT; nT). */
static void block_attribute(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, MIB2, 4 * MIB2, MIB2, RW), 0);
	*raw(f, MIB2, 1) |= 0x1000;
	assert_leaf(f, MIB2, 4 * MIB2, 21, RW);
	assert_leaf(f, MIB2 + 0x1fff, 4 * MIB2 + 0x1fff, 21, RW);
}

static void largest_leaves(void **state)
{
	struct fixture *f = *state;

	/* [1 GiB - 2 MiB - 4 KiB, 3 GiB + 2 MiB + 4 KiB), congruent modulo 1 GiB */
	uint64_t first = GIB - MIB2 - KIB4, len = 2 * GIB + 2 * MIB2 + 2 * KIB4;

	assert_int_equal(map(f, first, 4 * GIB + first, len, RW), 0);
	assert_leaf(f, first, 4 * GIB + first, 12, RW);
	assert_leaf(f, GIB - MIB2, 5 * GIB - MIB2, 21, RW);
	assert_leaf(f, GIB, 5 * GIB, 30, RW);
	assert_leaf(f, 3 * GIB - 1, 7 * GIB - 1, 30, RW);
	assert_leaf(f, 3 * GIB, 7 * GIB, 21, RW);
	assert_leaf(f, 3 * GIB + MIB2, 7 * GIB + MIB2, 12, RW);
	assert_hole(f, first - 1, 0);
	assert_hole(f, first + len, 0);
	assert_int_equal(f->pt.ntables, f->pt.levels - 2 + 4);
	assert_int_equal(unmap(f, 0, 8 * GIB), len);
	assert_int_equal(f->pt.ntables, 1);

	/* congruent modulo 2 MiB, modulo 4 KiB */
	assert_int_equal(map(f, 0, MIB2, GIB, RW), 0);
	assert_leaf(f, 0, MIB2, 21, RW);
	assert_leaf(f, GIB - 1, GIB + MIB2 - 1, 21, RW);
	assert_int_equal(map(f, GIB, KIB4, 2 * MIB2, RW), 0);
	assert_leaf(f, GIB, KIB4, 12, RW);
	assert_leaf(f, GIB + 2 * MIB2 - 1, KIB4 + 2 * MIB2 - 1, 12, RW);
}

static void page_sizes(void **state)
{
	struct fixture *f = *state;
	struct pt_cfg cfg = { .levels = f->v->levels, .pgsizes = KIB4 | GIB };
	struct pt saved = f->pt;

	assert_int_equal(f->ops->init(&f->pt, &cfg), 0);
	assert_int_equal(map(f, GIB - MIB2, GIB - MIB2, MIB2 + GIB, RW), 0);
	assert_leaf(f, GIB - MIB2, GIB - MIB2, 12, RW);
	assert_leaf(f, GIB, GIB, 30, RW);
	f->ops->fini(&f->pt);

	cfg.pgsizes = MIB2;
	assert_int_equal(f->ops->init(&f->pt, &cfg), 0);
	assert_int_equal(map(f, KIB4, KIB4, MIB2, RW), -EINVAL);
	assert_int_equal(map(f, 0, 0, KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, 0, 2 * GIB, RW), 0);
	assert_leaf(f, GIB + MIB2, GIB + MIB2, 21, RW);
	assert_int_equal(unmap(f, 0, 2 * GIB), 2 * GIB);
	f->ops->fini(&f->pt);
	f->pt = saved;
}

static void bad_ranges(void **state)
{
	struct fixture *f = *state;
	uint64_t va_end = f->pt.va_last + 1, pa_end = f->pt.pa_last + 1;

	assert_int_equal(map(f, 0, 0, 0, RW), -EINVAL);
	assert_int_equal(map(f, 1, 0, KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, 0x800, KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, 0, KIB4 + 1, RW), -EINVAL);
	assert_int_equal(map(f, 0, 0, KIB4, 0), -EINVAL);
	assert_int_equal(map(f, 0, 0, KIB4, 4), -EINVAL);
	assert_int_equal(map(f, 0, 0, KIB4, RW | 8), -EINVAL);
	assert_int_equal(map(f, va_end, 0, KIB4, RW), -EINVAL);
	assert_int_equal(map(f, va_end - KIB4, 0, 2 * KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, pa_end, KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, pa_end - KIB4, 2 * KIB4, RW), -EINVAL);
	assert_int_equal(map(f, -KIB4, 0, 2 * KIB4, RW), -EINVAL);
	assert_int_equal(map(f, 0, -KIB4, 2 * KIB4, RW), -EINVAL);
	assert_int_equal(map(f, KIB4, 0, -KIB4, RW), -EINVAL);
	assert_int_equal(f->pt.ntables, 1);
	assert_int_equal(*(uint64_t *)f->pt.top, 0);
}

static void address_limits(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = f->pt.va_last - 0xfff, pa = f->pt.pa_last - 0xfff;
	struct pt_leaf leaf;

	assert_int_equal(map(f, iova, pa, KIB4, RW), 0);
	assert_int_equal(*raw(f, iova, 0), pa | f->v->page_rw);
	assert_leaf(f, f->pt.va_last, f->pt.pa_last, 12, RW);
	assert_int_equal(map(f, 0, f->pt.pa_last - (GIB - 1), GIB, RW), 0);
	assert_leaf(f, GIB - 1, f->pt.pa_last, 30, RW);

	/* The upper half of the canonical range, what isn't canonical, what TTB0 doesn't cover. */
	assert_int_equal(f->ops->walk(&f->pt, f->pt.va_last + 1, 0, &leaf), -ERANGE);
	assert_int_equal(leaf.level, f->pt.levels);
	assert_int_equal(f->ops->walk(&f->pt, UINT64_MAX, 0, &leaf), -ERANGE);
	assert_int_equal(unmap(f, f->pt.va_last + 1, GIB), 0);
	assert_int_equal(unmap(f, iova, UINT64_MAX - iova), KIB4);
	assert_int_equal(unmap(f, 0, UINT64_MAX), GIB);
	assert_int_equal(f->pt.ntables, 1);
}

/* As much as both ranges have room for. */
static void whole_top(void **state)
{
	struct fixture *f = *state;
	uint64_t len = f->pt.va_last + 1;

	if (f->pt.pa_last < f->pt.va_last)
		len = f->pt.pa_last + 1;
	if (len > (uint64_t)1 << 48)
		len = (uint64_t)1 << 48;
	assert_int_equal(map(f, 0, 0, len, RW), 0);
	assert_leaf(f, len - 1, len - 1, 30, RW);
	assert_int_equal(map(f, len - KIB4, 0, KIB4, RW), -EEXIST);
	assert_int_equal(unmap(f, 0, len), len);
	assert_int_equal(f->pt.ntables, 1);
}

static void permission(void **state)
{
	struct fixture *f = *state;
	struct pt_leaf leaf;

	assert_int_equal(map(f, 0x1000, 0x5000, KIB4, PT_READ), 0);
	assert_int_equal(map(f, MIB2, MIB2, MIB2, RW), 0);
	assert_int_equal(f->ops->walk(&f->pt, 0x1004, PT_READ, &leaf), 0);
	assert_int_equal(f->ops->walk(&f->pt, 0x1004, PT_WRITE, &leaf), -EPERM);
	assert_int_equal(leaf.pa, 0x5004);
	assert_int_equal(leaf.prot, PT_READ);
	assert_int_equal(leaf.size_lg2, 12);
	assert_int_equal(f->ops->walk(&f->pt, 0x1004, RW, &leaf), -EPERM);
	assert_int_equal(f->ops->walk(&f->pt, MIB2, RW, &leaf), 0);
	assert_int_equal(leaf.prot, RW);
}

static void holes(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, 0, 0, KIB4, RW), 0);
	assert_hole(f, KIB4, 0);
	assert_hole(f, MIB2, 1);
	assert_hole(f, GIB, 2);
	assert_hole(f, 512 * GIB, 3);
}

/* All that a failed map could have changed: the tree's shape, and what lies in it. */
struct picture {
	size_t ntables;
	uint64_t sum;
};

static uint64_t sum_of(const uint64_t *table, unsigned int level, unsigned int block_level)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < TABLE_LEN; i++) {
		sum = sum * 31 + table[i];
		if (level && (table[i] & 1) && !(level <= block_level && (table[i] & 0x40)))
			sum += sum_of((uint64_t *)(uintptr_t)(table[i] & ADDR_BITS), level - 1,
				block_level);
	}
	return sum;
}

static struct picture picture_of(const struct fixture *f)
{
	/* Bit 6 is set in writable leaves (D; AP[1]), and in no table. */
	return (struct picture){ f->pt.ntables, sum_of(f->pt.top, f->pt.levels - 1, 2) };
}

static void assert_unchanged(const struct fixture *f, const struct picture *before)
{
	struct picture now = picture_of(f);

	assert_int_equal(now.ntables, before->ntables);
	assert_int_equal(now.sum, before->sum);
}

static void overlaps(void **state)
{
	struct fixture *f = *state;
	struct picture before;

	assert_int_equal(map(f, 8 * MIB2 + 0x5000, 0x5000, KIB4, RW), 0);
	assert_int_equal(map(f, GIB, GIB, GIB, RW), 0);
	assert_int_equal(map(f, 20 * MIB2, 0, MIB2, RW), 0);
	before = picture_of(f);
	assert_int_equal(map(f, 8 * MIB2 + 0x5000, 0, KIB4, RW), -EEXIST);
	assert_int_equal(map(f, 8 * MIB2, 0, 16 * KIB4, RW), -EEXIST);
	assert_int_equal(map(f, 8 * MIB2, 8 * MIB2, MIB2, RW), -EEXIST);
	assert_int_equal(map(f, 7 * MIB2, 0, MIB2 + 0x6000, RW), -EEXIST);
	assert_int_equal(map(f, 8 * MIB2 + 0x5000, 0x1000, 4 * MIB2, RW), -EEXIST);
	assert_int_equal(map(f, 0, 0, GIB, RW), -EEXIST);
	assert_int_equal(map(f, 0, KIB4, 512 * GIB, RW), -EEXIST);
	assert_int_equal(map(f, GIB + 0x7000, 0, KIB4, RW), -EEXIST);
	assert_int_equal(map(f, GIB - KIB4, 0, 2 * KIB4, RW), -EEXIST);
	assert_int_equal(map(f, 2 * GIB - KIB4, 0, 2 * KIB4, RW), -EEXIST);
	assert_int_equal(map(f, 20 * MIB2 + KIB4, 0, KIB4, RW), -EEXIST);
	assert_int_equal(map(f, 20 * MIB2, 0, MIB2, RW), -EEXIST);
	assert_int_equal(map(f, 9 * MIB2, 0, 12 * MIB2, RW), -EEXIST);
	assert_unchanged(f, &before);
	/* Its neighbours are free. */
	assert_int_equal(map(f, 8 * MIB2, 0, 5 * KIB4, RW), 0);
	assert_int_equal(map(f, 8 * MIB2 + 6 * KIB4, 0, 12 * MIB2 - 6 * KIB4, RW), 0);
	assert_int_equal(map(f, 21 * MIB2, 0, 491 * MIB2, RW), 0);
}

static void unmapping(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, 0x3000, 0x3000, KIB4, RW), 0);
	assert_int_equal(map(f, 0x5000, 0x5000, 2 * KIB4, RW), 0);
	assert_int_equal(map(f, 4 * MIB2, 0, MIB2, RW), 0);
	assert_int_equal(map(f, 3 * GIB, 0, GIB, RW), 0);
	assert_int_equal(unmap(f, 0x4000, KIB4), 0);
	assert_int_equal(unmap(f, 0x3000, 3 * KIB4), 2 * KIB4); /* the gap isn't counted */
	assert_hole(f, 0x3000, 0);
	assert_leaf(f, 0x6000, 0x6000, 12, RW);
	assert_int_equal(f->gather.count, 0);
	assert_int_equal(unmap(f, 0x6000, 4 * GIB), KIB4 + MIB2 + GIB);
	assert_int_equal(f->pt.ntables, 1);
	assert_int_equal(f->gather.count, f->pt.levels - 1);
	assert_hole(f, 0x6000, f->pt.levels - 1);
	assert_int_equal(unmap(f, 0, f->pt.va_last), 0);
}

static void unmapping_misaligned(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, 0x1000, 0x1000, 3 * KIB4, RW), 0);
	assert_int_equal(map(f, MIB2, 0, MIB2, RW), 0);
	assert_int_equal(map(f, GIB, 0, GIB, RW), 0);
	assert_int_equal(unmap(f, 0x1001, 0xffe), 0);
	assert_int_equal(unmap(f, 0x1800, 0x800), 0);
	assert_int_equal(unmap(f, 0x1fff, 2), KIB4); /* of 0x2000 its first byte */
	assert_int_equal(unmap(f, MIB2 + KIB4, MIB2 - KIB4), 0);
	assert_int_equal(unmap(f, GIB + 1, GIB - 1), 0);
	assert_leaf(f, MIB2, 0, 21, RW);
	assert_leaf(f, GIB, 0, 30, RW);
	assert_int_equal(unmap(f, 0, 0), 0);
	assert_int_equal(unmap(f, 0x1000, UINT64_MAX), 0); /* wraps */
	assert_int_equal(unmap(f, MIB2, 1), MIB2);
	assert_int_equal(unmap(f, GIB, KIB4), GIB);
	assert_int_equal(unmap(f, 0, MIB2 - 1), 2 * KIB4);
	assert_int_equal(f->pt.ntables, 1);
}

/* What was taken out stays as it was for readers that are in it. */
static void gathered_tables(void **state)
{
	struct fixture *f = *state;
	uint64_t *whole, *single, entry;
	size_t pages = 0;

	assert_int_equal(map(f, 0, 0x1000, MIB2, RW), 0);
	assert_int_equal(map(f, GIB, 0x1000, KIB4, RW), 0);
	whole = raw_table(f, 0, 0);
	single = raw_table(f, GIB, 0);
	entry = whole[511];
	assert_int_equal(unmap(f, 0, MIB2), MIB2);
	assert_int_equal(unmap(f, GIB, KIB4), KIB4);
	assert_int_equal(f->gather.count, 2 + 1 + f->pt.levels - 2);
	for (struct pt_page *page = f->gather.pages; page; page = page->next)
		pages++;
	assert_int_equal(pages, f->gather.count);
	/* New tables are other pages meanwhile. */
	assert_int_equal(map(f, 0, 0x5000, MIB2, PT_READ), 0);
	assert_ptr_not_equal(raw_table(f, 0, 0), whole);
	assert_int_equal(whole[511], entry);
	for (unsigned int i = 0; i < TABLE_LEN; i++)
		assert_int_equal(single[i], 0);
	pt_gather_free(&f->pt, &f->gather);
	assert_null(f->gather.pages);
	assert_int_equal(f->gather.count, 0);
}

/* A page that was full comes back empty, or with new entries only. */
static void recycled_tables(void **state)
{
	struct fixture *f = *state;

	for (unsigned int round = 0; round < 4; round++) {
		assert_int_equal(map(f, 0, KIB4, 4 * MIB2, RW), 0);
		assert_int_equal(unmap(f, 0, GIB), 4 * MIB2);
		pt_gather_free(&f->pt, &f->gather);
		assert_int_equal(map(f, 0x7000, 0x7000, KIB4, RW), 0);
		for (uint64_t i = 0; i < 2 * TABLE_LEN; i++) {
			if (i == 7)
				assert_leaf(f, i * KIB4, i * KIB4, 12, RW);
			else
				assert_hole(f, i * KIB4, i < TABLE_LEN ? 0 : 1);
		}
		assert_int_equal(unmap(f, 0x7000, KIB4), KIB4);
	}
}

/* Any allocation may fail, and nothing has changed. */
static void failing_allocations(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = 512 * GIB - MIB2 - 3 * KIB4, len = 2 * MIB2 + 6 * KIB4;
	struct picture before;
	unsigned long n = 0;
	int err;

	assert_int_equal(map(f, iova - KIB4, 0, KIB4, RW), 0);
	assert_int_equal(map(f, iova + len, 0, KIB4, RW), 0);
	before = picture_of(f);
	do {
		base_fail_nth(++n);
		err = map(f, iova, KIB4, len, RW);
		base_fail_nth(0);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_unchanged(f, &before);
		}
	} while (err);
	/* 512 GiB - 2 MiB and 512 GiB on were missing their tables; the stock may have grown. */
	assert_in_range(n, 3, 4);
	base_fail_nth(1);
	assert_int_equal(unmap(f, 0, 1024 * GIB), len + 2 * KIB4);
	assert_int_equal(base_fail_count(), 0);
	assert_int_equal(f->pt.ntables, 1);
}

/* More tables than memory: refused before any is taken. */
static void absurd_range(void **state)
{
	struct fixture *f = *state;
	struct picture before = picture_of(f);

	assert_int_equal(map(f, 0, KIB4, f->pt.va_last / 2 + 1, RW),
		f->pt.va_last / 2 < f->pt.pa_last - KIB4 ? -ENOMEM : -EINVAL);
	assert_int_equal(map(f, MIB2, 0x3000, (uint64_t)1 << 46, RW), -ENOMEM);
	assert_unchanged(f, &before);
}

/* A large leaf may take the place of a table that became empty. */
static void leaf_after_table(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, MIB2, 0, KIB4, RW), 0);
	assert_int_equal(unmap(f, MIB2, KIB4), KIB4);
	assert_int_equal(map(f, MIB2, 0, MIB2, RW), 0);
	assert_leaf(f, MIB2 + KIB4, KIB4, 21, RW);
	assert_int_equal(unmap(f, MIB2, MIB2), MIB2);
	assert_int_equal(map(f, MIB2 + KIB4, 0, KIB4, RW), 0);
	assert_hole(f, MIB2, 0);
	assert_leaf(f, MIB2 + KIB4, 0, 12, RW);
}

/* Freed with all that is mapped: the leak sanitizer and the next case look on. */
static void fini_full(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(map(f, 0, KIB4, GIB, RW), 0);
	assert_int_equal(map(f, 512 * GIB, 0, GIB, RW), 0);
	f->ops->fini(&f->pt);
	assert_null(f->pt.top);
	assert_int_equal(f->pt.ntables, 0);
	f->ops->fini(&f->pt);
}

/*
 * The specification of each case: Intel SDM volume 3 (VT-d's first stage and AMD's guest tables
 * refer to that layout), VT-d = Intel's Virtualization Technology for Directed I/O, Arm = DDI 0487;
 * "pt.h" where the contract is ours.
 */
#define CASE(fn, section)                                                                          \
	{                                                                                          \
		fn, #fn ": " section                                                               \
	}
static const struct {
	CMUnitTestFunction fn;
	const char *name;
} cases[] = {
	CASE(new_table, "SDM 4-level and 5-level paging, overview; Arm input address size"),
	CASE(configurations, "pt.h, init"),
	CASE(page_bits, "SDM format of a 4-KByte page entry; VT-d first-stage paging entries; "
			"Arm page descriptors, stage 1 attributes"),
	CASE(block_bits, "SDM entries that map 2-MByte, 1-GByte pages; Arm block descriptors"),
	CASE(table_bits, "SDM entries that reference tables; Arm table descriptors"),
	CASE(rights_combine, "SDM determination of access rights; VT-d first-stage access rights; "
			     "Arm hierarchical control of data access, access flag"),
	CASE(invalid_entries, "SDM reserved bits and P; Arm invalid and reserved descriptors"),
	CASE(block_attribute, "SDM PAT bit 12 of large pages; Arm block descriptors, nT"),
	CASE(largest_leaves, "pt.h, map"),
	CASE(page_sizes, "pt.h, map; VT-d capability FS1GP"),
	CASE(bad_ranges, "pt.h, map"),
	CASE(address_limits, "VT-d canonical input addresses; Arm translation table walk faults"),
	CASE(whole_top, "pt.h, map"),
	CASE(permission, "pt.h, walk"),
	CASE(holes, "pt.h, walk"),
	CASE(overlaps, "pt.h, map"),
	CASE(unmapping, "pt.h, unmap"),
	CASE(unmapping_misaligned, "pt.h, unmap"),
	CASE(gathered_tables, "pt.h, gather"),
	CASE(recycled_tables, "pt.h, gather"),
	CASE(failing_allocations, "pt.h, map, unmap"),
	CASE(absurd_range, "pt.h, map"),
	CASE(leaf_after_table, "pt.h, map"),
	CASE(fini_full, "pt.h, fini"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	static struct CMUnitTest tests[COUNT(variants) * COUNT(cases)];
	static char names[COUNT(tests)][256];
	size_t n = 0;

	for (size_t v = 0; v < COUNT(variants); v++) {
		for (size_t c = 0; c < COUNT(cases); c++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", variants[v].name,
				cases[c].name);
			tests[n] = (struct CMUnitTest){ names[n], cases[c].fn, setup, teardown,
				(void *)(uintptr_t)&variants[v] };
		}
	}
	return cmocka_run_group_tests_name("pt", tests, NULL, NULL);
}
