/* SPDX-License-Identifier: MIT */
/*
 * Groups and devices as VFIO shows them: who has opened what, and which context a device works in.
 *
 * A device is taken either through its group (container) or through its own node (cdev), never
 * both. Taking it binds it to a context (core/device.h), opens the emulated function (dev/pci.h),
 * and, through a group, attaches it to the container's address space.
 *
 * Source: Linux 7.3 VFIO ABI, groups and devices.
 */
#ifndef UIOMMU_VFIO_GROUP_H
#define UIOMMU_VFIO_GROUP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/group.h"

struct ctx;
struct device;
struct uiommu_pdev;
struct vfio_device;

/* What must be exclusive between processes: taken before the first use, given back after the last.
 */
struct vfio_claim {
	/* Return: 0, -EBUSY another process has the group, -errno. */
	int (*take)(void *arg, unsigned int group);
	void (*drop)(void *arg, unsigned int group);
	void *arg;
};

struct vfio_group {
	struct group core;
	struct vfio_claim claim;
	pthread_mutex_t lock; /* all below, and the devices; before every lock of the core */
	struct vfio_device *devices;
	unsigned int users;    /* group file, cdev binds: the claim is held while there are any */
	bool open;	       /* the group's file */
	struct ctx *ctx;       /* the container, with a reference */
	struct hwpt *expected; /* what its devices will be attached to, in VFIO's own container */
	unsigned int taken;    /* devices that were opened through the group */
	unsigned int bound;    /* devices that are bound through their own node */
};

struct vfio_device {
	struct vfio_device *next; /* of the group */
	struct vfio_group *group;
	struct uiommu_pdev *pdev;
	unsigned int opens; /* group->lock, as all below: files that have taken it */
	bool by_cdev;
	struct device *dev; /* bound */
};

void vfio_group_init(struct vfio_group *group, unsigned int number, const struct vfio_claim *claim);
void vfio_group_fini(struct vfio_group *group);
/* Before anything is opened. */
void vfio_group_add(struct vfio_group *group, struct vfio_device *vdev, struct uiommu_pdev *pdev);

/* open() and last close of /dev/vfio/N. Return: 0, -EBUSY. */
int vfio_group_open(struct vfio_group *group);
void vfio_group_close(struct vfio_group *group);

struct vfio_group_state {
	bool viable, container;
};
struct vfio_group_state vfio_group_status(struct vfio_group *group);
/* Whether it has a device called @name. */
bool vfio_group_has(struct vfio_group *group, const char *name);
/*
 * VFIO's own container knows from now on what the group's devices translate: a client that asks for
 * IOVA ranges before it opens a device, as QEMU's NVMe driver does, gets those that hold. (An
 * iommufd that is used as a container learns it with the first device.) Return: 0, -EINVAL has one
 * already, -EADDRINUSE, -ENOMEM.
 */
int vfio_group_set_container(struct vfio_group *group, struct ctx *ctx);
/* Return: 0, -EINVAL has none, -EBUSY devices are open. */
int vfio_group_unset_container(struct vfio_group *group);

/*
 * Takes the device called @name for a file; the first one binds, attaches and opens it.
 * vfio_device_close() undoes it. Return: 0; -ENODEV; -EINVAL no container; errors of bind, attach
 * and the model's open.
 */
int vfio_group_device_open(struct vfio_group *group, const char *name, struct vfio_device **out);

/* What BIND looks at before the context. Return: 0; -EBUSY the group's file is open. */
int vfio_device_bind_check(struct vfio_device *vdev);
/* BIND through the device's own node. Return: 0 with the object's id; -EBUSY, -EINVAL, -EPERM ...
 */
int vfio_device_bind(struct vfio_device *vdev, struct ctx *ctx, uint32_t *id);
/* ATTACH and DETACH of a device that is bound. */
int vfio_device_attach(struct vfio_device *vdev, uint32_t *pt_id);
void vfio_device_detach(struct vfio_device *vdev);
/* A file that has taken or bound it is closed; the last one closes the device and unbinds it. */
void vfio_device_close(struct vfio_device *vdev);

#endif
