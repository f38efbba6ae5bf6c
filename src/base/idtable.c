/* SPDX-License-Identifier: MIT */
/*
 * A radix tree with 64 slots per node, so that each bitmap of a node is one word. Slot s of a node
 * at level l (0 is leaf-most) stands for 64^l indices; an id's index is id - 1. The tree is as high
 * as its highest id needs, so that a context with up to 64 objects has one node.
 *
 * Three bitmaps per node summarise the slots: `used` (a child exists; in leaves, the id isn't
 * free), `full` (nothing is free below; in leaves, the same as `used`) and `live` (something is
 * published below). The lowest free id is found by following the lowest clear bits of `full`, the
 * next published id by following set bits of `live`. A node whose `used` is empty is freed.
 */
#include "base/idtable.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/mem.h"

#define SLOT_LG2   6u
#define SLOTS	   (1u << SLOT_LG2)
#define HEIGHT_MAX 6u /* 64^6 is more than 2^32 */

struct idtable_node {
	uint64_t used, full, live;
	void *slot[SLOTS];
};

struct path {
	struct idtable_node *node[HEIGHT_MAX]; /* by level */
};

static char tombstone;

static unsigned int slot_of(uint32_t index, unsigned int level)
{
	return (index >> (level * SLOT_LG2)) & (SLOTS - 1);
}

static bool covers(unsigned int height, uint32_t index)
{
	return (uint64_t)index >> (height * SLOT_LG2) == 0;
}

static void bit_put(uint64_t *word, unsigned int slot, bool value)
{
	*word = (*word & ~(1ull << slot)) | (uint64_t)value << slot;
}

void idtable_init(struct idtable *t)
{
	*t = (struct idtable){ .max = IDTABLE_MAX };
}

static void node_free(struct idtable_node *node, unsigned int level)
{
	if (level) {
		for (uint64_t used = node->used; used; used &= used - 1)
			node_free(node->slot[__builtin_ctzll(used)], level - 1);
	}
	base_free(node);
}

void idtable_fini(struct idtable *t)
{
	if (t->root)
		node_free(t->root, t->height - 1);
	idtable_init(t);
}

/* Return: the node at level 0 that holds @index, NULL if there's none; the way to it in @path. */
static struct idtable_node *path_find(const struct idtable *t, uint32_t index, struct path *path)
{
	struct idtable_node *node = t->root;

	if (!covers(t->height, index))
		return NULL;
	for (unsigned int level = t->height; level-- && node;) {
		path->node[level] = node;
		if (level)
			node = node->slot[slot_of(index, level)];
	}
	return node;
}

/* Carries what changed in the leaf up to the root: children that are left empty go. */
static void path_update(struct idtable *t, const struct path *path, uint32_t index)
{
	for (unsigned int level = 1; level < t->height; level++) {
		struct idtable_node *node = path->node[level], *child = path->node[level - 1];
		unsigned int slot = slot_of(index, level);

		bit_put(&node->used, slot, child->used != 0);
		bit_put(&node->full, slot, child->full == UINT64_MAX);
		bit_put(&node->live, slot, child->live != 0);
		if (!child->used) {
			node->slot[slot] = NULL;
			base_free(child);
		}
	}
}

/* Takes away levels that the highest id doesn't need any more. */
static void shrink(struct idtable *t)
{
	while (t->height > 1 && t->root->used == 1) {
		struct idtable_node *top = t->root;

		t->root = top->slot[0];
		t->height--;
		base_free(top);
	}
	if (t->root && !t->root->used) {
		base_free(t->root);
		t->root = NULL;
		t->height = 0;
	}
}

/* The lowest free index, and how many nodes there must be before it can be taken. */
static uint64_t lowest_free(const struct idtable *t, unsigned int *missing)
{
	const struct idtable_node *node = t->root;
	uint64_t index = 0;

	if (!node || node->full == UINT64_MAX) {
		/* A new top, and a chain below its first free slot. */
		*missing = t->height + 1;
		return node ? 1ull << (t->height * SLOT_LG2) : 0;
	}
	for (unsigned int level = t->height; level--;) {
		unsigned int slot = (unsigned int)__builtin_ctzll(~node->full);

		index |= (uint64_t)slot << (level * SLOT_LG2);
		if (level && !(node->used >> slot & 1)) {
			*missing = level;
			return index;
		}
		node = node->slot[slot];
	}
	*missing = 0;
	return index;
}

static int spare_alloc(struct idtable_node **spare, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		spare[i] = base_zalloc(sizeof(*spare[i]));
		if (spare[i])
			continue;
		while (i--)
			base_free(spare[i]);
		return -ENOMEM;
	}
	return 0;
}

