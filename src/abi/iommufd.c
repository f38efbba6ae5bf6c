/* SPDX-License-Identifier: MIT */
/* Handlers of /dev/iommu: what is checked before the core is called is what concerns the
 * structures. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>

#include "abi/context.h"
#include "abi/table.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/device.h"
#include "core/hw.h"
#include "core/hwpt.h"
#include "core/ioas.h"
#include "core/requester.h"
#include "vfio/compat.h"

#define U64_MAX UINT64_MAX

static int unsupported(const char *what, uint64_t value)
{
	return refuse(EOPNOTSUPP, "flags and values are known ones, reserved words are zero",
		"%s %#lx", what, value);
}

static int destroy(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	const struct uiommu_abi_destroy *cmd = body;

	return obj_destroy_id(ctx, cmd->id);
}

static int ioas_alloc(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_ioas_alloc *cmd = body;
	struct ioas *ioas;
	int err;

	if (cmd->flags)
		return unsupported("flags", cmd->flags);
	err = ioas_new(ctx, &ioas);
	if (err)
		return err;
	cmd->out_ioas_id = ioas->obj.id;
	obj_put(&ioas->obj);
	return 0;
}

static int ranges_out(
	const struct abi_caller *caller, uint64_t to, const struct range *ranges, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct uiommu_abi_iova_range r = { .start = ranges[i].start,
			.last = ranges[i].last };

		if (caller->copy_out(caller, to + i * sizeof(r), &r, sizeof(r)))
			return refuse(EFAULT, "the array is writable", "at %#lx", to);
	}
	return 0;
}

static int ioas_iova_ranges_cmd(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_ioas_iova_ranges *cmd = body;
	uint32_t room = cmd->num_iovas, filled = 0, total;
	struct range *ranges;
	struct ioas *ioas;
	int err;

	if (cmd->reserved)
		return unsupported("reserved", cmd->reserved);
	ioas = ioas_get(ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	ioas_iova_ranges(ioas, NULL, &filled, &cmd->out_iova_alignment);
	ranges = base_calloc(filled + 1, sizeof(*ranges));
	total = filled;
	if (ranges) {
		/* There may be more or less by now: this count is the one that's told. */
		ioas_iova_ranges(ioas, ranges, &total, &cmd->out_iova_alignment);
		cmd->num_iovas = total;
		total = total < filled ? total : filled;
		err = ranges_out(caller, cmd->allowed_iovas, ranges, total < room ? total : room);
		if (!err && cmd->num_iovas > room)
			err = refuse(EMSGSIZE, "the array has room for all ranges", "%u of %u",
				room, cmd->num_iovas);
	} else {
		err = -ENOMEM;
	}
	base_free(ranges);
	obj_put(&ioas->obj);
	return err;
}

static int allowed_in(
	const struct abi_caller *caller, uint64_t from, uint32_t n, struct ranges *out)
{
	for (uint32_t i = 0; i < n; i++) {
		struct uiommu_abi_iova_range r;

		if (caller->copy_in(caller, &r, from + i * sizeof(r), sizeof(r)))
			return refuse(EFAULT, "the array is readable", "at %#lx", from);
		if (ranges_add(out, r.start, r.last, NULL))
			return -ENOMEM;
	}
	return 0;
}

