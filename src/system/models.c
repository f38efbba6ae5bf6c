/* SPDX-License-Identifier: MIT */
#include "system/sys.h"

#include "dev/nvme/nvme.h"

const struct uiommu_model *const sys_models[] = {
	&nvme_model,
	NULL,
};
