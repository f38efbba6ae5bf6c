/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/caller.h"

#include <errno.h>

#include "front/preload/fdtable.h"
#include "front/preload/home.h"
#include "mem/guard.h"

static int copy_in(const struct abi_caller *caller, void *to, uintptr_t from, size_t len)
{
	return guard_copy(to, (const void *)from, len);
}

static int copy_out(const struct abi_caller *caller, uintptr_t to, const void *from, size_t len)
{
	return guard_copy((void *)to, from, len);
}

static struct abi_file *file_get(const struct abi_caller *caller, int fd, bool *open)
{
	struct desc *desc = desc_get_kind(fd, DESC_FILE);
	struct abi_file *file = NULL;

	if (!desc && fd_identify(fd) == FD_OURS)
		desc = desc_get_kind(fd, DESC_FILE);
	if (desc && desc->generation == home_generation()) {
		file = desc->file;
		abi_file_get(file);
	}
	*open = file || real()->fcntl(fd, F_GETFD) >= 0;
	if (desc)
		desc_put(desc);
	return file;
}

static int file_install(const struct abi_caller *caller, struct abi_file *file)
{
	return fd_install_file(file, 0, O_CLOEXEC);
}

static int fd_borrow(const struct abi_caller *caller, int fd)
{
	struct desc *desc = fd_peek(fd);

	/* Neither the engine's own nor what only stands for a file of ours. */
	if ((desc && (desc == &fd_protected || desc->kind == DESC_FILE)) ||
		real()->fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	return fd;
}

const struct abi_caller preload_caller = {
	.copy_in = copy_in,
	.copy_out = copy_out,
	.file_get = file_get,
	.file_install = file_install,
	.fd_borrow = fd_borrow,
};
