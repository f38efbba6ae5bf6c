/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/files.h"

#include <errno.h>
#include <limits.h>

#include "abi/file.h"
#include "base/refuse.h"
#include "front/preload/bars.h"
#include "front/preload/caller.h"
#include "front/preload/explain.h"
#include "front/preload/fdtable.h"
#include "front/preload/home.h"
#include "front/preload/leaks.h"
#include "mem/guard.h"

#define CHUNK 4096u /* what is copied at once: a config space */

/* The file behind @fd with its desc; @asked is for the explanation. Return: 0, -errno. */
static int file_begin(int fd, struct desc **out)
{
	struct desc *desc = desc_get_kind(fd, DESC_FILE);

	if (!desc)
		return -EBADF;
	if (desc->generation != home_generation()) {
		desc_put(desc);
		return refuse(ENODEV, "its context lives in another process", "descriptor %d", fd);
	}
	*out = desc;
	return 0;
}

/* A directory has a slot, too: its requests are the kernel's. */
static bool is_kernel(int fd)
{
	struct desc *desc = fd_peek(fd);

	return !desc || desc == &fd_protected || desc->kind != DESC_FILE;
}

/* --- ioctl ----------------------------------------------------------------------------------- */

static long refuse_remote(int fd, unsigned long req)
{
	struct explain ex;

	explain_begin(&ex);
	why_asked("request %#lx", req);
	return explain_end(&ex,
		refuse(ENODEV, "its context lives in another process", "descriptor %d", fd), "");
}

long files_ioctl(int fd, unsigned long req, unsigned long arg)
{
	struct explain ex;
	struct desc *desc;
	long ret;
	int err;

	if (is_kernel(fd)) {
		ret = real()->ioctl(fd, req, arg);
		return ret < 0 ? -errno : ret;
	}
	desc = desc_get_kind(fd, DESC_FILE);
	if (!desc)
		return -EBADF;
	if (desc->generation != home_generation()) {
		err = (int)refuse_remote(fd, req);
		desc_put(desc);
		return err;
	}
	leaks_begin();
	ret = abi_ioctl(desc->file, &preload_caller, req, arg, explain_why(&ex));
	leaks_end();
	desc_put(desc);
	return explain_print(&ex, ret, "ioctl");
}

long files_ioctl_stray(int fd, unsigned long req, unsigned long arg)
{
	switch (fd_identify(fd)) {
	case FD_OURS:
		return files_ioctl(fd, req, arg);
	case FD_REMOTE:
		return refuse_remote(fd, req);
	default:
		return -ENOTTY;
	}
}

/* --- read and write -------------------------------------------------------------------------- */

/* One piece of the program's memory, in chunks. *done: stop behind it. */
static ssize_t read_piece(struct abi_file *file, const struct iovec *iov, uint64_t off, bool *done)
{
	uint8_t buf[CHUNK];
	size_t got = 0;

	while (got < iov->iov_len) {
		size_t len = iov->iov_len - got < CHUNK ? iov->iov_len - got : CHUNK;
		ssize_t n = file->ops->read(file, buf, len, off + got);

		if (n > 0 && guard_copy((uint8_t *)iov->iov_base + got, buf, (size_t)n))
			n = -EFAULT;
		if (n < 0)
			return got ? (ssize_t)got : n;
		got += (size_t)n;
		if ((size_t)n < len) {
			*done = true;
			break;
		}
	}
	return (ssize_t)got;
}

static ssize_t write_piece(struct abi_file *file, const struct iovec *iov, uint64_t off, bool *done)
{
	uint8_t buf[CHUNK];
	size_t put = 0;

	while (put < iov->iov_len) {
		size_t len = iov->iov_len - put < CHUNK ? iov->iov_len - put : CHUNK;
		ssize_t n = guard_copy(buf, (const uint8_t *)iov->iov_base + put, len)
				    ? -EFAULT
				    : file->ops->write(file, buf, len, off + put);

		if (n < 0)
			return put ? (ssize_t)put : n;
		put += (size_t)n;
		if ((size_t)n < len) {
			*done = true;
			break;
		}
	}
	return (ssize_t)put;
}

static ssize_t transfer(
	struct abi_file *file, const struct iovec *iov, int n, uint64_t off, bool write)
{
	bool done = false;
	size_t total = 0;

	if (n < 0 || n > IOV_MAX || !(write ? (void *)file->ops->write : (void *)file->ops->read))
		return -EINVAL;
	for (int i = 0; i < n && !done; i++) {
		struct iovec piece;
		ssize_t ret;

		if (guard_copy(&piece, &iov[i], sizeof(piece)))
			return total ? (ssize_t)total : -EFAULT;
		if (piece.iov_len > SSIZE_MAX - total)
			return -EINVAL;
		ret = write ? write_piece(file, &piece, off + total, &done)
			    : read_piece(file, &piece, off + total, &done);
		if (ret < 0)
			return total ? (ssize_t)total : ret;
		total += (size_t)ret;
		done = done || (size_t)ret < piece.iov_len;
	}
	return (ssize_t)total;
}

static ssize_t explained_transfer(int fd, const struct iovec *iov, int n, uint64_t off, bool write)
{
	struct explain ex;
	struct desc *desc;
	ssize_t ret;

	explain_begin(&ex);
	ret = file_begin(fd, &desc);
	if (!ret) {
		leaks_begin();
		ret = transfer(desc->file, iov, n, off, write);
		leaks_end();
		desc_put(desc);
	}
	return explain_end(&ex, ret, write ? "write" : "read");
}

ssize_t files_readv(int fd, const struct iovec *iov, int n, uint64_t off)
{
	ssize_t ret;

	if (!is_kernel(fd))
		return explained_transfer(fd, iov, n, off, false);
	ret = real()->preadv(fd, iov, n, (off_t)off);
	return ret < 0 ? -errno : ret;
}

ssize_t files_writev(int fd, const struct iovec *iov, int n, uint64_t off)
{
	ssize_t ret;

	if (!is_kernel(fd))
		return explained_transfer(fd, iov, n, off, true);
	ret = real()->pwritev(fd, iov, n, (off_t)off);
	return ret < 0 ? -errno : ret;
}

/* --- mmap ------------------------------------------------------------------------------------ */

void *files_mmap(int fd, void *addr, size_t len, int prot, int flags, off_t off)
{
	struct explain ex;
	struct desc *desc;
	void *at = MAP_FAILED;
	int err;

	if (is_kernel(fd))
		return real()->mmap(addr, len, prot, flags, fd, off);
	explain_begin(&ex);
	err = file_begin(fd, &desc);
	if (!err) {
		leaks_begin();
		at = bars_mmap(desc->file, addr, len, prot, flags, off);
		leaks_end();
		err = at == MAP_FAILED ? -errno : 0;
		desc_put(desc);
	}
	explain_end(&ex, err, "mmap");
	if (err)
		errno = -err;
	return at;
}
