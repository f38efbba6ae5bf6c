/* SPDX-License-Identifier: MIT */
/*
 * VFIO: requests, structures and numbers of the Linux 7.3 ABI, under names of our own, so that a
 * program may include <linux/vfio.h> as well.
 *
 * A structure begins with argsz, the bytes that the caller has; fewer than
 * UIOMMU_VFIO_<request>_MIN: EINVAL. Fields are inputs unless marked (out) or (in/out). Addresses,
 * lengths and offsets count bytes. Some codes mean different things on a container and on a device.
 *
 * Capability chains: a request that answers with a variable part appends capabilities to its
 * structure, inside of argsz. cap_offset and `next` count from the start of the structure; 0 ends
 * the chain. If argsz is too small, it is raised to what is needed, cap_offset is 0, and the
 * request succeeds.
 *
 * An array that follows a structure isn't a member of it: it begins at its size.
 */
#ifndef UIOMMU_ABI_VFIO_H
#define UIOMMU_ABI_VFIO_H

#include <stdint.h>

#include <uiommu/abi/layout.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Requests: 0x3b00 | number, without direction and size bits ------------------------------ */

/* On a container: /dev/vfio/vfio, or /dev/iommu. */
#define UIOMMU_VFIO_GET_API_VERSION   0x3b64 /* no argument; returns UIOMMU_VFIO_API_VERSION */
#define UIOMMU_VFIO_CHECK_EXTENSION   0x3b65 /* enum uiommu_vfio_extension by value */
#define UIOMMU_VFIO_SET_IOMMU	      0x3b66 /* enum uiommu_vfio_extension by value */
#define UIOMMU_VFIO_IOMMU_GET_INFO    0x3b70
#define UIOMMU_VFIO_IOMMU_MAP_DMA     0x3b71
#define UIOMMU_VFIO_IOMMU_UNMAP_DMA   0x3b72
#define UIOMMU_VFIO_IOMMU_DIRTY_PAGES 0x3b75 /* ENOTTY here: HWPT_GET_DIRTY_BITMAP replaces it */

/* On a group: /dev/vfio/N. Anything else: ENOTTY. */
#define UIOMMU_VFIO_GROUP_GET_STATUS	  0x3b67
#define UIOMMU_VFIO_GROUP_SET_CONTAINER	  0x3b68 /* pointer to int32_t: the container's fd */
#define UIOMMU_VFIO_GROUP_UNSET_CONTAINER 0x3b69 /* no argument */
#define UIOMMU_VFIO_GROUP_GET_DEVICE_FD	  0x3b6a /* pointer to a string; returns a fd */

/* On a device, from a group or from /dev/vfio/devices. */
#define UIOMMU_VFIO_DEVICE_GET_INFO		  0x3b6b
#define UIOMMU_VFIO_DEVICE_GET_REGION_INFO	  0x3b6c
#define UIOMMU_VFIO_DEVICE_GET_IRQ_INFO		  0x3b6d
#define UIOMMU_VFIO_DEVICE_SET_IRQS		  0x3b6e
#define UIOMMU_VFIO_DEVICE_RESET		  0x3b6f /* no argument */
#define UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO 0x3b70
#define UIOMMU_VFIO_DEVICE_PCI_HOT_RESET	  0x3b71
#define UIOMMU_VFIO_DEVICE_QUERY_GFX_PLANE	  0x3b72 /* mediated devices only */
#define UIOMMU_VFIO_DEVICE_GET_GFX_DMABUF	  0x3b73 /* mediated devices only */
#define UIOMMU_VFIO_DEVICE_IOEVENTFD		  0x3b74
#define UIOMMU_VFIO_DEVICE_FEATURE		  0x3b75

/* On a device from /dev/vfio/devices: until the first has succeeded, all else is EINVAL. */
#define UIOMMU_VFIO_DEVICE_BIND_IOMMUFD	     0x3b76
#define UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT 0x3b77
#define UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT 0x3b78

/* On the data descriptor of a migration. */
#define UIOMMU_VFIO_MIG_GET_PRECOPY_INFO 0x3b79

