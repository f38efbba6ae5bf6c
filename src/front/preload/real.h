/* SPDX-License-Identifier: MIT */
/*
 * The functions that the program would have called without us: the next definition of each name.
 *
 * They are looked up once, on the first call of any of them, whoever makes it: constructors of
 * other libraries run before ours. The lookup may itself allocate, and so come back here through
 * an allocator of the program's: what allocators call stands first, and is used as far as it is
 * there.
 *
 * Every file here that defines an interposed function includes this header first: it takes back
 * what would make the C library's headers rename such functions.
 */
#ifndef UIOMMU_FRONT_PRELOAD_REAL_H
#define UIOMMU_FRONT_PRELOAD_REAL_H

#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* F(return type, name, (parameters)); names that the C library may lack are marked by their users.
 */
#define REAL_FUNCTIONS(F)                                                                          \
	F(void *, mmap, (void *, size_t, int, int, int, off_t))                                    \
	F(int, munmap, (void *, size_t))                                                           \
	F(int, madvise, (void *, size_t, int))                                                     \
	F(int, mprotect, (void *, size_t, int))                                                    \
	F(void *, mremap, (void *, size_t, size_t, int, ...))                                      \
	F(int, open, (const char *, int, ...))                                                     \
	F(int, close, (int))                                                                       \
	F(ssize_t, read, (int, void *, size_t))                                                    \
	F(ssize_t, write, (int, const void *, size_t))                                             \
	F(int, ioctl, (int, unsigned long, ...))                                                   \
	F(int, openat, (int, const char *, int, ...))                                              \
	F(ssize_t, pread, (int, void *, size_t, off_t))                                            \
	F(ssize_t, pwrite, (int, const void *, size_t, off_t))                                     \
	F(ssize_t, readv, (int, const struct iovec *, int))                                        \
	F(ssize_t, writev, (int, const struct iovec *, int))                                       \
	F(ssize_t, preadv, (int, const struct iovec *, int, off_t))                                \
	F(ssize_t, pwritev, (int, const struct iovec *, int, off_t))                               \
	F(int, fcntl, (int, int, ...))                                                             \
	F(int, dup, (int))                                                                         \
	F(int, dup2, (int, int))                                                                   \
	F(int, dup3, (int, int, int))                                                              \
	F(int, close_range, (unsigned int, unsigned int, int))                                     \
	F(int, fclose, (FILE *))                                                                   \
	F(int, fstat, (int, struct stat *))                                                        \
	F(int, fstatat, (int, const char *, struct stat *, int))                                   \
	F(int, statx, (int, const char *, int, unsigned int, struct statx *))                      \
	F(int, faccessat, (int, const char *, int, int))                                           \
	F(ssize_t, readlinkat, (int, const char *, char *, size_t))                                \
	F(ssize_t, getxattr, (const char *, const char *, void *, size_t))                         \
	F(ssize_t, lgetxattr, (const char *, const char *, void *, size_t))                        \
	F(ssize_t, listxattr, (const char *, char *, size_t))                                      \
	F(ssize_t, llistxattr, (const char *, char *, size_t))                                     \
	F(char *, realpath, (const char *, char *))                                                \
	F(DIR *, opendir, (const char *))                                                          \
	F(DIR *, fdopendir, (int))                                                                 \
	F(int, closedir, (DIR *))                                                                  \
	F(FILE *, fopen, (const char *, const char *))                                             \
	F(FILE *, freopen, (const char *, const char *, FILE *))                                   \
	F(int, scandir,                                                                            \
		(const char *, struct dirent ***, int (*)(const struct dirent *),                  \
			int (*)(const struct dirent **, const struct dirent **)))                  \
	F(int, chdir, (const char *))                                                              \
	F(int, fchdir, (int))                                                                      \
	F(char *, getcwd, (char *, size_t))                                                        \
	F(long, syscall, (long, ...))                                                              \
	F(int, sigaction, (int, const struct sigaction *, struct sigaction *))                     \
	F(int, siginterrupt, (int, int))                                                           \
	F(sighandler_t, signal, (int, sighandler_t))                                               \
	F(sighandler_t, sysv_signal, (int, sighandler_t))                                          \
	F(sighandler_t, sigset, (int, sighandler_t))                                               \
	F(int, sigprocmask, (int, const sigset_t *, sigset_t *))                                   \
	F(int, pthread_sigmask, (int, const sigset_t *, sigset_t *))                               \
	F(int, sigsuspend, (const sigset_t *))                                                     \
	F(int, pselect,                                                                            \
		(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *))    \
	F(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))        \
	F(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))               \
	F(int, epoll_pwait2,                                                                       \
		(int, struct epoll_event *, int, const struct timespec *, const sigset_t *))

struct real {
#define REAL_MEMBER(type, name, params) type(*name) params;
	REAL_FUNCTIONS(REAL_MEMBER)
#undef REAL_MEMBER
};

extern struct real real_table;
extern _Atomic bool real_resolved;

void real_resolve(void);

static inline const struct real *real(void)
{
	if (__builtin_expect(!atomic_load_explicit(&real_resolved, memory_order_acquire), 0))
		real_resolve();
	return &real_table;
}

/* -errno as the C library's convention has it. */
long real_error(long err);

static inline long real_return(long ret)
{
	return ret < 0 && ret > -4096 ? real_error(ret) : ret;
}

#endif