static void raise_top(struct idtable *t, struct idtable_node *top)
{
	if (t->root) {
		top->slot[0] = t->root;
		top->used = top->full = 1;
		top->live = t->root->live != 0;
	}
	t->root = top;
	t->height++;
}

int idtable_reserve(struct idtable *t, uint32_t *id)
{
	struct idtable_node *spare[HEIGHT_MAX + 1], *node;
	struct path path;
	unsigned int missing;
	uint64_t index = lowest_free(t, &missing);

	if (index >= t->max)
		return -ENOSPC;
	if (spare_alloc(spare, missing))
		return -ENOMEM;
	if (missing > t->height)
		raise_top(t, spare[--missing]);
	node = t->root;
	for (unsigned int level = t->height - 1;; level--) {
		void **slot = &node->slot[slot_of((uint32_t)index, level)];

		path.node[level] = node;
		if (!level)
			break;
		if (!*slot)
			*slot = spare[--missing];
		node = *slot;
	}
	node->used |= 1ull << slot_of((uint32_t)index, 0);
	node->full = node->used;
	path_update(t, &path, (uint32_t)index);
	*id = (uint32_t)index + 1;
	return 0;
}

/* Sets the slot of an id that isn't free. Return: what was published there. */
static void *slot_set(struct idtable *t, const struct path *path, uint32_t index, void *ptr)
{
	struct idtable_node *leaf = path->node[0];
	unsigned int slot = slot_of(index, 0);
	void *old = leaf->live >> slot & 1 ? leaf->slot[slot] : NULL;

	leaf->slot[slot] = ptr;
	bit_put(&leaf->live, slot, ptr && ptr != &tombstone);
	t->count += (leaf->live >> slot & 1) - (old != NULL);
	return old;
}

static bool is_taken(const struct idtable_node *leaf, uint32_t index)
{
	unsigned int slot = slot_of(index, 0);

	return leaf && leaf->used >> slot & 1 && leaf->slot[slot] != &tombstone;
}

void idtable_publish(struct idtable *t, uint32_t id, void *ptr)
{
	struct path path;
	struct idtable_node *leaf = path_find(t, id - 1, &path);

	assert(ptr && is_taken(leaf, id - 1));
	(void)leaf;
	slot_set(t, &path, id - 1, ptr);
	path_update(t, &path, id - 1);
}

void *idtable_get(const struct idtable *t, uint32_t id)
{
	const struct idtable_node *node = t->root;
	uint32_t index = id - 1;
	void *ptr;

	/* Id 0 has the index 2^32 - 1, which no table covers: the id after it doesn't exist. */
	if (!node || !covers(t->height, index) || index >= IDTABLE_MAX)
		return NULL;
	for (unsigned int level = t->height - 1; level; level--) {
		node = node->slot[slot_of(index, level)];
		if (!node)
			return NULL;
	}
	ptr = node->slot[slot_of(index, 0)];
	return ptr == &tombstone ? NULL : ptr;
}

void *idtable_remove(struct idtable *t, uint32_t id)
{
	struct path path;
	struct idtable_node *leaf = path_find(t, id - 1, &path);
	void *old;

	if (!is_taken(leaf, id - 1))
		return NULL;
	old = slot_set(t, &path, id - 1, NULL);
	bit_put(&leaf->used, slot_of(id - 1, 0), false);
	leaf->full = leaf->used;
	path_update(t, &path, id - 1);
	shrink(t);
	return old;
}

void *idtable_tombstone(struct idtable *t, uint32_t id)
{
	struct path path;
	struct idtable_node *leaf = path_find(t, id - 1, &path);
	void *old;

	if (!is_taken(leaf, id - 1))
		return NULL;
	old = slot_set(t, &path, id - 1, &tombstone);
	path_update(t, &path, id - 1);
	return old;
}

/* The first live index below @node at or above @from, both relative to it. */
static void *node_next(
	const struct idtable_node *node, unsigned int level, uint64_t from, uint64_t *index)
{
	unsigned int slot = (unsigned int)(from >> (level * SLOT_LG2));
	uint64_t live = slot < SLOTS ? node->live >> slot << slot : 0;
	uint64_t span = 1ull << (level * SLOT_LG2);

	for (; live; live &= live - 1) {
		unsigned int s = (unsigned int)__builtin_ctzll(live);
		void *ptr = node->slot[s];

		*index = 0;
		if (level)
			ptr = node_next(ptr, level - 1, s == slot ? from & (span - 1) : 0, index);
		if (ptr) {
			*index += s * span;
			return ptr;
		}
	}
	return NULL;
}

void *idtable_next(const struct idtable *t, uint32_t *id)
{
	uint64_t index;
	void *ptr;

	if (!t->root)
		return NULL;
	ptr = node_next(t->root, t->height - 1, *id, &index);
	if (ptr)
		*id = (uint32_t)index + 1;
	return ptr;
}
