/* SPDX-License-Identifier: MIT */
/* Overflow-checked address arithmetic. `last` is inclusive, so that a range may end at UINT64_MAX.
 */
#ifndef UIOMMU_BASE_RANGE_H
#define UIOMMU_BASE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* Last byte of [start, start + len). Return: false if @len is 0 or the range wraps. */
static inline bool range_last(uint64_t start, uint64_t len, uint64_t *last)
{
	return len && !__builtin_add_overflow(start, len - 1, last);
}

static inline bool range_overlaps(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last)
{
	return a <= b_last && b <= a_last;
}

static inline uint64_t align_down(uint64_t addr, uint64_t align)
{
	return addr & ~(align - 1);
}

/* Return: false if the result wraps. */
static inline bool align_up(uint64_t addr, uint64_t align, uint64_t *out)
{
	if (__builtin_add_overflow(addr, align - 1, out))
		return false;
	*out = align_down(*out, align);
	return true;
}

#endif