/* The smallest argsz that each request accepts, in bytes. */
#define UIOMMU_VFIO_IOMMU_GET_INFO_MIN		      16
#define UIOMMU_VFIO_IOMMU_MAP_DMA_MIN		      32
#define UIOMMU_VFIO_IOMMU_UNMAP_DMA_MIN		      24
#define UIOMMU_VFIO_GROUP_GET_STATUS_MIN	      8
#define UIOMMU_VFIO_DEVICE_GET_INFO_MIN		      16
#define UIOMMU_VFIO_DEVICE_GET_REGION_INFO_MIN	      32
#define UIOMMU_VFIO_DEVICE_GET_IRQ_INFO_MIN	      16
#define UIOMMU_VFIO_DEVICE_SET_IRQS_MIN		      20
#define UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO_MIN 12
#define UIOMMU_VFIO_DEVICE_PCI_HOT_RESET_MIN	      12
#define UIOMMU_VFIO_DEVICE_IOEVENTFD_MIN	      28
#define UIOMMU_VFIO_DEVICE_FEATURE_MIN		      8
#define UIOMMU_VFIO_DEVICE_BIND_IOMMUFD_MIN	      16
#define UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN      12
#define UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT_MIN      8
#define UIOMMU_VFIO_MIG_GET_PRECOPY_INFO_MIN	      24

/* --- Capability chains ----------------------------------------------------------------------- */

/* Begins each capability. */
struct uiommu_vfio_cap_header {
	uint16_t id;	  /* each request has its own */
	uint16_t version; /* of this capability's layout */
	uint32_t next;	  /* offset of the next one from the structure's start; 0: the last */
};
UIOMMU_ABI_SIZE(uiommu_vfio_cap_header, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_cap_header, id, 0, 2);
UIOMMU_ABI_FIELD(uiommu_vfio_cap_header, version, 2, 2);
UIOMMU_ABI_FIELD(uiommu_vfio_cap_header, next, 4, 4);

/* --- Container, type 1 ----------------------------------------------------------------------- */

#define UIOMMU_VFIO_API_VERSION 0

/*
 * CHECK_EXTENSION returns 1, or 0 where there's no such thing: also for numbers that aren't here.
 * DMA_CC without a compatibility IOAS: ENODEV. SET_IOMMU takes TYPE1, TYPE1V2 and, in no-iommu mode
 * alone, NOIOMMU: EINVAL otherwise; EPERM: NOIOMMU without CAP_SYS_RAWIO; ENODEV: no compatibility
 * IOAS.
 */
enum uiommu_vfio_extension {
	UIOMMU_VFIO_TYPE1 = 1,	       /* UNMAP_DMA may split mappings */
	UIOMMU_VFIO_TYPE1V2 = 3,       /* UNMAP_DMA removes whole mappings */
	UIOMMU_VFIO_DMA_CC = 4,	       /* is DMA cache-coherent */
	UIOMMU_VFIO_TYPE1_NESTING = 6, /* never */
	UIOMMU_VFIO_NOIOMMU = 8,
	UIOMMU_VFIO_UNMAP_ALL = 9,
	UIOMMU_VFIO_UPDATE_VADDR = 10, /* never */
};

#define UIOMMU_VFIO_IOMMU_INFO_FLAG_PGSIZES 0x1u /* iova_pgsizes is valid: always */
#define UIOMMU_VFIO_IOMMU_INFO_FLAG_CAPS    0x2u /* cap_offset is valid: always */

/*
 * VFIO_IOMMU_GET_INFO: what can be mapped. EINVAL: argsz below 16; ENODEV: no compatibility IOAS. A
 * capability is written if it fits as a whole; cap_offset is 0 unless all fit.
 */
struct uiommu_vfio_iommu_type1_info {
	uint32_t argsz;	       /* (in/out) bytes; bytes with all capabilities */
	uint32_t flags;	       /* (out) UIOMMU_VFIO_IOMMU_INFO_FLAG_* */
	uint64_t iova_pgsizes; /* (out) bit n: 2^n bytes can be mapped; none below a page */
	uint32_t cap_offset;   /* (out) bytes; 0: the chain didn't fit */
	uint32_t pad;
};
UIOMMU_ABI_SIZE(uiommu_vfio_iommu_type1_info, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_info, iova_pgsizes, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_info, cap_offset, 16, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_info, pad, 20, 4);

#define UIOMMU_VFIO_IOMMU_CAP_IOVA_RANGE 1 /* version 1 */
#define UIOMMU_VFIO_IOMMU_CAP_DMA_AVAIL	 3 /* version 1 */

/* One interval of addresses, both ends included. */
struct uiommu_vfio_iova_range {
	uint64_t start;
	uint64_t end;
};
UIOMMU_ABI_SIZE(uiommu_vfio_iova_range, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_iova_range, start, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iova_range, end, 8, 8);

