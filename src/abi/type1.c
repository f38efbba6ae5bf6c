/* SPDX-License-Identifier: MIT */
/* The type 1 container's requests on a context; Linux 7.3 iommufd ABI, VFIO compatibility. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <uiommu/abi/vfio.h>

#include "abi/context.h"
#include "abi/copy.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "core/ioas.h"
#include "vfio/compat.h"

#define INFO_SIZE      sizeof(struct uiommu_vfio_iommu_type1_info)
#define DMA_AVAIL_SIZE 16u /* the capability and its padding */

static size_t ranges_cap_size(uint32_t n)
{
	return sizeof(struct uiommu_vfio_iommu_cap_iova_range) +
	       n * sizeof(struct uiommu_vfio_iova_range);
}

static int cap_dma_avail(const struct abi_caller *caller, uintptr_t arg, uint32_t argsz)
{
	const size_t next = INFO_SIZE + DMA_AVAIL_SIZE;
	struct uiommu_vfio_iommu_cap_dma_avail cap = {
		.header = { .id = UIOMMU_VFIO_IOMMU_CAP_DMA_AVAIL, .version = 1 },
		.avail = UINT32_MAX,
	};

	if (argsz < INFO_SIZE + sizeof(cap))
		return 0;
	if (argsz >= next)
		cap.header.next = (uint32_t)next;
	return caller->copy_out(caller, arg + INFO_SIZE, &cap, sizeof(cap));
}

static int cap_iova_range(const struct abi_caller *caller, uintptr_t arg, uint32_t argsz,
	const struct range *ranges, uint32_t n)
{
	struct uiommu_vfio_iommu_cap_iova_range cap = {
		.header = { .id = UIOMMU_VFIO_IOMMU_CAP_IOVA_RANGE, .version = 1 },
		.nr_iovas = n,
	};
	uintptr_t to = arg + INFO_SIZE + DMA_AVAIL_SIZE;

	if (argsz < INFO_SIZE + DMA_AVAIL_SIZE + ranges_cap_size(n))
		return 0;
	if (caller->copy_out(caller, to, &cap, sizeof(cap)))
		return -EFAULT;
	to += sizeof(cap);
	for (uint32_t i = 0; i < n; i++, to += sizeof(struct uiommu_vfio_iova_range)) {
		struct uiommu_vfio_iova_range r = { .start = ranges[i].start,
			.end = ranges[i].last };

		if (caller->copy_out(caller, to, &r, sizeof(r)))
			return -EFAULT;
	}
	return 0;
}

static int info_fill(struct ioas *ioas, const struct abi_caller *caller, uintptr_t arg,
	struct uiommu_vfio_iommu_type1_info *info)
{
	uint32_t argsz = info->argsz, n = 0, total;
	struct range *ranges;
	uint64_t alignment;
	int err;

