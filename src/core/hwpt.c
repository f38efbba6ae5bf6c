/* SPDX-License-Identifier: MIT */
#include "core/hwpt.h"

#include <errno.h>

#include "base/mem.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/ioas.h"

static void list_remove_locked(struct hwpt *hwpt)
{
	struct hwpt **at = &hwpt->ioas->hwpts;

	while (*at && *at != hwpt)
		at = &(*at)->next;
	if (*at)
		*at = hwpt->next;
}

static void list_append_locked(struct hwpt *hwpt)
{
	struct hwpt **at = &hwpt->ioas->hwpts;

	while (*at)
		at = &(*at)->next;
	hwpt->next = NULL;
	*at = hwpt;
}

/* Memory is nobody's business any more when the last table has gone. */
static void unpin_unused_locked(struct ioas *ioas)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = !ioas->hwpts && imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent))
		area_unpin(ioas->obj.ctx->core, ent.val);
}

static void hwpt_destroy(struct obj *obj)
{
	struct hwpt *hwpt = hwpt_of(obj);
	struct ioas *ioas = hwpt->ioas;

	pthread_mutex_lock(&ioas->lock);
	list_remove_locked(hwpt);
	unpin_unused_locked(ioas);
	ranges_remove_owner(&ioas->reserved, hwpt);
	ioas_update_alignment_locked(ioas);
	pthread_mutex_unlock(&ioas->lock);
	domain_fini(&hwpt->dom);
	obj_put(&ioas->obj);
	base_free(hwpt);
}

static const struct obj_ops hwpt_ops = {
	.type = OBJ_HWPT_PAGING,
	.name = "HWPT",
	.destroy = hwpt_destroy,
};

void hwpt_choose_page_sizes(struct hwpt *hwpt)
{
	uint64_t all = hwpt->dom.pt.ops->pgsizes;

	hwpt->dom.pt.pgsizes = hwpt->ioas->huge_pages ? all : all & -all;
}

static int aperture_reserve_locked(struct ioas *ioas, const struct hwpt *hwpt)
{
	const struct domain *dom = &hwpt->dom;
	int err = 0;

	if (dom->first)
		err = ioas_reserve_locked(ioas, 0, dom->first - 1, hwpt);
	if (!err && dom->last != UINT64_MAX)
		err = ioas_reserve_locked(ioas, dom->last + 1, UINT64_MAX, hwpt);
	return err;
}

/* @pinned receives the areas that weren't pinned before, also on failure. */
static int fill_locked(struct ioas *ioas, struct hwpt *hwpt, struct area **pinned)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent)) {
		struct area *area = ent.val;
		int err;

		if (!area->pinned) {
			err = area_pin(area);
			if (err)
				return err;
			area->next = *pinned;
			*pinned = area;
		}
		err = area_install(hwpt, area);
		if (err)
			return err;
	}
	return 0;
}

static int join_locked(struct ioas *ioas, struct hwpt *hwpt)
{
	struct area *pinned = NULL;
	uint64_t page;
	int err = aperture_reserve_locked(ioas, hwpt);

	hwpt_choose_page_sizes(hwpt);
	page = hwpt->dom.pt.pgsizes & -hwpt->dom.pt.pgsizes;
	if (!err && page > ioas->alignment)
		err = ioas_check_alignment_locked(ioas, page);
	if (!err)
		err = fill_locked(ioas, hwpt, &pinned);
	if (err) {
		ranges_remove_owner(&ioas->reserved, hwpt);
		for (; pinned; pinned = pinned->next)
			area_unpin(ioas->obj.ctx->core, pinned);
		return err;
	}
	list_append_locked(hwpt);
	ioas_update_alignment_locked(ioas);
	return 0;
}

int hwpt_new(struct ioas *ioas, uint32_t flags, bool automatic, struct hwpt **out)
{
	struct obj *obj;
	struct hwpt *hwpt;
	int err = obj_new(ioas->obj.ctx, &hwpt_ops, sizeof(*hwpt), &obj);

	if (err)
		return err;
	hwpt = hwpt_of(obj);
	hwpt->ioas = ioas;
	hwpt->flags = flags;
	obj->transient = automatic;
	err = domain_init(&hwpt->dom, ioas->obj.ctx->core, flags);
	if (err)
		goto err_obj;
	pthread_mutex_lock(&ioas->lock);
	err = join_locked(ioas, hwpt);
	pthread_mutex_unlock(&ioas->lock);
	if (err)
		goto err_domain;
	obj_hold(&ioas->obj);
	obj_publish(obj);
	*out = hwpt;
	return 0;

err_domain:
	domain_fini(&hwpt->dom);
err_obj:
	obj_abort(obj);
	return err;
}