/* Capability IOVA_RANGE: what isn't reserved; struct uiommu_vfio_iova_range[nr_iovas] follows. */
struct uiommu_vfio_iommu_cap_iova_range {
	struct uiommu_vfio_cap_header header;
	uint32_t nr_iovas;
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_vfio_iommu_cap_iova_range, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_cap_iova_range, header, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_cap_iova_range, nr_iovas, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_cap_iova_range, reserved, 12, 4);

/* Capability DMA_AVAIL: 16 bytes in the chain, of which the last 4 are padding. */
struct uiommu_vfio_iommu_cap_dma_avail {
	struct uiommu_vfio_cap_header header;
	uint32_t avail; /* mappings that may still be made; UINT32_MAX: no limit */
};
UIOMMU_ABI_SIZE(uiommu_vfio_iommu_cap_dma_avail, 12);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_cap_dma_avail, header, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_cap_dma_avail, avail, 8, 4);

#define UIOMMU_VFIO_DMA_MAP_FLAG_READ  0x1u /* devices may read */
#define UIOMMU_VFIO_DMA_MAP_FLAG_WRITE 0x2u /* devices may write */
#define UIOMMU_VFIO_DMA_MAP_FLAG_VADDR 0x4u /* EINVAL: not supported */

/*
 * VFIO_IOMMU_MAP_DMA: as IOAS_MAP at a fixed address, except that neither READ nor WRITE is fine.
 * EINVAL: argsz, unknown flags (looked at first); ENODEV: no compatibility IOAS. Writes nothing
 * back.
 */
struct uiommu_vfio_iommu_type1_dma_map {
	uint32_t argsz;
	uint32_t flags; /* UIOMMU_VFIO_DMA_MAP_FLAG_* */
	uint64_t vaddr; /* address of the first byte in the calling process */
	uint64_t iova;
	uint64_t size; /* bytes */
};
UIOMMU_ABI_SIZE(uiommu_vfio_iommu_type1_dma_map, 32);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_map, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_map, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_map, vaddr, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_map, iova, 16, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_map, size, 24, 8);

#define UIOMMU_VFIO_DMA_UNMAP_FLAG_GET_DIRTY 0x1u /* EINVAL: not supported */
#define UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL	     0x2u /* everything; iova and size are 0 */
#define UIOMMU_VFIO_DMA_UNMAP_FLAG_VADDR     0x4u /* EINVAL: not supported */

/*
 * VFIO_IOMMU_UNMAP_DMA: as IOAS_UNMAP, but an empty range is success with size 0, and in TYPE1 mode
 * mappings are split at the range's ends. EINVAL: argsz, flags, ALL with iova or size; ENODEV: no
 * compatibility IOAS; ENOENT: would cut a mapping. 24 bytes are written back, also when it failed
 * half way.
 */
struct uiommu_vfio_iommu_type1_dma_unmap {
	uint32_t argsz;
	uint32_t flags; /* UIOMMU_VFIO_DMA_UNMAP_FLAG_* */
	uint64_t iova;
	uint64_t size; /* (in/out) bytes; bytes that were mapped in the range */
};
UIOMMU_ABI_SIZE(uiommu_vfio_iommu_type1_dma_unmap, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_unmap, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_unmap, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_unmap, iova, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_iommu_type1_dma_unmap, size, 16, 8);

/* --- Group ----------------------------------------------------------------------------------- */

/*
 * VFIO_GROUP_SET_CONTAINER: EBADF: the fd is closed; EBADFD: it is neither a container nor an
 * iommufd; EINVAL: the group has one, or no-iommu and other groups would mix. An iommufd without
 * compatibility IOAS gets one.
 *
 * VFIO_GROUP_UNSET_CONTAINER: EINVAL: there's none; EBUSY: devices are open.
 *
 * VFIO_GROUP_GET_DEVICE_FD: the string is the PCI address, then maybe " vf_token=<uuid>". Binds and
 * attaches the device to the compatibility IOAS when it is opened first. ENODEV: no such device in
 * the group; EINVAL: no container, or another option; tokens as in BIND.
 */

#define UIOMMU_VFIO_GROUP_FLAG_VIABLE	     0x1u /* nobody else owns the DMA of its devices */
#define UIOMMU_VFIO_GROUP_FLAG_CONTAINER_SET 0x2u

/* VFIO_GROUP_GET_STATUS. EINVAL: argsz below 8. */
struct uiommu_vfio_group_status {
	uint32_t argsz;
	uint32_t flags; /* (out) UIOMMU_VFIO_GROUP_FLAG_* */
};
UIOMMU_ABI_SIZE(uiommu_vfio_group_status, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_group_status, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_group_status, flags, 4, 4);

