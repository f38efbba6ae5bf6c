/* SPDX-License-Identifier: MIT */
/* Extended attributes: files of /dev and /sys that are ours have none. */
#include "front/preload/export.h"

#include <errno.h>
#include <sys/xattr.h>

#include "front/preload/paths.h"

static __attribute__((noinline)) bool in_tree(const char *path, bool follow)
{
	struct path found;

	return paths_find(AT_FDCWD, path, follow, &found);
}

static ssize_t none(void)
{
	errno = ENODATA;
	return -1;
}

EXPORT ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0) && in_tree(path, true))
		return none();
	return real()->getxattr(path, name, value, size);
}

EXPORT ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0) && in_tree(path, false))
		return none();
	return real()->lgetxattr(path, name, value, size);
}

EXPORT ssize_t listxattr(const char *path, char *list, size_t size)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0) && in_tree(path, true))
		return 0;
	return real()->listxattr(path, list, size);
}

EXPORT ssize_t llistxattr(const char *path, char *list, size_t size)
{
	if (__builtin_expect(paths_may_find(AT_FDCWD, path), 0) && in_tree(path, false))
		return 0;
	return real()->llistxattr(path, list, size);
}
