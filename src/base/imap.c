/* SPDX-License-Identifier: MIT */
/* Interval map: insertion and removal. The structure is explained in imap_tree.h. */
#include "base/imap.h"

#include <errno.h>
#include <string.h>

#include "base/imap_tree.h"
#include "base/mem.h"

#define HEIGHT_MAX 16u /* 8^15 leaves don't fit into an address space */
#define NO_STREAM  UINT16_MAX

/* What an inner node knows of a child. */
struct span {
	uint64_t lo, last;
	uint64_t gap;  /* bytes of the largest gap inside; 0: there's none */
	uint8_t order; /* of the largest aligned block inside a gap */
};

/* The way from the root to a leaf, by level. */
struct path {
	struct imap_inner *node[HEIGHT_MAX];
	uint8_t slot[HEIGHT_MAX];
};

/* Nodes that an insertion needs for its splits, allocated before it changes anything. */
struct growth {
	struct imap_leaf *leaf;
	struct imap_inner *inner[HEIGHT_MAX];
	unsigned int ninner;
};

static struct imap_leaf *path_find(const struct imap *map, uint64_t addr, struct path *path)
{
	struct imap_node *node = map->root;

	*path = (struct path){ .node = { NULL } };
	for (unsigned int level = map->height - 1; level; level--) {
		path->node[level] = imap_inner(node);
		path->slot[level] = (uint8_t)imap_child_slot(imap_inner(node), addr);
		node = imap_inner(node)->child[path->slot[level]];
	}
	return imap_leaf(node);
}

/* ---- spans ---- */

/* Accounts for the gap [start, end), which may be empty. */
static inline void span_add_gap(struct span *span, uint64_t start, uint64_t end)
{
	uint64_t size = end - start;

	span->gap = size > span->gap ? size : span->gap;
	if (size >> span->order > 1) {
		uint8_t order = imap_block_order(start, end);

		span->order = order > span->order ? order : span->order;
	}
}

static struct span leaf_span(const struct imap_leaf *leaf)
{
	unsigned int n = leaf->node.n;
	struct span span = { .lo = leaf->start[0], .last = leaf->last[n - 1] };

	for (unsigned int i = 1; i < n; i++)
		span_add_gap(&span, leaf->last[i - 1] + 1, leaf->start[i]);
	return span;
}

static struct span inner_span(const struct imap_inner *in)
{
	unsigned int n = in->node.n;
	struct span span = { in->lo[0], in->last[n - 1], in->gap[0], in->order[0] };

	for (unsigned int i = 1; i < n; i++) {
		span_add_gap(&span, in->last[i - 1] + 1, in->lo[i]);
		span.gap = in->gap[i] > span.gap ? in->gap[i] : span.gap;
		span.order = in->order[i] > span.order ? in->order[i] : span.order;
	}
	return span;
}

/* Brings what @in knows of the child in @slot up to date. Return: whether it changed. */
static bool inner_update(struct imap_inner *in, unsigned int slot, unsigned int level)
{
	const struct imap_node *child = in->child[slot];
	struct span span = level > 1 ? inner_span(imap_inner(child)) : leaf_span(imap_leaf(child));

	if (in->lo[slot] == span.lo && in->last[slot] == span.last && in->gap[slot] == span.gap &&
		in->order[slot] == span.order)
		return false;
	in->lo[slot] = span.lo;
	in->last[slot] = span.last;
	in->gap[slot] = span.gap;
	in->order[slot] = span.order;
	return true;
}

/* Brings what lies above @level up to date, as far as it changes. */
static void path_update(const struct imap *map, const struct path *path, unsigned int level)
{
	while (level < map->height && inner_update(path->node[level], path->slot[level], level))
		level++;
}

/* Accounts for a gap that has come to be inside the child in @slot. Return: whether that shows. */
static bool child_add_gap(struct imap_inner *in, unsigned int slot, uint64_t start, uint64_t end)
{
	struct span span = { .gap = in->gap[slot], .order = in->order[slot] };

	span_add_gap(&span, start, end);
	if (span.gap == in->gap[slot] && span.order == in->order[slot])
		return false;
	in->gap[slot] = span.gap;
	in->order[slot] = span.order;
	return true;
}