/* --- Device: binding and attaching, on a descriptor from /dev/vfio/devices only -------------- */

#define UIOMMU_VFIO_BIND_FLAG_TOKEN 0x1u /* token_uuid_ptr is valid */

/*
 * VFIO_DEVICE_BIND_IOMMUFD: the device joins a context until the descriptor is closed. Extensible:
 * bytes beyond the structure must be zero, E2BIG otherwise. EINVAL: a negative fd, an unknown flag,
 * a descriptor of a group, bound already, opened by another file, not cache-coherent, a token where
 * none is expected; EBUSY: the group is open, or not on its default domain; EFAULT, EACCES: the
 * token; EBADF: the fd is closed; EBADFD: it isn't an iommufd; ENODEV: no group; EPERM: the group
 * is owned by something else, or its interrupts aren't isolated.
 */
struct uiommu_vfio_device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags; /* UIOMMU_VFIO_BIND_FLAG_TOKEN */
	int32_t iommufd;
	uint32_t out_devid;	 /* (out) id of the device object */
	uint64_t token_uuid_ptr; /* pointer to 16 bytes */
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_bind_iommufd, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_device_bind_iommufd, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_bind_iommufd, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_bind_iommufd, iommufd, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_bind_iommufd, out_devid, 12, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_bind_iommufd, token_uuid_ptr, 16, 8);

#define UIOMMU_VFIO_ATTACH_FLAG_PASID 0x1u /* pasid is valid; argsz is at least 16 */

/*
 * VFIO_DEVICE_ATTACH_IOMMUFD_PT: attaches, or replaces what is attached. EINVAL: an unknown flag,
 * or an object that isn't an IOAS or an HWPT; ENOENT: no such object; EOPNOTSUPP: PASID, and the
 * driver has none.
 */
struct uiommu_vfio_device_attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags; /* UIOMMU_VFIO_ATTACH_FLAG_PASID */
	uint32_t pt_id; /* (in/out) IOAS or HWPT; the HWPT that is used */
	uint32_t pasid;
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_attach_iommufd_pt, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_device_attach_iommufd_pt, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_attach_iommufd_pt, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_attach_iommufd_pt, pt_id, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_attach_iommufd_pt, pasid, 12, 4);

#define UIOMMU_VFIO_DETACH_FLAG_PASID 0x1u /* pasid is valid; argsz is at least 12 */

/* VFIO_DEVICE_DETACH_IOMMUFD_PT: success also where nothing is attached. EINVAL: an unknown flag.
 */
struct uiommu_vfio_device_detach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags; /* UIOMMU_VFIO_DETACH_FLAG_PASID */
	uint32_t pasid;
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_detach_iommufd_pt, 12);
UIOMMU_ABI_FIELD(uiommu_vfio_device_detach_iommufd_pt, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_detach_iommufd_pt, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_detach_iommufd_pt, pasid, 8, 4);

/* --- Device: regions ------------------------------------------------------------------------- */

#define UIOMMU_VFIO_DEVICE_FLAG_RESET	 0x001u /* RESET works */
#define UIOMMU_VFIO_DEVICE_FLAG_PCI	 0x002u
#define UIOMMU_VFIO_DEVICE_FLAG_PLATFORM 0x004u
#define UIOMMU_VFIO_DEVICE_FLAG_AMBA	 0x008u
#define UIOMMU_VFIO_DEVICE_FLAG_CCW	 0x010u
#define UIOMMU_VFIO_DEVICE_FLAG_AP	 0x020u
#define UIOMMU_VFIO_DEVICE_FLAG_FSL_MC	 0x040u
#define UIOMMU_VFIO_DEVICE_FLAG_CAPS	 0x080u /* cap_offset is valid */
#define UIOMMU_VFIO_DEVICE_FLAG_CDX	 0x100u

/* VFIO_DEVICE_GET_INFO. EINVAL: argsz below 16. VFIO_DEVICE_RESET: EINVAL: not supported; EAGAIN.
 */
struct uiommu_vfio_device_info {
	uint32_t argsz;	      /* (in/out) bytes; bytes with all capabilities */
	uint32_t flags;	      /* (out) UIOMMU_VFIO_DEVICE_FLAG_* */
	uint32_t num_regions; /* (out) PCI: UIOMMU_VFIO_PCI_NUM_REGIONS and the device's own */
	uint32_t num_irqs;    /* (out) PCI: UIOMMU_VFIO_PCI_NUM_IRQS */
	uint32_t cap_offset;  /* (out) bytes; 0: no chain, or it didn't fit */
	uint32_t pad;
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_info, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, num_regions, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, num_irqs, 12, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, cap_offset, 16, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_info, pad, 20, 4);

