/* SPDX-License-Identifier: MIT */
/* A core with one requester, a context, an address space and a DMA channel: what most tests need.
 */
#ifndef UIOMMU_TESTS_LIB_RIG_H
#define UIOMMU_TESTS_LIB_RIG_H

#include <uiommu/dma.h>

#include "core/core.h"
#include "core/device.h"
#include "core/group.h"
#include "core/hwpt.h"
#include "core/ioas.h"
#include "core/requester.h"
#include "hw/plain.h"

struct rig {
	struct hw_plain hw;
	struct core core;
	struct core_counters counters;
	struct group group;
	struct requester req;
	struct ctx *ctx;
	struct ioas *ioas;
	struct device *dev;
	struct uiommu_dma *dma;
	uint32_t hwpt_id;
};

/* Everything up to the attachment, with bus mastering on. Exits the program if that fails. */
void rig_init(struct rig *rig, const struct pt_ops *format);
/* Checks that nothing is left over. Exits the program if something is. */
void rig_fini(struct rig *rig);

/* Fixed mapping, readable and writeable. Return: as ioas_map(). */
int rig_map(struct rig *rig, uint64_t iova, void *va, uint64_t len);
int rig_unmap(struct rig *rig, uint64_t iova, uint64_t len);

/* cmocka takes SIGSEGV and SIGBUS for itself before each test: gives them to guarded copies again.
 */
void rig_catch_faults(void);

/* Zeroed pages of a test's own. */
void *rig_pages(size_t len);

#endif
