/* SPDX-License-Identifier: MIT */
/*
 * /dev/iommu: requests, structures and numbers of the Linux 7.3 ABI, under names of our own, so
 * that a program may include <linux/iommufd.h> as well.
 *
 * Every request takes a pointer to its structure, whose first word is the size that the caller
 * knows:
 *
 *  - smaller than UIOMMU_ABI_<request>_MIN: EINVAL;
 *  - smaller than the structure: the missing tail counts as zero;
 *  - larger: the bytes beyond must be zero, E2BIG otherwise.
 *
 * Fields are inputs unless marked (out) or (in/out); "filled" marks memory behind a pointer that
 * the request writes. A structure is written back on success, where its comment says nothing else,
 * and never beyond the caller's size. Reserved words and flags that a request doesn't know must be
 * 0: EOPNOTSUPP otherwise; where a reserved word is ignored instead, its comment says so. An id
 * that names no object of the type that is asked for: ENOENT, except where stated. Addresses and
 * lengths count bytes; pointers to user memory are 64-bit integers.
 *
 * Comments name requests as Linux does, without IOMMU_. The structures that belong to one make of
 * IOMMU are in iommufd_hw.h.
 */
#ifndef UIOMMU_ABI_IOMMUFD_H
#define UIOMMU_ABI_IOMMUFD_H

#include <stdint.h>

#include <uiommu/abi/iommufd_hw.h>
#include <uiommu/abi/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Requests: 0x3b00 | number, without direction and size bits ------------------------------ */

#define UIOMMU_ABI_DESTROY		   0x3b80
#define UIOMMU_ABI_IOAS_ALLOC		   0x3b81
#define UIOMMU_ABI_IOAS_ALLOW_IOVAS	   0x3b82
#define UIOMMU_ABI_IOAS_COPY		   0x3b83
#define UIOMMU_ABI_IOAS_IOVA_RANGES	   0x3b84
#define UIOMMU_ABI_IOAS_MAP		   0x3b85
#define UIOMMU_ABI_IOAS_UNMAP		   0x3b86
#define UIOMMU_ABI_OPTION		   0x3b87
#define UIOMMU_ABI_VFIO_IOAS		   0x3b88
#define UIOMMU_ABI_HWPT_ALLOC		   0x3b89
#define UIOMMU_ABI_GET_HW_INFO		   0x3b8a
#define UIOMMU_ABI_HWPT_SET_DIRTY_TRACKING 0x3b8b
#define UIOMMU_ABI_HWPT_GET_DIRTY_BITMAP   0x3b8c
#define UIOMMU_ABI_HWPT_INVALIDATE	   0x3b8d
#define UIOMMU_ABI_FAULT_QUEUE_ALLOC	   0x3b8e
#define UIOMMU_ABI_IOAS_MAP_FILE	   0x3b8f
#define UIOMMU_ABI_VIOMMU_ALLOC		   0x3b90
#define UIOMMU_ABI_VDEVICE_ALLOC	   0x3b91
#define UIOMMU_ABI_IOAS_CHANGE_PROCESS	   0x3b92
#define UIOMMU_ABI_VEVENTQ_ALLOC	   0x3b93
#define UIOMMU_ABI_HW_QUEUE_ALLOC	   0x3b94
#define UIOMMU_ABI_IOAS_NOIOMMU_GET_PA	   0x3b95

/* The smallest size that each request accepts, in bytes. */
#define UIOMMU_ABI_DESTROY_MIN		       8
#define UIOMMU_ABI_IOAS_ALLOC_MIN	       12
#define UIOMMU_ABI_IOAS_ALLOW_IOVAS_MIN	       24
#define UIOMMU_ABI_IOAS_COPY_MIN	       40
#define UIOMMU_ABI_IOAS_IOVA_RANGES_MIN	       32
#define UIOMMU_ABI_IOAS_MAP_MIN		       40
#define UIOMMU_ABI_IOAS_UNMAP_MIN	       24
#define UIOMMU_ABI_OPTION_MIN		       24
#define UIOMMU_ABI_VFIO_IOAS_MIN	       12
#define UIOMMU_ABI_HWPT_ALLOC_MIN	       24
#define UIOMMU_ABI_GET_HW_INFO_MIN	       32
#define UIOMMU_ABI_HWPT_SET_DIRTY_TRACKING_MIN 16
#define UIOMMU_ABI_HWPT_GET_DIRTY_BITMAP_MIN   48
#define UIOMMU_ABI_HWPT_INVALIDATE_MIN	       32
#define UIOMMU_ABI_FAULT_QUEUE_ALLOC_MIN       16
#define UIOMMU_ABI_IOAS_MAP_FILE_MIN	       40
#define UIOMMU_ABI_VIOMMU_ALLOC_MIN	       24
#define UIOMMU_ABI_VDEVICE_ALLOC_MIN	       24
#define UIOMMU_ABI_IOAS_CHANGE_PROCESS_MIN     8
#define UIOMMU_ABI_VEVENTQ_ALLOC_MIN	       28
#define UIOMMU_ABI_HW_QUEUE_ALLOC_MIN	       40
#define UIOMMU_ABI_IOAS_NOIOMMU_GET_PA_MIN     40