/* The leaf lost an interval between two others: their gap is [start, end). */
static void path_add_gap(
	const struct imap *map, const struct path *path, uint64_t start, uint64_t end)
{
	for (unsigned int level = 1; level < map->height; level++) {
		if (!child_add_gap(path->node[level], path->slot[level], start, end))
			break;
	}
}

/*
 * The leaf reaches further, to @ent, at its back or its front, beyond the gap [start, end). So does
 * what's above it, up to where it has a neighbour, whose gap to it shrinks.
 */
static void path_extend(const struct imap *map, const struct path *path, const struct imap_ent *ent,
	bool back, uint64_t start, uint64_t end)
{
	unsigned int level;
	bool edge = true;

	for (level = 1; level < map->height && edge; level++) {
		struct imap_inner *in = path->node[level];
		unsigned int slot = path->slot[level];

		if (back)
			in->last[slot] = ent->last;
		else
			in->lo[slot] = ent->start;
		child_add_gap(in, slot, start, end);
		edge = slot == (back ? in->node.n - 1u : 0);
	}
	path_update(map, path, level);
}

/* ---- slots ---- */

#define ARRAY_MOVE(dst, d, src, s, n, array)                                                       \
	memmove(&(dst)->array[d], &(src)->array[s], (n) * sizeof((dst)->array[0]))

static void leaf_move(struct imap_leaf *dst, unsigned int d, const struct imap_leaf *src,
	unsigned int s, unsigned int n)
{
	ARRAY_MOVE(dst, d, src, s, n, start);
	ARRAY_MOVE(dst, d, src, s, n, last);
	ARRAY_MOVE(dst, d, src, s, n, val);
}

static void inner_move(struct imap_inner *dst, unsigned int d, const struct imap_inner *src,
	unsigned int s, unsigned int n)
{
	ARRAY_MOVE(dst, d, src, s, n, order);
	ARRAY_MOVE(dst, d, src, s, n, lo);
	ARRAY_MOVE(dst, d, src, s, n, child);
	ARRAY_MOVE(dst, d, src, s, n, last);
	ARRAY_MOVE(dst, d, src, s, n, gap);
}

static void slots_move(unsigned int level, struct imap_node *dst, unsigned int d,
	const struct imap_node *src, unsigned int s, unsigned int n)
{
	if (level)
		inner_move(imap_inner(dst), d, imap_inner(src), s, n);
	else
		leaf_move(imap_leaf(dst), d, imap_leaf(src), s, n);
}

static void slot_open(unsigned int level, struct imap_node *node, unsigned int slot)
{
	slots_move(level, node, slot + 1, node, slot, node->n - slot);
	node->n++;
}

static void slot_close(unsigned int level, struct imap_node *node, unsigned int slot)
{
	slots_move(level, node, slot, node, slot + 1, node->n - slot - 1);
	node->n--;
}

/* Moves the slots of @left from @at to the new node @right. */
static void node_split(
	unsigned int level, struct imap_node *left, struct imap_node *right, unsigned int at)
{
	right->n = (uint16_t)(left->n - at);
	slots_move(level, right, 0, left, at, right->n);
	left->n = (uint16_t)at;
	left->stream = right->stream = NO_STREAM;
	if (!level) {
		imap_leaf(right)->next = imap_leaf(left)->next;
		imap_leaf(left)->next = imap_leaf(right);
	}
}

/* Moves slots between neighbours, so that @left has @n. */
static void node_balance(
	unsigned int level, struct imap_node *left, struct imap_node *right, unsigned int n)
{
	unsigned int moved;

	if (n > left->n) {
		moved = n - left->n;
		slots_move(level, left, left->n, right, 0, moved);
		slots_move(level, right, 0, right, moved, right->n - moved);
	} else {
		moved = left->n - n;
		slots_move(level, right, moved, right, 0, right->n);
		slots_move(level, right, 0, left, n, moved);
	}
	right->n = (uint16_t)(right->n + left->n - n);
	left->n = (uint16_t)n;
	left->stream = right->stream = NO_STREAM;
}

/* ---- life ---- */

