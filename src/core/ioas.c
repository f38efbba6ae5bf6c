/* SPDX-License-Identifier: MIT */
#include "core/ioas.h"

#include <errno.h>

#include "base/mem.h"
#include "base/refuse.h"
#include "core/hwpt.h"

static void ioas_list_add(struct ioas *ioas)
{
	struct core *core = ioas->obj.ctx->core;

	pthread_mutex_lock(&core->ioas_lock);
	ioas->prev = NULL;
	ioas->next = core->ioases;
	if (ioas->next)
		ioas->next->prev = ioas;
	core->ioases = ioas;
	pthread_mutex_unlock(&core->ioas_lock);
}

static void ioas_list_remove(struct ioas *ioas)
{
	struct core *core = ioas->obj.ctx->core;

	pthread_mutex_lock(&core->ioas_lock);
	if (ioas->prev)
		ioas->prev->next = ioas->next;
	else
		core->ioases = ioas->next;
	if (ioas->next)
		ioas->next->prev = ioas->prev;
	pthread_mutex_unlock(&core->ioas_lock);
}

static void ioas_destroy(struct obj *obj)
{
	struct ioas *ioas = ioas_of(obj);
	uint64_t unmapped;

	ioas_list_remove(ioas);
	ioas_unmap_all(ioas, &unmapped);
	imap_fini(&ioas->areas);
	ranges_fini(&ioas->reserved);
	ranges_fini(&ioas->allowed);
	pthread_mutex_destroy(&ioas->lock);
	pthread_mutex_destroy(&ioas->attach_lock);
	base_free(ioas);
}

static const struct obj_ops ioas_ops = {
	.type = OBJ_IOAS,
	.name = "IOAS",
	.destroy = ioas_destroy,
};

int ioas_new(struct ctx *ctx, struct ioas **out)
{
	struct obj *obj;
	struct ioas *ioas;
	int err = obj_new(ctx, &ioas_ops, sizeof(*ioas), &obj);

	if (err)
		return err;
	ioas = ioas_of(obj);
	pthread_mutex_init(&ioas->attach_lock, NULL);
	pthread_mutex_init(&ioas->lock, NULL);
	imap_init(&ioas->areas);
	ioas->alignment = 1;
	ioas->huge_pages = true;
	ioas_list_add(ioas);
	obj_publish(obj);
	*out = ioas;
	return 0;
}

struct ioas *ioas_get(struct ctx *ctx, uint32_t id)
{
	struct obj *obj = obj_get(ctx, id, OBJ_BIT(OBJ_IOAS));

	if (!obj)
		refuse(ENOENT, "an id names an IOAS of this context", "id %u", id);
	return ioas_of(obj);
}

int ioas_reserve_locked(struct ioas *ioas, uint64_t start, uint64_t last, const void *owner)
{
	const struct range *allowed = ranges_overlap(&ioas->allowed, start, last);
	struct imap_ent ent;

	if (imap_overlaps(&ioas->areas, start, last, &ent))
		return refuse(EADDRINUSE, "a reserved range holds no mapping",
			"area %#lx-%#lx, reserved %#lx-%#lx", ent.start, ent.last, start, last);
	if (allowed)
		return refuse(EADDRINUSE, "a reserved range lies outside of the allowed ranges",
			"allowed %#lx-%#lx, reserved %#lx-%#lx", allowed->start, allowed->last,
			start, last);
	return ranges_add(&ioas->reserved, start, last, owner);
}

int ioas_check_alignment_locked(struct ioas *ioas, uint64_t alignment)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent)) {
		const struct area *area = ent.val;

		if ((area->iova | (area->last + 1) | area->host) & (alignment - 1))
			return refuse(EADDRINUSE, "mappings fit the alignment that is asked for",
				"area %#lx-%#lx of memory at %#lx, alignment %#lx", area->iova,
				area->last, area->host, alignment);
	}
	return 0;
}

void ioas_update_alignment_locked(struct ioas *ioas)
{
	uint64_t alignment = ioas->huge_pages ? 1 : CORE_PAGE;

	for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next) {
		uint64_t page = hwpt->dom.pt.pgsizes & -hwpt->dom.pt.pgsizes;

		if (page > alignment)
			alignment = page;
	}
	ioas->alignment = alignment;
}

void ioas_iova_ranges(struct ioas *ioas, struct range *out, uint32_t *n, uint64_t *alignment)
{
	struct ranges_gap gap = { 0 };
	uint32_t room = *n, total = 0;

	pthread_mutex_lock(&ioas->lock);
	for (; ranges_gap_next(&ioas->reserved, &gap); total++) {
		if (total < room)
			out[total] = (struct range){ .start = gap.start, .last = gap.last };
	}
	*alignment = ioas->alignment;
	pthread_mutex_unlock(&ioas->lock);
	*n = total;
}

static int allowed_check(struct ioas *ioas, const struct ranges *allowed)
{
	for (size_t i = 0; i < allowed->count; i++) {
		const struct range *r = &allowed->at[i];
		const struct range *reserved;

		if (r->start >= r->last || (i && r->start <= allowed->at[i - 1].last))
			return refuse(EINVAL,
				"allowed ranges have two bytes or more and don't overlap",
				"%#lx-%#lx", r->start, r->last);
		reserved = ranges_overlap(&ioas->reserved, r->start, r->last);
		if (reserved)
			return refuse(EADDRINUSE, "allowed ranges lie outside of reserved ones",
				"allowed %#lx-%#lx, reserved %#lx-%#lx", r->start, r->last,
				reserved->start, reserved->last);
	}
	return 0;
}

int ioas_allow_iovas(struct ioas *ioas, struct ranges *allowed)
{
	int err;

	pthread_mutex_lock(&ioas->lock);
	err = allowed_check(ioas, allowed);
	if (!err) {
		ranges_fini(&ioas->allowed);
		ioas->allowed = *allowed;
	}
	pthread_mutex_unlock(&ioas->lock);
	return err;
}

static int huge_pages_off_locked(struct ioas *ioas)
{
	int err;

	if (!ioas->huge_pages)
		return 0;
	if (ioas->hwpts && ioas->areas.count)
		return refuse(EINVAL, "large pages are switched off before anything is mapped",
			"%zu areas", ioas->areas.count);
	err = ioas_check_alignment_locked(ioas, CORE_PAGE);
	if (!err)
		ioas->huge_pages = false;
	return err;
}

int ioas_set_huge_pages(struct ioas *ioas, bool on)
{
	int err = 0;

	pthread_mutex_lock(&ioas->lock);
	if (on)
		ioas->huge_pages = true;
	else
		err = huge_pages_off_locked(ioas);
	if (!err)
		ioas_update_alignment_locked(ioas);
	for (struct hwpt *hwpt = ioas->hwpts; !err && hwpt; hwpt = hwpt->next)
		hwpt_choose_page_sizes(hwpt);
	pthread_mutex_unlock(&ioas->lock);
	return err;
}

bool ioas_huge_pages(struct ioas *ioas)
{
	bool on;

	pthread_mutex_lock(&ioas->lock);
	on = ioas->huge_pages;
	pthread_mutex_unlock(&ioas->lock);
	return on;
}