	ioas_iova_ranges(ioas, NULL, &n, &alignment);
	ranges = base_calloc(n + 1, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	total = n;
	ioas_iova_ranges(ioas, ranges, &total, &alignment);
	n = total < n ? total : n;
	info->flags = UIOMMU_VFIO_IOMMU_INFO_FLAG_PGSIZES | UIOMMU_VFIO_IOMMU_INFO_FLAG_CAPS;
	info->iova_pgsizes = compat_page_sizes(ioas);
	info->argsz = (uint32_t)(INFO_SIZE + DMA_AVAIL_SIZE + ranges_cap_size(n));
	info->cap_offset = argsz >= info->argsz ? (uint32_t)INFO_SIZE : 0;
	info->pad = 0;
	err = cap_dma_avail(caller, arg, argsz);
	if (!err)
		err = cap_iova_range(caller, arg, argsz, ranges, n);
	base_free(ranges);
	return err ? refuse(EFAULT, "the argument is writable", "at %#lx", arg) : 0;
}

static long get_info(struct ctx *ctx, const struct abi_caller *caller, uintptr_t arg)
{
	const struct abi_struct st = { .size = INFO_SIZE, .min = UIOMMU_VFIO_IOMMU_GET_INFO_MIN };
	struct uiommu_vfio_iommu_type1_info info;
	struct ioas *ioas;
	uint32_t argsz;
	int err;

	why_asked("VFIO_IOMMU_GET_INFO");
	err = abi_copy_in_argsz(caller, arg, &st, &info, &argsz);
	if (err)
		return err;
	ioas = compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	err = info_fill(ioas, caller, arg, &info);
	obj_put(&ioas->obj);
	return err ? err : abi_copy_out(caller, arg, &st, &info, argsz);
}

static long map_dma(struct ctx *ctx, const struct abi_caller *caller, uintptr_t arg)
{
	const uint32_t known = UIOMMU_VFIO_DMA_MAP_FLAG_READ | UIOMMU_VFIO_DMA_MAP_FLAG_WRITE;
	struct uiommu_vfio_iommu_type1_dma_map cmd;
	const struct abi_struct st = { .size = sizeof(cmd), .min = UIOMMU_VFIO_IOMMU_MAP_DMA_MIN };
	struct compat_map map;
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	why_asked("VFIO_IOMMU_MAP_DMA vaddr %#lx iova %#lx size %#lx flags %#x", cmd.vaddr,
		cmd.iova, cmd.size, cmd.flags);
	if (cmd.flags & ~known)
		return refuse(EINVAL, "flags are READ and WRITE", "flags %#x", cmd.flags);
	map = (struct compat_map){
		.vaddr = cmd.vaddr,
		.iova = cmd.iova,
		.size = cmd.size,
		.read = cmd.flags & UIOMMU_VFIO_DMA_MAP_FLAG_READ,
		.write = cmd.flags & UIOMMU_VFIO_DMA_MAP_FLAG_WRITE,
	};
	return compat_map(ctx, &map);
}

static long unmap_dma(struct ctx *ctx, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_iommu_type1_dma_unmap cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_IOMMU_UNMAP_DMA_MIN };
	uint64_t size;
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	why_asked("VFIO_IOMMU_UNMAP_DMA iova %#lx size %#lx flags %#x", cmd.iova, cmd.size,
		cmd.flags);
	if (cmd.flags & ~UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL)
		return refuse(EINVAL, "the only flag is ALL", "flags %#x", cmd.flags);
	size = cmd.size;
	err = compat_unmap(ctx, cmd.iova, &size, cmd.flags & UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL);
	/* What was checked before anything was unmapped leaves the structure alone. */
	if (err == -EINVAL || err == -ENODEV)
		return err;
	cmd.size = size;
	if (caller->copy_out(caller, arg, &cmd, sizeof(cmd)))
		return refuse(EFAULT, "the argument is writable", "at %#lx", arg);
	return err;
}

long abi_type1_ioctl(
	struct ctx *ctx, const struct abi_caller *caller, unsigned long req, uintptr_t arg)
{
	switch (req) {
	case UIOMMU_VFIO_GET_API_VERSION:
		return UIOMMU_VFIO_API_VERSION;
	case UIOMMU_VFIO_CHECK_EXTENSION:
		why_asked("VFIO_CHECK_EXTENSION %lu", (unsigned long)arg);
		return compat_check_extension(ctx, arg);
	case UIOMMU_VFIO_SET_IOMMU:
		why_asked("VFIO_SET_IOMMU %lu", (unsigned long)arg);
		return compat_set_iommu(ctx, arg);
	case UIOMMU_VFIO_IOMMU_GET_INFO:
		return get_info(ctx, caller, arg);
	case UIOMMU_VFIO_IOMMU_MAP_DMA:
		return map_dma(ctx, caller, arg);
	case UIOMMU_VFIO_IOMMU_UNMAP_DMA:
		return unmap_dma(ctx, caller, arg);
	default:
		return refuse(ENOTTY, "the request is one that is known", "request %#lx", req);
	}
}