/* --- Limits ---------------------------------------------------------------------------------- */

#define UIOMMU_ABI_ID_MAX		0x7fffffffu /* object ids are 1 .. this */
#define UIOMMU_ABI_INVALIDATE_ENTRY_MAX 0x80000u    /* entries of one HWPT_INVALIDATE */
#define UIOMMU_ABI_VEVENTQ_DEPTH_MAX	0x80000u    /* depth of an event queue is 1 .. this */
#define UIOMMU_ABI_VEVENT_SEQUENCE_MAX	0x7fffffffu /* 0 follows */
#define UIOMMU_ABI_SW_MSI_PAGES_MAX	64u	    /* SW-MSI pages of one context */
#define UIOMMU_ABI_IOAS_ACCESS_MAX	65536u	    /* access objects of one IOAS */
#define UIOMMU_ABI_DESTROY_WAIT_S	60u	    /* seconds before a device in use means EBUSY */

/* --- Objects --------------------------------------------------------------------------------- */

/* DESTROY: any object. ENOENT: no such id; EBUSY: something else refers to it. Writes nothing back.
 */
struct uiommu_abi_destroy {
	uint32_t size;
	uint32_t id;
};
UIOMMU_ABI_SIZE(uiommu_abi_destroy, 8);
UIOMMU_ABI_FIELD(uiommu_abi_destroy, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_destroy, id, 4, 4);

/* IOAS_ALLOC: an empty address space. */
struct uiommu_abi_ioas_alloc {
	uint32_t size;
	uint32_t flags;	      /* 0 */
	uint32_t out_ioas_id; /* (out) */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_alloc, 12);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_alloc, out_ioas_id, 8, 4);

/* --- Address spaces -------------------------------------------------------------------------- */

/* One interval of addresses, both ends included. */
struct uiommu_abi_iova_range {
	uint64_t start;
	uint64_t last;
};
UIOMMU_ABI_SIZE(uiommu_abi_iova_range, 16);
UIOMMU_ABI_FIELD(uiommu_abi_iova_range, start, 0, 8);
UIOMMU_ABI_FIELD(uiommu_abi_iova_range, last, 8, 8);

/*
 * IOAS_IOVA_RANGES: what isn't reserved, in ascending order. EMSGSIZE: there are more intervals
 * than the array holds; the array is then filled as far as it goes, and the structure is written
 * back too.
 */
struct uiommu_abi_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas; /* (in/out) entries of the array; entries that there are */
	uint32_t reserved;
	uint64_t allowed_iovas; /* pointer to struct uiommu_abi_iova_range[num_iovas], filled */
	uint64_t out_iova_alignment; /* (out) bytes; a power of two that every mapping keeps */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_iova_ranges, 32);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, ioas_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, num_iovas, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, allowed_iovas, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_iova_ranges, out_iova_alignment, 24, 8);

/*
 * IOAS_ALLOW_IOVAS: replaces the list of intervals that automatic placement keeps to and that no
 * device may reserve; an empty list lifts it. EINVAL: start isn't below last, or entries overlap;
 * EADDRINUSE: an entry is already reserved. Writes nothing back.
 */
struct uiommu_abi_ioas_allow_iovas {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas; /* entries of the array */
	uint32_t reserved;
	uint64_t allowed_iovas; /* pointer to struct uiommu_abi_iova_range[num_iovas] */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_allow_iovas, 24);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_allow_iovas, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_allow_iovas, ioas_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_allow_iovas, num_iovas, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_allow_iovas, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_allow_iovas, allowed_iovas, 16, 8);

