/* SPDX-License-Identifier: MIT */
/*
 * The walk: one load per level, from the top table to a leaf or to nothing.
 *
 * Where tables lie is the memory's affair: ours are at host addresses; a guest's are at addresses
 * that another walk translates, and its load may fail. The memory is a constant, as the format is.
 */
#ifndef UIOMMU_PT_WALK_H
#define UIOMMU_PT_WALK_H

#include <errno.h>

#include "pt/format.h"

struct pt_memory {
	/* The entry at @addr. Return: 0, or the error that ends the walk. */
	int (*load)(const void *space, uint64_t addr, uint64_t *entry);
};

static inline int pt_host_load(const void *space, uint64_t addr, uint64_t *entry)
{
	const _Atomic uint64_t *p = (const _Atomic uint64_t *)(uintptr_t)addr;

	/* Pairs with pt_publish(). */
	*entry = atomic_load_explicit(p, memory_order_acquire);
	return 0;
}

static const struct pt_memory pt_host_memory = { pt_host_load };

/*
 * From @table at level @levels - 1 down; @iova is in range. Fills @leaf. Return: 0, -ENOENT, or an
 * error of the memory.
 */
PT_INLINE int pt_descend(const struct pt_format *fmt, const struct pt_memory *mem,
	const void *space, uint64_t table, unsigned int levels, uint64_t iova, struct pt_leaf *leaf)
{
	unsigned int prot = PT_READ | PT_WRITE, level = levels - 1;
	enum pt_kind kind = PT_NONE;
	uint64_t entry = 0, low;
	int err;

	for (;; level--) {
		err = mem->load(space, table + pt_index(fmt, iova, level) * sizeof(entry), &entry);
		if (err)
			break;
		kind = fmt->kind(entry, level);
		if (kind != PT_TABLE)
			break;
		prot &= fmt->table_prot(entry);
		table = fmt->table(entry);
	}
	leaf->level = level;
	leaf->size_lg2 = pt_shift(fmt, level);
	if (kind != PT_LEAF) {
		leaf->pa = 0;
		leaf->prot = 0;
		return err ? err : -ENOENT;
	}
	low = iova & (pt_size(fmt, level) - 1);
	leaf->pa = fmt->output(entry, level) | low;
	leaf->prot = prot & fmt->leaf_prot(entry);
	return 0;
}

PT_INLINE int pt_walk(const struct pt_format *fmt, const struct pt *pt, uint64_t iova,
	unsigned int need, struct pt_leaf *leaf)
{
	int err;

	if (iova > pt->va_last) {
		*leaf = (struct pt_leaf){ .level = pt->levels };
		return -ERANGE;
	}
	err = pt_descend(fmt, &pt_host_memory, NULL, (uintptr_t)pt->top, pt->levels, iova, leaf);
	if (err)
		return err;
	return need & ~leaf->prot ? -EPERM : 0;
}

#endif
