/* SPDX-License-Identifier: MIT */
/* Functions that transfer data, and ioctl(). */
#include "front/preload/export.h"

#include <errno.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "front/preload/fdtable.h"
#include "front/preload/files.h"
#include "mem/guard.h"

#define ABI_TYPE ';' /* of iommufd's and VFIO's requests */

/* --- ioctl ----------------------------------------------------------------------------------- */

/* A VMM tells KVM of its VFIO groups, or files (the same number), for what only hardware does; KVM
 * doesn't know ours. */
static bool is_kvm_notice(unsigned long arg)
{
	struct kvm_device_attr attr;
	int32_t fd;

	return !guard_copy(&attr, (const void *)arg, sizeof(attr)) &&
	       attr.group == KVM_DEV_VFIO_GROUP &&
	       !guard_copy(&fd, (const void *)(uintptr_t)attr.addr, sizeof(fd)) && fd_peek(fd);
}

/* A request for one of ours, on what has no slot: it may be a copy that came from elsewhere. */
static __attribute__((noinline)) int ioctl_stray(int fd, unsigned long req, unsigned long arg)
{
	int ret = real()->ioctl(fd, req, arg);

	if (ret < 0 && errno == ENOTTY)
		return (int)real_return(files_ioctl_stray(fd, req, arg));
	return ret;
}

static __attribute__((noinline)) int ioctl_ours(int fd, unsigned long req, unsigned long arg)
{
	return (int)real_return(files_ioctl(fd, req, arg));
}

static __attribute__((noinline)) int ioctl_kvm(int fd, unsigned long req, unsigned long arg)
{
	return is_kvm_notice(arg) ? 0 : real()->ioctl(fd, req, arg);
}

/*
 * Foreign requests leave by a jump, as elsewhere here where nothing remains to be done: behind a
 * system call the processor has forgotten where it will return to, and each return costs 6 ns.
 */
static inline __attribute__((always_inline)) int do_ioctl(
	int fd, unsigned long req, unsigned long arg)
{
	if (__builtin_expect(fd_peek(fd) != NULL, 0))
		return ioctl_ours(fd, req, arg);
	if (__builtin_expect(_IOC_TYPE(req) == ABI_TYPE, 0))
		return ioctl_stray(fd, req, arg);
	if (__builtin_expect(req == KVM_SET_DEVICE_ATTR, 0))
		return ioctl_kvm(fd, req, arg);
	return real()->ioctl(fd, req, arg);
}

int api_ioctl(int fd, unsigned long req, unsigned long arg)
{
	return do_ioctl(fd, req, arg);
}

EXPORT int ioctl(int fd, unsigned long req, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, req);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	return do_ioctl(fd, req, arg);
}

/* --- read and write -------------------------------------------------------------------------- */

static __attribute__((noinline)) ssize_t read_ours(int fd, void *buf, size_t len, off_t off)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };

	return off < 0 ? real_error(-EINVAL) : real_return(files_readv(fd, &iov, 1, (uint64_t)off));
}

static __attribute__((noinline)) ssize_t write_ours(int fd, const void *buf, size_t len, off_t off)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = len };

	return off < 0 ? real_error(-EINVAL)
		       : real_return(files_writev(fd, &iov, 1, (uint64_t)off));
}

/* Whether reads and writes are ours; directories have slots as well, and are the kernel's. */
static inline bool is_ours(int fd)
{
	struct desc *desc = fd_peek(fd);

	return __builtin_expect(desc != NULL, 0) && desc != &fd_protected &&
	       desc->kind == DESC_FILE;
}

EXPORT ssize_t read(int fd, void *buf, size_t len)
{
	return is_ours(fd) ? read_ours(fd, buf, len, 0) : real()->read(fd, buf, len);
}
EXPORT_AS(__read, read);

EXPORT ssize_t write(int fd, const void *buf, size_t len)
{
	return is_ours(fd) ? write_ours(fd, buf, len, 0) : real()->write(fd, buf, len);
}
EXPORT_AS(__write, write);

EXPORT ssize_t pread(int fd, void *buf, size_t len, off_t off)
{
	return is_ours(fd) ? read_ours(fd, buf, len, off) : real()->pread(fd, buf, len, off);
}
EXPORT_AS(pread64, pread);
EXPORT_AS(__pread64, pread);

EXPORT ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return is_ours(fd) ? write_ours(fd, buf, len, off) : real()->pwrite(fd, buf, len, off);
}
EXPORT_AS(pwrite64, pwrite);
EXPORT_AS(__pwrite64, pwrite);

EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	return is_ours(fd) ? real_return(files_readv(fd, iov, n, 0)) : real()->readv(fd, iov, n);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return is_ours(fd) ? real_return(files_writev(fd, iov, n, 0)) : real()->writev(fd, iov, n);
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	if (!is_ours(fd))
		return real()->preadv(fd, iov, n, off);
	return off < 0 ? real_error(-EINVAL) : real_return(files_readv(fd, iov, n, (uint64_t)off));
}
EXPORT_AS(preadv64, preadv);

EXPORT ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	if (!is_ours(fd))
		return real()->pwritev(fd, iov, n, off);
	return off < 0 ? real_error(-EINVAL) : real_return(files_writev(fd, iov, n, (uint64_t)off));
}
EXPORT_AS(pwritev64, pwritev);

/* What fortified programs call. */
ssize_t __read_chk(int fd, void *buf, size_t len, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t len, off_t off, size_t room);

EXPORT ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	if (len > room)
		abort();
	return read(fd, buf, len);
}

EXPORT ssize_t __pread_chk(int fd, void *buf, size_t len, off_t off, size_t room)
{
	if (len > room)
		abort();
	return pread(fd, buf, len, off);
}
EXPORT_AS(__pread64_chk, __pread_chk);
