/* SPDX-License-Identifier: MIT */
/* Files of VFIO groups and devices. */
#ifndef UIOMMU_ABI_VFIO_FILES_H
#define UIOMMU_ABI_VFIO_FILES_H

#include "abi/file.h"

struct vfio_device;
struct vfio_group;

/* /dev/vfio/N. Return: 0 with one reference; -EBUSY, -ENOMEM. */
int abi_group_open(struct vfio_group *group, struct abi_file **out);
/* /dev/vfio/devices/vfioN. Return: 0 with one reference; -ENOMEM. */
int abi_cdev_open(struct vfio_device *vdev, struct abi_file **out);
/* A device that was taken through its group, whose file @group stays open as long; takes @vdev
 * over. */
int abi_group_device_new(struct vfio_device *vdev, struct abi_file *group, struct abi_file **out);

/* Requests that any open device answers (abi/vfio_device.c). */
long abi_device_request(struct vfio_device *vdev, const struct abi_caller *caller,
	unsigned long req, uintptr_t arg);
/* SET_IRQS (abi/vfio_irq.c). */
long abi_device_set_irqs(struct vfio_device *vdev, const struct abi_caller *caller, uintptr_t arg);

#endif
