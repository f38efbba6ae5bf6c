/* SPDX-License-Identifier: MIT */
/* An NVM Express controller (base specification 1.4, PCIe transport) with files as its namespaces.
 */
#ifndef UIOMMU_DEV_NVME_H
#define UIOMMU_DEV_NVME_H

#include <uiommu/device.h>

extern const struct uiommu_model nvme_model;

#endif