/* Flags of IOAS_MAP, IOAS_MAP_FILE and IOAS_COPY; one of WRITEABLE and READABLE is needed: EINVAL.
 */
#define UIOMMU_ABI_MAP_FIXED_IOVA 0x1u /* at the iova that is given, instead of a free one */
#define UIOMMU_ABI_MAP_WRITEABLE  0x2u /* devices may write */
#define UIOMMU_ABI_MAP_READABLE	  0x4u /* devices may read */

/* IOAS_MAP: maps memory of the calling process. */
struct uiommu_abi_ioas_map {
	uint32_t size;
	uint32_t flags; /* UIOMMU_ABI_MAP_* */
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va; /* address of the first byte */
	uint64_t length;  /* bytes, not 0 */
	uint64_t iova;	  /* (in/out) with FIXED_IOVA an input; where it was placed */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_map, 40);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, ioas_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, user_va, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, length, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map, iova, 32, 8);

/* IOAS_MAP_FILE: maps a part of a memfd, of a hugetlb file or of a dma-buf. */
struct uiommu_abi_ioas_map_file {
	uint32_t size;
	uint32_t flags; /* UIOMMU_ABI_MAP_* */
	uint32_t ioas_id;
	int32_t fd;	 /* may be closed afterwards */
	uint64_t start;	 /* offset of the first byte in the file */
	uint64_t length; /* bytes, not 0 */
	uint64_t iova;	 /* (in/out) with FIXED_IOVA an input; where it was placed */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_map_file, 40);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, ioas_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, fd, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, start, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, length, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_map_file, iova, 32, 8);

/*
 * IOAS_COPY: maps the memory behind a range of one address space in another one, or in the same.
 * ENOENT: a byte of the source range isn't mapped; EPERM: WRITEABLE, but the source isn't.
 */
struct uiommu_abi_ioas_copy {
	uint32_t size;
	uint32_t flags; /* UIOMMU_ABI_MAP_*: of the copy */
	uint32_t dst_ioas_id;
	uint32_t src_ioas_id;
	uint64_t length;   /* bytes, not 0 */
	uint64_t dst_iova; /* (in/out) with FIXED_IOVA an input; where it was placed */
	uint64_t src_iova;
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_copy, 40);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, dst_ioas_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, src_ioas_id, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, length, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, dst_iova, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_copy, src_iova, 32, 8);

/*
 * IOAS_UNMAP: removes whole mappings; iova 0 with length UINT64_MAX removes all. ENOENT: the range
 * is empty or cuts a mapping; EBUSY: hardware uses it.
 */
struct uiommu_abi_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	uint64_t iova;
	uint64_t length; /* (in/out) bytes; bytes that were mapped in the range */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_unmap, 24);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_unmap, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_unmap, ioas_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_unmap, iova, 8, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_unmap, length, 16, 8);

/*
 * IOAS_CHANGE_PROCESS: the memory that the whole context has pinned is charged to the caller from
 * now on. EINVAL: something is mapped that isn't a file. Writes nothing back.
 */
struct uiommu_abi_ioas_change_process {
	uint32_t size;
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_change_process, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_change_process, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_change_process, reserved, 4, 4);

/*
 * IOAS_NOIOMMU_GET_PA: the physical address behind an iova of a device without IOMMU. EPERM: the
 * caller lacks CAP_SYS_RAWIO; EOPNOTSUPP: not such an address space.
 */
struct uiommu_abi_ioas_noiommu_get_pa {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t iova;
	uint64_t length;   /* (in/out) bytes, not 0; bytes that are contiguous */
	uint64_t out_phys; /* (out) */
};
UIOMMU_ABI_SIZE(uiommu_abi_ioas_noiommu_get_pa, 40);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, ioas_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, iova, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, length, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_ioas_noiommu_get_pa, out_phys, 32, 8);

enum uiommu_abi_option_id {
	/* How pinned memory is charged: 0 to the user, 1 to the process. Of the context: object_id
	 * 0. */
	UIOMMU_ABI_OPTION_RLIMIT_MODE = 0,
	/* May an address space be mapped with more than pages: 0, 1. object_id is the IOAS. */
	UIOMMU_ABI_OPTION_HUGE_PAGES = 1,
};

