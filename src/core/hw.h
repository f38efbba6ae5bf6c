/* SPDX-License-Identifier: MIT */
/*
 * What the core asks of an IOMMU architecture. Implementations are in src/hw/; the core names none.
 */
#ifndef UIOMMU_CORE_HW_H
#define UIOMMU_CORE_HW_H

#include <stddef.h>
#include <stdint.h>

struct domain;
struct hw;

/* Flags of an address space's table, as HWPT_ALLOC has them. */
#define HW_NEST_PARENT	  1u
#define HW_DIRTY_TRACKING 2u
#define HW_FAULT_QUEUE	  4u
#define HW_PASID	  8u

/* Capabilities, as GET_HW_INFO reports them. */
#define HW_CAP_DIRTY_TRACKING	 (UINT64_C(1) << 0)
#define HW_CAP_PCI_PASID_EXEC	 (UINT64_C(1) << 1)
#define HW_CAP_PCI_PASID_PRIV	 (UINT64_C(1) << 2)
#define HW_CAP_ATS_NOT_SUPPORTED (UINT64_C(1) << 3)

struct hw_range {
	uint64_t start, last;
};

struct hw_ops {
	/*
	 * Fills dom->pt, dom->first and dom->last. Called with no lock held; may allocate.
	 * Return: 0, -ENOMEM, -EOPNOTSUPP.
	 */
	int (*domain_init)(const struct hw *hw, struct domain *dom, uint32_t flags);
	/* IOVA ranges that no mapping may cover while a device is attached. Return: how many. */
	size_t (*reserved)(const struct hw *hw, const struct hw_range **out);
	/* Registers for GET_HW_INFO. Return: bytes, 0 if there are none. */
	size_t (*info)(const struct hw *hw, uint32_t *type, const void **data);
	uint64_t (*capabilities)(const struct hw *hw);
};

struct hw {
	const struct hw_ops *ops;
};

#endif
