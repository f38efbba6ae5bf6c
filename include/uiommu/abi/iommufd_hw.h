/* SPDX-License-Identifier: MIT */
/*
 * /dev/iommu: the structures that belong to one make of IOMMU (Linux 7.3 ABI). iommufd.h has the
 * requests that carry them, and the numbers of their types.
 *
 * Data of HWPT_ALLOC and VIOMMU_ALLOC with another length than the structure's, or of another type
 * than the IOMMU's: EINVAL.
 */
#ifndef UIOMMU_ABI_IOMMUFD_HW_H
#define UIOMMU_ABI_IOMMUFD_HW_H

#include <stdint.h>

#include <uiommu/abi/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Intel VT-d ------------------------------------------------------------------------------ */

#define UIOMMU_ABI_VTD_S1_SRE  UINT64_C(0x1) /* supervisor requests */
#define UIOMMU_ABI_VTD_S1_EAFE UINT64_C(0x2) /* extended accessed flag */
#define UIOMMU_ABI_VTD_S1_WPE  UINT64_C(0x4) /* write protection of supervisor requests */

/* Data of HWPT_ALLOC: a first-stage table. */
struct uiommu_abi_hwpt_vtd_s1 {
	uint64_t flags;	     /* UIOMMU_ABI_VTD_S1_* */
	uint64_t pgtbl_addr; /* of the root table, in the parent's address space */
	uint32_t addr_width; /* bits */
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_vtd_s1, 24);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1, flags, 0, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1, pgtbl_addr, 8, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1, addr_width, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1, reserved, 20, 4);

#define UIOMMU_ABI_VTD_INVALIDATE_LEAF 0x1u /* leaf entries only */

/* Entry of HWPT_INVALIDATE: a first-stage table. */
struct uiommu_abi_hwpt_vtd_s1_invalidate {
	uint64_t addr;	 /* multiple of 4 KiB */
	uint64_t npages; /* of 4 KiB; UINT64_MAX with addr 0: everything */
	uint32_t flags;	 /* UIOMMU_ABI_VTD_INVALIDATE_LEAF */
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_vtd_s1_invalidate, 24);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1_invalidate, addr, 0, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1_invalidate, npages, 8, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1_invalidate, flags, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_vtd_s1_invalidate, reserved, 20, 4);

#define UIOMMU_ABI_HW_INFO_VTD_ERRATA_772415_SPR17 0x1u

/* Answer of GET_HW_INFO. */
struct uiommu_abi_hw_info_vtd {
	uint32_t flags; /* UIOMMU_ABI_HW_INFO_VTD_* */
	uint32_t reserved;
	uint64_t cap_reg;  /* capability register */
	uint64_t ecap_reg; /* extended capability register */
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_info_vtd, 24);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_vtd, flags, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_vtd, reserved, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_vtd, cap_reg, 8, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_vtd, ecap_reg, 16, 8);

/* --- Arm SMMUv3 ------------------------------------------------------------------------------ */

/* Data of HWPT_ALLOC: a stream. EIO: a bit or a configuration that a guest may not choose. */
struct uiommu_abi_hwpt_arm_smmuv3 {
	uint64_t ste[2]; /* start of the guest's stream table entry, little-endian */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_arm_smmuv3, 16);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_arm_smmuv3, ste, 0, 16);

/* Entry of HWPT_INVALIDATE, to a vIOMMU. EIO: not a command that a guest may send. */
struct uiommu_abi_viommu_arm_smmuv3_invalidate {
	uint64_t cmd[2]; /* the guest's command, little-endian */
};
UIOMMU_ABI_SIZE(uiommu_abi_viommu_arm_smmuv3_invalidate, 16);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_arm_smmuv3_invalidate, cmd, 0, 16);

/* Event, after its header. */
struct uiommu_abi_vevent_arm_smmuv3 {
	uint64_t evt[4]; /* event record with the guest's stream id, little-endian */
};
UIOMMU_ABI_SIZE(uiommu_abi_vevent_arm_smmuv3, 32);
UIOMMU_ABI_FIELD(uiommu_abi_vevent_arm_smmuv3, evt, 0, 32);

#define UIOMMU_ABI_HW_INFO_ARM_SMMUV3_ERRATA_REPEAT_TLBI_CFGI 0x1u

/* Answer of GET_HW_INFO. */
struct uiommu_abi_hw_info_arm_smmuv3 {
	uint32_t flags; /* UIOMMU_ABI_HW_INFO_ARM_SMMUV3_* */
	uint32_t reserved;
	uint32_t idr[6]; /* identification registers 0 .. 5 */
	uint32_t iidr;	 /* implementation */
	uint32_t aidr;	 /* architecture */
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_info_arm_smmuv3, 40);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_arm_smmuv3, flags, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_arm_smmuv3, reserved, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_arm_smmuv3, idr, 8, 24);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_arm_smmuv3, iidr, 32, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_arm_smmuv3, aidr, 36, 4);

/* --- Tegra241 CMDQV, the queue extension of an SMMUv3 ---------------------------------------- */

/* Data of VIOMMU_ALLOC: where the guest's registers can be mapped. */
struct uiommu_abi_viommu_tegra241_cmdqv {
	uint64_t out_vintf_mmap_offset; /* (out) for mmap() of the context */
	uint64_t out_vintf_mmap_length; /* (out) bytes */
};
UIOMMU_ABI_SIZE(uiommu_abi_viommu_tegra241_cmdqv, 16);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_tegra241_cmdqv, out_vintf_mmap_offset, 0, 8);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_tegra241_cmdqv, out_vintf_mmap_length, 8, 8);

/* Event, after its header. */
struct uiommu_abi_vevent_tegra241_cmdqv {
	uint64_t lvcmdq_err_map[2]; /* one bit for each queue */
};
UIOMMU_ABI_SIZE(uiommu_abi_vevent_tegra241_cmdqv, 16);
UIOMMU_ABI_FIELD(uiommu_abi_vevent_tegra241_cmdqv, lvcmdq_err_map, 0, 16);

/* Answer of GET_HW_INFO. */
struct uiommu_abi_hw_info_tegra241_cmdqv {
	uint32_t flags; /* 0 */
	uint8_t version;
	uint8_t log2vcmdqs; /* log2 of the queues of one virtual interface */
	uint8_t log2vsids;  /* log2 of the stream ids of one virtual interface */
	uint8_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_info_tegra241_cmdqv, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_tegra241_cmdqv, flags, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_tegra241_cmdqv, version, 4, 1);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_tegra241_cmdqv, log2vcmdqs, 5, 1);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_tegra241_cmdqv, log2vsids, 6, 1);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_tegra241_cmdqv, reserved, 7, 1);

/* --- AMD ------------------------------------------------------------------------------------- */

/* Data of HWPT_ALLOC: a guest's device. */
struct uiommu_abi_hwpt_amd_guest {
	uint64_t dte[4]; /* the guest's device table entry */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_amd_guest, 32);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_amd_guest, dte, 0, 32);

/* Answer of GET_HW_INFO. */
struct uiommu_abi_hw_info_amd {
	uint64_t efr;  /* extended feature register */
	uint64_t efr2; /* extended feature 2 register */
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_info_amd, 16);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_amd, efr, 0, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info_amd, efr2, 8, 8);

#ifdef __cplusplus
}
#endif
#endif
