/* SPDX-License-Identifier: MIT */
/* What the controller says that it is. */
#ifndef UIOMMU_DEV_NVME_IDENTITY_H
#define UIOMMU_DEV_NVME_IDENTITY_H

/* Not assigned to anyone by the PCI-SIG: drivers bind by class. */
#define IDENTITY_VENDOR	  0x7569u
#define IDENTITY_DEVICE	  0x4e56u
#define IDENTITY_MODEL	  "uiommu NVMe controller"
#define IDENTITY_FIRMWARE "1.0"

#define IDENTITY_TEMP_WARNING  343u /* kelvin */
#define IDENTITY_TEMP_CRITICAL 373u

#endif