enum uiommu_abi_option_op {
	UIOMMU_ABI_OPTION_OP_SET = 0,
	UIOMMU_ABI_OPTION_OP_GET = 1,
};

/* OPTION: reads or sets an option. Of the structure only val64 is written back. */
struct uiommu_abi_option {
	uint32_t size;
	uint32_t option_id; /* enum uiommu_abi_option_id */
	uint16_t op;	    /* enum uiommu_abi_option_op */
	uint16_t reserved;
	uint32_t object_id;
	uint64_t val64; /* (in/out) */
};
UIOMMU_ABI_SIZE(uiommu_abi_option, 24);
UIOMMU_ABI_FIELD(uiommu_abi_option, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_option, option_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_option, op, 8, 2);
UIOMMU_ABI_FIELD(uiommu_abi_option, reserved, 10, 2);
UIOMMU_ABI_FIELD(uiommu_abi_option, object_id, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_option, val64, 16, 8);

enum uiommu_abi_vfio_ioas_op {
	UIOMMU_ABI_VFIO_IOAS_GET = 0,
	UIOMMU_ABI_VFIO_IOAS_SET = 1,
	UIOMMU_ABI_VFIO_IOAS_CLEAR = 2,
};

/* VFIO_IOAS: which address space the VFIO container requests work on. ENODEV: GET, and none is set.
 */
struct uiommu_abi_vfio_ioas {
	uint32_t size;
	uint32_t ioas_id; /* SET: input; GET: (out) */
	uint16_t op;	  /* enum uiommu_abi_vfio_ioas_op */
	uint16_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_vfio_ioas, 12);
UIOMMU_ABI_FIELD(uiommu_abi_vfio_ioas, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vfio_ioas, ioas_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vfio_ioas, op, 8, 2);
UIOMMU_ABI_FIELD(uiommu_abi_vfio_ioas, reserved, 10, 2);

/* --- Page tables ----------------------------------------------------------------------------- */

#define UIOMMU_ABI_HWPT_ALLOC_NEST_PARENT    0x1u /* user-managed tables may hang below it */
#define UIOMMU_ABI_HWPT_ALLOC_DIRTY_TRACKING 0x2u /* only devices that can log writes may join */
#define UIOMMU_ABI_HWPT_ALLOC_FAULT_ID_VALID 0x4u /* page requests go to fault_id */
#define UIOMMU_ABI_HWPT_ALLOC_PASID	     0x8u /* may be attached to a PASID */

enum uiommu_abi_hwpt_data_type {
	UIOMMU_ABI_HWPT_DATA_NONE = 0,
	UIOMMU_ABI_HWPT_DATA_VTD_S1 = 1,
	UIOMMU_ABI_HWPT_DATA_ARM_SMMUV3 = 2,
	UIOMMU_ABI_HWPT_DATA_AMD_GUEST = 3,
};

/*
 * HWPT_ALLOC: a page table of an IOAS, or a user-managed one below a paging HWPT or in a vIOMMU. An
 * unknown pt_id is EINVAL, not ENOENT; so is a data_type without data, and data without a type. 24
 * bytes suffice for a table without data and without faults.
 */
struct uiommu_abi_hwpt_alloc {
	uint32_t size;
	uint32_t flags;	      /* UIOMMU_ABI_HWPT_ALLOC_* */
	uint32_t dev_id;      /* the device whose IOMMU it is for; isn't attached */
	uint32_t pt_id;	      /* IOAS, paging HWPT or vIOMMU */
	uint32_t out_hwpt_id; /* (out) */
	uint32_t reserved;
	uint32_t data_type; /* enum uiommu_abi_hwpt_data_type */
	uint32_t data_len;  /* bytes */
	uint64_t data_uptr; /* pointer to the structure of that type */
	uint32_t fault_id;  /* with FAULT_ID_VALID */
	uint32_t reserved2; /* 0, but ignored */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_alloc, 48);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, dev_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, pt_id, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, out_hwpt_id, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, reserved, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, data_type, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, data_len, 28, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, data_uptr, 32, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, fault_id, 40, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_alloc, reserved2, 44, 4);

/* --- Hardware information -------------------------------------------------------------------- */

#define UIOMMU_ABI_HW_INFO_INPUT_TYPE 0x1u /* in_data_type says which structure is wanted */

