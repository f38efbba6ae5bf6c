/* SPDX-License-Identifier: MIT */
#include "vfio/group.h"

#include <errno.h>
#include <string.h>

#include <uiommu/device.h>

#include "base/refuse.h"
#include "core/device.h"
#include "core/ioas.h"
#include "dev/pci.h"
#include "vfio/compat.h"

void vfio_group_init(struct vfio_group *group, unsigned int number, const struct vfio_claim *claim)
{
	*group = (struct vfio_group){ .claim = *claim };
	group_init(&group->core, number);
	pthread_mutex_init(&group->lock, NULL);
}

void vfio_group_fini(struct vfio_group *group)
{
	pthread_mutex_destroy(&group->lock);
	group_fini(&group->core);
}

void vfio_group_add(struct vfio_group *group, struct vfio_device *vdev, struct uiommu_pdev *pdev)
{
	*vdev = (struct vfio_device){ .group = group, .pdev = pdev, .next = group->devices };
	group->devices = vdev;
}

/* --- Exclusive use between processes ------------------------------------------------------------
 */

static int use_locked(struct vfio_group *group)
{
	int err = 0;

	if (!group->users)
		err = group->claim.take(group->claim.arg, group->core.number);
	if (err)
		return refuse(-err, "a group is used by one process at a time", "group %u",
			group->core.number);
	group->users++;
	return 0;
}

static void unuse_locked(struct vfio_group *group)
{
	if (!--group->users)
		group->claim.drop(group->claim.arg, group->core.number);
}

/* --- The group's file ---------------------------------------------------------------------------
 */

int vfio_group_open(struct vfio_group *group)
{
	int err;

	pthread_mutex_lock(&group->lock);
	if (group->open)
		err = refuse(
			EBUSY, "a group is opened once", "group %u is open", group->core.number);
	else if (group->bound)
		err = refuse(EBUSY,
			"devices are used through their group or their own nodes, not both",
			"group %u has %u devices bound", group->core.number, group->bound);
	else
		err = use_locked(group);
	if (!err)
		group->open = true;
	pthread_mutex_unlock(&group->lock);
	return err;
}

struct vfio_group_state vfio_group_status(struct vfio_group *group)
{
	struct vfio_group_state state = { .viable = true };

	pthread_mutex_lock(&group->lock);
	state.container = group->ctx;
	pthread_mutex_unlock(&group->lock);
	return state;
}

static int expect_locked(struct vfio_group *group, struct ctx *ctx)
{
	struct ioas *ioas = compat_get(ctx);
	int err;

	if (!ioas)
		return -ENODEV;
	err = device_expect(ioas, group, &group->expected);
	if (err)
		group->expected = NULL;
	obj_put(&ioas->obj);
	return err;
}

/* Leaves the container. Return: it, to be put when the lock is free. */
static struct ctx *leave_locked(struct vfio_group *group)
{
	struct ctx *ctx = group->ctx;

	if (group->expected)
		device_unexpect(group->expected, group);
	group->expected = NULL;
	group->ctx = NULL;
	return ctx;
}

int vfio_group_set_container(struct vfio_group *group, struct ctx *ctx)
{
	int err;

	pthread_mutex_lock(&group->lock);
	if (group->ctx)
		err = refuse(EINVAL, "a group has one container", "group %u", group->core.number);
	else
		err = compat_ensure(ctx);
	if (!err && ctx->container)
		err = expect_locked(group, ctx);
	if (!err) {
		ctx_get(ctx);
		group->ctx = ctx;
	}
	pthread_mutex_unlock(&group->lock);
	return err;
}

/* Devices that were opened through the group hold its file: none is left. */
void vfio_group_close(struct vfio_group *group)
{
	struct ctx *ctx;

	pthread_mutex_lock(&group->lock);
	ctx = leave_locked(group);
	group->open = false;
	unuse_locked(group);
	pthread_mutex_unlock(&group->lock);
	if (ctx)
		ctx_put(ctx);
}

int vfio_group_unset_container(struct vfio_group *group)
{
	struct ctx *ctx = NULL;
	int err = 0;

	pthread_mutex_lock(&group->lock);
	if (!group->ctx) {
		err = refuse(EINVAL, "the group has a container", "group %u", group->core.number);
	} else if (group->taken) {
		err = refuse(EBUSY, "a container is left when no device is open", "%u devices",
			group->taken);
	} else {
		ctx = leave_locked(group);
	}
	pthread_mutex_unlock(&group->lock);
	if (ctx)
		ctx_put(ctx);
	return err;
}

/* --- Devices ------------------------------------------------------------------------------------
 */

