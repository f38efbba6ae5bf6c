/* SPDX-License-Identifier: MIT */
#include "core/device.h"

#include <errno.h>

#include "base/mem.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/group.h"
#include "core/hw.h"
#include "core/hwpt.h"
#include "core/ioas.h"
#include "core/requester.h"

static void device_destroy(struct obj *obj)
{
	struct device *dev = device_of(obj);
	struct group *group = dev->req->group;

	pthread_mutex_lock(&group->lock);
	if (!--group->bound)
		group->owner = NULL;
	pthread_mutex_unlock(&group->lock);
	base_free(dev);
}

static const struct obj_ops device_ops = {
	.type = OBJ_DEVICE,
	.name = "DEVICE",
	.destroy = device_destroy,
};

static int group_claim(struct group *group, struct ctx *ctx)
{
	int err = 0;

	pthread_mutex_lock(&group->lock);
	if (group->owner && group->owner != ctx)
		err = refuse(EPERM, "all devices of a group belong to one context",
			"group %u belongs to another context", group->number);
	if (!err) {
		group->owner = ctx;
		group->bound++;
	}
	pthread_mutex_unlock(&group->lock);
	return err;
}

int device_bind(struct ctx *ctx, struct requester *req, struct device **out)
{
	struct obj *obj;
	int err = obj_new(ctx, &device_ops, sizeof(struct device), &obj);

	if (err)
		return err;
	err = group_claim(req->group, ctx);
	if (err) {
		obj_abort(obj);
		return err;
	}
	device_of(obj)->req = req;
	ctx_get(ctx);
	obj_publish(obj); /* our user stays: IOMMU_DESTROY never takes a device */
	*out = device_of(obj);
	return 0;
}

void device_unbind(struct device *dev)
{
	struct ctx *ctx = dev->obj.ctx;

	device_detach(dev);
	obj_put(&dev->obj);
	obj_destroy(&dev->obj);
	ctx_put(ctx);
}

static int reserve(struct ioas *ioas, const void *owner)
{
	const struct hw *hw = ioas->obj.ctx->core->hw;
	const struct hw_range *range;
	size_t n = hw->ops->reserved(hw, &range);
	int err = 0;

	pthread_mutex_lock(&ioas->lock);
	for (size_t i = 0; !err && i < n; i++)
		err = ioas_reserve_locked(ioas, range[i].start, range[i].last, owner);
	if (err)
		ranges_remove_owner(&ioas->reserved, owner);
	pthread_mutex_unlock(&ioas->lock);
	return err;
}

static void unreserve(struct ioas *ioas, const void *owner)
{
	pthread_mutex_lock(&ioas->lock);
	ranges_remove_owner(&ioas->reserved, owner);
	pthread_mutex_unlock(&ioas->lock);
}

static int join_locked(struct device *dev, struct hwpt *hwpt)
{
	struct group *group = dev->req->group;
	int err;

	if (group->hwpt && group->hwpt != hwpt)
		return refuse(EINVAL, "all devices of a group are attached to one table",
			"group %u is attached to HWPT %u", group->number, group->hwpt->obj.id);
	err = reserve(hwpt->ioas, dev);
	if (err)
		return err;
	obj_hold(&hwpt->obj);
	dev->hwpt = hwpt;
	dev->group_next = group->attached;
	group->attached = dev;
	if (!group->hwpt)
		group_publish_locked(group, hwpt);
	return 0;
}

static void unreserve_all(struct group *group, struct ioas *ioas, const struct device *end)
{
	for (struct device *dev = group->attached; dev != end; dev = dev->group_next)
		unreserve(ioas, dev);
}

static int reserve_all(struct group *group, struct ioas *ioas)
{
	for (struct device *dev = group->attached; dev; dev = dev->group_next) {
		int err = reserve(ioas, dev);

		if (err) {
			unreserve_all(group, ioas, dev);
			return err;
		}
	}
	return 0;
}

/* The whole group moves. *left receives the HWPT that each of *nleft attachments has left. */
static int replace_locked(
	struct group *group, struct hwpt *hwpt, struct hwpt **left, unsigned int *nleft)
{
	struct hwpt *old = group->hwpt;
	int err;

