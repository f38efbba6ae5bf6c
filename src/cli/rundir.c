/* SPDX-License-Identifier: MIT */
#include "cli/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define PREFIX	  "uiommu-run."
#define MAX_DEPTH 32
/* A directory without a lock is either being made right now, or was never finished. */
#define UNFINISHED_S 600

static bool may_be_base(const char *path)
{
	struct stat st;

	return path && path[0] == '/' && strlen(path) < PATH_MAX / 2 && !stat(path, &st) &&
	       S_ISDIR(st.st_mode) && !access(path, W_OK | X_OK);
}

void rundir_base(char *base)
{
	const char *const candidates[] = { getenv("XDG_RUNTIME_DIR"), "/dev/shm" };
	const char *best = "/tmp";

	for (size_t i = sizeof(candidates) / sizeof(candidates[0]); i--;) {
		if (may_be_base(candidates[i]))
			best = candidates[i];
	}
	snprintf(base, PATH_MAX / 2, "%s", best);
}

/* The lock appears under its name only when it is held, so that nobody finds it free before. */
static int take_lock(struct rundir *dir)
{
	char fresh[PATH_MAX + 16], final[PATH_MAX + 16];

	snprintf(fresh, sizeof(fresh), "%s/lock.new", dir->path);
	snprintf(final, sizeof(final), "%s/lock", dir->path);
	dir->lock = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (dir->lock < 0)
		return -errno;
	if (!flock(dir->lock, LOCK_EX) && !rename(fresh, final))
		return 0;
	return -errno;
}

int rundir_new(struct rundir *dir, const char *base)
{
	int ret;

	dir->lock = -1;
	snprintf(dir->path, sizeof(dir->path), "%s/" PREFIX "XXXXXX", base);
	if (!mkdtemp(dir->path)) {
		ret = -errno;
		cli_say("can't make a directory in %s: %s", base, strerror(-ret));
		return ret;
	}
	ret = take_lock(dir);
	if (ret) {
		cli_say("can't lock %s: %s", dir->path, strerror(-ret));
		rundir_remove(dir);
	}
	return ret;
}

/* What couldn't be removed is left to a later run, which finds it by its lock. */
static bool only_lock_left(DIR *dir)
{
	unsigned int left = 0;

	rewinddir(dir);
	while (readdir(dir))
		left++;
	return left <= 3; /* with "." and ".." */
}

static void empty(int fd, unsigned int depth, bool top);

static void remove_entry(int dirfd, const char *name, unsigned int depth)
{
	int fd;

	if (!unlinkat(dirfd, name, 0) || (errno != EISDIR && errno != EPERM))
		return;
	fd = openat(dirfd, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && depth < MAX_DEPTH)
		empty(fd, depth + 1, false);
	else if (fd >= 0)
		close(fd);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Closes @fd. What stands in the way stays: there's nobody who could do better. The lock goes last.
 */
static void empty(int fd, unsigned int depth, bool top)
{
	DIR *dir = fdopendir(fd);
	struct dirent *ent;

	if (!dir) {
		close(fd);
		return;
	}
	while ((ent = readdir(dir))) {
		if (!strcmp(ent->d_name, ".") || !strcmp(ent->d_name, ".."))
			continue;
		if (!top || strcmp(ent->d_name, "lock"))
			remove_entry(dirfd(dir), ent->d_name, depth);
	}
	if (top && only_lock_left(dir))
		unlinkat(dirfd(dir), "lock", 0);
	closedir(dir);
}

void rundir_remove(struct rundir *dir)
{
	int fd = open(dir->path, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		empty(fd, 0, true);
	rmdir(dir->path);
	if (dir->lock >= 0)
		close(dir->lock);
	dir->lock = -1;
}

/* Closes @fd, a run's directory that is ours. */
static void clean_one(int base, const char *name, int fd, const struct stat *st)
{
	int lock = openat(fd, "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (lock >= 0 && !flock(lock, LOCK_EX | LOCK_NB)) {
		empty(fd, 0, true);
		unlinkat(base, name, AT_REMOVEDIR);
	} else {
		if (lock < 0 && errno == ENOENT && time(NULL) - st->st_mtime > UNFINISHED_S) {
			unlinkat(fd, "lock.new", 0);
			unlinkat(base, name, AT_REMOVEDIR);
		}
		close(fd);
	}
	if (lock >= 0)
		close(lock);
}

void rundir_clean(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *ent;

	while (dir && (ent = readdir(dir))) {
		struct stat st;
		int fd;

		if (strncmp(ent->d_name, PREFIX, strlen(PREFIX)))
			continue;
		fd = openat(
			dirfd(dir), ent->d_name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!fstat(fd, &st) && st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
			clean_one(dirfd(dir), ent->d_name, fd, &st);
		else
			close(fd);
	}
	if (dir)
		closedir(dir);
}