/* Binds the device and opens its function; the container, if given, is what it is attached to. */
static int start_locked(struct vfio_device *vdev, struct ctx *ctx, struct ioas *ioas)
{
	uint32_t pt_id;
	int err = device_bind(ctx, pdev_requester(vdev->pdev), &vdev->dev);

	if (err)
		return err;
	if (ioas) {
		pt_id = ioas->obj.id;
		err = device_attach(vdev->dev, &pt_id);
	}
	if (!err) {
		err = pdev_open(vdev->pdev);
		if (err)
			refuse(-err, "the device can be opened", "%s",
				uiommu_pdev_name(vdev->pdev));
	}
	if (err) {
		device_unbind(vdev->dev);
		vdev->dev = NULL;
	}
	return err;
}

static struct vfio_device *find_locked(struct vfio_group *group, const char *name)
{
	struct vfio_device *vdev = group->devices;

	while (vdev && strcmp(uiommu_pdev_name(vdev->pdev), name) != 0)
		vdev = vdev->next;
	return vdev;
}

bool vfio_group_has(struct vfio_group *group, const char *name)
{
	bool has;

	pthread_mutex_lock(&group->lock);
	has = find_locked(group, name);
	pthread_mutex_unlock(&group->lock);
	return has;
}

static int take_locked(struct vfio_group *group, struct vfio_device *vdev)
{
	struct ioas *ioas;
	int err = 0;

	if (!vdev->opens) {
		ioas = compat_get(group->ctx);
		if (!ioas)
			return -ENODEV;
		err = start_locked(vdev, group->ctx, ioas);
		obj_put(&ioas->obj);
	}
	if (!err) {
		vdev->opens++;
		group->taken++;
	}
	return err;
}

int vfio_group_device_open(struct vfio_group *group, const char *name, struct vfio_device **out)
{
	int err;

	pthread_mutex_lock(&group->lock);
	*out = find_locked(group, name);
	if (!*out)
		err = refuse(ENODEV, "the group has a device of that name", "%s", name);
	else if (!group->ctx)
		err = refuse(EINVAL, "the group is in a container", "group %u", group->core.number);
	else
		err = take_locked(group, *out);
	pthread_mutex_unlock(&group->lock);
	return err;
}

static int refuse_open(const struct vfio_group *group)
{
	return refuse(EBUSY, "devices are used through their group or their own nodes, not both",
		"group %u is open", group->core.number);
}

int vfio_device_bind_check(struct vfio_device *vdev)
{
	int err = 0;

	pthread_mutex_lock(&vdev->group->lock);
	if (vdev->group->open)
		err = refuse_open(vdev->group);
	pthread_mutex_unlock(&vdev->group->lock);
	return err;
}

int vfio_device_bind(struct vfio_device *vdev, struct ctx *ctx, uint32_t *id)
{
	struct vfio_group *group = vdev->group;
	int err;

	pthread_mutex_lock(&group->lock);
	if (group->open)
		err = refuse_open(group);
	else if (vdev->opens)
		err = refuse(EINVAL, "a device is bound by one file", "%s is bound",
			uiommu_pdev_name(vdev->pdev));
	else
		err = use_locked(group);
	if (!err) {
		err = start_locked(vdev, ctx, NULL);
		if (err)
			unuse_locked(group);
	}
	if (!err) {
		vdev->opens = 1;
		vdev->by_cdev = true;
		group->bound++;
		*id = vdev->dev->obj.id;
	}
	pthread_mutex_unlock(&group->lock);
	return err;
}

int vfio_device_attach(struct vfio_device *vdev, uint32_t *pt_id)
{
	int err;

	pthread_mutex_lock(&vdev->group->lock);
	err = device_attach(vdev->dev, pt_id);
	pthread_mutex_unlock(&vdev->group->lock);
	return err;
}

void vfio_device_detach(struct vfio_device *vdev)
{
	pthread_mutex_lock(&vdev->group->lock);
	device_detach(vdev->dev);
	pthread_mutex_unlock(&vdev->group->lock);
}

void vfio_device_close(struct vfio_device *vdev)
{
	struct vfio_group *group = vdev->group;

	pthread_mutex_lock(&group->lock);
	if (!vdev->by_cdev)
		group->taken--;
	if (!--vdev->opens) {
		pdev_close(vdev->pdev);
		device_unbind(vdev->dev);
		vdev->dev = NULL;
		if (vdev->by_cdev) {
			vdev->by_cdev = false;
			group->bound--;
			unuse_locked(group);
		}
	}
	pthread_mutex_unlock(&group->lock);
}
