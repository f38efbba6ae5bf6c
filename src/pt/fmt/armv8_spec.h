/* SPDX-License-Identifier: MIT */
/* Descriptors of the ARMv8 translation tables (VMSAv8-64), stage 1. */
#ifndef UIOMMU_PT_FMT_ARMV8_SPEC_H
#define UIOMMU_PT_FMT_ARMV8_SPEC_H

#include <stdint.h>

#define ARMV8_VALID ((uint64_t)1 << 0)
#define ARMV8_TYPE  ((uint64_t)1 << 1)	/* above level 3: a table; at level 3: has to be 1 */
#define ARMV8_ADDR  0x0000fffffffff000u /* output address or table, 4 KiB granule */

/* Leaves. */
#define ARMV8_ATTR(index) ((uint64_t)(index) << 2) /* of MAIR */
#define ARMV8_AP_EL0	  ((uint64_t)1 << 6)	   /* AP[1]: for unprivileged requests */
#define ARMV8_AP_RO	  ((uint64_t)1 << 7)	   /* AP[2]: read-only */
#define ARMV8_SH_INNER	  ((uint64_t)3 << 8)
#define ARMV8_AF	  ((uint64_t)1 << 10) /* access flag */
#define ARMV8_NG	  ((uint64_t)1 << 11) /* not global: belongs to the ASID */
#define ARMV8_PXN	  ((uint64_t)1 << 53)
#define ARMV8_UXN	  ((uint64_t)1 << 54)

/* Tables. */
#define ARMV8_APTABLE_NO_EL0 ((uint64_t)1 << 61)
#define ARMV8_APTABLE_RO     ((uint64_t)1 << 62)

#endif
