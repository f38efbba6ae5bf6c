/* SPDX-License-Identifier: MIT */
/* What stands behind the handles of the client API. */
#ifndef UIOMMU_API_OBJECT_H
#define UIOMMU_API_OBJECT_H

#include <stdatomic.h>

#include <uiommu/uiommu.h>

#include "api/provider.h"

struct uiommu_system {
	struct provider *provider;
	_Atomic unsigned int refs; /* the user's, and each open context and device */
};

struct uiommu {
	struct uiommu_system *sys;
	int handle;
	struct uiommu_why why;
};

struct uiommu_device {
	struct uiommu_system *sys;
	int handle;
	unsigned int index; /* in the system */
	struct uiommu_why why;
};

void system_get(struct uiommu_system *sys);
void system_put(struct uiommu_system *sys);

#endif
