/* SPDX-License-Identifier: MIT */
#include "vfio/compat.h"

#include <errno.h>

#include <uiommu/abi/vfio.h>

#include "base/range.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/hwpt.h"
#include "core/ioas.h"

struct ioas *compat_get(struct ctx *ctx)
{
	struct ioas *ioas;

	pthread_mutex_lock(&ctx->lock);
	ioas = ctx->compat;
	if (ioas)
		ioas->obj.users++;
	pthread_mutex_unlock(&ctx->lock);
	if (!ioas)
		refuse(ENODEV, "a container has an address space once a group is in it", NULL);
	return ioas;
}

int compat_ensure(struct ctx *ctx)
{
	struct ioas *ioas;
	int err;

	pthread_mutex_lock(&ctx->lock);
	ioas = ctx->compat;
	pthread_mutex_unlock(&ctx->lock);
	if (ioas)
		return 0;
	err = ioas_new(ctx, &ioas);
	if (err)
		return err;
	pthread_mutex_lock(&ctx->lock);
	if (!ctx->compat)
		ctx->compat = ioas;
	else
		ioas->obj.transient = true; /* another group was first: this one goes now */
	pthread_mutex_unlock(&ctx->lock);
	obj_put(&ioas->obj);
	return 0;
}

int compat_set(struct ctx *ctx, uint32_t ioas_id)
{
	struct ioas *ioas = ioas_get(ctx, ioas_id);

	if (!ioas)
		return -ENOENT;
	pthread_mutex_lock(&ctx->lock);
	ctx->compat = ioas;
	pthread_mutex_unlock(&ctx->lock);
	obj_put(&ioas->obj);
	return 0;
}

void compat_clear(struct ctx *ctx)
{
	pthread_mutex_lock(&ctx->lock);
	ctx->compat = NULL;
	pthread_mutex_unlock(&ctx->lock);
}

int compat_check_extension(struct ctx *ctx, unsigned long extension)
{
	struct ioas *ioas;

	switch (extension) {
	case UIOMMU_VFIO_TYPE1:
	case UIOMMU_VFIO_TYPE1V2:
	case UIOMMU_VFIO_UNMAP_ALL:
		return 1;
	case UIOMMU_VFIO_DMA_CC:
		ioas = compat_get(ctx);
		if (!ioas)
			return -ENODEV;
		obj_put(&ioas->obj);
		return 1; /* software's DMA is always coherent */
	default:
		return 0;
	}
}

int compat_set_iommu(struct ctx *ctx, unsigned long type)
{
	struct ioas *ioas;
	int err = 0;

	if (type != UIOMMU_VFIO_TYPE1 && type != UIOMMU_VFIO_TYPE1V2)
		return refuse(
			EINVAL, "a container's IOMMU is of type 1 or type 1 v2", "type %lu", type);
	ioas = compat_get(ctx);
	if (!ioas)
		return -ENODEV;
	/* Version 1 may unmap parts: areas are split then, which large entries don't allow. */
	if (type == UIOMMU_VFIO_TYPE1)
		err = ioas_set_huge_pages(ioas, false);
	obj_put(&ioas->obj);
	return err;
}

int compat_map(struct ctx *ctx, const struct compat_map *map)
{
	struct ioas_map m = {
		.flags = IOAS_FIXED_IOVA | (map->read ? IOAS_READABLE : 0) |
			 (map->write ? IOAS_WRITEABLE : 0),
		.user_va = map->vaddr,
		.len = map->size,
		.iova = map->iova,
	};
	struct ioas *ioas = compat_get(ctx);
	int err;

	if (!ioas)
		return -ENODEV;
	err = ioas_map(ioas, &m);
	obj_put(&ioas->obj);
	return err;
}

static int split_edges(struct ioas *ioas, uint64_t iova, uint64_t size)
{
	uint64_t end;
	int err;

	if (ioas_huge_pages(ioas))
		return 0;
	err = ioas_split(ioas, iova);
	if (!err && !__builtin_add_overflow(iova, size, &end))
		err = ioas_split(ioas, end);
	return err;
}

int compat_unmap(struct ctx *ctx, uint64_t iova, uint64_t *size, bool all)
{
	struct ioas *ioas = compat_get(ctx);
	uint64_t len = *size, last;
	int err = 0;

	if (!ioas)
		return -ENODEV;
	*size = 0;
	if (all && (iova || len)) {
		err = refuse(
			EINVAL, "unmapping all takes no range", "iova %#lx, %#lx bytes", iova, len);
	} else if (all) {
		ioas_unmap_all(ioas, size);
	} else {
		if (range_last(iova, len, &last))
			err = split_edges(ioas, iova, len);
		if (!err)
			err = ioas_unmap(ioas, iova, len, size);
		/* Nothing there is no error here. */
		if (err == -ENOENT && !*size && !ioas_any(ioas, iova, len)) {
			why_forget();
			err = 0;
		}
	}
	obj_put(&ioas->obj);
	return err;
}

uint64_t compat_page_sizes(struct ioas *ioas)
{
	uint64_t sizes = UINT64_MAX, alignment;

	pthread_mutex_lock(&ioas->lock);
	for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
		sizes &= hwpt->dom.pt.ops->pgsizes;
	alignment = ioas->alignment;
	pthread_mutex_unlock(&ioas->lock);
	if (sizes & (CORE_PAGE - 1))
		sizes = (sizes & ~(CORE_PAGE - 1)) | CORE_PAGE;
	return sizes > alignment ? sizes : alignment;
}
