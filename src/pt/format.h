/* SPDX-License-Identifier: MIT */
/*
 * What a format tells the algorithm.
 *
 * A format is a `static const struct pt_format` of geometry and of tiny pure functions over
 * entries. walk.h, map.h and unmap.h hold the algorithm, once, as static functions that take the
 * format first; a file in fmt/ instantiates them with PT_DEFINE_OPS() (algorithm.h). There the
 * format is a constant in every call, and the compiler folds it away: no indirect call is left.
 *
 * A table at level n has entries that each cover 2^(granule_lg2 + n * index_lg2) bytes. An entry is
 * empty, or leads to a table one level below, or is a leaf. In the tables that we write an empty
 * entry is 0, and no table but the top is empty: a table that loses its last entry is taken out.
 */
#ifndef UIOMMU_PT_FORMAT_H
#define UIOMMU_PT_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pt/pt.h"

#define PT_INLINE static inline __attribute__((always_inline))

#define PT_LEVELS_MAX 6

enum pt_kind {
	PT_NONE,
	PT_TABLE,
	PT_LEAF,
};

struct pt_format {
	unsigned int granule_lg2; /* bytes that an entry of level 0 covers */
	unsigned int index_lg2;	  /* entries of a table */
	unsigned int levels_min, levels_max, levels_default;
	uint64_t pgsizes; /* leaf sizes, a bit mask; the smallest is the granule */
	uint64_t pa_last;
	uint64_t (*va_last)(unsigned int levels);

	/* What hardware makes of an entry. Never PT_TABLE at level 0. */
	enum pt_kind (*kind)(uint64_t entry, unsigned int level);
	/* Of an entry of kind PT_TABLE: address of the table, PT_* that it lets through. */
	uint64_t (*table)(uint64_t entry);
	unsigned int (*table_prot)(uint64_t entry);
	/* Of an entry of kind PT_LEAF: first output address, PT_* that it grants. */
	uint64_t (*output)(uint64_t entry, unsigned int level);
	unsigned int (*leaf_prot)(uint64_t entry);

	uint64_t (*make_table)(uint64_t addr);
	/* @pa is aligned to the level's size. Leaves of a run differ by this size: entry + size. */
	uint64_t (*make_leaf)(uint64_t pa, unsigned int level, unsigned int prot);
};

PT_INLINE unsigned int pt_shift(const struct pt_format *fmt, unsigned int level)
{
	return fmt->granule_lg2 + level * fmt->index_lg2;
}

/* Bytes that an entry of @level covers. */
PT_INLINE uint64_t pt_size(const struct pt_format *fmt, unsigned int level)
{
	return (uint64_t)1 << pt_shift(fmt, level);
}

PT_INLINE unsigned int pt_index(const struct pt_format *fmt, uint64_t iova, unsigned int level)
{
	uint64_t mask = ((uint64_t)1 << fmt->index_lg2) - 1;

	return (unsigned int)(iova >> pt_shift(fmt, level) & mask);
}

/* The entry of @level that covers @iova is the last that a range up to @last reaches, or its end.
 */
PT_INLINE uint64_t pt_slot_last(
	const struct pt_format *fmt, uint64_t iova, uint64_t last, unsigned int level)
{
	uint64_t slot_last = iova | (pt_size(fmt, level) - 1);

	return slot_last < last ? slot_last : last;
}

/* Entries, as the writer uses them: nobody else stores. */
PT_INLINE uint64_t pt_peek(const _Atomic uint64_t *entry)
{
	return atomic_load_explicit(entry, memory_order_relaxed);
}

/* A leaf, or nothing: readers depend on nothing behind it. The caller's wait orders it. */
PT_INLINE void pt_set(_Atomic uint64_t *entry, uint64_t value)
{
	atomic_store_explicit(entry, value, memory_order_relaxed);
}

/* A table whose entries have been written. Pairs with the acquire in pt_host_load(). */
PT_INLINE void pt_publish(_Atomic uint64_t *entry, uint64_t value)
{
	atomic_store_explicit(entry, value, memory_order_release);
}

/* The table that an entry of ours leads to. */
PT_INLINE _Atomic uint64_t *pt_table_at(const struct pt_format *fmt, uint64_t entry)
{
	return (_Atomic uint64_t *)(uintptr_t)fmt->table(entry);
}

#endif
