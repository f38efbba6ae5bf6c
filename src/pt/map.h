/* SPDX-License-Identifier: MIT */
/*
 * Map: first everything that can fail, then the stores.
 *
 * The range descends as far as it lies under one entry. If there it is a run of leaves, it is
 * checked and stored: the common case, with no allocation. Otherwise a survey checks that nothing
 * in the range is mapped, and counts the tables that are missing; they are taken from the stock at
 * once; then the build can't fail. A table is filled before it is published.
 *
 * A range covers each entry that it reaches wholly, or else it begins or ends inside. An output
 * address is congruent with its input address modulo a leaf's size for the whole range or nowhere
 * in it, so that which leaf sizes fit is known beforehand.
 */
#ifndef UIOMMU_PT_MAP_H
#define UIOMMU_PT_MAP_H

#include <errno.h>

#include "base/range.h"
#include "pt/format.h"
#include "pt/page.h"

struct pt_mapping {
	uint64_t delta;	       /* output minus input address */
	uint64_t sizes;	       /* leaf sizes that fit: a bit mask */
	size_t missing;	       /* tables */
	struct pt_page *pages; /* for these */
	unsigned int prot;
};

PT_INLINE bool pt_leaf_fits(
	const struct pt_format *fmt, const struct pt_mapping *m, unsigned int level)
{
	return m->sizes >> pt_shift(fmt, level) & 1;
}

/* Entries of @level, from the one at @first on, that [first, last] covers wholly. */
PT_INLINE uint64_t pt_whole_slots(
	const struct pt_format *fmt, uint64_t first, uint64_t last, unsigned int level)
{
	uint64_t rest = pt_size(fmt, level) - 1;

	if (first & rest || last - first < rest)
		return 0;
	return ((last - first - rest) >> pt_shift(fmt, level)) + 1;
}

/* Whether all of @n entries are empty. */
static inline bool pt_run_empty(const _Atomic uint64_t *entry, uint64_t n)
{
	uint64_t any = 0;

	for (uint64_t i = 0; i < n; i++)
		any |= pt_peek(&entry[i]);
	return !any;
}

/* Tables that a whole entry of @level takes if it can't be a leaf there. */
static inline size_t pt_tables_below(
	const struct pt_format *fmt, const struct pt_mapping *m, unsigned int level)
{
	size_t n = 0, entries = (size_t)1 << fmt->index_lg2;

	for (unsigned int l = 0; l < level; l++)
		n = 1 + (pt_leaf_fits(fmt, m, l) ? 0 : entries * n);
	return n;
}

/* @table is NULL where there is none yet. Return: 0; -EEXIST. */
static int pt_survey(const struct pt_format *fmt, struct pt_mapping *m,
	const _Atomic uint64_t *table, unsigned int level, uint64_t first, uint64_t last)
{
	for (uint64_t end;; first = end + 1) {
		uint64_t n = pt_whole_slots(fmt, first, last, level);
		const _Atomic uint64_t *entry = table ? table + pt_index(fmt, first, level) : NULL;
		const _Atomic uint64_t *below = NULL;
		int err;

		end = n ? first + (n << pt_shift(fmt, level)) - 1
			: pt_slot_last(fmt, first, last, level);
		if (n && entry && !pt_run_empty(entry, n))
			return -EEXIST;
		if (n && !pt_leaf_fits(fmt, m, level))
			m->missing += n * pt_tables_below(fmt, m, level);
		if (!n) {
			uint64_t value = entry ? pt_peek(entry) : 0;

			if (!value)
				m->missing++;
			else if (fmt->kind(value, level) == PT_LEAF)
				return -EEXIST;
			else
				below = pt_table_at(fmt, value);
			err = pt_survey(fmt, m, below, level - 1, first, end);
			if (err)
				return err;
		}
		if (end == last)
			return 0;
	}
}

static inline void pt_fill(const struct pt_format *fmt, const struct pt_mapping *m,
	_Atomic uint64_t *entry, unsigned int level, uint64_t iova, uint64_t n)
{
	uint64_t value = fmt->make_leaf(iova + m->delta, level, m->prot);

	for (uint64_t i = 0; i < n; i++) {
		pt_set(&entry[i], value);
		value += pt_size(fmt, level);
	}
}

/* A table that isn't published yet, not zeroed. */
static inline struct pt_page *pt_page_next(struct pt_mapping *m)
{
	struct pt_page *page = m->pages;

	m->pages = page->next;
	page->live = 0;
	return page;
}

/* A new table of leaves only. Nobody else can see it: these are plain stores, several at once. */
static inline void pt_fill_whole(const struct pt_format *fmt, const struct pt_mapping *m,
	struct pt_page *page, unsigned int level, uint64_t iova)
{
	uint64_t value = fmt->make_leaf(iova + m->delta, level, m->prot);
	uint64_t *entry = (uint64_t *)pt_page_table(page);
	unsigned int n = 1u << fmt->index_lg2;

	for (unsigned int i = 0; i < n; i++)
		entry[i] = value + i * pt_size(fmt, level);
	page->live = (uint16_t)n;
}