enum uiommu_vfio_pci_region {
	UIOMMU_VFIO_PCI_REGION_BAR0 = 0,
	UIOMMU_VFIO_PCI_REGION_BAR1 = 1,
	UIOMMU_VFIO_PCI_REGION_BAR2 = 2,
	UIOMMU_VFIO_PCI_REGION_BAR3 = 3,
	UIOMMU_VFIO_PCI_REGION_BAR4 = 4,
	UIOMMU_VFIO_PCI_REGION_BAR5 = 5,
	UIOMMU_VFIO_PCI_REGION_ROM = 6,
	UIOMMU_VFIO_PCI_REGION_CONFIG = 7,
	UIOMMU_VFIO_PCI_REGION_VGA = 8,
	UIOMMU_VFIO_PCI_NUM_REGIONS = 9, /* the device's own ones begin here */
};

/* A region's offset is its index shifted by this: not a promise of the ABI, what Linux does. */
#define UIOMMU_VFIO_PCI_REGION_SHIFT 40

#define UIOMMU_VFIO_REGION_FLAG_READ  0x1u
#define UIOMMU_VFIO_REGION_FLAG_WRITE 0x2u
#define UIOMMU_VFIO_REGION_FLAG_MMAP  0x4u
#define UIOMMU_VFIO_REGION_FLAG_CAPS  0x8u /* cap_offset is valid */

/*
 * VFIO_DEVICE_GET_REGION_INFO: a BAR that isn't there has size 0 and no flags. EINVAL: argsz below
 * 32, no such index.
 */
struct uiommu_vfio_region_info {
	uint32_t argsz;	     /* (in/out) bytes; bytes with all capabilities */
	uint32_t flags;	     /* (out) UIOMMU_VFIO_REGION_FLAG_* */
	uint32_t index;	     /* PCI: enum uiommu_vfio_pci_region */
	uint32_t cap_offset; /* (out) bytes; 0: no chain, or it didn't fit */
	uint64_t size;	     /* (out) bytes */
	uint64_t offset;     /* (out) of the region for read(), write() and mmap() of the device */
};
UIOMMU_ABI_SIZE(uiommu_vfio_region_info, 32);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, index, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, cap_offset, 12, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, size, 16, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_region_info, offset, 24, 8);

#define UIOMMU_VFIO_REGION_CAP_SPARSE_MMAP   1 /* version 1: parts can be mapped */
#define UIOMMU_VFIO_REGION_CAP_TYPE	     2 /* version 1: a device's own region */
#define UIOMMU_VFIO_REGION_CAP_MSIX_MAPPABLE 3 /* version 1, a bare header: as does all of it */

/* Part of a region that can be mapped. */
struct uiommu_vfio_region_sparse_mmap_area {
	uint64_t offset; /* from the region's start */
	uint64_t size;	 /* bytes */
};
UIOMMU_ABI_SIZE(uiommu_vfio_region_sparse_mmap_area, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_region_sparse_mmap_area, offset, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_region_sparse_mmap_area, size, 8, 8);

/* Capability SPARSE_MMAP; struct uiommu_vfio_region_sparse_mmap_area[nr_areas] follows. */
struct uiommu_vfio_region_cap_sparse_mmap {
	struct uiommu_vfio_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_vfio_region_cap_sparse_mmap, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_sparse_mmap, header, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_sparse_mmap, nr_areas, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_sparse_mmap, reserved, 12, 4);

/* Capability TYPE. */
struct uiommu_vfio_region_cap_type {
	struct uiommu_vfio_cap_header header;
	uint32_t type;
	uint32_t subtype; /* counted by each type */
};
UIOMMU_ABI_SIZE(uiommu_vfio_region_cap_type, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_type, header, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_type, type, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_region_cap_type, subtype, 12, 4);

/* --- Device: interrupts ---------------------------------------------------------------------- */

enum uiommu_vfio_pci_irq {
	UIOMMU_VFIO_PCI_IRQ_INTX = 0,
	UIOMMU_VFIO_PCI_IRQ_MSI = 1,
	UIOMMU_VFIO_PCI_IRQ_MSIX = 2,
	UIOMMU_VFIO_PCI_IRQ_ERR = 3, /* the device has failed */
	UIOMMU_VFIO_PCI_IRQ_REQ = 4, /* the device is wanted back */
	UIOMMU_VFIO_PCI_NUM_IRQS = 5,
};