void imap_init(struct imap *map)
{
	*map = (struct imap){ .root = NULL };
}

static void node_free(struct imap_node *node, unsigned int level)
{
	if (level) {
		for (unsigned int i = 0; i < node->n; i++)
			node_free(imap_inner(node)->child[i], level - 1);
	}
	base_free(node);
}

void imap_fini(struct imap *map)
{
	if (map->root)
		node_free(map->root, map->height - 1);
	imap_init(map);
}

/* ---- insertion ---- */

static int growth_fail(struct growth *growth)
{
	while (growth->ninner)
		base_free(growth->inner[--growth->ninner]);
	base_free(growth->leaf);
	return -ENOMEM;
}

/* A leaf that is full is about to be split, and so are those above it that are full, too. */
static int growth_alloc(struct growth *growth, const struct imap *map, const struct path *path)
{
	unsigned int n = 0;

	growth->ninner = 0;
	growth->leaf = base_zalloc(sizeof(*growth->leaf));
	if (!growth->leaf)
		return -ENOMEM;
	while (n + 1 < map->height && path->node[n + 1]->node.n == IMAP_SLOTS)
		n++;
	n += n + 1 == map->height; /* a new root */
	while (growth->ninner < n) {
		struct imap_inner *in = base_zalloc(sizeof(*in));

		if (!in)
			return growth_fail(growth);
		growth->inner[growth->ninner++] = in;
	}
	return 0;
}

/*
 * Where to split a full leaf that is inserted to at @slot. If that's also where the left part ends,
 * then the interval goes to the left part, unless that is full.
 */
static unsigned int leaf_split_at(const struct imap_leaf *leaf, unsigned int slot)
{
	bool ascending = slot == leaf->node.stream, descending = slot + 1 == leaf->node.stream;

	return ascending || (descending && slot <= IMAP_SLOTS / 2) ? slot : IMAP_SLOTS / 2;
}

static void leaf_put(struct imap_leaf *leaf, unsigned int slot, const struct imap_ent *ent)
{
	slot_open(0, &leaf->node, slot);
	leaf->start[slot] = ent->start;
	leaf->last[slot] = ent->last;
	leaf->val[slot] = ent->val;
	leaf->node.stream = (uint16_t)(slot + 1);
}

static void leaf_split(struct imap_leaf *leaf, struct imap_leaf *right, unsigned int slot,
	const struct imap_ent *ent)
{
	unsigned int at = leaf_split_at(leaf, slot);

	node_split(0, &leaf->node, &right->node, at);
	if (slot > at || at == IMAP_SLOTS)
		leaf_put(right, slot - at, ent);
	else
		leaf_put(leaf, slot, ent);
}

static void child_put(
	struct imap_inner *in, unsigned int slot, struct imap_node *child, unsigned int level)
{
	slot_open(level, &in->node, slot);
	in->child[slot] = child;
	in->lo[slot] = 1; /* not a span: it is made now */
	in->last[slot] = 0;
	inner_update(in, slot, level);
}

/* Splits @in, unevenly at the ends, and puts @child into @slot. */
static void inner_split(struct imap_inner *in, struct imap_inner *right, unsigned int slot,
	struct imap_node *child, unsigned int level)
{
	unsigned int at = slot == IMAP_SLOTS ? IMAP_SLOTS - IMAP_SLOTS_MIN
			  : slot <= 1	     ? IMAP_SLOTS_MIN
					     : IMAP_SLOTS / 2;

	node_split(level, &in->node, &right->node, at);
	if (slot > at)
		child_put(right, slot - at, child, level);
	else
		child_put(in, slot, child, level);
}

static void root_raise(struct imap *map, struct imap_inner *root, struct imap_node *right)
{
	struct imap_node *left = map->root;

	child_put(root, 0, left, map->height);
	child_put(root, 1, right, map->height);
	map->root = &root->node;
	map->height++;
}

/* A leaf was split, @right is its new neighbour: on the way up, updates spans, and splits what is
 * full. */
