/* SPDX-License-Identifier: MIT */
/* Requests on a context: each call fills a structure, asks, and takes the results out. */
#include <errno.h>

#include <uiommu/abi/iommufd.h>

#include "api/object.h"
#include "base/mem.h"

_Static_assert(UIOMMU_MAP_FIXED == UIOMMU_ABI_MAP_FIXED_IOVA &&
		       UIOMMU_MAP_WRITE == UIOMMU_ABI_MAP_WRITEABLE &&
		       UIOMMU_MAP_READ == UIOMMU_ABI_MAP_READABLE,
	"the API's flags are the ABI's");
_Static_assert(sizeof(struct uiommu_iova_range) == sizeof(struct uiommu_abi_iova_range) &&
		       offsetof(struct uiommu_iova_range, last) ==
			       offsetof(struct uiommu_abi_iova_range, last),
	"an array of ranges is passed on as it is");
_Static_assert((int)UIOMMU_OPTION_RLIMIT_MODE == (int)UIOMMU_ABI_OPTION_RLIMIT_MODE &&
		       (int)UIOMMU_OPTION_HUGE_PAGES == (int)UIOMMU_ABI_OPTION_HUGE_PAGES,
	"the API's options are the ABI's");

/* --- Handles -------------------------------------------------------------------------------------
 */

/* Takes the handle over, and closes it on failure. */
static int context_new(struct uiommu_system *sys, int handle, struct uiommu **out)
{
	struct uiommu *ctx = base_zalloc(sizeof(*ctx));

	if (!ctx) {
		sys->provider->ops->close(sys->provider, handle);
		return -ENOMEM;
	}
	system_get(sys);
	ctx->sys = sys;
	ctx->handle = handle;
	*out = ctx;
	return 0;
}

int uiommu_open(struct uiommu_system *sys, struct uiommu **out)
{
	int handle = sys->provider->ops->open_context(sys->provider, NULL);

	return handle < 0 ? handle : context_new(sys, handle, out);
}

int uiommu_dup(struct uiommu *ctx, struct uiommu **out)
{
	int handle = ctx->sys->provider->ops->dup(ctx->sys->provider, ctx->handle);

	return handle < 0 ? handle : context_new(ctx->sys, handle, out);
}

void uiommu_close(struct uiommu *ctx)
{
	if (!ctx)
		return;
	ctx->sys->provider->ops->close(ctx->sys->provider, ctx->handle);
	system_put(ctx->sys);
	base_free(ctx);
}

const struct uiommu_why *uiommu_why(const struct uiommu *ctx)
{
	return &ctx->why;
}

long uiommu_ioctl(struct uiommu *ctx, unsigned long req, void *arg)
{
	struct provider *p = ctx->sys->provider;

	return p->ops->ioctl(p, ctx->handle, req, (uintptr_t)arg, &ctx->why);
}

static int ask(struct uiommu *ctx, unsigned long req, void *arg)
{
	return (int)uiommu_ioctl(ctx, req, arg);
}

int uiommu_destroy(struct uiommu *ctx, uint32_t id)
{
	struct uiommu_abi_destroy cmd = { .size = sizeof(cmd), .id = id };

	return ask(ctx, UIOMMU_ABI_DESTROY, &cmd);
}

/* --- Address spaces ------------------------------------------------------------------------------
 */

int uiommu_ioas_alloc(struct uiommu *ctx, uint32_t *ioas_id)
{
	struct uiommu_abi_ioas_alloc cmd = { .size = sizeof(cmd) };
	int ret = ask(ctx, UIOMMU_ABI_IOAS_ALLOC, &cmd);

	if (!ret)
		*ioas_id = cmd.out_ioas_id;
	return ret;
}

int uiommu_ioas_ranges(struct uiommu *ctx, uint32_t ioas_id, struct uiommu_iova_range *ranges,
	uint32_t *n, uint64_t *alignment)
{
	struct uiommu_abi_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.num_iovas = *n,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int ret = ask(ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd);

	if (ret && ret != -EMSGSIZE)
		return ret;
	*n = cmd.num_iovas;
	if (alignment)
		*alignment = cmd.out_iova_alignment;
	return ret;
}

int uiommu_ioas_allow(
	struct uiommu *ctx, uint32_t ioas_id, const struct uiommu_iova_range *ranges, uint32_t n)
{
	struct uiommu_abi_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.num_iovas = n,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return ask(ctx, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &cmd);
}