	if (old == hwpt)
		return 0;
	if (old->ioas != hwpt->ioas) {
		err = reserve_all(group, hwpt->ioas);
		if (err)
			return err;
	}
	group_publish_locked(group, hwpt);
	for (struct device *dev = group->attached; dev; dev = dev->group_next, ++*nleft) {
		obj_hold(&hwpt->obj);
		dev->hwpt = hwpt;
	}
	if (old->ioas != hwpt->ioas)
		unreserve_all(group, old->ioas, NULL);
	*left = old;
	return 0;
}

/* What an attach leaves behind, to be dropped when no lock is held. */
struct left {
	struct hwpt *hwpt;
	unsigned int n;
};

static int attach_hwpt(struct device *dev, struct hwpt *hwpt, struct left *left)
{
	struct group *group = dev->req->group;
	int err;

	pthread_mutex_lock(&group->lock);
	err = dev->hwpt ? replace_locked(group, hwpt, &left->hwpt, &left->n)
			: join_locked(dev, hwpt);
	pthread_mutex_unlock(&group->lock);
	return err;
}

/* The first automatic HWPT, with one more user. */
static struct hwpt *automatic_get(struct ioas *ioas)
{
	struct hwpt *hwpt;

	pthread_mutex_lock(&ioas->lock);
	for (hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next) {
		if (hwpt->obj.transient && obj_hold_live(&hwpt->obj))
			break;
	}
	pthread_mutex_unlock(&ioas->lock);
	return hwpt;
}

/* An automatic HWPT of @ioas, found or made, with one more user. */
static int automatic_ensure(struct ioas *ioas, struct hwpt **out)
{
	int err = 0;

	/* Two that come at once share one. */
	pthread_mutex_lock(&ioas->attach_lock);
	*out = automatic_get(ioas);
	if (!*out)
		err = hwpt_new(ioas, 0, true, out);
	pthread_mutex_unlock(&ioas->attach_lock);
	return err;
}

static int attach_ioas(struct device *dev, struct ioas *ioas, uint32_t *pt_id, struct left *left)
{
	struct hwpt *hwpt;
	int err = automatic_ensure(ioas, &hwpt);

	if (err)
		return err;
	err = attach_hwpt(dev, hwpt, left);
	if (!err)
		*pt_id = hwpt->obj.id;
	obj_put(&hwpt->obj);
	return err;
}

int device_expect(struct ioas *ioas, const void *owner, struct hwpt **out)
{
	int err = automatic_ensure(ioas, out);

	if (err)
		return err;
	err = reserve(ioas, owner);
	if (err)
		obj_put(&(*out)->obj);
	return err;
}

void device_unexpect(struct hwpt *hwpt, const void *owner)
{
	unreserve(hwpt->ioas, owner);
	obj_put(&hwpt->obj);
}

int device_attach(struct device *dev, uint32_t *pt_id)
{
	struct obj *obj = obj_get(dev->obj.ctx, *pt_id, OBJ_ANY);
	struct left left = { 0 };
	int err;

	if (!obj)
		return refuse(ENOENT, "an id names an object of this context", "id %u", *pt_id);
	switch (obj->ops->type) {
	case OBJ_IOAS:
		err = attach_ioas(dev, ioas_of(obj), pt_id, &left);
		break;
	case OBJ_HWPT_PAGING:
		err = attach_hwpt(dev, hwpt_of(obj), &left);
		break;
	default:
		err = refuse(EINVAL, "a device is attached to an IOAS or a HWPT", "id %u is a %s",
			*pt_id, obj->ops->name);
	}
	obj_put(obj);
	for (; left.n; left.n--)
		obj_put(&left.hwpt->obj);
	return err;
}

static void attached_remove_locked(struct group *group, const struct device *dev)
{
	struct device **at = &group->attached;

	while (*at != dev)
		at = &(*at)->group_next;
	*at = dev->group_next;
}

void device_detach(struct device *dev)
{
	struct group *group = dev->req->group;
	struct hwpt *hwpt;

	pthread_mutex_lock(&group->lock);
	hwpt = dev->hwpt;
	dev->hwpt = NULL;
	if (hwpt) {
		attached_remove_locked(group, dev);
		if (!group->attached)
			group_publish_locked(group, NULL);
		/* Under the lock: an attach that follows reserves in the same name. */
		unreserve(hwpt->ioas, dev);
	}
	pthread_mutex_unlock(&group->lock);
	if (hwpt)
		obj_put(&hwpt->obj);
}
