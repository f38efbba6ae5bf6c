/* SPDX-License-Identifier: MIT */
#include "core/ioas_place.h"

#include <errno.h>

#include "base/range.h"
#include "base/refuse.h"
#include "core/ioas.h"

/* An automatic IOVA is never aligned to more than this: a large page of x86-64. */
#define ALIGN_MAX (UINT64_C(1) << 21)

#define AUTO_FIRST CORE_PAGE
#define AUTO_LAST  (UINT64_MAX - CORE_PAGE)

static uint64_t round_up_pow2(uint64_t n)
{
	return n <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t auto_alignment(uint64_t addr, uint64_t len)
{
	uint64_t align = round_up_pow2(len);

	if (addr)
		align = min_u64(align, addr & -addr);
	return min_u64(align, ALIGN_MAX);
}

struct place {
	uint64_t len, align, offset;
};

/*
 * First fit in [first, last] between areas. The lowest aligned address of a hole is taken, and the
 * memory's offset in its page is or-ed in; what then doesn't fit tries the next hole.
 */
static bool fits(const struct ioas *ioas, uint64_t first, uint64_t last, const struct place *place,
	uint64_t *iova)
{
	struct imap_ent ent;
	uint64_t at, end;

	while (first <= last &&
		!imap_find_gap(&ioas->areas, first, last, place->len, place->align, 0, &at)) {
		*iova = at | place->offset;
		if (!range_last(*iova, place->len, &end) || end > last)
			return false;
		if (!imap_overlaps(&ioas->areas, at, end, &ent))
			return true;
		if (ent.last >= last)
			return false;
		first = ent.last + 1;
	}
	return false;
}

/* First fit in [lo, hi] between reserved ranges and areas. */
static int place_in(const struct ioas *ioas, uint64_t lo, uint64_t hi, const struct place *place,
	uint64_t *iova)
{
	struct ranges_gap gap = { 0 };

	while (ranges_gap_next(&ioas->reserved, &gap)) {
		uint64_t first = gap.start > lo ? gap.start : lo;
		uint64_t last = min_u64(gap.last, hi);

		if (fits(ioas, first, last, place, iova))
			return 0;
	}
	return -ENOSPC;
}

int ioas_place_auto(struct ioas *ioas, uint64_t addr, uint64_t len, uint64_t *iova)
{
	/* A hole of one byte is never used: the ABI wants it to begin below its last byte. */
	struct place place = { .len = len < 2 ? 2 : len, .offset = addr & (CORE_PAGE - 1) };

	if (len >= UINT64_MAX / 2)
		return refuse(
			EOVERFLOW, "an IOVA is chosen for less than 2^63 bytes", "%#lx bytes", len);
	place.align = auto_alignment(addr, len);
	if (place.align < ioas->alignment)
		return refuse(EINVAL, "memory is aligned as the address space demands",
			"memory at %#lx, alignment %#lx", addr, ioas->alignment);
	if (!ioas->allowed.count && !place_in(ioas, AUTO_FIRST, AUTO_LAST, &place, iova))
		return 0;
	for (size_t i = 0; i < ioas->allowed.count; i++) {
		const struct range *r = &ioas->allowed.at[i];
		uint64_t lo = r->start > AUTO_FIRST ? r->start : AUTO_FIRST;

		if (!place_in(ioas, lo, min_u64(r->last, AUTO_LAST), &place, iova))
			return 0;
	}
	return refuse(ENOSPC, "there is a free range of the length and alignment",
		"%#lx bytes, alignment %#lx, %zu areas, %zu allowed ranges", len, place.align,
		ioas->areas.count, ioas->allowed.count);
}

int ioas_place_fixed(struct ioas *ioas, uint64_t iova, uint64_t len)
{
	const struct range *reserved;
	struct imap_ent ent;
	uint64_t last;

	if (!len || (len & (ioas->alignment - 1)) || (iova & (ioas->alignment - 1)))
		return refuse(EINVAL,
			"IOVA and length are multiples of the address space's alignment",
			"iova %#lx, %#lx bytes, alignment %#lx", iova, len, ioas->alignment);
	if (!range_last(iova, len, &last))
		return refuse(
			EOVERFLOW, "a range ends below 2^64", "iova %#lx, %#lx bytes", iova, len);
	reserved = ranges_overlap(&ioas->reserved, iova, last);
	if (reserved)
		return refuse(EINVAL, "a mapping lies outside of reserved ranges",
			"reserved %#lx-%#lx", reserved->start, reserved->last);
	if (imap_overlaps(&ioas->areas, iova, last, &ent))
		return refuse(EEXIST, "areas don't overlap", "area %#lx-%#lx", ent.start, ent.last);
	return 0;
}