#define UIOMMU_VFIO_IRQ_FLAG_EVENTFD	0x1u
#define UIOMMU_VFIO_IRQ_FLAG_MASKABLE	0x2u
#define UIOMMU_VFIO_IRQ_FLAG_AUTOMASKED 0x4u /* masked when it has fired */
#define UIOMMU_VFIO_IRQ_FLAG_NORESIZE	0x8u /* to change the vectors, disable the index first */

/* VFIO_DEVICE_GET_IRQ_INFO. EINVAL: argsz below 16, no such index. */
struct uiommu_vfio_irq_info {
	uint32_t argsz;
	uint32_t flags; /* (out) UIOMMU_VFIO_IRQ_FLAG_* */
	uint32_t index; /* PCI: enum uiommu_vfio_pci_irq */
	uint32_t count; /* (out) vectors */
};
UIOMMU_ABI_SIZE(uiommu_vfio_irq_info, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_info, index, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_info, count, 12, 4);

/* What follows the structure, for each vector; one of them. */
#define UIOMMU_VFIO_IRQ_SET_DATA_NONE	 0x01u /* nothing */
#define UIOMMU_VFIO_IRQ_SET_DATA_BOOL	 0x02u /* uint8_t: act on the vector */
#define UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD 0x04u /* int32_t: eventfd, or -1 for none */
/* What is done, one of them. */
#define UIOMMU_VFIO_IRQ_SET_ACTION_MASK	   0x08u
#define UIOMMU_VFIO_IRQ_SET_ACTION_UNMASK  0x10u
#define UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER 0x20u

/*
 * VFIO_DEVICE_SET_IRQS: TRIGGER with EVENTFD installs eventfds, the first ones enable the index;
 * with NONE and count 0 it disables the index; with NONE or BOOL it fires what is installed. UNMASK
 * with EVENTFD installs a descriptor that unmasks INTx. EINVAL: argsz too small for the data, no
 * such index or vector, unknown flags, not exactly one kind of data, another index is enabled;
 * ENOTTY: MASK with EVENTFD, masking of MSI and MSI-X. Writes nothing back.
 */
struct uiommu_vfio_irq_set {
	uint32_t argsz; /* bytes with the data */
	uint32_t flags; /* UIOMMU_VFIO_IRQ_SET_* */
	uint32_t index; /* PCI: enum uiommu_vfio_pci_irq */
	uint32_t start; /* first vector */
	uint32_t count; /* vectors */
};
UIOMMU_ABI_SIZE(uiommu_vfio_irq_set, 20);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_set, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_set, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_set, index, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_set, start, 12, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_irq_set, count, 16, 4);

/* --- Device: PCI hot reset, ioeventfd -------------------------------------------------------- */

#define UIOMMU_VFIO_HOT_RESET_FLAG_DEV_ID	0x1u /* devices have devid, not group_id */
#define UIOMMU_VFIO_HOT_RESET_FLAG_DEV_ID_OWNED 0x2u /* the caller owns them all */

#define UIOMMU_VFIO_HOT_RESET_DEVID_OWNED     0u	  /* the caller's, without an object */
#define UIOMMU_VFIO_HOT_RESET_DEVID_NOT_OWNED 0xffffffffu /* somebody else's: no reset */

/* A device that a hot reset affects. */
struct uiommu_vfio_pci_dependent_device {
	union {
		uint32_t group_id; /* (out) */
		uint32_t devid;	   /* (out) with DEV_ID: device object, or
				      UIOMMU_VFIO_HOT_RESET_DEVID_* */
	};
	uint16_t segment; /* (out) */
	uint8_t bus;	  /* (out) */
	uint8_t devfn;	  /* (out) device << 3 | function */
};
UIOMMU_ABI_SIZE(uiommu_vfio_pci_dependent_device, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_dependent_device, group_id, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_dependent_device, devid, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_dependent_device, segment, 4, 2);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_dependent_device, bus, 6, 1);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_dependent_device, devfn, 7, 1);

/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO; struct uiommu_vfio_pci_dependent_device[count] follows.
 * ENOSPC: argsz is too small, count says how many there are; ENODEV: neither the slot nor the bus
 * can be reset.
 */
struct uiommu_vfio_pci_hot_reset_info {
	uint32_t argsz; /* bytes with the array */
	uint32_t flags; /* (out) UIOMMU_VFIO_HOT_RESET_FLAG_* */
	uint32_t count; /* (out) devices */
};
UIOMMU_ABI_SIZE(uiommu_vfio_pci_hot_reset_info, 12);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset_info, count, 8, 4);