static void pt_build(const struct pt_format *fmt, struct pt_mapping *m, _Atomic uint64_t *table,
	unsigned int level, uint64_t first, uint64_t last);

/* [first, last] lies under one entry, and isn't a leaf there. Return: 1 if the entry was empty. */
static inline unsigned int pt_build_below(const struct pt_format *fmt, struct pt_mapping *m,
	_Atomic uint64_t *entry, unsigned int level, uint64_t first, uint64_t last)
{
	uint64_t value = pt_peek(entry);
	struct pt_page *page;

	if (value) {
		pt_build(fmt, m, pt_table_at(fmt, value), level - 1, first, last);
		return 0;
	}
	page = pt_page_next(m);
	if (last - first == pt_size(fmt, level) - 1 && pt_leaf_fits(fmt, m, level - 1)) {
		pt_fill_whole(fmt, m, page, level - 1, first);
	} else {
		pt_page_zero(page);
		pt_build(fmt, m, pt_page_table(page), level - 1, first, last);
	}
	pt_publish(entry, fmt->make_table((uintptr_t)pt_page_table(page)));
	return 1;
}

/* After a survey that succeeded, with its missing tables at hand. */
static void pt_build(const struct pt_format *fmt, struct pt_mapping *m, _Atomic uint64_t *table,
	unsigned int level, uint64_t first, uint64_t last)
{
	unsigned int live = 0;

	for (uint64_t end;; first = end + 1) {
		_Atomic uint64_t *entry = table + pt_index(fmt, first, level);
		uint64_t n =
			pt_leaf_fits(fmt, m, level) ? pt_whole_slots(fmt, first, last, level) : 0;

		if (n) {
			end = first + (n << pt_shift(fmt, level)) - 1;
			pt_fill(fmt, m, entry, level, first, n);
			live += (unsigned int)n;
		} else {
			end = pt_slot_last(fmt, first, last, level);
			live += pt_build_below(fmt, m, entry, level, first, end);
		}
		if (end == last)
			break;
	}
	pt_page_of(table)->live = (uint16_t)(pt_page_of(table)->live + live);
}

/* From @table on, which exists. */
static __attribute__((noinline)) int pt_map_below(const struct pt_format *fmt, struct pt *pt,
	struct pt_mapping *m, _Atomic uint64_t *table, unsigned int level, uint64_t first,
	uint64_t last)
{
	int err = pt_survey(fmt, m, table, level, first, last);

	if (!err)
		err = pt_pages_take(m->missing, &m->pages);
	if (err)
		return err;
	pt_build(fmt, m, table, level, first, last);
	pt->ntables += m->missing;
	return 0;
}

/* Leaves of one table. */
PT_INLINE int pt_map_run(const struct pt_format *fmt, const struct pt_mapping *m,
	_Atomic uint64_t *table, unsigned int level, uint64_t iova, uint64_t n)
{
	_Atomic uint64_t *entry = table + pt_index(fmt, iova, level);
	struct pt_page *page = pt_page_of(table);

	if (!pt_run_empty(entry, n))
		return -EEXIST;
	pt_fill(fmt, m, entry, level, iova, n);
	page->live = (uint16_t)(page->live + n);
	return 0;
}

/* Whether [iova, iova + len) may be mapped to @pa as far as @pt's geometry goes; its last byte. */
PT_INLINE bool pt_map_valid(
	const struct pt *pt, uint64_t iova, uint64_t pa, uint64_t len, uint64_t *last)
{
	uint64_t low = (pt->pgsizes & -pt->pgsizes) - 1, pa_last;

	return !((iova | pa | len) & low) && range_last(iova, len, last) &&
	       range_last(pa, len, &pa_last) && *last <= pt->va_last && pa_last <= pt->pa_last;
}

PT_INLINE int pt_map(const struct pt_format *fmt, struct pt *pt, uint64_t iova, uint64_t pa,
	uint64_t len, unsigned int prot)
{
	uint64_t differ = iova ^ pa, last, value;
	struct pt_mapping m = { .delta = pa - iova, .prot = prot };
	unsigned int level = pt->levels - 1;
	_Atomic uint64_t *table = pt->top;

	if (!pt_map_valid(pt, iova, pa, len, &last) || !prot || prot & ~(PT_READ | PT_WRITE))
		return -EINVAL;
	/* Up to the lowest bit in which they differ. */
	m.sizes = pt->pgsizes & (differ ^ (differ - 1));
	for (; (iova ^ last) >> pt_shift(fmt, level) == 0; level--) {
		if (len == pt_size(fmt, level) && pt_leaf_fits(fmt, &m, level))
			break;
		value = pt_peek(table + pt_index(fmt, iova, level));
		if (!value)
			break;
		if (fmt->kind(value, level) == PT_LEAF)
			return -EEXIST;
		table = pt_table_at(fmt, value);
	}
	if (pt_leaf_fits(fmt, &m, level) && !((iova | len) & (pt_size(fmt, level) - 1)))
		return pt_map_run(fmt, &m, table, level, iova, len >> pt_shift(fmt, level));
	return pt_map_below(fmt, pt, &m, table, level, iova, last);
}

#endif