static void path_grow(struct imap *map, const struct path *path, struct growth *growth)
{
	struct imap_node *right = &growth->leaf->node;
	unsigned int level, used = 0;

	map->bytes += sizeof(*growth->leaf) + growth->ninner * sizeof(*growth->inner[0]);
	for (level = 1; level < map->height && right; level++) {
		struct imap_inner *in = path->node[level], *next = NULL;
		unsigned int slot = path->slot[level];

		inner_update(in, slot, level);
		if (in->node.n < IMAP_SLOTS) {
			child_put(in, slot + 1, right, level);
		} else {
			next = growth->inner[used++];
			inner_split(in, next, slot + 1, right, level);
		}
		right = next ? &next->node : NULL;
	}
	if (right) {
		root_raise(map, growth->inner[used], right);
		return;
	}
	path_update(map, path, level);
}

static int insert_first(struct imap *map, const struct imap_ent *ent)
{
	struct imap_leaf *leaf = base_zalloc(sizeof(*leaf));

	if (!leaf)
		return -ENOMEM;
	leaf_put(leaf, 0, ent);
	map->root = &leaf->node;
	map->height = 1;
	map->bytes = sizeof(*leaf);
	map->count = 1;
	return 0;
}

/* Whether a neighbour of @slot, which lies after all intervals that begin at or before @start,
 * overlaps. */
static bool next_taken(const struct imap_leaf *leaf, unsigned int slot, uint64_t last)
{
	if (slot < leaf->node.n)
		return leaf->start[slot] <= last;
	return leaf->next && leaf->next->start[0] <= last;
}

static bool is_taken(const struct imap_leaf *leaf, unsigned int slot, uint64_t start, uint64_t last)
{
	return (slot && leaf->last[slot - 1] >= start) || next_taken(leaf, slot, last);
}

/* Brings spans up to date; cheaply where the gap that the interval went to doesn't show in them. */
static void leaf_inserted(const struct imap *map, const struct path *path,
	const struct imap_leaf *leaf, unsigned int slot)
{
	const struct imap_inner *in = path->node[1];
	struct imap_ent ent = { leaf->start[slot], leaf->last[slot], NULL };
	unsigned int n = leaf->node.n, child = path->slot[1];

	if (slot && slot + 1 < n) {
		uint64_t gap = leaf->start[slot + 1] - leaf->last[slot - 1] - 1;

		if (gap >= in->gap[child] || gap >> in->order[child])
			path_update(map, path, 1);
	} else if (slot) {
		path_extend(map, path, &ent, true, leaf->last[slot - 1] + 1, ent.start);
	} else {
		path_extend(map, path, &ent, false, ent.last + 1, leaf->start[1]);
	}
}

int imap_insert(struct imap *map, uint64_t start, uint64_t last, void *val)
{
	struct imap_ent ent = { start, last, val };
	struct growth growth;
	struct path path;
	struct imap_leaf *leaf;
	unsigned int slot;

	if (start > last)
		return -EINVAL;
	if (!map->root)
		return insert_first(map, &ent);
	leaf = path_find(map, start, &path);
	slot = imap_keys_upto(leaf->start, leaf->node.n, start);
	if (is_taken(leaf, slot, start, last))
		return -EEXIST;
	if (leaf->node.n == IMAP_SLOTS) {
		if (growth_alloc(&growth, map, &path))
			return -ENOMEM;
		leaf_split(leaf, growth.leaf, slot, &ent);
		path_grow(map, &path, &growth);
	} else {
		leaf_put(leaf, slot, &ent);
		if (map->height > 1)
			leaf_inserted(map, &path, leaf, slot);
	}
	map->count++;
	return 0;
}

/* ---- removal ---- */

static void map_free(struct imap *map, struct imap_node *node, unsigned int level)
{
	map->bytes -= level ? sizeof(struct imap_inner) : sizeof(struct imap_leaf);
	base_free(node);
}

/* The child in @slot has too little: merges it with a neighbour, or lets them share evenly. */
static void inner_rebalance(
	struct imap *map, struct imap_inner *in, unsigned int slot, unsigned int level)
{
	unsigned int l = slot + 1 < in->node.n ? slot : slot - 1;
	struct imap_node *left = in->child[l], *right = in->child[l + 1];
	unsigned int n = left->n + right->n;