/*
 * VFIO_DEVICE_PCI_HOT_RESET; int32_t[count], the groups' descriptors, follows. EINVAL: count isn't
 * 0 on a descriptor from /dev/vfio/devices or is 0 on one from a group, a device isn't the
 * caller's; EBUSY.
 */
struct uiommu_vfio_pci_hot_reset {
	uint32_t argsz; /* bytes with the array */
	uint32_t flags; /* 0 */
	uint32_t count; /* descriptors */
};
UIOMMU_ABI_SIZE(uiommu_vfio_pci_hot_reset, 12);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_pci_hot_reset, count, 8, 4);

/* VFIO_DEVICE_IOEVENTFD: an eventfd that stores to a register. EINVAL: not one width. */
struct uiommu_vfio_device_ioeventfd {
	uint32_t argsz;
	uint32_t flags;	 /* bytes that are stored: 1, 2, 4 or 8 */
	uint64_t offset; /* of the register, in the device's descriptor */
	uint64_t data;	 /* what is stored */
	int32_t fd;	 /* -1: remove */
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_ioeventfd, 32);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, offset, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, data, 16, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, fd, 24, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_ioeventfd, reserved, 28, 4);

/* --- Device: features ------------------------------------------------------------------------ */

#define UIOMMU_VFIO_FEATURE_INDEX_MASK 0xffffu /* enum uiommu_vfio_feature */
#define UIOMMU_VFIO_FEATURE_GET	       0x10000u
#define UIOMMU_VFIO_FEATURE_SET	       0x20000u
#define UIOMMU_VFIO_FEATURE_PROBE      0x40000u /* only asks whether GET and SET would do */

enum uiommu_vfio_feature {
	UIOMMU_VFIO_FEATURE_PCI_VF_TOKEN = 0,		     /* SET */
	UIOMMU_VFIO_FEATURE_MIGRATION = 1,		     /* GET */
	UIOMMU_VFIO_FEATURE_MIG_DEVICE_STATE = 2,	     /* GET, SET */
	UIOMMU_VFIO_FEATURE_LOW_POWER_ENTRY = 3,	     /* SET, no data */
	UIOMMU_VFIO_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP = 4, /* SET */
	UIOMMU_VFIO_FEATURE_LOW_POWER_EXIT = 5,		     /* SET, no data */
	UIOMMU_VFIO_FEATURE_DMA_LOGGING_START = 6,	     /* SET */
	UIOMMU_VFIO_FEATURE_DMA_LOGGING_STOP = 7,	     /* SET, no data */
	UIOMMU_VFIO_FEATURE_DMA_LOGGING_REPORT = 8,	     /* GET */
	UIOMMU_VFIO_FEATURE_MIG_DATA_SIZE = 9,		     /* GET */
	UIOMMU_VFIO_FEATURE_BUS_MASTER = 10,		     /* CDX only */
	UIOMMU_VFIO_FEATURE_DMA_BUF = 11,		     /* GET; returns a fd */
	UIOMMU_VFIO_FEATURE_MIG_PRECOPY_INFOV2 = 12,	     /* SET */
	UIOMMU_VFIO_FEATURE_ZPCI_ERROR = 13,		     /* s390 only */
};

/*
 * VFIO_DEVICE_FEATURE; the feature's data follows. EINVAL: unknown bits, neither GET nor SET, both
 * without PROBE, a direction that the feature doesn't have, too little data; ENOTTY: there's no
 * such feature.
 */
struct uiommu_vfio_device_feature {
	uint32_t argsz; /* bytes with the data */
	uint32_t flags; /* the index, and UIOMMU_VFIO_FEATURE_{GET,SET,PROBE} */
};
UIOMMU_ABI_SIZE(uiommu_vfio_device_feature, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_device_feature, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_device_feature, flags, 4, 4);

/* PCI_VF_TOKEN: what users of a virtual function must know. */
struct uiommu_vfio_feature_vf_token {
	uint8_t uuid[16];
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_vf_token, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_vf_token, uuid, 0, 16);

#define UIOMMU_VFIO_MIGRATION_STOP_COPY UINT64_C(0x1)
#define UIOMMU_VFIO_MIGRATION_P2P	UINT64_C(0x2)
#define UIOMMU_VFIO_MIGRATION_PRE_COPY	UINT64_C(0x4)

/* MIGRATION. */
struct uiommu_vfio_feature_migration {
	uint64_t flags; /* (out) UIOMMU_VFIO_MIGRATION_* */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_migration, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_migration, flags, 0, 8);

