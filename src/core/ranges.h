/* SPDX-License-Identifier: MIT */
/*
 * A short list of closed address ranges, sorted by start. They may overlap, and each belongs to
 * somebody who takes his own away again: reserved ranges of apertures and devices, the allowed
 * list.
 */
#ifndef UIOMMU_CORE_RANGES_H
#define UIOMMU_CORE_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range {
	uint64_t start, last;
	const void *owner;
};

struct ranges {
	struct range *at;
	size_t count, room;
};

void ranges_fini(struct ranges *ranges);
/* Room for @n more, so that the next @n additions can't fail. Return: 0, -ENOMEM. */
int ranges_reserve(struct ranges *ranges, size_t n);
/* Return: 0, -ENOMEM. */
int ranges_add(struct ranges *ranges, uint64_t start, uint64_t last, const void *owner);
void ranges_remove_owner(struct ranges *ranges, const void *owner);
/* The first that intersects [start, last], NULL if none does. */
const struct range *ranges_overlap(const struct ranges *ranges, uint64_t start, uint64_t last);

/* Walks the gaps between the ranges, ascending; begins as all zeroes. */
struct ranges_gap {
	uint64_t start, last; /* the gap */
	uint64_t from;	      /* where the search goes on */
	size_t next;	      /* the range that it goes on with */
	bool done;
};
/* Return: false when there is no further gap. */
bool ranges_gap_next(const struct ranges *ranges, struct ranges_gap *gap);

#endif
