/* SPDX-License-Identifier: MIT */
#include "abi/table.h"

#include <stddef.h>

#include <uiommu/abi/iommufd.h>

#define SLOT(code) ((code) - (0x3b00 + ABI_IOMMUFD_NR_FIRST))

#define REQ(request, tag, wb)                                                                      \
	[SLOT(UIOMMU_ABI_##request)] = {                                                           \
		.code = UIOMMU_ABI_##request,                                                      \
		.name = "IOMMU_" #request,                                                         \
		.size = sizeof(struct uiommu_abi_##tag),                                           \
		.min = UIOMMU_ABI_##request##_MIN,                                                 \
		.writes_back = ABI_WB_##wb,                                                        \
	}

static const struct abi_req reqs[ABI_IOMMUFD_NR_LAST - ABI_IOMMUFD_NR_FIRST + 1] = {
	REQ(DESTROY, destroy, NEVER),
	REQ(IOAS_ALLOC, ioas_alloc, SUCCESS),
	REQ(IOAS_ALLOW_IOVAS, ioas_allow_iovas, NEVER),
	REQ(IOAS_COPY, ioas_copy, SUCCESS),
	REQ(IOAS_IOVA_RANGES, ioas_iova_ranges, EMSGSIZE),
	REQ(IOAS_MAP, ioas_map, SUCCESS),
	REQ(IOAS_UNMAP, ioas_unmap, SUCCESS),
	REQ(OPTION, option, SUCCESS_VAL64),
	REQ(VFIO_IOAS, vfio_ioas, SUCCESS_GET),
	REQ(HWPT_ALLOC, hwpt_alloc, SUCCESS),
	REQ(GET_HW_INFO, hw_info, SUCCESS),
	REQ(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking, NEVER),
	REQ(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap, NEVER),
	REQ(HWPT_INVALIDATE, hwpt_invalidate, ALWAYS),
	REQ(FAULT_QUEUE_ALLOC, fault_alloc, SUCCESS),
	REQ(IOAS_MAP_FILE, ioas_map_file, SUCCESS),
	REQ(VIOMMU_ALLOC, viommu_alloc, SUCCESS),
	REQ(VDEVICE_ALLOC, vdevice_alloc, SUCCESS),
	REQ(IOAS_CHANGE_PROCESS, ioas_change_process, NEVER),
	REQ(VEVENTQ_ALLOC, veventq_alloc, SUCCESS),
	REQ(HW_QUEUE_ALLOC, hw_queue_alloc, SUCCESS),
	REQ(IOAS_NOIOMMU_GET_PA, ioas_noiommu_get_pa, SUCCESS),
};

const struct abi_req *abi_iommufd_req(unsigned int nr)
{
	if (nr < ABI_IOMMUFD_NR_FIRST || nr > ABI_IOMMUFD_NR_LAST)
		return NULL;
	return &reqs[nr - ABI_IOMMUFD_NR_FIRST];
}
