/* SPDX-License-Identifier: MIT */
/*
 * DEVICE objects: a context's hold on a requester, and what it is attached to.
 *
 * Source: Linux 7.3 iommufd ABI, VFIO_DEVICE_BIND_IOMMUFD, ATTACH and DETACH; the order of checks
 * is the ABI's.
 */
#ifndef UIOMMU_CORE_DEVICE_H
#define UIOMMU_CORE_DEVICE_H

#include <stdint.h>

#include "core/object.h"

struct hwpt;
struct ioas;
struct requester;

struct device {
	struct obj obj;
	struct requester *req;
	struct hwpt *hwpt;	   /* attached to, NULL: nothing; group->lock */
	struct device *group_next; /* group->attached */
};

static inline struct device *device_of(struct obj *obj)
{
	return (struct device *)obj;
}

/* Holds a reference on @ctx. Return: 0 with a published object; -EPERM another context has the
 * group; -ENOMEM. */
int device_bind(struct ctx *ctx, struct requester *req, struct device **out);
/* Detaches first. */
void device_unbind(struct device *dev);

/**
 * device_attach() - translate through an IOAS or a HWPT; what is attached already is replaced
 * @pt_id: an IOAS: an automatic HWPT of it is found or made; or a HWPT. Receives the HWPT's id.
 * Return: 0; -ENOENT, -EINVAL another type, or the group is on another HWPT; -EADDRINUSE; -ENOMEM;
 * -EFAULT. A failed replace leaves the old attachment.
 */
int device_attach(struct device *dev, uint32_t *pt_id);
/* Blocks DMA; nothing is done if nothing is attached. */
void device_detach(struct device *dev);

/**
 * device_expect() - devices will be attached to @ioas: their table and their reserved ranges come
 * into force
 * @owner: whose expectation it is: one at a time for each
 * @out:   the table, to be given back with device_unexpect()
 * Return: 0; -EADDRINUSE, -EFAULT, -ENOMEM.
 */
int device_expect(struct ioas *ioas, const void *owner, struct hwpt **out);
void device_unexpect(struct hwpt *hwpt, const void *owner);

#endif
