/* SPDX-License-Identifier: MIT */
/*
 * A software IOMMU without a vendor's face: one page-table format, no registers, no nesting, no
 * PASIDs. What it shows is what a kernel shows for an IOMMU whose driver has no user API beyond
 * paging.
 */
#ifndef UIOMMU_HW_PLAIN_H
#define UIOMMU_HW_PLAIN_H

#include "core/hw.h"
#include "pt/pt.h"

struct hw_plain {
	struct hw hw;
	const struct pt_ops *format;
	struct hw_range msi; /* doorbell window: never translated */
};

void hw_plain_init(struct hw_plain *plain, const struct pt_ops *format);

#endif
