/* SPDX-License-Identifier: MIT */
#include "dev/nvme/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define LOCK_USES     100
#define LOCK_UNSHARED 200
#define LOCK_BYTES    64
#define PERM_READ     0
#define PERM_WRITE    1
#define PERM_RESIZE   3
#define PATIENCE_MS   400
#define PAUSE_MS      10

static int lock_take(int fd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len
	};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Would a lock of @type conflict with someone else's? */
static int lock_test(int fd, short type, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len
	};

	if (fcntl(fd, F_OFD_GETLK, &lock))
		return -errno;
	return lock.l_type == F_UNLCK ? 0 : -EBUSY;
}

static int lock_test_no_writer(int fd)
{
	int err = lock_test(fd, F_WRLCK, LOCK_USES + PERM_WRITE, 1);

	return err ? err : lock_test(fd, F_WRLCK, LOCK_USES + PERM_RESIZE, 1);
}

static int lock_no_writers(int fd)
{
	int err = lock_take(fd, F_RDLCK, LOCK_UNSHARED + PERM_WRITE, 1);

	return err ? err : lock_take(fd, F_RDLCK, LOCK_UNSHARED + PERM_RESIZE, 1);
}

static int lock_device(int fd, bool readonly)
{
	int err;

	if (!readonly)
		return lock_take(fd, F_WRLCK, LOCK_USES, LOCK_BYTES);
	err = lock_take(fd, F_RDLCK, LOCK_USES + PERM_READ, 1);
	if (err)
		return err;
	err = lock_test_no_writer(fd);
	if (err)
		return err;
	/* The supervisor of this run may hold these for writing. Should it be another run's, then
	 * its device fails to open, by the lock that we have. */
	err = lock_no_writers(fd);
	return err == -EBUSY ? 0 : err;
}

static int lock_test_device(int fd, bool readonly)
{
	return readonly ? lock_test_no_writer(fd) : lock_test(fd, F_WRLCK, LOCK_USES, LOCK_BYTES);
}

static int lock_supervisor(int fd, bool readonly)
{
	int err;

	if (readonly) {
		err = lock_no_writers(fd);
		return err ? err : lock_test_no_writer(fd);
	}
	err = lock_take(fd, F_WRLCK, LOCK_UNSHARED, LOCK_BYTES);
	return err ? err : lock_test_device(fd, false);
}

/*
 * The kernel gives up a killed program's io_uring, which has the image open, some tens of
 * milliseconds after the program. Whoever comes right behind isn't refused for that.
 */
static int lock_patiently(int (*lock)(int fd, bool readonly), int fd, bool readonly)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	int err = lock(fd, readonly);

	for (unsigned int ms = 0; err == -EBUSY && ms < PATIENCE_MS; ms += PAUSE_MS) {
		nanosleep(&pause, NULL);
		err = lock(fd, readonly);
	}
	return err;
}

/*
 * Whether it is free as far as one can tell before a device opens it. Where a supervisor has it for
 * a run, another process of this run may use it by right; another run was refused by its own
 * supervisor.
 */
static int lock_test_create(int fd, bool readonly)
{
	if (lock_test(fd, F_RDLCK, LOCK_UNSHARED + LOCK_BYTES - 1, 1) == -EBUSY)
		return 0;
	return lock_test_device(fd, readonly);
}

static int drive_measure(struct drive *drive)
{
	struct stat st;

	if (fstat(drive->fd, &st))
		return -errno;
	drive->blockdev = S_ISBLK(st.st_mode);
	if (drive->blockdev)
		return ioctl(drive->fd, BLKGETSIZE64, &drive->size) ? -errno : 0;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	drive->size = (uint64_t)st.st_size;
	return 0;
}

/* Beyond the end of a file there is nothing to lose. */
static bool drive_probe_punch(const struct drive *drive)
{
	return !drive->readonly && !drive->blockdev &&
	       !fallocate(drive->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)drive->size,
		       4096);
}

