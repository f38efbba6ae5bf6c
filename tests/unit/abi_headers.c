/* SPDX-License-Identifier: MIT */
/*
 * The public ABI headers against a second list, taken from the ABI's description and not from them.
 * A difference stops the compiler; the running test adds what a compiler doesn't see: the fields of
 * a structure cover it without a gap, and no request is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#define NELEM(array) (sizeof(array) / sizeof((array)[0]))

/* @want, if @have is the same; otherwise it doesn't compile. */
#define SAME(have, want) ((want) + 0 * sizeof(char[(have) == (want) ? 1 : -1]))

struct req_row {
	const char *name;
	uint64_t code, want_code;
	size_t size, want_size;
	size_t min, want_min;
};

#define REQ(request, code_, tag, size_, min_)                                                      \
	{                                                                                          \
		.name = #request, .code = UIOMMU_##request,                                        \
		.want_code = SAME(UIOMMU_##request, code_), .size = sizeof(struct uiommu_##tag),   \
		.want_size = SAME(sizeof(struct uiommu_##tag), size_),                             \
		.min = UIOMMU_##request##_MIN, .want_min = SAME(UIOMMU_##request##_MIN, min_),     \
	}

static const struct req_row iommufd_reqs[] = {
	REQ(ABI_DESTROY, 0x3b80, abi_destroy, 8, 8),
	REQ(ABI_IOAS_ALLOC, 0x3b81, abi_ioas_alloc, 12, 12),
	REQ(ABI_IOAS_ALLOW_IOVAS, 0x3b82, abi_ioas_allow_iovas, 24, 24),
	REQ(ABI_IOAS_COPY, 0x3b83, abi_ioas_copy, 40, 40),
	REQ(ABI_IOAS_IOVA_RANGES, 0x3b84, abi_ioas_iova_ranges, 32, 32),
	REQ(ABI_IOAS_MAP, 0x3b85, abi_ioas_map, 40, 40),
	REQ(ABI_IOAS_UNMAP, 0x3b86, abi_ioas_unmap, 24, 24),
	REQ(ABI_OPTION, 0x3b87, abi_option, 24, 24),
	REQ(ABI_VFIO_IOAS, 0x3b88, abi_vfio_ioas, 12, 12),
	REQ(ABI_HWPT_ALLOC, 0x3b89, abi_hwpt_alloc, 48, 24),
	REQ(ABI_GET_HW_INFO, 0x3b8a, abi_hw_info, 40, 32),
	REQ(ABI_HWPT_SET_DIRTY_TRACKING, 0x3b8b, abi_hwpt_set_dirty_tracking, 16, 16),
	REQ(ABI_HWPT_GET_DIRTY_BITMAP, 0x3b8c, abi_hwpt_get_dirty_bitmap, 48, 48),
	REQ(ABI_HWPT_INVALIDATE, 0x3b8d, abi_hwpt_invalidate, 32, 32),
	REQ(ABI_FAULT_QUEUE_ALLOC, 0x3b8e, abi_fault_alloc, 16, 16),
	REQ(ABI_IOAS_MAP_FILE, 0x3b8f, abi_ioas_map_file, 40, 40),
	REQ(ABI_VIOMMU_ALLOC, 0x3b90, abi_viommu_alloc, 40, 24),
	REQ(ABI_VDEVICE_ALLOC, 0x3b91, abi_vdevice_alloc, 24, 24),
	REQ(ABI_IOAS_CHANGE_PROCESS, 0x3b92, abi_ioas_change_process, 8, 8),
	REQ(ABI_VEVENTQ_ALLOC, 0x3b93, abi_veventq_alloc, 32, 28),
	REQ(ABI_HW_QUEUE_ALLOC, 0x3b94, abi_hw_queue_alloc, 40, 40),
	REQ(ABI_IOAS_NOIOMMU_GET_PA, 0x3b95, abi_ioas_noiommu_get_pa, 40, 40),
};

static const struct req_row vfio_reqs[] = {
	REQ(VFIO_IOMMU_GET_INFO, 0x3b70, vfio_iommu_type1_info, 24, 16),
	REQ(VFIO_IOMMU_MAP_DMA, 0x3b71, vfio_iommu_type1_dma_map, 32, 32),
	REQ(VFIO_IOMMU_UNMAP_DMA, 0x3b72, vfio_iommu_type1_dma_unmap, 24, 24),
	REQ(VFIO_GROUP_GET_STATUS, 0x3b67, vfio_group_status, 8, 8),
	REQ(VFIO_DEVICE_BIND_IOMMUFD, 0x3b76, vfio_device_bind_iommufd, 24, 16),
	REQ(VFIO_DEVICE_ATTACH_IOMMUFD_PT, 0x3b77, vfio_device_attach_iommufd_pt, 16, 12),
	REQ(VFIO_DEVICE_DETACH_IOMMUFD_PT, 0x3b78, vfio_device_detach_iommufd_pt, 12, 8),
	REQ(VFIO_DEVICE_GET_INFO, 0x3b6b, vfio_device_info, 24, 16),
	REQ(VFIO_DEVICE_GET_REGION_INFO, 0x3b6c, vfio_region_info, 32, 32),
	REQ(VFIO_DEVICE_GET_IRQ_INFO, 0x3b6d, vfio_irq_info, 16, 16),
	REQ(VFIO_DEVICE_SET_IRQS, 0x3b6e, vfio_irq_set, 20, 20),
	REQ(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 0x3b70, vfio_pci_hot_reset_info, 12, 12),
	REQ(VFIO_DEVICE_PCI_HOT_RESET, 0x3b71, vfio_pci_hot_reset, 12, 12),
	REQ(VFIO_DEVICE_IOEVENTFD, 0x3b74, vfio_device_ioeventfd, 32, 28),
	REQ(VFIO_DEVICE_FEATURE, 0x3b75, vfio_device_feature, 8, 8),
	REQ(VFIO_MIG_GET_PRECOPY_INFO, 0x3b79, vfio_precopy_info, 24, 24),
};

/* A structure is a row with its size, then its fields in ascending order. */
struct layout_row {
	const char *tag, *field; /* field NULL: the structure */
	size_t off, want_off;
	size_t len, want_len;
};

#define LEN(tag, name) sizeof(((struct uiommu_##tag *)0)->name)
#define SIZE(tag_, len_)                                                                           \
	{                                                                                          \
		.tag = #tag_, .len = sizeof(struct uiommu_##tag_),                                 \
		.want_len = SAME(sizeof(struct uiommu_##tag_), len_),                              \
	}
#define FIELD(tag_, name, off_, len_)                                                              \
	{                                                                                          \
		.tag = #tag_, .field = #name, .off = offsetof(struct uiommu_##tag_, name),         \
		.want_off = SAME(offsetof(struct uiommu_##tag_, name), off_),                      \
		.len = LEN(tag_, name), .want_len = SAME(LEN(tag_, name), len_),                   \
	}

static const struct layout_row layouts[] = {
	SIZE(abi_destroy, 8),
	FIELD(abi_destroy, size, 0, 4),
	FIELD(abi_destroy, id, 4, 4),
	SIZE(abi_ioas_alloc, 12),
	FIELD(abi_ioas_alloc, size, 0, 4),
	FIELD(abi_ioas_alloc, flags, 4, 4),
	FIELD(abi_ioas_alloc, out_ioas_id, 8, 4),
	SIZE(abi_iova_range, 16),
	FIELD(abi_iova_range, start, 0, 8),
	FIELD(abi_iova_range, last, 8, 8),
	SIZE(abi_ioas_iova_ranges, 32),
	FIELD(abi_ioas_iova_ranges, size, 0, 4),
	FIELD(abi_ioas_iova_ranges, ioas_id, 4, 4),
	FIELD(abi_ioas_iova_ranges, num_iovas, 8, 4),
	FIELD(abi_ioas_iova_ranges, reserved, 12, 4),
	FIELD(abi_ioas_iova_ranges, allowed_iovas, 16, 8),
	FIELD(abi_ioas_iova_ranges, out_iova_alignment, 24, 8),
	SIZE(abi_ioas_allow_iovas, 24),
	FIELD(abi_ioas_allow_iovas, size, 0, 4),
	FIELD(abi_ioas_allow_iovas, ioas_id, 4, 4),
	FIELD(abi_ioas_allow_iovas, num_iovas, 8, 4),
	FIELD(abi_ioas_allow_iovas, reserved, 12, 4),
	FIELD(abi_ioas_allow_iovas, allowed_iovas, 16, 8),
	SIZE(abi_ioas_map, 40),
	FIELD(abi_ioas_map, size, 0, 4),
	FIELD(abi_ioas_map, flags, 4, 4),
	FIELD(abi_ioas_map, ioas_id, 8, 4),
	FIELD(abi_ioas_map, reserved, 12, 4),
	FIELD(abi_ioas_map, user_va, 16, 8),
	FIELD(abi_ioas_map, length, 24, 8),
	FIELD(abi_ioas_map, iova, 32, 8),
	SIZE(abi_ioas_map_file, 40),
	FIELD(abi_ioas_map_file, size, 0, 4),
	FIELD(abi_ioas_map_file, flags, 4, 4),
	FIELD(abi_ioas_map_file, ioas_id, 8, 4),
	FIELD(abi_ioas_map_file, fd, 12, 4),
	FIELD(abi_ioas_map_file, start, 16, 8),
	FIELD(abi_ioas_map_file, length, 24, 8),
	FIELD(abi_ioas_map_file, iova, 32, 8),
	SIZE(abi_ioas_copy, 40),
	FIELD(abi_ioas_copy, size, 0, 4),
	FIELD(abi_ioas_copy, flags, 4, 4),
	FIELD(abi_ioas_copy, dst_ioas_id, 8, 4),
	FIELD(abi_ioas_copy, src_ioas_id, 12, 4),
	FIELD(abi_ioas_copy, length, 16, 8),
	FIELD(abi_ioas_copy, dst_iova, 24, 8),
	FIELD(abi_ioas_copy, src_iova, 32, 8),
	SIZE(abi_ioas_unmap, 24),
	FIELD(abi_ioas_unmap, size, 0, 4),
	FIELD(abi_ioas_unmap, ioas_id, 4, 4),
	FIELD(abi_ioas_unmap, iova, 8, 8),
	FIELD(abi_ioas_unmap, length, 16, 8),
	SIZE(abi_ioas_noiommu_get_pa, 40),
	FIELD(abi_ioas_noiommu_get_pa, size, 0, 4),
	FIELD(abi_ioas_noiommu_get_pa, flags, 4, 4),
	FIELD(abi_ioas_noiommu_get_pa, ioas_id, 8, 4),
	FIELD(abi_ioas_noiommu_get_pa, reserved, 12, 4),
	FIELD(abi_ioas_noiommu_get_pa, iova, 16, 8),
	FIELD(abi_ioas_noiommu_get_pa, length, 24, 8),
	FIELD(abi_ioas_noiommu_get_pa, out_phys, 32, 8),
	SIZE(abi_ioas_change_process, 8),
	FIELD(abi_ioas_change_process, size, 0, 4),
	FIELD(abi_ioas_change_process, reserved, 4, 4),
	SIZE(abi_option, 24),
	FIELD(abi_option, size, 0, 4),
	FIELD(abi_option, option_id, 4, 4),
	FIELD(abi_option, op, 8, 2),
	FIELD(abi_option, reserved, 10, 2),
	FIELD(abi_option, object_id, 12, 4),
	FIELD(abi_option, val64, 16, 8),
	SIZE(abi_vfio_ioas, 12),
	FIELD(abi_vfio_ioas, size, 0, 4),
	FIELD(abi_vfio_ioas, ioas_id, 4, 4),
	FIELD(abi_vfio_ioas, op, 8, 2),
	FIELD(abi_vfio_ioas, reserved, 10, 2),
	SIZE(abi_hwpt_alloc, 48),
	FIELD(abi_hwpt_alloc, size, 0, 4),
	FIELD(abi_hwpt_alloc, flags, 4, 4),
	FIELD(abi_hwpt_alloc, dev_id, 8, 4),
	FIELD(abi_hwpt_alloc, pt_id, 12, 4),
	FIELD(abi_hwpt_alloc, out_hwpt_id, 16, 4),
	FIELD(abi_hwpt_alloc, reserved, 20, 4),
	FIELD(abi_hwpt_alloc, data_type, 24, 4),
	FIELD(abi_hwpt_alloc, data_len, 28, 4),
	FIELD(abi_hwpt_alloc, data_uptr, 32, 8),
	FIELD(abi_hwpt_alloc, fault_id, 40, 4),
	FIELD(abi_hwpt_alloc, reserved2, 44, 4),
	SIZE(abi_hw_info, 40),
	FIELD(abi_hw_info, size, 0, 4),
	FIELD(abi_hw_info, flags, 4, 4),
	FIELD(abi_hw_info, dev_id, 8, 4),
	FIELD(abi_hw_info, data_len, 12, 4),
	FIELD(abi_hw_info, data_uptr, 16, 8),
	FIELD(abi_hw_info, in_data_type, 24, 4),
	FIELD(abi_hw_info, out_data_type, 24, 4),
	FIELD(abi_hw_info, out_max_pasid_log2, 28, 1),
	FIELD(abi_hw_info, reserved, 29, 3),
	FIELD(abi_hw_info, out_capabilities, 32, 8),
	SIZE(abi_hwpt_set_dirty_tracking, 16),
	FIELD(abi_hwpt_set_dirty_tracking, size, 0, 4),
	FIELD(abi_hwpt_set_dirty_tracking, flags, 4, 4),
	FIELD(abi_hwpt_set_dirty_tracking, hwpt_id, 8, 4),
	FIELD(abi_hwpt_set_dirty_tracking, reserved, 12, 4),
	SIZE(abi_hwpt_get_dirty_bitmap, 48),
	FIELD(abi_hwpt_get_dirty_bitmap, size, 0, 4),
	FIELD(abi_hwpt_get_dirty_bitmap, hwpt_id, 4, 4),
	FIELD(abi_hwpt_get_dirty_bitmap, flags, 8, 4),
	FIELD(abi_hwpt_get_dirty_bitmap, reserved, 12, 4),
	FIELD(abi_hwpt_get_dirty_bitmap, iova, 16, 8),
	FIELD(abi_hwpt_get_dirty_bitmap, length, 24, 8),
	FIELD(abi_hwpt_get_dirty_bitmap, page_size, 32, 8),
	FIELD(abi_hwpt_get_dirty_bitmap, data, 40, 8),
	SIZE(abi_hwpt_invalidate, 32),
	FIELD(abi_hwpt_invalidate, size, 0, 4),
	FIELD(abi_hwpt_invalidate, hwpt_id, 4, 4),
	FIELD(abi_hwpt_invalidate, data_uptr, 8, 8),
	FIELD(abi_hwpt_invalidate, data_type, 16, 4),
	FIELD(abi_hwpt_invalidate, entry_len, 20, 4),
	FIELD(abi_hwpt_invalidate, entry_num, 24, 4),
	FIELD(abi_hwpt_invalidate, reserved, 28, 4),
	SIZE(abi_fault_alloc, 16),
	FIELD(abi_fault_alloc, size, 0, 4),
	FIELD(abi_fault_alloc, flags, 4, 4),
	FIELD(abi_fault_alloc, out_fault_id, 8, 4),
	FIELD(abi_fault_alloc, out_fault_fd, 12, 4),
	SIZE(abi_viommu_alloc, 40),
	FIELD(abi_viommu_alloc, size, 0, 4),
	FIELD(abi_viommu_alloc, flags, 4, 4),
	FIELD(abi_viommu_alloc, type, 8, 4),
	FIELD(abi_viommu_alloc, dev_id, 12, 4),
	FIELD(abi_viommu_alloc, hwpt_id, 16, 4),
	FIELD(abi_viommu_alloc, out_viommu_id, 20, 4),
	FIELD(abi_viommu_alloc, data_len, 24, 4),
	FIELD(abi_viommu_alloc, reserved, 28, 4),
	FIELD(abi_viommu_alloc, data_uptr, 32, 8),
	SIZE(abi_vdevice_alloc, 24),
	FIELD(abi_vdevice_alloc, size, 0, 4),
	FIELD(abi_vdevice_alloc, viommu_id, 4, 4),
	FIELD(abi_vdevice_alloc, dev_id, 8, 4),
	FIELD(abi_vdevice_alloc, out_vdevice_id, 12, 4),
	FIELD(abi_vdevice_alloc, virt_id, 16, 8),
	SIZE(abi_veventq_alloc, 32),
	FIELD(abi_veventq_alloc, size, 0, 4),
	FIELD(abi_veventq_alloc, flags, 4, 4),
	FIELD(abi_veventq_alloc, viommu_id, 8, 4),
	FIELD(abi_veventq_alloc, type, 12, 4),
	FIELD(abi_veventq_alloc, veventq_depth, 16, 4),
	FIELD(abi_veventq_alloc, out_veventq_id, 20, 4),
	FIELD(abi_veventq_alloc, out_veventq_fd, 24, 4),
	FIELD(abi_veventq_alloc, reserved, 28, 4),
	SIZE(abi_hw_queue_alloc, 40),
	FIELD(abi_hw_queue_alloc, size, 0, 4),
	FIELD(abi_hw_queue_alloc, flags, 4, 4),
	FIELD(abi_hw_queue_alloc, viommu_id, 8, 4),
	FIELD(abi_hw_queue_alloc, type, 12, 4),
	FIELD(abi_hw_queue_alloc, index, 16, 4),
	FIELD(abi_hw_queue_alloc, out_hw_queue_id, 20, 4),
	FIELD(abi_hw_queue_alloc, nesting_parent_iova, 24, 8),
	FIELD(abi_hw_queue_alloc, length, 32, 8),
	SIZE(abi_hwpt_vtd_s1, 24),
	FIELD(abi_hwpt_vtd_s1, flags, 0, 8),
	FIELD(abi_hwpt_vtd_s1, pgtbl_addr, 8, 8),
	FIELD(abi_hwpt_vtd_s1, addr_width, 16, 4),
	FIELD(abi_hwpt_vtd_s1, reserved, 20, 4),
	SIZE(abi_hwpt_arm_smmuv3, 16),
	FIELD(abi_hwpt_arm_smmuv3, ste, 0, 16),
	SIZE(abi_hwpt_amd_guest, 32),
	FIELD(abi_hwpt_amd_guest, dte, 0, 32),
	SIZE(abi_hw_info_vtd, 24),
	FIELD(abi_hw_info_vtd, flags, 0, 4),
	FIELD(abi_hw_info_vtd, reserved, 4, 4),
	FIELD(abi_hw_info_vtd, cap_reg, 8, 8),
	FIELD(abi_hw_info_vtd, ecap_reg, 16, 8),
	SIZE(abi_hw_info_arm_smmuv3, 40),
	FIELD(abi_hw_info_arm_smmuv3, flags, 0, 4),
	FIELD(abi_hw_info_arm_smmuv3, reserved, 4, 4),
	FIELD(abi_hw_info_arm_smmuv3, idr, 8, 24),
	FIELD(abi_hw_info_arm_smmuv3, iidr, 32, 4),
	FIELD(abi_hw_info_arm_smmuv3, aidr, 36, 4),
	SIZE(abi_hw_info_tegra241_cmdqv, 8),
	FIELD(abi_hw_info_tegra241_cmdqv, flags, 0, 4),
	FIELD(abi_hw_info_tegra241_cmdqv, version, 4, 1),
	FIELD(abi_hw_info_tegra241_cmdqv, log2vcmdqs, 5, 1),
	FIELD(abi_hw_info_tegra241_cmdqv, log2vsids, 6, 1),
	FIELD(abi_hw_info_tegra241_cmdqv, reserved, 7, 1),
	SIZE(abi_hw_info_amd, 16),
	FIELD(abi_hw_info_amd, efr, 0, 8),
	FIELD(abi_hw_info_amd, efr2, 8, 8),
	SIZE(abi_hwpt_vtd_s1_invalidate, 24),
	FIELD(abi_hwpt_vtd_s1_invalidate, addr, 0, 8),
	FIELD(abi_hwpt_vtd_s1_invalidate, npages, 8, 8),
	FIELD(abi_hwpt_vtd_s1_invalidate, flags, 16, 4),
	FIELD(abi_hwpt_vtd_s1_invalidate, reserved, 20, 4),
	SIZE(abi_viommu_arm_smmuv3_invalidate, 16),
	FIELD(abi_viommu_arm_smmuv3_invalidate, cmd, 0, 16),
	SIZE(abi_viommu_tegra241_cmdqv, 16),
	FIELD(abi_viommu_tegra241_cmdqv, out_vintf_mmap_offset, 0, 8),
	FIELD(abi_viommu_tegra241_cmdqv, out_vintf_mmap_length, 8, 8),
	SIZE(abi_vevent_arm_smmuv3, 32),
	FIELD(abi_vevent_arm_smmuv3, evt, 0, 32),
	SIZE(abi_vevent_tegra241_cmdqv, 16),
	FIELD(abi_vevent_tegra241_cmdqv, lvcmdq_err_map, 0, 16),
	SIZE(abi_hwpt_pgfault, 40),
	FIELD(abi_hwpt_pgfault, flags, 0, 4),
	FIELD(abi_hwpt_pgfault, dev_id, 4, 4),
	FIELD(abi_hwpt_pgfault, pasid, 8, 4),
	FIELD(abi_hwpt_pgfault, grpid, 12, 4),
	FIELD(abi_hwpt_pgfault, perm, 16, 4),
	FIELD(abi_hwpt_pgfault, reserved, 20, 4),
	FIELD(abi_hwpt_pgfault, addr, 24, 8),
	FIELD(abi_hwpt_pgfault, length, 32, 4),
	FIELD(abi_hwpt_pgfault, cookie, 36, 4),
	SIZE(abi_hwpt_page_response, 8),
	FIELD(abi_hwpt_page_response, cookie, 0, 4),
	FIELD(abi_hwpt_page_response, code, 4, 4),
	SIZE(abi_vevent_header, 8),
	FIELD(abi_vevent_header, flags, 0, 4),
	FIELD(abi_vevent_header, sequence, 4, 4),

	SIZE(vfio_cap_header, 8),
	FIELD(vfio_cap_header, id, 0, 2),
	FIELD(vfio_cap_header, version, 2, 2),
	FIELD(vfio_cap_header, next, 4, 4),
	SIZE(vfio_iommu_type1_info, 24),
	FIELD(vfio_iommu_type1_info, argsz, 0, 4),
	FIELD(vfio_iommu_type1_info, flags, 4, 4),
	FIELD(vfio_iommu_type1_info, iova_pgsizes, 8, 8),
	FIELD(vfio_iommu_type1_info, cap_offset, 16, 4),
	FIELD(vfio_iommu_type1_info, pad, 20, 4),
	SIZE(vfio_iova_range, 16),
	FIELD(vfio_iova_range, start, 0, 8),
	FIELD(vfio_iova_range, end, 8, 8),
	SIZE(vfio_iommu_cap_iova_range, 16),
	FIELD(vfio_iommu_cap_iova_range, header, 0, 8),
	FIELD(vfio_iommu_cap_iova_range, nr_iovas, 8, 4),
	FIELD(vfio_iommu_cap_iova_range, reserved, 12, 4),
	SIZE(vfio_iommu_cap_dma_avail, 12),
	FIELD(vfio_iommu_cap_dma_avail, header, 0, 8),
	FIELD(vfio_iommu_cap_dma_avail, avail, 8, 4),
	SIZE(vfio_iommu_type1_dma_map, 32),
	FIELD(vfio_iommu_type1_dma_map, argsz, 0, 4),
	FIELD(vfio_iommu_type1_dma_map, flags, 4, 4),
	FIELD(vfio_iommu_type1_dma_map, vaddr, 8, 8),
	FIELD(vfio_iommu_type1_dma_map, iova, 16, 8),
	FIELD(vfio_iommu_type1_dma_map, size, 24, 8),
	SIZE(vfio_iommu_type1_dma_unmap, 24),
	FIELD(vfio_iommu_type1_dma_unmap, argsz, 0, 4),
	FIELD(vfio_iommu_type1_dma_unmap, flags, 4, 4),
	FIELD(vfio_iommu_type1_dma_unmap, iova, 8, 8),
	FIELD(vfio_iommu_type1_dma_unmap, size, 16, 8),
	SIZE(vfio_group_status, 8),
	FIELD(vfio_group_status, argsz, 0, 4),
	FIELD(vfio_group_status, flags, 4, 4),
	SIZE(vfio_device_bind_iommufd, 24),
	FIELD(vfio_device_bind_iommufd, argsz, 0, 4),
	FIELD(vfio_device_bind_iommufd, flags, 4, 4),
	FIELD(vfio_device_bind_iommufd, iommufd, 8, 4),
	FIELD(vfio_device_bind_iommufd, out_devid, 12, 4),
	FIELD(vfio_device_bind_iommufd, token_uuid_ptr, 16, 8),
	SIZE(vfio_device_attach_iommufd_pt, 16),
	FIELD(vfio_device_attach_iommufd_pt, argsz, 0, 4),
	FIELD(vfio_device_attach_iommufd_pt, flags, 4, 4),
	FIELD(vfio_device_attach_iommufd_pt, pt_id, 8, 4),
	FIELD(vfio_device_attach_iommufd_pt, pasid, 12, 4),
	SIZE(vfio_device_detach_iommufd_pt, 12),
	FIELD(vfio_device_detach_iommufd_pt, argsz, 0, 4),
	FIELD(vfio_device_detach_iommufd_pt, flags, 4, 4),
	FIELD(vfio_device_detach_iommufd_pt, pasid, 8, 4),
	SIZE(vfio_device_info, 24),
	FIELD(vfio_device_info, argsz, 0, 4),
	FIELD(vfio_device_info, flags, 4, 4),
	FIELD(vfio_device_info, num_regions, 8, 4),
	FIELD(vfio_device_info, num_irqs, 12, 4),
	FIELD(vfio_device_info, cap_offset, 16, 4),
	FIELD(vfio_device_info, pad, 20, 4),
	SIZE(vfio_region_info, 32),
	FIELD(vfio_region_info, argsz, 0, 4),
	FIELD(vfio_region_info, flags, 4, 4),
	FIELD(vfio_region_info, index, 8, 4),
	FIELD(vfio_region_info, cap_offset, 12, 4),
	FIELD(vfio_region_info, size, 16, 8),
	FIELD(vfio_region_info, offset, 24, 8),
	SIZE(vfio_region_sparse_mmap_area, 16),
	FIELD(vfio_region_sparse_mmap_area, offset, 0, 8),
	FIELD(vfio_region_sparse_mmap_area, size, 8, 8),
	SIZE(vfio_region_cap_sparse_mmap, 16),
	FIELD(vfio_region_cap_sparse_mmap, header, 0, 8),
	FIELD(vfio_region_cap_sparse_mmap, nr_areas, 8, 4),
	FIELD(vfio_region_cap_sparse_mmap, reserved, 12, 4),
	SIZE(vfio_region_cap_type, 16),
	FIELD(vfio_region_cap_type, header, 0, 8),
	FIELD(vfio_region_cap_type, type, 8, 4),
	FIELD(vfio_region_cap_type, subtype, 12, 4),
	SIZE(vfio_irq_info, 16),
	FIELD(vfio_irq_info, argsz, 0, 4),
	FIELD(vfio_irq_info, flags, 4, 4),
	FIELD(vfio_irq_info, index, 8, 4),
	FIELD(vfio_irq_info, count, 12, 4),
	SIZE(vfio_irq_set, 20),
	FIELD(vfio_irq_set, argsz, 0, 4),
	FIELD(vfio_irq_set, flags, 4, 4),
	FIELD(vfio_irq_set, index, 8, 4),
	FIELD(vfio_irq_set, start, 12, 4),
	FIELD(vfio_irq_set, count, 16, 4),
	SIZE(vfio_pci_dependent_device, 8),
	FIELD(vfio_pci_dependent_device, group_id, 0, 4),
	FIELD(vfio_pci_dependent_device, devid, 0, 4),
	FIELD(vfio_pci_dependent_device, segment, 4, 2),
	FIELD(vfio_pci_dependent_device, bus, 6, 1),
	FIELD(vfio_pci_dependent_device, devfn, 7, 1),
	SIZE(vfio_pci_hot_reset_info, 12),
	FIELD(vfio_pci_hot_reset_info, argsz, 0, 4),
	FIELD(vfio_pci_hot_reset_info, flags, 4, 4),
	FIELD(vfio_pci_hot_reset_info, count, 8, 4),
	SIZE(vfio_pci_hot_reset, 12),
	FIELD(vfio_pci_hot_reset, argsz, 0, 4),
	FIELD(vfio_pci_hot_reset, flags, 4, 4),
	FIELD(vfio_pci_hot_reset, count, 8, 4),
	SIZE(vfio_device_ioeventfd, 32),
	FIELD(vfio_device_ioeventfd, argsz, 0, 4),
	FIELD(vfio_device_ioeventfd, flags, 4, 4),
	FIELD(vfio_device_ioeventfd, offset, 8, 8),
	FIELD(vfio_device_ioeventfd, data, 16, 8),
	FIELD(vfio_device_ioeventfd, fd, 24, 4),
	FIELD(vfio_device_ioeventfd, reserved, 28, 4),
	SIZE(vfio_device_feature, 8),
	FIELD(vfio_device_feature, argsz, 0, 4),
	FIELD(vfio_device_feature, flags, 4, 4),
	SIZE(vfio_feature_vf_token, 16),
	FIELD(vfio_feature_vf_token, uuid, 0, 16),
	SIZE(vfio_feature_migration, 8),
	FIELD(vfio_feature_migration, flags, 0, 8),
	SIZE(vfio_feature_mig_state, 8),
	FIELD(vfio_feature_mig_state, device_state, 0, 4),
	FIELD(vfio_feature_mig_state, data_fd, 4, 4),
	SIZE(vfio_feature_mig_data_size, 8),
	FIELD(vfio_feature_mig_data_size, stop_copy_length, 0, 8),
	SIZE(vfio_precopy_info, 24),
	FIELD(vfio_precopy_info, argsz, 0, 4),
	FIELD(vfio_precopy_info, flags, 4, 4),
	FIELD(vfio_precopy_info, initial_bytes, 8, 8),
	FIELD(vfio_precopy_info, dirty_bytes, 16, 8),
	SIZE(vfio_feature_low_power_wakeup, 8),
	FIELD(vfio_feature_low_power_wakeup, wakeup_eventfd, 0, 4),
	FIELD(vfio_feature_low_power_wakeup, reserved, 4, 4),
	SIZE(vfio_feature_dma_logging_control, 24),
	FIELD(vfio_feature_dma_logging_control, page_size, 0, 8),
	FIELD(vfio_feature_dma_logging_control, num_ranges, 8, 4),
	FIELD(vfio_feature_dma_logging_control, reserved, 12, 4),
	FIELD(vfio_feature_dma_logging_control, ranges, 16, 8),
	SIZE(vfio_feature_dma_logging_range, 16),
	FIELD(vfio_feature_dma_logging_range, iova, 0, 8),
	FIELD(vfio_feature_dma_logging_range, length, 8, 8),
	SIZE(vfio_feature_dma_logging_report, 32),
	FIELD(vfio_feature_dma_logging_report, iova, 0, 8),
	FIELD(vfio_feature_dma_logging_report, length, 8, 8),
	FIELD(vfio_feature_dma_logging_report, page_size, 16, 8),
	FIELD(vfio_feature_dma_logging_report, bitmap, 24, 8),
	SIZE(vfio_feature_dma_buf_range, 16),
	FIELD(vfio_feature_dma_buf_range, offset, 0, 8),
	FIELD(vfio_feature_dma_buf_range, length, 8, 8),
	SIZE(vfio_feature_dma_buf, 16),
	FIELD(vfio_feature_dma_buf, region_index, 0, 4),
	FIELD(vfio_feature_dma_buf, open_flags, 4, 4),
	FIELD(vfio_feature_dma_buf, flags, 8, 4),
	FIELD(vfio_feature_dma_buf, nr_ranges, 12, 4),
};

struct value_row {
	const char *name;
	uint64_t value, want;
};

#define VALUE(name_, want_)                                                                        \
	{                                                                                          \
		.name = #name_, .value = UIOMMU_##name_, .want = SAME(UIOMMU_##name_, want_),      \
	}

static const struct value_row values[] = {
	VALUE(ABI_MAP_FIXED_IOVA, 1),
	VALUE(ABI_MAP_WRITEABLE, 2),
	VALUE(ABI_MAP_READABLE, 4),
	VALUE(ABI_OPTION_RLIMIT_MODE, 0),
	VALUE(ABI_OPTION_HUGE_PAGES, 1),
	VALUE(ABI_OPTION_OP_SET, 0),
	VALUE(ABI_OPTION_OP_GET, 1),
	VALUE(ABI_VFIO_IOAS_GET, 0),
	VALUE(ABI_VFIO_IOAS_SET, 1),
	VALUE(ABI_VFIO_IOAS_CLEAR, 2),
	VALUE(ABI_HWPT_ALLOC_NEST_PARENT, 1),
	VALUE(ABI_HWPT_ALLOC_DIRTY_TRACKING, 2),
	VALUE(ABI_HWPT_ALLOC_FAULT_ID_VALID, 4),
	VALUE(ABI_HWPT_ALLOC_PASID, 8),
	VALUE(ABI_HWPT_DATA_NONE, 0),
	VALUE(ABI_HWPT_DATA_VTD_S1, 1),
	VALUE(ABI_HWPT_DATA_ARM_SMMUV3, 2),
	VALUE(ABI_HWPT_DATA_AMD_GUEST, 3),
	VALUE(ABI_HW_INFO_INPUT_TYPE, 1),
	VALUE(ABI_HW_INFO_NONE, 0),
	VALUE(ABI_HW_INFO_DEFAULT, 0),
	VALUE(ABI_HW_INFO_INTEL_VTD, 1),
	VALUE(ABI_HW_INFO_ARM_SMMUV3, 2),
	VALUE(ABI_HW_INFO_TEGRA241_CMDQV, 3),
	VALUE(ABI_HW_INFO_AMD, 4),
	VALUE(ABI_HW_INFO_VTD_ERRATA_772415_SPR17, 1),
	VALUE(ABI_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI, 1),
	VALUE(ABI_HW_CAP_DIRTY_TRACKING, 1),
	VALUE(ABI_HW_CAP_PCI_PASID_EXEC, 2),
	VALUE(ABI_HW_CAP_PCI_PASID_PRIV, 4),
	VALUE(ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED, 8),
	VALUE(ABI_DIRTY_TRACKING_ENABLE, 1),
	VALUE(ABI_DIRTY_BITMAP_NO_CLEAR, 1),
	VALUE(ABI_INVALIDATE_HWPT_VTD_S1, 0),
	VALUE(ABI_INVALIDATE_VIOMMU_ARM_SMMUV3, 1),
	VALUE(ABI_PAGE_RESPONSE_SUCCESS, 0),
	VALUE(ABI_PAGE_RESPONSE_INVALID, 1),
	VALUE(ABI_PGFAULT_PASID_VALID, 1),
	VALUE(ABI_PGFAULT_LAST_PAGE, 2),
	VALUE(ABI_PGFAULT_PERM_READ, 1),
	VALUE(ABI_PGFAULT_PERM_WRITE, 2),
	VALUE(ABI_PGFAULT_PERM_EXEC, 4),
	VALUE(ABI_PGFAULT_PERM_PRIV, 8),
	VALUE(ABI_VIOMMU_DEFAULT, 0),
	VALUE(ABI_VIOMMU_ARM_SMMUV3, 1),
	VALUE(ABI_VIOMMU_TEGRA241_CMDQV, 2),
	VALUE(ABI_VEVENTQ_DEFAULT, 0),
	VALUE(ABI_VEVENTQ_ARM_SMMUV3, 1),
	VALUE(ABI_VEVENTQ_TEGRA241_CMDQV, 2),
	VALUE(ABI_VEVENT_LOST_EVENTS, 1),
	VALUE(ABI_HW_QUEUE_DEFAULT, 0),
	VALUE(ABI_HW_QUEUE_TEGRA241_CMDQV, 1),
	VALUE(ABI_VTD_S1_SRE, 1),
	VALUE(ABI_VTD_S1_EAFE, 2),
	VALUE(ABI_VTD_S1_WPE, 4),
	VALUE(ABI_VTD_INVALIDATE_LEAF, 1),
	VALUE(ABI_ID_MAX, 2147483647),
	VALUE(ABI_INVALIDATE_ENTRY_MAX, 524288),
	VALUE(ABI_VEVENTQ_DEPTH_MAX, 524288),
	VALUE(ABI_VEVENT_SEQUENCE_MAX, 2147483647),
	VALUE(ABI_SW_MSI_PAGES_MAX, 64),
	VALUE(ABI_IOAS_ACCESS_MAX, 65536),
	VALUE(ABI_DESTROY_WAIT_S, 60),
	VALUE(VFIO_GET_API_VERSION, 0x3b64),
	VALUE(VFIO_CHECK_EXTENSION, 0x3b65),
	VALUE(VFIO_SET_IOMMU, 0x3b66),
	VALUE(VFIO_IOMMU_DIRTY_PAGES, 0x3b75),
	VALUE(VFIO_GROUP_SET_CONTAINER, 0x3b68),
	VALUE(VFIO_GROUP_UNSET_CONTAINER, 0x3b69),
	VALUE(VFIO_GROUP_GET_DEVICE_FD, 0x3b6a),
	VALUE(VFIO_DEVICE_RESET, 0x3b6f),
	VALUE(VFIO_DEVICE_QUERY_GFX_PLANE, 0x3b72),
	VALUE(VFIO_DEVICE_GET_GFX_DMABUF, 0x3b73),
	VALUE(VFIO_API_VERSION, 0),
	VALUE(VFIO_TYPE1, 1),
	VALUE(VFIO_TYPE1V2, 3),
	VALUE(VFIO_DMA_CC, 4),
	VALUE(VFIO_TYPE1_NESTING, 6),
	VALUE(VFIO_NOIOMMU, 8),
	VALUE(VFIO_UNMAP_ALL, 9),
	VALUE(VFIO_UPDATE_VADDR, 10),
	VALUE(VFIO_IOMMU_INFO_FLAG_PGSIZES, 1),
	VALUE(VFIO_IOMMU_INFO_FLAG_CAPS, 2),
	VALUE(VFIO_IOMMU_CAP_IOVA_RANGE, 1),
	VALUE(VFIO_IOMMU_CAP_DMA_AVAIL, 3),
	VALUE(VFIO_DMA_MAP_FLAG_READ, 1),
	VALUE(VFIO_DMA_MAP_FLAG_WRITE, 2),
	VALUE(VFIO_DMA_MAP_FLAG_VADDR, 4),
	VALUE(VFIO_DMA_UNMAP_FLAG_GET_DIRTY, 1),
	VALUE(VFIO_DMA_UNMAP_FLAG_ALL, 2),
	VALUE(VFIO_DMA_UNMAP_FLAG_VADDR, 4),
	VALUE(VFIO_GROUP_FLAG_VIABLE, 1),
	VALUE(VFIO_GROUP_FLAG_CONTAINER_SET, 2),
	VALUE(VFIO_BIND_FLAG_TOKEN, 1),
	VALUE(VFIO_ATTACH_FLAG_PASID, 1),
	VALUE(VFIO_DETACH_FLAG_PASID, 1),
	VALUE(VFIO_DEVICE_FLAG_RESET, 1),
	VALUE(VFIO_DEVICE_FLAG_PCI, 2),
	VALUE(VFIO_DEVICE_FLAG_PLATFORM, 4),
	VALUE(VFIO_DEVICE_FLAG_AMBA, 8),
	VALUE(VFIO_DEVICE_FLAG_CCW, 16),
	VALUE(VFIO_DEVICE_FLAG_AP, 32),
	VALUE(VFIO_DEVICE_FLAG_FSL_MC, 64),
	VALUE(VFIO_DEVICE_FLAG_CAPS, 128),
	VALUE(VFIO_DEVICE_FLAG_CDX, 256),
	VALUE(VFIO_PCI_REGION_BAR0, 0),
	VALUE(VFIO_PCI_REGION_BAR1, 1),
	VALUE(VFIO_PCI_REGION_BAR2, 2),
	VALUE(VFIO_PCI_REGION_BAR3, 3),
	VALUE(VFIO_PCI_REGION_BAR4, 4),
	VALUE(VFIO_PCI_REGION_BAR5, 5),
	VALUE(VFIO_PCI_REGION_ROM, 6),
	VALUE(VFIO_PCI_REGION_CONFIG, 7),
	VALUE(VFIO_PCI_REGION_VGA, 8),
	VALUE(VFIO_PCI_NUM_REGIONS, 9),
	VALUE(VFIO_PCI_REGION_SHIFT, 40),
	VALUE(VFIO_REGION_FLAG_READ, 1),
	VALUE(VFIO_REGION_FLAG_WRITE, 2),
	VALUE(VFIO_REGION_FLAG_MMAP, 4),
	VALUE(VFIO_REGION_FLAG_CAPS, 8),
	VALUE(VFIO_REGION_CAP_SPARSE_MMAP, 1),
	VALUE(VFIO_REGION_CAP_TYPE, 2),
	VALUE(VFIO_REGION_CAP_MSIX_MAPPABLE, 3),
	VALUE(VFIO_PCI_IRQ_INTX, 0),
	VALUE(VFIO_PCI_IRQ_MSI, 1),
	VALUE(VFIO_PCI_IRQ_MSIX, 2),
	VALUE(VFIO_PCI_IRQ_ERR, 3),
	VALUE(VFIO_PCI_IRQ_REQ, 4),
	VALUE(VFIO_PCI_NUM_IRQS, 5),
	VALUE(VFIO_IRQ_FLAG_EVENTFD, 1),
	VALUE(VFIO_IRQ_FLAG_MASKABLE, 2),
	VALUE(VFIO_IRQ_FLAG_AUTOMASKED, 4),
	VALUE(VFIO_IRQ_FLAG_NORESIZE, 8),
	VALUE(VFIO_IRQ_SET_DATA_NONE, 1),
	VALUE(VFIO_IRQ_SET_DATA_BOOL, 2),
	VALUE(VFIO_IRQ_SET_DATA_EVENTFD, 4),
	VALUE(VFIO_IRQ_SET_ACTION_MASK, 8),
	VALUE(VFIO_IRQ_SET_ACTION_UNMASK, 16),
	VALUE(VFIO_IRQ_SET_ACTION_TRIGGER, 32),
	VALUE(VFIO_HOT_RESET_FLAG_DEV_ID, 1),
	VALUE(VFIO_HOT_RESET_FLAG_DEV_ID_OWNED, 2),
	VALUE(VFIO_HOT_RESET_DEVID_OWNED, 0),
	VALUE(VFIO_HOT_RESET_DEVID_NOT_OWNED, 4294967295),
	VALUE(VFIO_FEATURE_INDEX_MASK, 65535),
	VALUE(VFIO_FEATURE_GET, 65536),
	VALUE(VFIO_FEATURE_SET, 131072),
	VALUE(VFIO_FEATURE_PROBE, 262144),
	VALUE(VFIO_FEATURE_PCI_VF_TOKEN, 0),
	VALUE(VFIO_FEATURE_MIGRATION, 1),
	VALUE(VFIO_FEATURE_MIG_DEVICE_STATE, 2),
	VALUE(VFIO_FEATURE_LOW_POWER_ENTRY, 3),
	VALUE(VFIO_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, 4),
	VALUE(VFIO_FEATURE_LOW_POWER_EXIT, 5),
	VALUE(VFIO_FEATURE_DMA_LOGGING_START, 6),
	VALUE(VFIO_FEATURE_DMA_LOGGING_STOP, 7),
	VALUE(VFIO_FEATURE_DMA_LOGGING_REPORT, 8),
	VALUE(VFIO_FEATURE_MIG_DATA_SIZE, 9),
	VALUE(VFIO_FEATURE_BUS_MASTER, 10),
	VALUE(VFIO_FEATURE_DMA_BUF, 11),
	VALUE(VFIO_FEATURE_MIG_PRECOPY_INFOV2, 12),
	VALUE(VFIO_FEATURE_ZPCI_ERROR, 13),
	VALUE(VFIO_MIGRATION_STOP_COPY, 1),
	VALUE(VFIO_MIGRATION_P2P, 2),
	VALUE(VFIO_MIGRATION_PRE_COPY, 4),
	VALUE(VFIO_PRECOPY_INFO_REINIT, 1),
	VALUE(VFIO_MIG_STATE_ERROR, 0),
	VALUE(VFIO_MIG_STATE_STOP, 1),
	VALUE(VFIO_MIG_STATE_RUNNING, 2),
	VALUE(VFIO_MIG_STATE_STOP_COPY, 3),
	VALUE(VFIO_MIG_STATE_RESUMING, 4),
	VALUE(VFIO_MIG_STATE_RUNNING_P2P, 5),
	VALUE(VFIO_MIG_STATE_PRE_COPY, 6),
	VALUE(VFIO_MIG_STATE_PRE_COPY_P2P, 7),
};

static void check_reqs(const struct req_row *row, size_t nrows)
{
	for (; nrows; nrows--, row++) {
		if (row->code != row->want_code || row->size != row->want_size ||
			row->min != row->want_min)
			fail_msg("%s", row->name);
		assert_in_range(row->min, sizeof(uint32_t), row->size);
	}
}

static void reqs_are_as_listed(void **state)
{
	check_reqs(iommufd_reqs, NELEM(iommufd_reqs));
	check_reqs(vfio_reqs, NELEM(vfio_reqs));
}

static void iommufd_has_22_requests(void **state)
{
	assert_int_equal(NELEM(iommufd_reqs), 22);
	for (size_t i = 0; i < NELEM(iommufd_reqs); i++)
		assert_int_equal(iommufd_reqs[i].code, 0x3b80 + i);
}

static void layouts_are_as_listed(void **state)
{
	for (const struct layout_row *row = layouts; row < layouts + NELEM(layouts); row++) {
		if (row->off != row->want_off || row->len != row->want_len)
			fail_msg("%s.%s", row->tag, row->field ? row->field : "size");
	}
}

/* Fields of a union begin at the same byte and have the same length. */
static void fields_cover_their_structure(void **state)
{
	const struct layout_row *row = layouts, *all = layouts + NELEM(layouts);

	while (row < all) {
		const struct layout_row *whole = row++;
		size_t start = 0, end = 0;

		assert_null(whole->field);
		for (; row < all && row->field; row++) {
			assert_string_equal(row->tag, whole->tag);
			if (row->off != end && (row->off != start || row->off + row->len != end))
				fail_msg("%s.%s leaves a gap", row->tag, row->field);
			start = row->off;
			end = row->off + row->len;
		}
		if (end != whole->len)
			fail_msg("%s has bytes beyond its fields", whole->tag);
	}
}

static void values_are_as_listed(void **state)
{
	for (const struct value_row *row = values; row < values + NELEM(values); row++) {
		if (row->value != row->want)
			fail_msg("%s", row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reqs_are_as_listed),
		cmocka_unit_test(iommufd_has_22_requests),
		cmocka_unit_test(layouts_are_as_listed),
		cmocka_unit_test(fields_cover_their_structure),
		cmocka_unit_test(values_are_as_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