enum uiommu_vfio_mig_state {
	UIOMMU_VFIO_MIG_STATE_ERROR = 0,
	UIOMMU_VFIO_MIG_STATE_STOP = 1,
	UIOMMU_VFIO_MIG_STATE_RUNNING = 2,
	UIOMMU_VFIO_MIG_STATE_STOP_COPY = 3,
	UIOMMU_VFIO_MIG_STATE_RESUMING = 4,
	UIOMMU_VFIO_MIG_STATE_RUNNING_P2P = 5,
	UIOMMU_VFIO_MIG_STATE_PRE_COPY = 6,
	UIOMMU_VFIO_MIG_STATE_PRE_COPY_P2P = 7,
};

/* MIG_DEVICE_STATE. */
struct uiommu_vfio_feature_mig_state {
	uint32_t device_state; /* (in/out) enum uiommu_vfio_mig_state */
	int32_t data_fd;       /* (out) of the transfer that the new state begins; -1: none */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_mig_state, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_mig_state, device_state, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_mig_state, data_fd, 4, 4);

/* MIG_DATA_SIZE. */
struct uiommu_vfio_feature_mig_data_size {
	uint64_t stop_copy_length; /* (out) bytes, an estimate */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_mig_data_size, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_mig_data_size, stop_copy_length, 0, 8);

#define UIOMMU_VFIO_PRECOPY_INFO_REINIT 0x1u /* there are initial bytes again */

/* VFIO_MIG_GET_PRECOPY_INFO. */
struct uiommu_vfio_precopy_info {
	uint32_t argsz;
	uint32_t flags;		/* (out) UIOMMU_VFIO_PRECOPY_INFO_REINIT */
	uint64_t initial_bytes; /* (out) still to be read before the device may stop */
	uint64_t dirty_bytes;	/* (out) changed since */
};
UIOMMU_ABI_SIZE(uiommu_vfio_precopy_info, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_precopy_info, argsz, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_precopy_info, flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_precopy_info, initial_bytes, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_precopy_info, dirty_bytes, 16, 8);

/* LOW_POWER_ENTRY_WITH_WAKEUP. */
struct uiommu_vfio_feature_low_power_wakeup {
	int32_t wakeup_eventfd;
	uint32_t reserved;
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_low_power_wakeup, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_low_power_wakeup, wakeup_eventfd, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_low_power_wakeup, reserved, 4, 4);

/* DMA_LOGGING_START: a device's own log of its writes. */
struct uiommu_vfio_feature_dma_logging_control {
	uint64_t page_size; /* bytes, a wish */
	uint32_t num_ranges;
	uint32_t reserved;
	uint64_t ranges; /* pointer to struct uiommu_vfio_feature_dma_logging_range[num_ranges] */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_dma_logging_control, 24);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_control, page_size, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_control, num_ranges, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_control, reserved, 12, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_control, ranges, 16, 8);

struct uiommu_vfio_feature_dma_logging_range {
	uint64_t iova;
	uint64_t length; /* bytes */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_dma_logging_range, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_range, iova, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_range, length, 8, 8);

/* DMA_LOGGING_REPORT: bits as in HWPT_GET_DIRTY_BITMAP. */
struct uiommu_vfio_feature_dma_logging_report {
	uint64_t iova;
	uint64_t length;    /* bytes */
	uint64_t page_size; /* bytes that one bit stands for */
	uint64_t bitmap;    /* pointer to the bitmap, filled */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_dma_logging_report, 32);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_report, iova, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_report, length, 8, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_report, page_size, 16, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_logging_report, bitmap, 24, 8);

/* Part of a region, for DMA_BUF. */
struct uiommu_vfio_feature_dma_buf_range {
	uint64_t offset; /* from the region's start */
	uint64_t length; /* bytes */
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_dma_buf_range, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf_range, offset, 0, 8);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf_range, length, 8, 8);

/* DMA_BUF; struct uiommu_vfio_feature_dma_buf_range[nr_ranges] follows. */
struct uiommu_vfio_feature_dma_buf {
	uint32_t region_index;
	uint32_t open_flags; /* of the new descriptor, as for open() */
	uint32_t flags;	     /* 0 */
	uint32_t nr_ranges;
};
UIOMMU_ABI_SIZE(uiommu_vfio_feature_dma_buf, 16);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf, region_index, 0, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf, open_flags, 4, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf, flags, 8, 4);
UIOMMU_ABI_FIELD(uiommu_vfio_feature_dma_buf, nr_ranges, 12, 4);

#ifdef __cplusplus
}
#endif
#endif
