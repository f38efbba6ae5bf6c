/* SPDX-License-Identifier: MIT */
/*
 * The engine's own calls.
 *
 * The engine is linked into this library, and the names that it calls are those that the library
 * exports: it would come back here, with locks held. The linker's --wrap makes its calls, and those
 * of ours that aren't made through real(), end here instead (meson.build has the list).
 */
#include "front/preload/real.h"

#include <liburing.h>

#include "base/fd.h"
#include "front/preload/fdtable.h"

#define WRAP(type, name, params, args)                                                             \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		return real()->name args;                                                          \
	}

/* With 64-bit sizes and offsets the two names are one function. */
#define WRAP2(type, name, alias, params, args)                                                     \
	WRAP(type, name, params, args)                                                             \
	type __wrap_##alias params;                                                                \
	type __wrap_##alias params                                                                 \
	{                                                                                          \
		return real()->name args;                                                          \
	}

WRAP2(void *, mmap, mmap64, (void *addr, size_t len, int prot, int flags, int fd, off_t off),
	(addr, len, prot, flags, fd, off))
WRAP(int, munmap, (void *addr, size_t len), (addr, len))
WRAP(int, madvise, (void *addr, size_t len, int advice), (addr, len, advice))
WRAP(int, mprotect, (void *addr, size_t len, int prot), (addr, len, prot))
WRAP(void *, mremap, (void *addr, size_t from, size_t to, int flags, void *at),
	(addr, from, to, flags, flags &MREMAP_FIXED ? at : NULL))
WRAP2(int, open, open64, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP2(int, openat, openat64, (int dir, const char *path, int flags, mode_t mode),
	(dir, path, flags, mode))
WRAP(int, close, (int fd), (fd))
WRAP(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP(ssize_t, write, (int fd, const void *buf, size_t len), (fd, buf, len))
WRAP2(ssize_t, pread, pread64, (int fd, void *buf, size_t len, off_t off), (fd, buf, len, off))
WRAP2(ssize_t, pwrite, pwrite64, (int fd, const void *buf, size_t len, off_t off),
	(fd, buf, len, off))
WRAP(ssize_t, readv, (int fd, const struct iovec *iov, int n), (fd, iov, n))
WRAP(ssize_t, writev, (int fd, const struct iovec *iov, int n), (fd, iov, n))
WRAP2(ssize_t, preadv, preadv64, (int fd, const struct iovec *iov, int n, off_t off),
	(fd, iov, n, off))
WRAP2(ssize_t, pwritev, pwritev64, (int fd, const struct iovec *iov, int n, off_t off),
	(fd, iov, n, off))
WRAP(int, ioctl, (int fd, unsigned long req, unsigned long arg), (fd, req, arg))
WRAP2(int, fcntl, fcntl64, (int fd, int cmd, unsigned long arg), (fd, cmd, arg))
WRAP(int, dup, (int fd), (fd))
WRAP2(int, fstat, fstat64, (int fd, struct stat *st), (fd, st))
WRAP2(int, fstatat, fstatat64, (int dir, const char *path, struct stat *st, int flags),
	(dir, path, st, flags))
WRAP2(FILE *, fopen, fopen64, (const char *path, const char *mode), (path, mode))
WRAP(int, fclose, (FILE * file), (file))
WRAP(char *, realpath, (const char *path, char *out), (path, out))
WRAP(char *, getcwd, (char *buf, size_t len), (buf, len))
WRAP(DIR *, opendir, (const char *path), (path))
WRAP(DIR *, fdopendir, (int fd), (fd))
WRAP(int, closedir, (DIR * dir), (dir))
WRAP(int, sigaction, (int sig, const struct sigaction *act, struct sigaction *old), (sig, act, old))
WRAP(int, pthread_sigmask, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
WRAP(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old), (how, set, old))
WRAP(int, ppoll,
	(struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *set),
	(fds, n, timeout, set))

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	return real()->faccessat(AT_FDCWD, path, mode, 0);
}

ssize_t __wrap_readlink(const char *path, char *buf, size_t len);
ssize_t __wrap_readlink(const char *path, char *buf, size_t len)
{
	return real()->readlinkat(AT_FDCWD, path, buf, len);
}

int __wrap_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st)
{
	return real()->fstatat(AT_FDCWD, path, st, 0);
}

int __wrap_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st)
{
	return real()->fstatat(AT_FDCWD, path, st, 0);
}

long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	return real()->syscall(n, a, b, c, d, e, f);
}

/* --- Descriptors that a library makes for the engine ------------------------------------------ */

/* The ring's descriptor is as much the engine's as those that it takes over itself (base/fd.h). */
int __real_io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags);
int __wrap_io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags);
int __wrap_io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags)
{
	int err = __real_io_uring_queue_init(entries, ring, flags);

	if (!err) {
		ring->ring_fd = base_fd_own(ring->ring_fd);
		ring->enter_ring_fd = ring->ring_fd;
	}
	return err;
}

void __real_io_uring_queue_exit(struct io_uring *ring);
void __wrap_io_uring_queue_exit(struct io_uring *ring);
void __wrap_io_uring_queue_exit(struct io_uring *ring)
{
	fdtable_disown(ring->ring_fd);
	__real_io_uring_queue_exit(ring);
}
