/* SPDX-License-Identifier: MIT */
/*
 * Interval map: the tree.
 *
 * Level 0 is leaf-most. A leaf holds intervals in ascending order and knows the next leaf. An inner
 * node holds a span for each child: the bounds of what's below, and a summary of the gaps inside
 * it, which are what is free between two intervals of the child. What is free between two children
 * follows from their bounds, and what is free at both ends of the address range from those of the
 * root. So a change shows in the nodes above it and nowhere else.
 *
 * A gap's summary is its size, and the order (base-2 logarithm) of the largest block in it that is
 * aligned to its own size. A child is searched if it has a gap of the size and a gap of the order
 * that the place needs; both are necessary. Where a place is as large as its alignment, the order
 * decides; where gaps are larger than the place by its alignment, the size does. Between the two,
 * first fit may look into children in vain.
 *
 * Where a full leaf is split follows the stream of insertions. A leaf remembers where it was last
 * inserted to; if the new interval goes next to that, the leaf is split there, so that a stream
 * leaves full leaves behind, whatever lies before and after it. That may make a sparse leaf. It
 * takes a full leaf which was inserted to since it was last split, hence many insertions, which
 * bounds what a hostile client can waste. No leaf is empty, and an inner node other than the root
 * has IMAP_SLOTS_MIN children or more.
 */
#ifndef UIOMMU_BASE_IMAP_TREE_H
#define UIOMMU_BASE_IMAP_TREE_H

#include "base/imap.h"

#define IMAP_SLOTS     32u
#define IMAP_SLOTS_MIN (IMAP_SLOTS / 4)

struct imap_node {
	uint16_t n;
	uint16_t stream; /* leaf: the slot after the last insertion; it moves with its interval */
};

struct imap_leaf {
	struct imap_node node;
	struct imap_leaf *next;
	uint64_t start[IMAP_SLOTS];
	uint64_t last[IMAP_SLOTS];
	void *val[IMAP_SLOTS];
};

struct imap_inner {
	struct imap_node node;
	uint8_t order[IMAP_SLOTS];
	uint64_t lo[IMAP_SLOTS];
	struct imap_node *child[IMAP_SLOTS];
	uint64_t last[IMAP_SLOTS];
	uint64_t gap[IMAP_SLOTS];
};

static inline struct imap_leaf *imap_leaf(const struct imap_node *node)
{
	return (struct imap_leaf *)node;
}

static inline struct imap_inner *imap_inner(const struct imap_node *node)
{
	return (struct imap_inner *)node;
}

/* How many of @n ascending keys are at most @addr. Without branches: they would be mispredicted. */
static inline unsigned int imap_keys_upto(const uint64_t *key, unsigned int n, uint64_t addr)
{
	unsigned int i = 0;

	while (n > 1) {
		unsigned int half = n / 2;

		i = key[i + half - 1] <= addr ? i + half : i;
		n -= half;
	}
	return i + (key[i] <= addr);
}

/* The child that holds @addr if any does: the last that begins at or before it, else the first. */
static inline unsigned int imap_child_slot(const struct imap_inner *in, uint64_t addr)
{
	unsigned int i = imap_keys_upto(in->lo, in->node.n, addr);

	return i ? i - 1 : 0;
}

static inline uint8_t imap_lg2(uint64_t x)
{
	return (uint8_t)(63 - __builtin_clzll(x));
}

/* The order of the largest block within [start, end) that is aligned to its size; start < end. */
static inline uint8_t imap_block_order(uint64_t start, uint64_t end)
{
	uint8_t top = imap_lg2(start ^ end), before, after;
	uint64_t middle = end >> top << top; /* the roundest address in (start, end] */

	before = imap_lg2(middle - start);
	after = end > middle ? imap_lg2(end - middle) : 0;
	return before > after ? before : after;
}

#endif