int uiommu_ioas_map(struct uiommu *ctx, uint32_t ioas_id, void *mem, uint64_t len, uint32_t flags,
	uint64_t *iova)
{
	struct uiommu_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)mem,
		.length = len,
		.iova = flags & UIOMMU_MAP_FIXED ? *iova : 0,
	};
	int ret = ask(ctx, UIOMMU_ABI_IOAS_MAP, &cmd);

	if (!ret)
		*iova = cmd.iova;
	return ret;
}

int uiommu_ioas_unmap(
	struct uiommu *ctx, uint32_t ioas_id, uint64_t iova, uint64_t len, uint64_t *unmapped)
{
	struct uiommu_abi_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.iova = iova,
		.length = len,
	};
	int ret = ask(ctx, UIOMMU_ABI_IOAS_UNMAP, &cmd);

	if (!ret && unmapped)
		*unmapped = cmd.length;
	return ret;
}

int uiommu_ioas_unmap_all(struct uiommu *ctx, uint32_t ioas_id, uint64_t *unmapped)
{
	return uiommu_ioas_unmap(ctx, ioas_id, 0, UINT64_MAX, unmapped);
}

int uiommu_ioas_copy(struct uiommu *ctx, uint32_t dst, uint64_t *dst_iova, uint32_t src,
	uint64_t src_iova, uint64_t len, uint32_t flags)
{
	struct uiommu_abi_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = len,
		.dst_iova = flags & UIOMMU_MAP_FIXED ? *dst_iova : 0,
		.src_iova = src_iova,
	};
	int ret = ask(ctx, UIOMMU_ABI_IOAS_COPY, &cmd);

	if (!ret)
		*dst_iova = cmd.dst_iova;
	return ret;
}

int uiommu_option_get(
	struct uiommu *ctx, enum uiommu_option_name option, uint32_t id, uint64_t *value)
{
	struct uiommu_abi_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = UIOMMU_ABI_OPTION_OP_GET,
		.object_id = id,
	};
	int ret = ask(ctx, UIOMMU_ABI_OPTION, &cmd);

	if (!ret)
		*value = cmd.val64;
	return ret;
}

int uiommu_option_set(
	struct uiommu *ctx, enum uiommu_option_name option, uint32_t id, uint64_t value)
{
	struct uiommu_abi_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = UIOMMU_ABI_OPTION_OP_SET,
		.object_id = id,
		.val64 = value,
	};

	return ask(ctx, UIOMMU_ABI_OPTION, &cmd);
}

/* --- Page tables ---------------------------------------------------------------------------------
 */

int uiommu_hwpt_alloc(
	struct uiommu *ctx, uint32_t dev_id, uint32_t pt_id, uint32_t flags, uint32_t *hwpt_id)
{
	struct uiommu_abi_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = dev_id,
		.pt_id = pt_id,
	};
	int ret = ask(ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd);

	if (!ret)
		*hwpt_id = cmd.out_hwpt_id;
	return ret;
}

int uiommu_hw_info_get(
	struct uiommu *ctx, uint32_t dev_id, void *data, uint32_t len, struct uiommu_hw_info *info)
{
	struct uiommu_abi_hw_info cmd = {
		.size = sizeof(cmd),
		.dev_id = dev_id,
		.data_len = len,
		.data_uptr = (uintptr_t)data,
	};
	int ret = ask(ctx, UIOMMU_ABI_GET_HW_INFO, &cmd);

	if (!ret)
		*info = (struct uiommu_hw_info){
			.type = cmd.out_data_type,
			.len = cmd.data_len,
			.pasid_lg2 = cmd.out_max_pasid_log2,
			.capabilities = cmd.out_capabilities,
		};
	return ret;
}

/* --- The address space of VFIO's container requests ----------------------------------------------
 */

int uiommu_vfio_ioas_get(struct uiommu *ctx, uint32_t *ioas_id)
{
	struct uiommu_abi_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.op = UIOMMU_ABI_VFIO_IOAS_GET,
	};
	int ret = ask(ctx, UIOMMU_ABI_VFIO_IOAS, &cmd);

	if (!ret)
		*ioas_id = cmd.ioas_id;
	return ret;
}

int uiommu_vfio_ioas_set(struct uiommu *ctx, uint32_t ioas_id)
{
	struct uiommu_abi_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.op = UIOMMU_ABI_VFIO_IOAS_SET,
	};

	return ask(ctx, UIOMMU_ABI_VFIO_IOAS, &cmd);
}

int uiommu_vfio_ioas_clear(struct uiommu *ctx)
{
	struct uiommu_abi_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.op = UIOMMU_ABI_VFIO_IOAS_CLEAR,
	};

	return ask(ctx, UIOMMU_ABI_VFIO_IOAS, &cmd);
}
