/* SPDX-License-Identifier: MIT */
/* I/O page-table formats that a topology may choose from. */
#ifndef UIOMMU_SYSTEM_FORMATS_H
#define UIOMMU_SYSTEM_FORMATS_H

#include "pt/pt.h"

struct sys_format {
	const char *name; /* as in "iommu NAME" */
	const char *summary;
	const struct pt_ops *ops;
};

/* Ends with name NULL; the first is the default. */
extern const struct sys_format sys_formats[];

#endif