enum uiommu_abi_hw_info_type {
	UIOMMU_ABI_HW_INFO_NONE = 0,
	UIOMMU_ABI_HW_INFO_DEFAULT = 0, /* as input: whichever the IOMMU has */
	UIOMMU_ABI_HW_INFO_INTEL_VTD = 1,
	UIOMMU_ABI_HW_INFO_ARM_SMMUV3 = 2,
	UIOMMU_ABI_HW_INFO_TEGRA241_CMDQV = 3,
	UIOMMU_ABI_HW_INFO_AMD = 4,
};

#define UIOMMU_ABI_HW_CAP_DIRTY_TRACKING	UINT64_C(0x1)
#define UIOMMU_ABI_HW_CAP_PCI_PASID_EXEC	UINT64_C(0x2)
#define UIOMMU_ABI_HW_CAP_PCI_PASID_PRIV	UINT64_C(0x4)
#define UIOMMU_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED UINT64_C(0x8)

/*
 * GET_HW_INFO: what the IOMMU of a device is. Fills as much of the buffer as there's data for and
 * clears the rest; data_len then is what there is, even where the buffer is smaller. 32 bytes
 * suffice for a caller that knows no capabilities.
 */
struct uiommu_abi_hw_info {
	uint32_t size;
	uint32_t flags; /* UIOMMU_ABI_HW_INFO_INPUT_TYPE */
	uint32_t dev_id;
	uint32_t data_len;  /* (in/out) bytes of the buffer; bytes that there are */
	uint64_t data_uptr; /* pointer to the buffer, filled; may be 0 with data_len 0 */
	union {
		uint32_t in_data_type;	/* enum uiommu_abi_hw_info_type, with INPUT_TYPE */
		uint32_t out_data_type; /* (out) */
	};
	uint8_t out_max_pasid_log2; /* (out) floor(log2(number of PASIDs)); 0: none */
	uint8_t reserved[3];
	uint64_t out_capabilities; /* (out) UIOMMU_ABI_HW_CAP_* */
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_info, 40);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, dev_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, data_len, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, data_uptr, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, in_data_type, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, out_data_type, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, out_max_pasid_log2, 28, 1);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, reserved, 29, 3);
UIOMMU_ABI_FIELD(uiommu_abi_hw_info, out_capabilities, 32, 8);

/* --- Dirty tracking -------------------------------------------------------------------------- */

#define UIOMMU_ABI_DIRTY_TRACKING_ENABLE 0x1u

/* HWPT_SET_DIRTY_TRACKING: starts (from a clean state) or stops. Writes nothing back. */
struct uiommu_abi_hwpt_set_dirty_tracking {
	uint32_t size;
	uint32_t flags; /* UIOMMU_ABI_DIRTY_TRACKING_ENABLE: start; 0: stop */
	uint32_t hwpt_id;
	uint32_t reserved; /* 0, but ignored */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_set_dirty_tracking, 16);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_set_dirty_tracking, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_set_dirty_tracking, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_set_dirty_tracking, hwpt_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_set_dirty_tracking, reserved, 12, 4);

#define UIOMMU_ABI_DIRTY_BITMAP_NO_CLEAR 0x1u /* what is reported stays dirty */

/*
 * HWPT_GET_DIRTY_BITMAP: page n after iova has bit n % 8 of byte n / 8. Bits are set and never
 * cleared: the caller does that before. The structure isn't written back.
 */
struct uiommu_abi_hwpt_get_dirty_bitmap {
	uint32_t size;
	uint32_t hwpt_id;
	uint32_t flags; /* UIOMMU_ABI_DIRTY_BITMAP_NO_CLEAR */
	uint32_t reserved;
	uint64_t iova;	    /* multiple of page_size */
	uint64_t length;    /* bytes, not 0; multiple of page_size */
	uint64_t page_size; /* bytes that one bit stands for */
	uint64_t data;	    /* pointer to the bitmap, filled; any alignment */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_get_dirty_bitmap, 48);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, hwpt_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, flags, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, iova, 16, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, length, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, page_size, 32, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_get_dirty_bitmap, data, 40, 8);

/* --- Invalidation of user-managed tables ----------------------------------------------------- */

enum uiommu_abi_invalidate_data_type {
	UIOMMU_ABI_INVALIDATE_HWPT_VTD_S1 = 0,
	UIOMMU_ABI_INVALIDATE_VIOMMU_ARM_SMMUV3 = 1,
};

