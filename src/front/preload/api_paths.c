/* SPDX-License-Identifier: MIT */
/* Functions that take paths. */
#include "front/preload/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "front/preload/nodes.h"
#include "front/preload/paths.h"

/* --- open ------------------------------------------------------------------------------------ */

static __attribute__((noinline)) int open_maybe(int dir, const char *path, int flags, mode_t mode)
{
	bool creates = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	struct path found;
	bool is = paths_find(dir, path, !(flags & O_NOFOLLOW) && !creates, &found);
	int fd;

	if (is && found.is_node && !(flags & O_PATH))
		return (int)real_return(nodes_open(&found, flags));
	fd = is ? real()->open(found.real, flags, mode) : real()->openat(dir, path, flags, mode);
	if (fd_fresh(fd) >= 0)
		paths_note_dir(fd, dir, path, is ? &found : NULL);
	return fd;
}

int api_openat(int dir, const char *path, int flags, mode_t mode)
{
	if (__builtin_expect(paths_may_find(dir, path), 0))
		return open_maybe(dir, path, flags, mode);
	return fd_fresh(real()->openat(dir, path, flags, mode));
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return api_openat(AT_FDCWD, path, flags, mode);
}
EXPORT_AS(open64, open);

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return api_openat(dir, path, flags, mode);
}
EXPORT_AS(openat64, openat);

EXPORT int creat(const char *path, mode_t mode)
{
	return api_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
EXPORT_AS(creat64, creat);

/* What fortified programs call; the C library's headers don't declare them all. */
int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
	return api_openat(AT_FDCWD, path, flags, 0);
}
EXPORT_AS(__open64_2, __open_2);

EXPORT int __openat_2(int dir, const char *path, int flags)
{
	return api_openat(dir, path, flags, 0);
}
EXPORT_AS(__openat64_2, __openat_2);

/* --- stdio ----------------------------------------------------------------------------------- */

static __attribute__((noinline)) FILE *fopen_maybe(const char *path, const char *mode, FILE *old)
{
	struct path found;
	const char *name = paths_find(AT_FDCWD, path, true, &found) ? found.real : path;

	return old ? real()->freopen(name, mode, old) : real()->fopen(name, mode);
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0))
		return fopen_maybe(path, mode, NULL);
	return real()->fopen(path, mode);
}
EXPORT_AS(fopen64, fopen);

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0))
		return fopen_maybe(path, mode, file);
	return real()->freopen(path, mode, file);
}
EXPORT_AS(freopen64, freopen);

/* --- stat ------------------------------------------------------------------------------------ */

static __attribute__((noinline)) int stat_maybe(
	int dir, const char *path, struct stat *st, int flags)
{
	struct path found;
	int ret;

	if (!path[0] && flags & AT_EMPTY_PATH)
		return api_fstat(dir, st);
	if (!paths_find(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), &found))
		return real()->fstatat(dir, path, st, flags);
	ret = real()->fstatat(AT_FDCWD, found.real, st, flags);
	if (!ret)
		paths_fix_stat(&found, st);
	return ret;
}

int api_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	if (__builtin_expect(paths_may_find(dir, path), 0))
		return stat_maybe(dir, path, st, flags);
	return real()->fstatat(dir, path, st, flags);
}

EXPORT int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	return api_fstatat(dir, path, st, flags);
}
EXPORT_AS(fstatat64, fstatat);

EXPORT int stat(const char *restrict path, struct stat *restrict st)
{
	return api_fstatat(AT_FDCWD, path, st, 0);
}
EXPORT_AS(stat64, stat);

EXPORT int lstat(const char *restrict path, struct stat *restrict st)
{
	return api_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}
EXPORT_AS(lstat64, lstat);

/* What programs call that were linked before the C library's version 2.33. */
int __xstat(int version, const char *path, struct stat *st);
int __lxstat(int version, const char *path, struct stat *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags);