	if (n > IMAP_SLOTS - IMAP_SLOTS_MIN) {
		node_balance(level - 1, left, right, n / 2);
		inner_update(in, l, level);
		inner_update(in, l + 1, level);
		return;
	}
	node_balance(level - 1, left, right, n);
	if (level == 1)
		imap_leaf(left)->next = imap_leaf(right)->next;
	slot_close(level, &in->node, l + 1);
	map_free(map, right, level - 1);
	inner_update(in, l, level);
}

/* Takes away roots that lead to one child only, and the last leaf if it's empty. */
static void root_lower(struct imap *map)
{
	struct imap_node *root = map->root;

	while (map->height > 1 && root->n == 1) {
		map->root = imap_inner(root)->child[0];
		map_free(map, root, --map->height);
		root = map->root;
	}
	if (!root->n) {
		map_free(map, root, 0);
		map->root = NULL;
		map->height = 0;
	}
}

static void leaf_drop(struct imap_leaf *leaf, unsigned int slot)
{
	slot_close(0, &leaf->node, slot);
	if (leaf->node.stream != NO_STREAM && leaf->node.stream > slot)
		leaf->node.stream--;
}

/* Brings nodes and spans up to date after the interval in @slot of the leaf has gone. */
static void path_shrink(
	struct imap *map, const struct path *path, const struct imap_leaf *leaf, unsigned int slot)
{
	unsigned int n = leaf->node.n;

	if (slot && slot < n && n >= IMAP_SLOTS_MIN) {
		path_add_gap(map, path, leaf->last[slot - 1] + 1, leaf->start[slot]);
		return;
	}
	for (unsigned int level = 1; level < map->height; level++) {
		struct imap_inner *in = path->node[level];

		if (in->child[path->slot[level]]->n < IMAP_SLOTS_MIN)
			inner_rebalance(map, in, path->slot[level], level);
		else if (!inner_update(in, path->slot[level], level))
			break;
	}
	root_lower(map);
}

static void slot_remove(
	struct imap *map, struct path *path, struct imap_leaf *leaf, unsigned int slot)
{
	leaf_drop(leaf, slot);
	map->count--;
	path_shrink(map, path, leaf, slot);
}

void *imap_remove(struct imap *map, uint64_t start)
{
	struct path path;
	struct imap_leaf *leaf;
	unsigned int slot;
	void *val;

	if (!map->root)
		return NULL;
	leaf = path_find(map, start, &path);
	slot = imap_keys_upto(leaf->start, leaf->node.n, start);
	if (!slot || leaf->start[--slot] != start)
		return NULL;
	val = leaf->val[slot];
	slot_remove(map, &path, leaf, slot);
	return val;
}

int imap_take(struct imap *map, uint64_t start, uint64_t last, struct imap_ent *ent)
{
	struct path path;
	struct imap_leaf *leaf;
	unsigned int slot;

	if (!map->root)
		return -ENOENT;
	leaf = path_find(map, start, &path);
	slot = imap_keys_upto(leaf->start, leaf->node.n, start);
	if (slot && leaf->last[slot - 1] >= start)
		slot--;
	if (slot == leaf->node.n) {
		if (!leaf->next)
			return -ENOENT;
		leaf = path_find(map, leaf->next->start[0], &path);
		slot = 0;
	}
	*ent = (struct imap_ent){ leaf->start[slot], leaf->last[slot], leaf->val[slot] };
	if (ent->start > last)
		return -ENOENT;
	if (ent->start < start || ent->last > last)
		return -ERANGE;
	slot_remove(map, &path, leaf, slot);
	return 0;
}

/* ---- change ---- */

bool imap_set_last(struct imap *map, uint64_t start, uint64_t last)
{
	struct path path;
	struct imap_leaf *leaf;
	unsigned int slot;

	if (!map->root || last < start)
		return false;
	leaf = path_find(map, start, &path);
	slot = imap_keys_upto(leaf->start, leaf->node.n, start);
	if (!slot || leaf->start[slot - 1] != start || next_taken(leaf, slot, last))
		return false;
	leaf->last[slot - 1] = last;
	path_update(map, &path, 1);
	return true;
}
