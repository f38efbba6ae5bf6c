/* SPDX-License-Identifier: MIT */
/*
 * Device numbers, as sysfs gives them and as fstat() of an open node must say.
 *
 * The first two are those that Linux gives. The others it allots at run time; these are taken from
 * the top of the range for dynamic majors, where no driver of a usual machine sits.
 */
#ifndef UIOMMU_SYSTEM_NODES_H
#define UIOMMU_SYSTEM_NODES_H

#define NODE_MISC_MAJOR	     10u
#define NODE_CONTAINER_MINOR 196u /* /dev/vfio/vfio */
#define NODE_IOMMU_MINOR     127u /* /dev/iommu */
#define NODE_GROUP_MAJOR     511u /* /dev/vfio/N; the minor is the group's number */
#define NODE_DEVICE_MAJOR    510u /* /dev/vfio/devices/vfioN; the minor is the device's index */

#endif
