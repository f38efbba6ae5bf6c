/* SPDX-License-Identifier: MIT */
/* Functions that take descriptors: what they do to the table of descriptors. */
#include "front/preload/export.h"

#include <errno.h>
#include <stdarg.h>

#include "front/preload/fdtable.h"
#include "front/preload/paths.h"

EXPORT int close(int fd)
{
	if (__builtin_expect(!fd_peek(fd), 1))
		return real()->close(fd);
	return (int)real_return(fd_close(fd));
}
EXPORT_AS(__close, close);

/* The C library closes the stream's descriptor unseen: then a duplicate is the last one. */
static int fclose_ours(FILE *file, int fd)
{
	int copy = real()->fcntl(fd, F_DUPFD_CLOEXEC, 0), ret;

	if (copy >= 0)
		copy = fd_duplicated(fd, copy);
	fd_forget(fd);
	ret = real()->fclose(file);
	if (copy >= 0)
		fd_close(copy);
	return ret;
}

EXPORT int fclose(FILE *file)
{
	int keep = errno, fd = fileno(file);

	if (fd >= 0 && fd_peek(fd))
		return fclose_ours(file, fd);
	errno = keep;
	return real()->fclose(file);
}

EXPORT int dup(int fd)
{
	int copy = real()->dup(fd);

	if (__builtin_expect(copy < 0 || (!fd_peek(fd) && !fd_peek(copy)), 1))
		return copy;
	return (int)real_return(fd_duplicated(fd, copy));
}

EXPORT int dup2(int from, int to)
{
	if (__builtin_expect((!fd_peek(from) && !fd_peek(to)) || from == to, 1))
		return real()->dup2(from, to);
	return (int)real_return(fd_dup_onto(from, to, 0));
}
EXPORT_AS(__dup2, dup2);

EXPORT int dup3(int from, int to, int flags)
{
	if (__builtin_expect((!fd_peek(from) && !fd_peek(to)) || from == to, 1))
		return real()->dup3(from, to, flags);
	return (int)real_return(fd_dup_onto(from, to, flags));
}

static __attribute__((noinline)) int fcntl_dup(int fd, int cmd, unsigned long arg)
{
	int ret = real()->fcntl(fd, cmd, arg);

	if (ret < 0 || (!fd_peek(fd) && !fd_peek(ret)))
		return ret;
	return (int)real_return(fd_duplicated(fd, ret));
}

int api_fcntl(int fd, int cmd, unsigned long arg)
{
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return fcntl_dup(fd, cmd, arg);
	return real()->fcntl(fd, cmd, arg);
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return fcntl_dup(fd, cmd, arg);
	return real()->fcntl(fd, cmd, arg);
}
EXPORT_AS(fcntl64, fcntl);
EXPORT_AS(__fcntl, fcntl);

/* What unshares the table, or only marks descriptors, closes nothing that is the engine's. */
EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	if (flags && real()->close_range)
		return real()->close_range(first, last, flags);
	return (int)real_return(flags ? -ENOSYS : fd_close_range(first, last));
}

EXPORT void closefrom(int first)
{
	unsigned int from = first < 0 ? 0 : (unsigned int)first;

	if (fd_close_range(from, ~0u) != -ENOSYS)
		return;
	for (int fd = (int)from, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++)
		close(fd);
}

int api_fstat(int fd, struct stat *st)
{
	int ret = real()->fstat(fd, st);
	struct desc *desc;

	if (ret)
		return ret;
	if (__builtin_expect(!fd_peek(fd), 1) &&
		(!S_ISSOCK(st->st_mode) || fd_identify(fd) != FD_OURS))
		return 0;
	desc = desc_get_kind(fd, DESC_FILE);
	if (!desc)
		return 0;
	/* What a group gives out is an anonymous file. */
	st->st_mode = desc->rdev ? S_IFCHR | 0666 : 0600;
	st->st_rdev = desc->rdev;
	desc_put(desc);
	return 0;
}

EXPORT int fstat(int fd, struct stat *st)
{
	return api_fstat(fd, st);
}
EXPORT_AS(fstat64, fstat);
