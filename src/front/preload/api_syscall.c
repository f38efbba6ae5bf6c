/* SPDX-License-Identifier: MIT */
/* syscall(): the numbers whose functions are interposed. */
#include "front/preload/export.h"

#include <stdarg.h>
#include <sys/syscall.h>

struct args {
	long a[6];
};

#define PTR(type, i) ((type)args->a[i])
#define INT(i)	     ((int)args->a[i])

static bool on_paths(long number, const struct args *args, long *ret)
{
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		*ret = api_openat(AT_FDCWD, PTR(const char *, 0), INT(1), (mode_t)args->a[2]);
		return true;
	case SYS_access:
		*ret = api_faccessat(AT_FDCWD, PTR(const char *, 0), INT(1), 0);
		return true;
	case SYS_readlink:
		*ret = api_readlinkat(
			AT_FDCWD, PTR(const char *, 0), PTR(char *, 1), (size_t)args->a[2]);
		return true;
#endif
	case SYS_openat:
		*ret = api_openat(INT(0), PTR(const char *, 1), INT(2), (mode_t)args->a[3]);
		return true;
	case SYS_newfstatat:
		*ret = api_fstatat(INT(0), PTR(const char *, 1), PTR(struct stat *, 2), INT(3));
		return true;
	case SYS_statx:
		*ret = api_statx(INT(0), PTR(const char *, 1), INT(2), (unsigned int)args->a[3],
			PTR(struct statx *, 4));
		return true;
	case SYS_faccessat:
		*ret = api_faccessat(INT(0), PTR(const char *, 1), INT(2), 0);
		return true;
	case SYS_readlinkat:
		*ret = api_readlinkat(
			INT(0), PTR(const char *, 1), PTR(char *, 2), (size_t)args->a[3]);
		return true;
	default:
		return false;
	}
}

static bool on_files(long number, const struct args *args, long *ret)
{
	switch (number) {
	case SYS_close:
		*ret = close(INT(0));
		return true;
	case SYS_close_range:
		*ret = close_range((unsigned int)args->a[0], (unsigned int)args->a[1], INT(2));
		return true;
	case SYS_dup:
		*ret = dup(INT(0));
		return true;
#ifdef SYS_dup2
	case SYS_dup2:
		*ret = dup2(INT(0), INT(1));
		return true;
#endif
	case SYS_dup3:
		*ret = dup3(INT(0), INT(1), INT(2));
		return true;
	case SYS_fcntl:
		*ret = api_fcntl(INT(0), INT(1), (unsigned long)args->a[2]);
		return true;
	case SYS_fstat:
		*ret = api_fstat(INT(0), PTR(struct stat *, 1));
		return true;
	case SYS_ioctl:
		*ret = api_ioctl(INT(0), (unsigned long)args->a[1], (unsigned long)args->a[2]);
		return true;
	default:
		return false;
	}
}

static bool on_data(long number, const struct args *args, long *ret)
{
	switch (number) {
	case SYS_read:
		*ret = read(INT(0), PTR(void *, 1), (size_t)args->a[2]);
		return true;
	case SYS_write:
		*ret = write(INT(0), PTR(const void *, 1), (size_t)args->a[2]);
		return true;
	case SYS_pread64:
		*ret = pread(INT(0), PTR(void *, 1), (size_t)args->a[2], args->a[3]);
		return true;
	case SYS_pwrite64:
		*ret = pwrite(INT(0), PTR(const void *, 1), (size_t)args->a[2], args->a[3]);
		return true;
	case SYS_mmap:
		*ret = (long)mmap(
			PTR(void *, 0), (size_t)args->a[1], INT(2), INT(3), INT(4), args->a[5]);
		return true;
	case SYS_munmap:
		*ret = munmap(PTR(void *, 0), (size_t)args->a[1]);
		return true;
	case SYS_mprotect:
		*ret = mprotect(PTR(void *, 0), (size_t)args->a[1], INT(2));
		return true;
	case SYS_mremap:
		*ret = (long)api_mremap(PTR(void *, 0), (size_t)args->a[1], (size_t)args->a[2],
			INT(3), PTR(void *, 4));
		return true;
	case SYS_madvise:
		*ret = madvise(PTR(void *, 0), (size_t)args->a[1], INT(2));
		return true;
	default:
		return false;
	}
}

EXPORT long syscall(long number, ...)
{
	struct args list, *args = &list;
	va_list ap;
	long ret;

	va_start(ap, number);
	for (unsigned int i = 0; i < 6; i++)
		args->a[i] = va_arg(ap, long);
	va_end(ap);
	if (on_data(number, args, &ret) || on_files(number, args, &ret) ||
		on_paths(number, args, &ret))
		return ret;
	return real()->syscall(
		number, args->a[0], args->a[1], args->a[2], args->a[3], args->a[4], args->a[5]);
}