static int ioas_allow_iovas_cmd(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	const struct uiommu_abi_ioas_allow_iovas *cmd = body;
	struct ranges allowed = { 0 };
	struct ioas *ioas;
	int err;

	if (cmd->reserved)
		return unsupported("reserved", cmd->reserved);
	ioas = ioas_get(ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	err = allowed_in(caller, cmd->allowed_iovas, cmd->num_iovas, &allowed);
	if (!err)
		err = ioas_allow_iovas(ioas, &allowed);
	if (err)
		ranges_fini(&allowed);
	obj_put(&ioas->obj);
	return err;
}

#define MAP_FLAGS (UIOMMU_ABI_MAP_FIXED_IOVA | UIOMMU_ABI_MAP_WRITEABLE | UIOMMU_ABI_MAP_READABLE)

_Static_assert(UIOMMU_ABI_MAP_FIXED_IOVA == IOAS_FIXED_IOVA &&
		       UIOMMU_ABI_MAP_WRITEABLE == IOAS_WRITEABLE &&
		       UIOMMU_ABI_MAP_READABLE == IOAS_READABLE,
	"the core's flags are the ABI's");

static int permission_check(uint32_t flags)
{
	if (!(flags & (UIOMMU_ABI_MAP_WRITEABLE | UIOMMU_ABI_MAP_READABLE)))
		return refuse(
			EINVAL, "a mapping is readable, writeable or both", "flags %#x", flags);
	return 0;
}

static int ioas_map_cmd(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_ioas_map *cmd = body;
	struct ioas_map map = {
		.flags = cmd->flags,
		.user_va = cmd->user_va,
		.len = cmd->length,
		.iova = cmd->iova,
	};
	struct ioas *ioas;
	int err;

	if (cmd->flags & ~MAP_FLAGS || cmd->reserved)
		return unsupported("flags", cmd->flags);
	if (cmd->iova == U64_MAX || cmd->length == U64_MAX)
		return refuse(EOVERFLOW, "IOVA and length are below 2^64 - 1", NULL);
	err = permission_check(cmd->flags);
	if (err)
		return err;
	ioas = ioas_get(ctx, cmd->ioas_id);
	if (!ioas)
		return -ENOENT;
	err = ioas_map(ioas, &map);
	cmd->iova = map.iova;
	obj_put(&ioas->obj);
	return err;
}

static int ioas_copy_cmd(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_ioas_copy *cmd = body;
	struct ioas_copy copy = {
		.flags = cmd->flags,
		.dst_iova = cmd->dst_iova,
		.src_iova = cmd->src_iova,
		.len = cmd->length,
	};
	struct ioas *src, *dst;
	int err;

	if (cmd->flags & ~MAP_FLAGS)
		return unsupported("flags", cmd->flags);
	if (cmd->length == U64_MAX || cmd->src_iova == U64_MAX || cmd->dst_iova == U64_MAX)
		return refuse(EOVERFLOW, "IOVAs and length are below 2^64 - 1", NULL);
	err = permission_check(cmd->flags);
	if (err)
		return err;
	src = ioas_get(ctx, cmd->src_ioas_id);
	if (!src)
		return -ENOENT;
	/* The destination's id is looked at after the source: ioas_copy() refuses a missing one. */
	dst = ioas_of(obj_get(ctx, cmd->dst_ioas_id, OBJ_BIT(OBJ_IOAS)));
	err = ioas_copy(dst, src, &copy);
	cmd->dst_iova = copy.dst_iova;
	if (dst)
		obj_put(&dst->obj);
	obj_put(&src->obj);
	return err;
}

static int ioas_unmap_cmd(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_ioas_unmap *cmd = body;
	struct ioas *ioas = ioas_get(ctx, cmd->ioas_id);
	uint64_t unmapped = 0;
	int err = 0;

	if (!ioas)
		return -ENOENT;
	if (!cmd->iova && cmd->length == U64_MAX)
		ioas_unmap_all(ioas, &unmapped);
	else if (cmd->iova == U64_MAX || cmd->length == U64_MAX)
		err = refuse(EOVERFLOW, "IOVA and length are below 2^64 - 1", NULL);
	else
		err = ioas_unmap(ioas, cmd->iova, cmd->length, &unmapped);
	cmd->length = unmapped;
	obj_put(&ioas->obj);
	return err;
}

static int option_rlimit_mode(struct ctx *ctx, struct uiommu_abi_option *cmd)
{
	int err = 0;

	if (cmd->object_id)
		return unsupported("object id", cmd->object_id);
	if (cmd->op == UIOMMU_ABI_OPTION_OP_GET) {
		cmd->val64 = ctx->rlimit_mode;
		return 0;
	}
	/* Nothing is really locked here, so that the capability the kernel asks for isn't needed.
	 */
	pthread_mutex_lock(&ctx->lock);
	if (ctx->objs.count)
		err = refuse(EBUSY, "the mode is chosen before the first object", "%zu objects",
			ctx->objs.count);
	else if (cmd->val64 > RLIMIT_MODE_PROCESS)
		err = refuse(EINVAL, "the mode is 0 (user) or 1 (process)", "%lu", cmd->val64);
	else
		ctx->rlimit_mode = (enum rlimit_mode)cmd->val64;
	pthread_mutex_unlock(&ctx->lock);
	return err;
}

static int option_huge_pages(struct ctx *ctx, struct uiommu_abi_option *cmd)
{
	struct ioas *ioas = ioas_get(ctx, cmd->object_id);
	int err = 0;

	if (!ioas)
		return -ENOENT;
	if (cmd->op == UIOMMU_ABI_OPTION_OP_GET)
		cmd->val64 = ioas_huge_pages(ioas);
	else if (cmd->val64 > 1)
		err = refuse(EINVAL, "the option is 0 or 1", "%lu", cmd->val64);
	else
		err = ioas_set_huge_pages(ioas, cmd->val64);
	obj_put(&ioas->obj);
	return err;
}

static int option(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_option *cmd = body;

	if (cmd->reserved || cmd->op > UIOMMU_ABI_OPTION_OP_GET)
		return unsupported("operation", cmd->op);
	switch (cmd->option_id) {
	case UIOMMU_ABI_OPTION_RLIMIT_MODE:
		return option_rlimit_mode(ctx, cmd);
	case UIOMMU_ABI_OPTION_HUGE_PAGES:
		return option_huge_pages(ctx, cmd);
	default:
		return unsupported("option", cmd->option_id);
	}
}

static int vfio_ioas(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_vfio_ioas *cmd = body;
	struct ioas *ioas;

	if (cmd->reserved)
		return unsupported("reserved", cmd->reserved);
	switch (cmd->op) {
	case UIOMMU_ABI_VFIO_IOAS_GET:
		ioas = compat_get(ctx);
		if (!ioas)
			return -ENODEV;
		cmd->ioas_id = ioas->obj.id;
		obj_put(&ioas->obj);
		return 0;
	case UIOMMU_ABI_VFIO_IOAS_SET:
		return compat_set(ctx, cmd->ioas_id);
	case UIOMMU_ABI_VFIO_IOAS_CLEAR:
		compat_clear(ctx);
		return 0;
	default:
		return unsupported("operation", cmd->op);
	}
}

static int hwpt_alloc_on(struct ctx *ctx, struct uiommu_abi_hwpt_alloc *cmd, struct obj *pt)
{
	struct hwpt *hwpt;
	int err;

	if (pt->ops->type == OBJ_HWPT_PAGING)
		return refuse(EOPNOTSUPP, "the IOMMU nests tables", "id %u is a %s", cmd->pt_id,
			pt->ops->name);
	if (pt->ops->type != OBJ_IOAS)
		return refuse(EINVAL, "a table is made for an IOAS", "id %u is a %s", cmd->pt_id,
			pt->ops->name);
	if (cmd->data_type != UIOMMU_ABI_HWPT_DATA_NONE)
		return unsupported("data type", cmd->data_type);
	err = hwpt_new(ioas_of(pt), cmd->flags, false, &hwpt);
	if (err)
		return err;
	cmd->out_hwpt_id = hwpt->obj.id;
	obj_put(&hwpt->obj);
	return 0;
}

static int hwpt_alloc(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_hwpt_alloc *cmd = body;
	struct obj *dev, *pt;
	int err;

	if (cmd->reserved)
		return unsupported("reserved", cmd->reserved);
	if ((cmd->data_type == UIOMMU_ABI_HWPT_DATA_NONE) != !cmd->data_len)
		return refuse(EINVAL, "a data type comes with data", "type %u, %u bytes",
			cmd->data_type, cmd->data_len);
	dev = obj_get(ctx, cmd->dev_id, OBJ_BIT(OBJ_DEVICE));
	if (!dev)
		return refuse(ENOENT, "an id names a device of this context", "id %u", cmd->dev_id);
	pt = obj_get(ctx, cmd->pt_id, OBJ_ANY);
	if (pt) {
		err = hwpt_alloc_on(ctx, cmd, pt);
		obj_put(pt);
	} else {
		err = refuse(EINVAL, "a table is made for an IOAS", "no object %u", cmd->pt_id);
	}
	obj_put(dev);
	return err;
}

static int zeroes_out(const struct abi_caller *caller, uint64_t to, size_t len)
{
	static const char zeroes[256];

	while (len) {
		size_t n = len < sizeof(zeroes) ? len : sizeof(zeroes);

		if (caller->copy_out(caller, to, zeroes, n))
			return refuse(EFAULT, "the buffer is writable", "at %#lx", to);
		to += n;
		len -= n;
	}
	return 0;
}

static int hw_info_out(const struct abi_caller *caller, struct uiommu_abi_hw_info *cmd,
	const void *data, size_t len)
{
	size_t n = cmd->data_len < len ? cmd->data_len : len;
	int err = 0;

	if (n && caller->copy_out(caller, cmd->data_uptr, data, n))
		return refuse(EFAULT, "the buffer is writable", "at %#lx", cmd->data_uptr);
	if (cmd->data_len > n)
		err = zeroes_out(caller, cmd->data_uptr + n, cmd->data_len - n);
	cmd->data_len = (uint32_t)len;
	return err;
}

static int get_hw_info(struct ctx *ctx, const struct abi_caller *caller, void *body)
{
	struct uiommu_abi_hw_info *cmd = body;
	const struct hw *hw = ctx->core->hw;
	uint32_t wanted = cmd->flags & UIOMMU_ABI_HW_INFO_INPUT_TYPE ? cmd->in_data_type : 0;
	const void *data;
	struct obj *dev;
	uint32_t type;
	size_t len;
	int err;

	if (cmd->flags & ~UIOMMU_ABI_HW_INFO_INPUT_TYPE ||
		(cmd->reserved[0] | cmd->reserved[1] | cmd->reserved[2]))
		return unsupported("flags", cmd->flags);
	dev = obj_get(ctx, cmd->dev_id, OBJ_BIT(OBJ_DEVICE));
	if (!dev)
		return refuse(ENOENT, "an id names a device of this context", "id %u", cmd->dev_id);
	len = hw->ops->info(hw, &type, &data);
	if (wanted && wanted != type) {
		err = unsupported("data type", wanted);
	} else {
		err = hw_info_out(caller, cmd, data, len);
		cmd->out_data_type = type;
		cmd->out_max_pasid_log2 = 0;
		cmd->out_capabilities = hw->ops->capabilities(hw);
	}
	obj_put(dev);
	return err;
}

#define HANDLER(request, fn) [UIOMMU_ABI_##request & 0x1f] = fn

static abi_iommufd_fn *const handlers[32] = {
	HANDLER(DESTROY, destroy),
	HANDLER(IOAS_ALLOC, ioas_alloc),
	HANDLER(IOAS_ALLOW_IOVAS, ioas_allow_iovas_cmd),
	HANDLER(IOAS_COPY, ioas_copy_cmd),
	HANDLER(IOAS_IOVA_RANGES, ioas_iova_ranges_cmd),
	HANDLER(IOAS_MAP, ioas_map_cmd),
	HANDLER(IOAS_UNMAP, ioas_unmap_cmd),
	HANDLER(OPTION, option),
	HANDLER(VFIO_IOAS, vfio_ioas),
	HANDLER(HWPT_ALLOC, hwpt_alloc),
	HANDLER(GET_HW_INFO, get_hw_info),
};

abi_iommufd_fn *abi_iommufd_handler(unsigned int nr)
{
	return nr >= ABI_IOMMUFD_NR_FIRST && nr <= ABI_IOMMUFD_NR_LAST ? handlers[nr & 0x1f] : NULL;
}