EXPORT int __xstat(int version, const char *path, struct stat *st)
{
	return api_fstatat(AT_FDCWD, path, st, 0);
}
EXPORT_AS(__xstat64, __xstat);

EXPORT int __lxstat(int version, const char *path, struct stat *st)
{
	return api_fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}
EXPORT_AS(__lxstat64, __lxstat);

EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	return api_fstat(fd, st);
}
EXPORT_AS(__fxstat64, __fxstat);

EXPORT int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags)
{
	return api_fstatat(dir, path, st, flags);
}
EXPORT_AS(__fxstatat64, __fxstatat);

static int statx_node(int ret, dev_t rdev, struct statx *stx)
{
	if (ret)
		return ret;
	stx->stx_mode = S_IFCHR | 0666;
	stx->stx_rdev_major = major(rdev);
	stx->stx_rdev_minor = minor(rdev);
	stx->stx_size = 0;
	return 0;
}

static int statx_fd(int fd, int flags, unsigned int mask, struct statx *stx)
{
	struct desc *desc = desc_get_kind(fd, DESC_FILE);
	int ret = real()->statx(fd, "", flags, mask, stx);

	if (desc) {
		if (desc->rdev)
			ret = statx_node(ret, desc->rdev, stx);
		desc_put(desc);
	}
	return ret;
}

static __attribute__((noinline)) int statx_maybe(
	int dir, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	struct path found;
	int ret;

	if (!path[0] && flags & AT_EMPTY_PATH)
		return statx_fd(dir, flags, mask, stx);
	if (!paths_find(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), &found))
		return real()->statx(dir, path, flags, mask, stx);
	ret = real()->statx(AT_FDCWD, found.real, flags, mask, stx);
	return found.is_node ? statx_node(ret, found.rdev, stx) : ret;
}

int api_statx(int dir, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	if (__builtin_expect(paths_may_find(dir, path), 0))
		return statx_maybe(dir, path, flags, mask, stx);
	return real()->statx(dir, path, flags, mask, stx);
}

EXPORT int statx(int dir, const char *restrict path, int flags, unsigned int mask,
	struct statx *restrict stx)
{
	return api_statx(dir, path, flags, mask, stx);
}

/* --- access ---------------------------------------------------------------------------------- */

static __attribute__((noinline)) int access_maybe(int dir, const char *path, int mode, int flags)
{
	struct path found;

	if (!paths_find(dir, path, !(flags & AT_SYMLINK_NOFOLLOW), &found))
		return real()->faccessat(dir, path, mode, flags);
	if (!found.is_node)
		return real()->faccessat(AT_FDCWD, found.real, mode, flags);
	return mode & X_OK ? (int)real_error(-EACCES) : 0;
}

int api_faccessat(int dir, const char *path, int mode, int flags)
{
	if (__builtin_expect(paths_may_find(dir, path), 0))
		return access_maybe(dir, path, mode, flags);
	return real()->faccessat(dir, path, mode, flags);
}

EXPORT int faccessat(int dir, const char *path, int mode, int flags)
{
	return api_faccessat(dir, path, mode, flags);
}

EXPORT int access(const char *path, int mode)
{
	return api_faccessat(AT_FDCWD, path, mode, 0);
}

EXPORT int eaccess(const char *path, int mode)
{
	return api_faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}
EXPORT_AS(euidaccess, eaccess);

/* --- Links ----------------------------------------------------------------------------------- */

static __attribute__((noinline)) ssize_t readlink_maybe(
	int dir, const char *path, char *buf, size_t len)
{
	struct path found;

	if (!path[0] || !paths_find(dir, path, false, &found))
		return real()->readlinkat(dir, path, buf, len);
	return real()->readlinkat(AT_FDCWD, found.real, buf, len);
}

ssize_t api_readlinkat(int dir, const char *path, char *buf, size_t len)
{
	if (__builtin_expect(paths_may_find(dir, path), 0))
		return readlink_maybe(dir, path, buf, len);
	return real()->readlinkat(dir, path, buf, len);
}

