/* SPDX-License-Identifier: MIT */
#include "core/nearest.h"

#include "core/area.h"
#include "core/group.h"
#include "core/hwpt.h"
#include "core/ioas.h"
#include "core/requester.h"
#include "pt/pt.h"

static uint64_t distance(const struct imap_ent *ent, uint64_t iova)
{
	return iova < ent->start ? ent->start - iova : iova > ent->last ? iova - ent->last : 0;
}

/* The last area below @iova; the map looks upwards only, so that this halves the way down. */
static bool below(const struct imap *areas, uint64_t iova, struct imap_ent *ent)
{
	struct imap_ent at;
	bool found = false;

	for (uint64_t lo = 0; lo < iova;) {
		uint64_t mid = lo + (iova - lo) / 2;

		if (imap_next(areas, mid, &at) && at.start < iova) {
			*ent = at;
			found = true;
			if (at.last >= iova)
				break;
			lo = at.last + 1;
		} else {
			iova = mid;
		}
	}
	return found;
}

static void area_find_locked(struct ioas *ioas, uint64_t iova, struct nearest *out)
{
	struct imap_ent ent, low;
	const struct area *area;
	bool up = imap_next(&ioas->areas, iova, &ent), down = below(&ioas->areas, iova, &low);

	if (down && (!up || distance(&low, iova) < distance(&ent, iova)))
		ent = low;
	out->found = up || down;
	if (!out->found)
		return;
	area = ent.val;
	out->first = ent.start;
	out->last = ent.last;
	out->readable = area->prot & PT_READ;
	out->writable = area->prot & PT_WRITE;
}

bool nearest_find(struct requester *req, uint64_t iova, struct nearest *out)
{
	struct hwpt *hwpt;

	pthread_mutex_lock(&req->group->lock);
	hwpt = req->group->hwpt;
	if (hwpt) {
		out->ioas = hwpt->ioas->obj.id;
		out->hwpt = hwpt->obj.id;
		pthread_mutex_lock(&hwpt->ioas->lock);
		area_find_locked(hwpt->ioas, iova, out);
		pthread_mutex_unlock(&hwpt->ioas->lock);
	}
	pthread_mutex_unlock(&req->group->lock);
	return hwpt;
}
