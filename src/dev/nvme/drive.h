/* SPDX-License-Identifier: MIT */
/*
 * A file or block device that holds a namespace.
 *
 * Whoever uses an image holds advisory locks on it, as open file descriptions own them, at the
 * bytes that QEMU uses for its image locking: a device that is open has [100, 164), a run's
 * supervisor [200, 264). QEMU marks what it does to an image at 100 + n, and what it doesn't let
 * others do at 200 + n (n = 0 consistent read, 1 write, 3 resize), so that either side sees the
 * other. A read-only drive takes read locks of just the bytes that say "I read; don't write": such
 * users get along with each other.
 */
#ifndef UIOMMU_DEV_NVME_DRIVE_H
#define UIOMMU_DEV_NVME_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drive {
	int fd;	     /* -1: closed */
	int lock_fd; /* has the locks */
	bool readonly;
	bool blockdev;
	bool can_punch;	  /* deallocated ranges read as zeroes */
	bool sync_failed; /* what the host has lost, no later flush brings back: they all fail */
	uint64_t size;	  /* bytes */
};

/**
 * drive_check() - whether @path can serve as a drive
 * @err: receives a message on failure
 *
 * Opens and closes it. What is in use is waited for, for less than a second, here and below. A
 * drive that belongs to a run passes even while it is in use: opening it tells.
 * Return: 0 with everything but the descriptor set in @drive; -errno; -EBUSY in use.
 */
int drive_check(const char *path, bool readonly, uint32_t block, struct drive *drive, char *err,
	size_t errlen);

/* Opens what has been checked and takes its locks. Return: 0; -errno; -EBUSY in use. */
int drive_open(struct drive *drive, const char *path, bool readonly, uint32_t block);
void drive_close(struct drive *drive);

/**
 * drive_lock_run() - what a run's supervisor holds for as long as the run lasts
 * @readonly: it is a read-only drive: others may read the image, too
 * @fd_out:   the lock; close it to release
 * @err:      receives a message on failure
 *
 * Return: 0; -EBUSY the image is in use; -errno.
 */
int drive_lock_run(const char *path, bool readonly, int *fd_out, char *err, size_t errlen);

#endif
