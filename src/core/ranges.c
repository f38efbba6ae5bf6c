/* SPDX-License-Identifier: MIT */
#include "core/ranges.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/range.h"

void ranges_fini(struct ranges *ranges)
{
	base_free(ranges->at);
	*ranges = (struct ranges){ 0 };
}

int ranges_reserve(struct ranges *ranges, size_t n)
{
	size_t room = ranges->count + n;
	struct range *at;

	if (room <= ranges->room)
		return 0;
	room += ranges->room;
	at = base_realloc(ranges->at, room * sizeof(*at));
	if (!at)
		return -ENOMEM;
	ranges->at = at;
	ranges->room = room;
	return 0;
}

int ranges_add(struct ranges *ranges, uint64_t start, uint64_t last, const void *owner)
{
	size_t i = ranges->count;

	if (ranges_reserve(ranges, 1))
		return -ENOMEM;
	while (i && ranges->at[i - 1].start > start)
		i--;
	memmove(&ranges->at[i + 1], &ranges->at[i], (ranges->count - i) * sizeof(*ranges->at));
	ranges->at[i] = (struct range){ .start = start, .last = last, .owner = owner };
	ranges->count++;
	return 0;
}

void ranges_remove_owner(struct ranges *ranges, const void *owner)
{
	size_t kept = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		if (ranges->at[i].owner != owner)
			ranges->at[kept++] = ranges->at[i];
	}
	ranges->count = kept;
}

const struct range *ranges_overlap(const struct ranges *ranges, uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < ranges->count && ranges->at[i].start <= last; i++) {
		if (range_overlaps(start, last, ranges->at[i].start, ranges->at[i].last))
			return &ranges->at[i];
	}
	return NULL;
}

bool ranges_gap_next(const struct ranges *ranges, struct ranges_gap *gap)
{
	while (!gap->done) {
		const struct range *r;
		uint64_t start = gap->from;

		if (gap->next == ranges->count) {
			gap->done = true;
			gap->start = start;
			gap->last = UINT64_MAX;
			return true;
		}
		r = &ranges->at[gap->next++];
		if (r->last == UINT64_MAX)
			gap->done = true;
		else if (r->last + 1 > gap->from)
			gap->from = r->last + 1;
		if (r->start > start) {
			gap->start = start;
			gap->last = r->start - 1;
			return true;
		}
	}
	return false;
}
