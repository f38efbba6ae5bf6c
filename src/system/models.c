/* SPDX-License-Identifier: MIT */
#include "system/sys.h"

#include "dev/dmatest.h"
#include "dev/nvme/nvme.h"

const struct uiommu_model *const sys_models[] = {
	&nvme_model,
	&dmatest_model,
	NULL,
};
