/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of /dev/iommu, in the order of the ABI (Linux 7.3 iommufd): number, size word, whole
 * code, minimum, unknown tail, body; then the handler on a private copy; then the copy back.
 */
#include "abi/context.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include <uiommu/abi/iommufd.h>

#include "abi/copy.h"
#include "abi/table.h"
#include "base/mem.h"
#include "base/refuse.h"

struct context_file {
	struct abi_file file;
	struct ctx *ctx;
};

struct ctx *abi_context(struct abi_file *file)
{
	return ((struct context_file *)file)->ctx;
}

static bool writes_back(const struct abi_req *req, const void *body, int err)
{
	switch (req->writes_back) {
	case ABI_WB_NEVER:
		return false;
	case ABI_WB_SUCCESS:
	case ABI_WB_SUCCESS_VAL64:
		return !err;
	case ABI_WB_SUCCESS_GET:
		return !err &&
		       ((const struct uiommu_abi_vfio_ioas *)body)->op == UIOMMU_ABI_VFIO_IOAS_GET;
	case ABI_WB_EMSGSIZE:
		return !err || err == -EMSGSIZE;
	case ABI_WB_ALWAYS:
		return true;
	}
	return false;
}

static int write_back(const struct abi_req *req, const struct abi_caller *caller, uintptr_t arg,
	const void *body, uint32_t user_size)
{
	const struct abi_struct st = { .size = req->size, .min = req->min };
	size_t val = offsetof(struct uiommu_abi_option, val64);

	if (req->writes_back != ABI_WB_SUCCESS_VAL64)
		return abi_copy_out(caller, arg, &st, body, user_size);
	if (caller->copy_out(caller, arg + val, (const char *)body + val, sizeof(uint64_t)))
		return refuse(EFAULT, "the argument is writable", "at %#lx", arg);
	return 0;
}

static long iommufd_ioctl(
	struct ctx *ctx, const struct abi_caller *caller, unsigned long code, uintptr_t arg)
{
	const struct abi_req *req = abi_iommufd_req(code & 0xff);
	abi_iommufd_fn *handler = req ? abi_iommufd_handler(code & 0xff) : NULL;
	struct abi_struct st;
	uint64_t body[ABI_IOMMUFD_SIZE_MAX / 8];
	uint32_t user_size;
	int err;

	if (caller->copy_in(caller, &user_size, arg, sizeof(user_size)))
		return refuse(EFAULT, "the argument is readable", "at %#lx", arg);
	if (!req || req->code != code || !handler)
		return refuse(ENOTTY, "the request is one that is known", "request %#lx", code);
	why_asked("%s", req->name);
	st = (struct abi_struct){ .size = req->size, .min = req->min };
	err = abi_copy_in(caller, arg, &st, body, &user_size);
	if (err)
		return err;
	err = handler(ctx, caller, body);
	if (writes_back(req, body, err)) {
		int fault = write_back(req, caller, arg, body, user_size);

		if (!err)
			err = fault;
	}
	return err;
}

static long context_ioctl(
	struct abi_file *file, const struct abi_caller *caller, unsigned long code, uintptr_t arg)
{
	struct ctx *ctx = abi_context(file);
	unsigned int nr = code & 0xff;

	if (nr < ABI_IOMMUFD_NR_FIRST || nr > ABI_IOMMUFD_NR_LAST)
		return abi_type1_ioctl(ctx, caller, code, arg);
	return iommufd_ioctl(ctx, caller, code, arg);
}

static ssize_t context_read(struct abi_file *file, void *buf, size_t len, uint64_t off)
{
	return -EINVAL;
}

static ssize_t context_write(struct abi_file *file, const void *buf, size_t len, uint64_t off)
{
	return -EINVAL;
}

static int context_mmap(struct abi_file *file, uint64_t off, uint64_t len, int prot, int flags,
	struct abi_mmap *out)
{
	int type = flags & MAP_TYPE;

	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return refuse(EINVAL, "a context's regions are mapped shared", NULL);
	if (prot & PROT_EXEC)
		return refuse(EPERM, "a context's regions aren't executable", NULL);
	return refuse(ENXIO, "the offset is that of a region of the context", "offset %#lx", off);
}

static void context_release(struct abi_file *file)
{
	ctx_put(abi_context(file));
	base_free(file);
}

static const struct abi_file_ops context_ops = {
	.ioctl = context_ioctl,
	.read = context_read,
	.write = context_write,
	.mmap = context_mmap,
	.release = context_release,
};

int abi_context_open(struct core *core, bool container, struct abi_file **out)
{
	struct context_file *cf = base_zalloc(sizeof(*cf));
	int err;

	if (!cf)
		return -ENOMEM;
	cf->file.ops = &context_ops;
	cf->file.kind = ABI_FILE_CONTEXT;
	atomic_init(&cf->file.refs, 1);
	err = ctx_new(core, container ? RLIMIT_MODE_PROCESS : RLIMIT_MODE_USER, &cf->ctx);
	if (err) {
		base_free(cf);
		return err;
	}
	cf->ctx->container = container;
	*out = &cf->file;
	return 0;
}