/*
 * HWPT_INVALIDATE: entries are handled in order, up to the first bad one, whose error is returned.
 * entry_num is written back in every case. No entries: tells whether the type is supported.
 */
struct uiommu_abi_hwpt_invalidate {
	uint32_t size;
	uint32_t hwpt_id;   /* nested HWPT or vIOMMU */
	uint64_t data_uptr; /* pointer to the array */
	uint32_t data_type; /* enum uiommu_abi_invalidate_data_type */
	uint32_t entry_len; /* bytes of one entry, at most a page */
	uint32_t entry_num; /* (in/out) entries; entries that were handled */
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_invalidate, 32);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, hwpt_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, data_uptr, 8, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, data_type, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, entry_len, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, entry_num, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_invalidate, reserved, 28, 4);

/* --- Faults ---------------------------------------------------------------------------------- */

/* FAULT_QUEUE_ALLOC: a queue of page requests. EMFILE: no descriptor left. */
struct uiommu_abi_fault_alloc {
	uint32_t size;
	uint32_t flags;	       /* 0 */
	uint32_t out_fault_id; /* (out) */
	uint32_t out_fault_fd; /* (out) close-on-exec; read for requests, write for answers */
};
UIOMMU_ABI_SIZE(uiommu_abi_fault_alloc, 16);
UIOMMU_ABI_FIELD(uiommu_abi_fault_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_fault_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_fault_alloc, out_fault_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_fault_alloc, out_fault_fd, 12, 4);

#define UIOMMU_ABI_PGFAULT_PASID_VALID 0x1u /* the request has a PASID */
#define UIOMMU_ABI_PGFAULT_LAST_PAGE   0x2u /* last request of its group */

#define UIOMMU_ABI_PGFAULT_PERM_READ  0x1u
#define UIOMMU_ABI_PGFAULT_PERM_WRITE 0x2u
#define UIOMMU_ABI_PGFAULT_PERM_EXEC  0x4u
#define UIOMMU_ABI_PGFAULT_PERM_PRIV  0x8u

/* Read from a fault queue, in whole groups. */
struct uiommu_abi_hwpt_pgfault {
	uint32_t flags;	 /* UIOMMU_ABI_PGFAULT_* */
	uint32_t dev_id; /* the device object */
	uint32_t pasid;	 /* with PASID_VALID */
	uint32_t grpid;	 /* page request group index */
	uint32_t perm;	 /* UIOMMU_ABI_PGFAULT_PERM_*: what the device wants */
	uint32_t reserved;
	uint64_t addr;
	uint32_t length; /* always 0 */
	uint32_t cookie; /* the group, for the answer; 1 .. */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_pgfault, 40);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, flags, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, dev_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, pasid, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, grpid, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, perm, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, reserved, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, addr, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, length, 32, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_pgfault, cookie, 36, 4);

enum uiommu_abi_page_response_code {
	UIOMMU_ABI_PAGE_RESPONSE_SUCCESS = 0,
	UIOMMU_ABI_PAGE_RESPONSE_INVALID = 1,
};

/* Written to a fault queue: answers a group. EINVAL: unknown cookie or code. */
struct uiommu_abi_hwpt_page_response {
	uint32_t cookie;
	uint32_t code; /* enum uiommu_abi_page_response_code */
};
UIOMMU_ABI_SIZE(uiommu_abi_hwpt_page_response, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_page_response, cookie, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hwpt_page_response, code, 4, 4);

/* --- vIOMMU ---------------------------------------------------------------------------------- */

enum uiommu_abi_viommu_type {
	UIOMMU_ABI_VIOMMU_DEFAULT = 0, /* refused: EOPNOTSUPP */
	UIOMMU_ABI_VIOMMU_ARM_SMMUV3 = 1,
	UIOMMU_ABI_VIOMMU_TEGRA241_CMDQV = 2,
};

/* VIOMMU_ALLOC: a guest's share of an IOMMU. EINVAL: hwpt_id isn't a NEST_PARENT. */
struct uiommu_abi_viommu_alloc {
	uint32_t size;
	uint32_t flags;		/* 0 */
	uint32_t type;		/* enum uiommu_abi_viommu_type */
	uint32_t dev_id;	/* a device behind that IOMMU */
	uint32_t hwpt_id;	/* the guest's physical memory */
	uint32_t out_viommu_id; /* (out) */
	uint32_t data_len;	/* bytes */
	uint32_t reserved;	/* 0, but ignored */
	uint64_t data_uptr; /* pointer to the structure of that type, whose outputs are filled */
};
UIOMMU_ABI_SIZE(uiommu_abi_viommu_alloc, 40);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, type, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, dev_id, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, hwpt_id, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, out_viommu_id, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, data_len, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, reserved, 28, 4);
UIOMMU_ABI_FIELD(uiommu_abi_viommu_alloc, data_uptr, 32, 8);

