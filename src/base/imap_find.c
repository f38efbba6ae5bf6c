/* SPDX-License-Identifier: MIT */
/* Interval map: lookup, iteration, and the search for gaps. */
#include "base/imap.h"

#include <errno.h>

#include "base/imap_tree.h"

static struct imap_leaf *leaf_at(const struct imap *map, uint64_t addr)
{
	const struct imap_node *node = map->root;

	for (unsigned int level = map->height - 1; level; level--)
		node = imap_inner(node)->child[imap_child_slot(imap_inner(node), addr)];
	return imap_leaf(node);
}

static void leaf_get(const struct imap_leaf *leaf, unsigned int slot, struct imap_ent *ent)
{
	if (ent)
		*ent = (struct imap_ent){ leaf->start[slot], leaf->last[slot], leaf->val[slot] };
}

bool imap_find(const struct imap *map, uint64_t addr, struct imap_ent *ent)
{
	const struct imap_leaf *leaf;
	unsigned int slot;

	if (!map->root)
		return false;
	leaf = leaf_at(map, addr);
	slot = imap_keys_upto(leaf->start, leaf->node.n, addr);
	if (!slot || leaf->last[--slot] < addr)
		return false;
	leaf_get(leaf, slot, ent);
	return true;
}

/* The first interval whose last >= @addr. Return: its leaf, or NULL. */
static const struct imap_leaf *find_from(const struct imap *map, uint64_t addr, unsigned int *slot)
{
	const struct imap_leaf *leaf;
	unsigned int i;

	if (!map->root)
		return NULL;
	leaf = leaf_at(map, addr);
	i = imap_keys_upto(leaf->start, leaf->node.n, addr);
	if (i && leaf->last[i - 1] >= addr)
		i--;
	if (i == leaf->node.n) {
		leaf = leaf->next;
		i = 0;
	}
	*slot = i;
	return leaf;
}

bool imap_next(const struct imap *map, uint64_t addr, struct imap_ent *ent)
{
	unsigned int slot;
	const struct imap_leaf *leaf = find_from(map, addr, &slot);

	if (leaf)
		leaf_get(leaf, slot, ent);
	return leaf;
}

bool imap_overlaps(const struct imap *map, uint64_t start, uint64_t last, struct imap_ent *ent)
{
	unsigned int slot;
	const struct imap_leaf *leaf = find_from(map, start, &slot);

	if (!leaf || leaf->start[slot] > last)
		return false;
	leaf_get(leaf, slot, ent);
	return true;
}

/* ---- iteration ---- */

/* What @it stands at, if it isn't beyond the end. */
static bool iter_get(struct imap_iter *it, struct imap_ent *ent)
{
	const struct imap_leaf *leaf;

	if (!it->leaf)
		return false;
	leaf = imap_leaf(it->leaf);
	if (leaf->start[it->slot] > it->last) {
		it->leaf = NULL;
		return false;
	}
	leaf_get(leaf, it->slot, ent);
	return true;
}

bool imap_iter_first(struct imap_iter *it, const struct imap *map, uint64_t start, uint64_t last,
	struct imap_ent *ent)
{
	const struct imap_leaf *leaf = find_from(map, start, &it->slot);

	it->map = map;
	it->last = last;
	it->leaf = leaf ? &leaf->node : NULL;
	return iter_get(it, ent);
}

bool imap_iter_next(struct imap_iter *it, struct imap_ent *ent)
{
	if (it->leaf && ++it->slot == it->leaf->n) {
		const struct imap_leaf *next = imap_leaf(it->leaf)->next;

		it->leaf = next ? &next->node : NULL;
		it->slot = 0;
	}
	return iter_get(it, ent);
}

/* ---- gaps ---- */

struct place {
	uint64_t lo, hi, len, align, off;
	uint8_t order; /* of an aligned block that every such place contains */
	uint64_t start;
};

/* Whether there's a place within the free range [start, last]. */
static bool place_try(struct place *p, uint64_t start, uint64_t last)
{
	uint64_t skip;

	start = start > p->lo ? start : p->lo;
	last = last < p->hi ? last : p->hi;
	if (start > last)
		return false;
	skip = (p->off - start) & (p->align - 1);
	if (skip > last - start || last - start - skip < p->len - 1)
		return false;
	p->start = start + skip;
	return true;
}

/*
 * Modulo the alignment, all places begin at the same offset, so that all contain the same aligned
 * blocks up to that order.
 */
static uint8_t place_order(const struct place *p)
{
	uint64_t end = p->off + p->len;
	uint8_t align_lg2 = imap_lg2(p->align), order;

	/* No place ends before the end of the address range, where there's no gap inside of a node.
	 */
	if (end < p->off)
		return 63;
	order = imap_block_order(p->off, end);
	return order < align_lg2 ? order : align_lg2;
}

static bool leaf_place(const struct imap_leaf *leaf, struct place *p)
{
	unsigned int i = imap_keys_upto(leaf->start, leaf->node.n, p->lo);

	for (i += !i; i < leaf->node.n; i++) {
		uint64_t end = leaf->start[i], start = leaf->last[i - 1] + 1;

		if (end - start >= p->len && place_try(p, start, end - 1))
			return true;
		if (end > p->hi)
			break;
	}
	return false;
}

/* In ascending order. The depth of the recursion is the tree's height. */
static bool node_place(const struct imap_node *node, unsigned int level, struct place *p)
{
	const struct imap_inner *in = imap_inner(node);

	if (!level)
		return leaf_place(imap_leaf(node), p);
	for (unsigned int i = imap_child_slot(in, p->lo); i < node->n; i++) {
		if (in->gap[i] >= p->len && in->order[i] >= p->order &&
			node_place(in->child[i], level - 1, p))
			return true;
		if (in->last[i] >= p->hi || i + 1 == node->n)
			break;
		if (in->lo[i + 1] - in->last[i] > p->len &&
			place_try(p, in->last[i] + 1, in->lo[i + 1] - 1))
			return true;
	}
	return false;
}

static bool map_place(const struct imap *map, struct place *p)
{
	const struct imap_node *root = map->root;
	uint64_t first, last;

	if (!root)
		return place_try(p, 0, UINT64_MAX);
	first = map->height > 1 ? imap_inner(root)->lo[0] : imap_leaf(root)->start[0];
	last = map->height > 1 ? imap_inner(root)->last[root->n - 1]
			       : imap_leaf(root)->last[root->n - 1];
	return (first && place_try(p, 0, first - 1)) || node_place(root, map->height - 1, p) ||
	       (last < UINT64_MAX && place_try(p, last + 1, UINT64_MAX));
}

int imap_find_gap(const struct imap *map, uint64_t lo, uint64_t hi, uint64_t len, uint64_t align,
	uint64_t off, uint64_t *out)
{
	struct place place = { .lo = lo, .hi = hi, .len = len, .align = align, .off = off };

	if (lo > hi || !len)
		return -ENOSPC;
	place.order = place_order(&place);
	if (!map_place(map, &place))
		return -ENOSPC;
	*out = place.start;
	return 0;
}