EXPORT ssize_t readlinkat(int dir, const char *restrict path, char *restrict buf, size_t len)
{
	return api_readlinkat(dir, path, buf, len);
}

EXPORT ssize_t readlink(const char *restrict path, char *restrict buf, size_t len)
{
	return api_readlinkat(AT_FDCWD, path, buf, len);
}

ssize_t __readlink_chk(const char *path, char *buf, size_t len, size_t room);
ssize_t __readlinkat_chk(int dir, const char *path, char *buf, size_t len, size_t room);

EXPORT ssize_t __readlinkat_chk(int dir, const char *path, char *buf, size_t len, size_t room)
{
	if (len > room)
		abort();
	return api_readlinkat(dir, path, buf, len);
}

EXPORT ssize_t __readlink_chk(const char *path, char *buf, size_t len, size_t room)
{
	return __readlinkat_chk(AT_FDCWD, path, buf, len, room);
}

static __attribute__((noinline)) char *realpath_maybe(const char *path, char *out)
{
	struct path found;

	if (!paths_find(AT_FDCWD, path, true, &found))
		return real()->realpath(path, out);
	return out ? memcpy(out, found.seen, strlen(found.seen) + 1) : strdup(found.seen);
}

EXPORT char *realpath(const char *restrict path, char *restrict out)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0))
		return realpath_maybe(path, out);
	return real()->realpath(path, out);
}

EXPORT char *canonicalize_file_name(const char *path)
{
	return realpath(path, NULL);
}

char *__realpath_chk(const char *path, char *out, size_t room);

EXPORT char *__realpath_chk(const char *path, char *out, size_t room)
{
	if (room < PATH_MAX)
		abort();
	return realpath(path, out);
}

/* --- Directories ----------------------------------------------------------------------------- */

static __attribute__((noinline)) DIR *opendir_maybe(const char *path)
{
	struct path found;
	bool is = paths_find(AT_FDCWD, path, true, &found);
	DIR *dir = real()->opendir(is ? found.real : path);

	if (dir) {
		fd_fresh(dirfd(dir));
		paths_note_dir(dirfd(dir), AT_FDCWD, path, is ? &found : NULL);
	}
	return dir;
}

EXPORT DIR *opendir(const char *path)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0))
		return opendir_maybe(path);
	return real()->opendir(path);
}

EXPORT int closedir(DIR *dir)
{
	/* The C library closes the descriptor itself. */
	if (fd_peek(dirfd(dir)))
		fd_forget(dirfd(dir));
	return real()->closedir(dir);
}

static __attribute__((noinline)) int scandir_tree(const char *path, struct dirent ***list,
	int (*filter)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **))
{
	struct path found;
	const char *name = paths_find(AT_FDCWD, path, true, &found) ? found.real : path;

	return real()->scandir(name, list, filter, compare);
}

EXPORT int scandir(const char *restrict path, struct dirent ***restrict list,
	int (*filter)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **))
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0))
		return scandir_tree(path, list, filter, compare);
	return real()->scandir(path, list, filter, compare);
}
EXPORT_AS(scandir64, scandir);

static __attribute__((noinline)) int chdir_maybe(const char *path)
{
	struct path found;

	return real()->chdir(paths_find(AT_FDCWD, path, true, &found) ? found.real : path);
}

EXPORT int chdir(const char *path)
{
	int ret = paths_may_find(AT_FDCWD, path) ? chdir_maybe(path) : real()->chdir(path);

	if (!ret)
		paths_cwd_changed();
	return ret;
}

EXPORT int fchdir(int fd)
{
	int ret = real()->fchdir(fd);

	if (!ret)
		paths_cwd_changed();
	return ret;
}

EXPORT char *getcwd(char *buf, size_t len)
{
	char *cwd = real()->getcwd(buf, len);
	const char *seen = cwd ? paths_seen(cwd) : NULL;

	if (seen)
		memmove(cwd, seen, strlen(seen) + 1);
	return cwd;
}
