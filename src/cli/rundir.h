/* SPDX-License-Identifier: MIT */
/*
 * A run's directory: what the processes of one run share.
 *
 * It lies below $XDG_RUNTIME_DIR, else /dev/shm, else /tmp: hundreds of small files take a few
 * milliseconds in memory, and a tenth of a second on a disk. It belongs to the user alone, and has
 *
 *     lock        held (flock) for as long as the run lasts
 *     root/       the tree of /sys and /dev
 *     stats-PID   what a client process counted
 *     ...         whatever the engines of the processes need among themselves
 *
 * Who may remove it is who holds the lock: the run itself at its end, or a later run, which finds
 * the lock free if the first one was killed.
 */
#ifndef UIOMMU_CLI_RUNDIR_H
#define UIOMMU_CLI_RUNDIR_H

#include <limits.h>

struct rundir {
	char path[PATH_MAX];
	int lock; /* descriptor; -1: none */
};

/* Where run directories are. @base: PATH_MAX / 2 bytes. */
void rundir_base(char *base);
/* Return: 0; -errno, having said why. */
int rundir_new(struct rundir *dir, const char *base);
/* Removes it with all that's in it, and releases the lock. */
void rundir_remove(struct rundir *dir);
/* Removes what runs that were killed have left. */
void rundir_clean(const char *base);

#endif
