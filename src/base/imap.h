/* SPDX-License-Identifier: MIT */
/*
 * Interval map: non-overlapping closed intervals [start, last] of 64-bit addresses, each with a
 * value.
 *
 * A B+-tree, augmented so that the lowest gap of a given size is found in logarithmic time.
 * Insertion may allocate; removal never does. The caller serialises writers against everybody;
 * readers may share.
 */
#ifndef UIOMMU_BASE_IMAP_H
#define UIOMMU_BASE_IMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_node;

struct imap {
	struct imap_node *root;
	unsigned int height;
	size_t count; /* intervals */
	size_t bytes; /* heap that the nodes take */
};

struct imap_ent {
	uint64_t start, last;
	void *val;
};

void imap_init(struct imap *map);
/* Frees the nodes; values are the caller's. The map is empty afterwards. */
void imap_fini(struct imap *map);

/* Return: 0; -EINVAL start > last; -EEXIST overlaps an interval; -ENOMEM, nothing changed. */
int imap_insert(struct imap *map, uint64_t start, uint64_t last, void *val);

/* Removes the interval that begins at @start. Return: its value, or NULL if there is none. */
void *imap_remove(struct imap *map, uint64_t start);

/*
 * Removes the lowest interval that intersects [start, last], if it lies inside. Return: 0; -ENOENT
 * none does; -ERANGE it sticks out, and stays. @ent receives it, also with -ERANGE.
 */
int imap_take(struct imap *map, uint64_t start, uint64_t last, struct imap_ent *ent);

/*
 * Changes where the interval that begins at @start ends; never allocates. @last >= @start, and the
 * bytes that come to it are free. Return: false if no interval begins there, or it would overlap
 * the next.
 */
bool imap_set_last(struct imap *map, uint64_t start, uint64_t last);

/* The interval that contains @addr. Return: false if there is none. @ent may be NULL. */
bool imap_find(const struct imap *map, uint64_t addr, struct imap_ent *ent);

/* The first interval, ascending, whose last >= @addr. Return: false if there is none. */
bool imap_next(const struct imap *map, uint64_t addr, struct imap_ent *ent);

/* Whether anything intersects [start, last]. The lowest such interval in @ent, which may be NULL.
 */
bool imap_overlaps(const struct imap *map, uint64_t start, uint64_t last, struct imap_ent *ent);

/* Every interval that intersects [start, last], ascending; amortised constant time per step. */
struct imap_iter {
	const struct imap *map;
	const struct imap_node *leaf;
	unsigned int slot;
	uint64_t last;
};
bool imap_iter_first(struct imap_iter *it, const struct imap *map, uint64_t start, uint64_t last,
	struct imap_ent *ent);
bool imap_iter_next(struct imap_iter *it, struct imap_ent *ent);

/**
 * imap_find_gap() - lowest free place for @len bytes
 * @lo, @hi: the place must lie inside [lo, hi], both inclusive
 * @len:     bytes, at least 1
 * @align:   a power of two
 * @off:     less than @align: the place's start is equal to @off modulo @align
 * @out:     the place's first byte
 *
 * First fit, ascending. Return: 0, or -ENOSPC.
 */
int imap_find_gap(const struct imap *map, uint64_t lo, uint64_t hi, uint64_t len, uint64_t align,
	uint64_t off, uint64_t *out);

#endif
