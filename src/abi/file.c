/* SPDX-License-Identifier: MIT */
#include "abi/file.h"

#include <errno.h>

#include "base/refuse.h"
#include "mem/guard.h"

void abi_file_put(struct abi_file *file)
{
	if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1)
		file->ops->release(file);
}

long abi_ioctl(struct abi_file *file, const struct abi_caller *caller, unsigned long req,
	uintptr_t arg, struct uiommu_why *why)
{
	struct uiommu_why *outer = why_begin(why);
	long ret = file->ops->ioctl(file, caller, (uint32_t)req, arg);

	why_asked("request %#lx", req);
	/* Refusals that say no more than their errno. */
	if (ret < 0)
		refuse((int)-ret, "", NULL);
	why_end(outer);
	return ret;
}

static int self_in(const struct abi_caller *caller, void *to, uintptr_t from, size_t len)
{
	return guard_copy(to, (const void *)from, len);
}

static int self_out(const struct abi_caller *caller, uintptr_t to, const void *from, size_t len)
{
	return guard_copy((void *)to, from, len);
}

static struct abi_file *no_file(const struct abi_caller *caller, int fd, bool *open)
{
	*open = false;
	return NULL;
}

static int no_install(const struct abi_caller *caller, struct abi_file *file)
{
	return -EMFILE;
}

static int same_fd(const struct abi_caller *caller, int fd)
{
	return fd < 0 ? -EBADF : fd;
}

const struct abi_caller abi_self = {
	.copy_in = self_in,
	.copy_out = self_out,
	.file_get = no_file,
	.file_install = no_install,
	.fd_borrow = same_fd,
};