/* VDEVICE_ALLOC: a device as the guest's IOMMU sees it. EEXIST: it has one, or virt_id is taken. */
struct uiommu_abi_vdevice_alloc {
	uint32_t size;
	uint32_t viommu_id;
	uint32_t dev_id;
	uint32_t out_vdevice_id; /* (out) */
	uint64_t virt_id;	 /* the guest's number: stream id, requester id ... */
};
UIOMMU_ABI_SIZE(uiommu_abi_vdevice_alloc, 24);
UIOMMU_ABI_FIELD(uiommu_abi_vdevice_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vdevice_alloc, viommu_id, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vdevice_alloc, dev_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vdevice_alloc, out_vdevice_id, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vdevice_alloc, virt_id, 16, 8);

enum uiommu_abi_veventq_type {
	UIOMMU_ABI_VEVENTQ_DEFAULT = 0, /* refused: EOPNOTSUPP */
	UIOMMU_ABI_VEVENTQ_ARM_SMMUV3 = 1,
	UIOMMU_ABI_VEVENTQ_TEGRA241_CMDQV = 2,
};

/* VEVENTQ_ALLOC: a queue of events for the guest. EEXIST: the vIOMMU has one of that type. */
struct uiommu_abi_veventq_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t viommu_id;
	uint32_t type;		 /* enum uiommu_abi_veventq_type */
	uint32_t veventq_depth;	 /* events, 1 .. UIOMMU_ABI_VEVENTQ_DEPTH_MAX; EINVAL otherwise */
	uint32_t out_veventq_id; /* (out) */
	uint32_t out_veventq_fd; /* (out) close-on-exec; read for events */
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_abi_veventq_alloc, 32);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, viommu_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, type, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, veventq_depth, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, out_veventq_id, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, out_veventq_fd, 24, 4);
UIOMMU_ABI_FIELD(uiommu_abi_veventq_alloc, reserved, 28, 4);

#define UIOMMU_ABI_VEVENT_LOST_EVENTS 0x1u /* the queue was full; no event follows the header */

/* Read from an event queue: precedes each event. */
struct uiommu_abi_vevent_header {
	uint32_t flags;	   /* UIOMMU_ABI_VEVENT_LOST_EVENTS */
	uint32_t sequence; /* 0 .. UIOMMU_ABI_VEVENT_SEQUENCE_MAX; a gap: events were lost */
};
UIOMMU_ABI_SIZE(uiommu_abi_vevent_header, 8);
UIOMMU_ABI_FIELD(uiommu_abi_vevent_header, flags, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_vevent_header, sequence, 4, 4);

enum uiommu_abi_hw_queue_type {
	UIOMMU_ABI_HW_QUEUE_DEFAULT = 0, /* refused: EOPNOTSUPP */
	UIOMMU_ABI_HW_QUEUE_TEGRA241_CMDQV = 1,
};

/*
 * HW_QUEUE_ALLOC: a queue in guest memory that hardware reads by itself; its range can't be
 * unmapped while it lives. EINVAL: index out of range; EEXIST: index is taken; EIO: the one before
 * is missing.
 */
struct uiommu_abi_hw_queue_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t viommu_id;
	uint32_t type; /* enum uiommu_abi_hw_queue_type */
	uint32_t index;
	uint32_t out_hw_queue_id;     /* (out) */
	uint64_t nesting_parent_iova; /* of the queue, in the vIOMMU's parent */
	uint64_t length;	      /* bytes, not 0 */
};
UIOMMU_ABI_SIZE(uiommu_abi_hw_queue_alloc, 40);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, size, 0, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, viommu_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, type, 12, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, index, 16, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, out_hw_queue_id, 20, 4);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, nesting_parent_iova, 24, 8);
UIOMMU_ABI_FIELD(uiommu_abi_hw_queue_alloc, length, 32, 8);

#ifdef __cplusplus
}
#endif
#endif
