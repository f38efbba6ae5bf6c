/* SPDX-License-Identifier: MIT */
/*
 * Paths that lead into the run's own /dev and /sys.
 *
 * The supervisor has made a tree of ordinary files, ROOT, of what a machine with our devices
 * would show (system/tree.h). A path that the program names is looked for there first, as if ROOT
 * were the root directory, which is the kernel's work (openat2(2) with RESOLVE_IN_ROOT): symbolic
 * links and ".." lead where they would. What isn't there is the machine's. Paths that can't lead
 * there are told by their first letters.
 *
 * Relative paths count where they begin at a directory that we know to be below /dev or /sys: one
 * that was opened through here, or the working directory.
 */
#ifndef UIOMMU_FRONT_PRELOAD_PATHS_H
#define UIOMMU_FRONT_PRELOAD_PATHS_H

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "front/preload/fdtable.h"
#include "system/sys.h"

/* A path that was found in the tree. */
struct path {
	char real[PATH_MAX]; /* where the file is */
	char seen[PATH_MAX]; /* where it seems to be; without symbolic links */
	bool is_node;
	enum sys_node node;
	unsigned int number;
	dev_t rdev;
};

/* The working directory may be below /dev or /sys, or isn't known yet. */
extern _Atomic bool paths_cwd_counts;

/*
 * Whether @path may be in the tree: everything else is sorted out here, without a call. Of the ways
 * to write "/dev" and "/sys", those that programs use begin with these letters, or with "//", "/.".
 */
static inline bool paths_may_find(int dir, const char *path)
{
	const char *volatile given = path;

	if (!given)
		return false;
	if (path[0] != '/')
		return dir == AT_FDCWD
			       ? atomic_load_explicit(&paths_cwd_counts, memory_order_relaxed)
			       : fd_peek(dir) != NULL;
	if (path[1] == 'd')
		return path[2] == 'e' && path[3] == 'v';
	if (path[1] == 's')
		return path[2] == 'y' && path[3] == 's';
	return path[1] == '/' || path[1] == '.';
}

/* Whether the file that @path names is in the tree. @follow: a symbolic link at the end. */
bool paths_find(int dir, const char *path, bool follow, struct path *out);

/* After a successful open() of @path as a directory: remembers where it seems to be. */
void paths_note_dir(int fd, int dir, const char *path, const struct path *found);
/* The working directory has changed. */
void paths_cwd_changed(void);
/* What getcwd() should say instead of @cwd, a path inside of the tree; NULL: just that. */
const char *paths_seen(const char *real);

void paths_child(void);

/* Makes what stat() said of the file in the tree what it would say of a device node. */
static inline void paths_fix_stat(const struct path *path, struct stat *st)
{
	if (!path->is_node)
		return;
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = path->rdev;
	st->st_size = 0;
}

#endif
