/* SPDX-License-Identifier: MIT */
/*
 * Unmap: entries become empty, and tables that become empty leave the tree.
 *
 * Each table's count of live entries says when it is empty. A table that the range covers wholly
 * isn't cleared entry by entry: its entry in the table above is, and the table goes to the gather
 * list as it is. A reader that is inside it may find its leaves until it leaves, as it may hold a
 * leaf that it read before; the caller's wait ends both. (A page that goes away with entries is
 * zeroed by whom takes it next, unless it will be overwritten.)
 */
#ifndef UIOMMU_PT_UNMAP_H
#define UIOMMU_PT_UNMAP_H

#include "base/range.h"
#include "pt/format.h"
#include "pt/page.h"

static inline void pt_gather_add(struct pt *pt, struct pt_gather *gather, struct pt_page *page)
{
	page->zero = !page->live;
	page->next = gather->pages;
	gather->pages = page;
	gather->count++;
	pt->ntables--;
}

/* Gathers a table and all below it, as they are. Return: bytes that they mapped. */
static uint64_t pt_harvest(const struct pt_format *fmt, struct pt *pt, struct pt_gather *gather,
	const _Atomic uint64_t *table, unsigned int level)
{
	struct pt_page *page = pt_page_of(table);
	unsigned int left = page->live;
	uint64_t bytes = 0;

	pt_gather_add(pt, gather, page);
	if (!level)
		return left * pt_size(fmt, 0);
	for (; left; table++) {
		uint64_t value = pt_peek(table);

		if (!value)
			continue;
		left--;
		if (fmt->kind(value, level) == PT_LEAF)
			bytes += pt_size(fmt, level);
		else
			bytes += pt_harvest(fmt, pt, gather, pt_table_at(fmt, value), level - 1);
	}
	return bytes;
}

static uint64_t pt_cut(const struct pt_format *fmt, struct pt *pt, struct pt_gather *gather,
	_Atomic uint64_t *table, unsigned int level, uint64_t first, uint64_t last);

/* Under one entry, of which [first, last] is a part or all. Return: bytes that were mapped. */
static inline uint64_t pt_cut_slot(const struct pt_format *fmt, struct pt *pt,
	struct pt_gather *gather, _Atomic uint64_t *entry, unsigned int level, uint64_t first,
	uint64_t last)
{
	uint64_t value = pt_peek(entry), rest = pt_size(fmt, level) - 1, bytes;
	_Atomic uint64_t *below;

	if (!value)
		return 0;
	if (fmt->kind(value, level) == PT_LEAF) {
		if (first & rest)
			return 0; /* it begins before the range */
		pt_set(entry, 0);
		return rest + 1;
	}
	below = pt_table_at(fmt, value);
	if (last - first == rest) {
		pt_set(entry, 0);
		return pt_harvest(fmt, pt, gather, below, level - 1);
	}
	bytes = pt_cut(fmt, pt, gather, below, level - 1, first, last);
	if (!pt_page_of(below)->live) {
		pt_set(entry, 0);
		pt_gather_add(pt, gather, pt_page_of(below));
	}
	return bytes;
}

/* Leaves of level 0. Return: how many there were. */
static inline unsigned int pt_cut_run(_Atomic uint64_t *entry, unsigned int n)
{
	unsigned int live = 0;

	for (unsigned int i = 0; i < n; i++) {
		live += pt_peek(&entry[i]) != 0;
		pt_set(&entry[i], 0);
	}
	return live;
}

/* In one table; @first is a multiple of the granule. Return: bytes that were mapped. */
static uint64_t pt_cut(const struct pt_format *fmt, struct pt *pt, struct pt_gather *gather,
	_Atomic uint64_t *table, unsigned int level, uint64_t first, uint64_t last)
{
	unsigned int begin = pt_index(fmt, first, level), end = pt_index(fmt, last, level) + 1;
	struct pt_page *page = pt_page_of(table);
	unsigned int live = 0;
	uint64_t bytes = 0;

	if (!level) {
		live = pt_cut_run(table + begin, end - begin);
		bytes = live * pt_size(fmt, 0);
	}
	for (unsigned int i = begin; level && i < end; i++) {
		uint64_t slot_last = pt_slot_last(fmt, first, last, level);
		bool was = pt_peek(&table[i]) != 0;

		bytes += pt_cut_slot(fmt, pt, gather, &table[i], level, first, slot_last);
		live += was && !pt_peek(&table[i]);
		first = slot_last + 1;
	}
	page->live = (uint16_t)(page->live - live);
	return bytes;
}

PT_INLINE uint64_t pt_unmap(const struct pt_format *fmt, struct pt *pt, uint64_t iova, uint64_t len,
	struct pt_gather *gather)
{
	unsigned int top = pt->levels - 1, level = top;
	_Atomic uint64_t *path[PT_LEVELS_MAX], *table = pt->top;
	uint64_t first, last, value, bytes;

	if (!range_last(iova, len, &last) || !align_up(iova, pt_size(fmt, 0), &first))
		return 0;
	if (last > pt->va_last)
		last = pt->va_last;
	if (first > last)
		return 0;
	for (; level && (first ^ last) >> pt_shift(fmt, level) == 0; level--) {
		value = pt_peek(table + pt_index(fmt, first, level));
		if (!value)
			return 0;
		if (fmt->kind(value, level) == PT_LEAF || last - first == pt_size(fmt, level) - 1)
			break;
		path[level] = table;
		table = pt_table_at(fmt, value);
	}
	bytes = pt_cut(fmt, pt, gather, table, level, first, last);
	for (; level < top && !pt_page_of(table)->live; level++) {
		pt_gather_add(pt, gather, pt_page_of(table));
		table = path[level + 1];
		pt_set(table + pt_index(fmt, first, level + 1), 0);
		pt_page_of(table)->live--;
	}
	return bytes;
}

#endif