/* O_NONBLOCK: opening a named pipe must not wait for a peer. */
static int image_open(const char *path, bool readonly)
{
	return base_fd_own(open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
}

static int drive_attach(struct drive *drive, const char *path, bool readonly)
{
	int err;

	*drive = (struct drive){ .fd = image_open(path, readonly), .lock_fd = -1 };
	drive->readonly = readonly;
	if (drive->fd < 0)
		return drive->fd;
	err = fcntl(drive->fd, F_SETFL, 0) ? -errno : drive_measure(drive);
	if (err) {
		drive_close(drive);
		return err;
	}
	drive->can_punch = drive_probe_punch(drive);
	return 0;
}

/* Unlocks explicitly: a child that was forked meanwhile has the descriptor too. */
void drive_close(struct drive *drive)
{
	if (drive->lock_fd >= 0)
		lock_take(
			drive->lock_fd, F_UNLCK, LOCK_USES, LOCK_UNSHARED + LOCK_BYTES - LOCK_USES);
	base_fd_close(drive->lock_fd);
	base_fd_close(drive->fd);
	drive->lock_fd = -1;
	drive->fd = -1;
}

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/*
 * Locks belong to an open file, and the kernel keeps an io_uring's files open for a while after
 * its process has ended. So they are on one that no ring sees.
 */
static int drive_lock(struct drive *drive, const char *path)
{
	int err;

	drive->lock_fd = image_open(path, drive->readonly);
	if (drive->lock_fd < 0)
		return drive->lock_fd;
	err = lock_patiently(lock_device, drive->lock_fd, drive->readonly);
	if (err)
		return err;
	/* Somebody is replacing the image right now. */
	return is_same_file(drive->fd, drive->lock_fd) ? 0 : -EBUSY;
}

static bool size_fits(const struct drive *drive, uint32_t block)
{
	return drive->size && drive->size % block == 0 && drive->size <= INT64_MAX;
}

static int say(char *err, size_t errlen, int rc, const char *path)
{
	switch (rc) {
	case -EISDIR:
		snprintf(err, errlen, "%s: is a directory, not an image", path);
		return -EINVAL;
	case -ENOTBLK:
		snprintf(err, errlen, "%s: is neither a file nor a block device", path);
		return -EINVAL;
	case -EBUSY:
		snprintf(err, errlen, "%s: image is in use by another program or device", path);
		return rc;
	default:
		snprintf(err, errlen, "%s: %s", path, strerror(-rc));
		return rc;
	}
}

static int say_size(
	char *err, size_t errlen, const struct drive *drive, const char *path, uint32_t block)
{
	if (!drive->size)
		snprintf(err, errlen, "%s: image is empty", path);
	else
		snprintf(err, errlen,
			"%s: image size %" PRIu64 " is not a multiple of the block size %" PRIu32,
			path, drive->size, block);
	return -EINVAL;
}

int drive_check(const char *path, bool readonly, uint32_t block, struct drive *drive, char *err,
	size_t errlen)
{
	int rc = drive_attach(drive, path, readonly);

	if (rc == -EROFS || (rc == -EACCES && !access(path, R_OK))) {
		snprintf(err, errlen,
			"%s: can't be written; readonly=on makes it a read-only drive", path);
		return rc;
	}
	if (rc)
		return say(err, errlen, rc, path);
	if (!size_fits(drive, block)) {
		drive_close(drive);
		return say_size(err, errlen, drive, path, block);
	}
	rc = lock_patiently(lock_test_create, drive->fd, readonly);
	drive_close(drive);
	return rc ? say(err, errlen, rc, path) : 0;
}

int drive_open(struct drive *drive, const char *path, bool readonly, uint32_t block)
{
	int err = drive_attach(drive, path, readonly);

	if (err)
		return err;
	err = size_fits(drive, block) ? drive_lock(drive, path) : -EINVAL;
	if (err)
		drive_close(drive);
	return err;
}

int drive_lock_run(const char *path, bool readonly, int *fd_out, char *err, size_t errlen)
{
	int rc, fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return say(err, errlen, -errno, path);
	rc = lock_patiently(lock_supervisor, fd, readonly);
	if (rc) {
		close(fd);
		return say(err, errlen, rc, path);
	}
	*fd_out = fd;
	return 0;
}
