/* SPDX-License-Identifier: MIT */
#include "system/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

int claims_init(struct claims *claims, const char *run_dir)
{
	claims->fd = -1;
	claims->dir = -1;
	if (run_dir) {
		claims->dir = base_fd_own(open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
		if (claims->dir < 0)
			return claims->dir;
	}
	pthread_mutex_init(&claims->lock, NULL);
	return 0;
}

void claims_fini(struct claims *claims)
{
	base_fd_close(claims->fd);
	base_fd_close(claims->dir);
	pthread_mutex_destroy(&claims->lock);
}

static int file_open(struct claims *claims)
{
	pthread_mutex_lock(&claims->lock);
	if (claims->fd < 0)
		claims->fd = base_fd_own(
			openat(claims->dir, "groups.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	pthread_mutex_unlock(&claims->lock);
	return claims->fd;
}

static int byte_lock(int fd, unsigned int group, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = group,
		.l_len = 1,
	};

	if (!fcntl(fd, F_SETLK, &lock))
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
}

int claims_take(struct claims *claims, unsigned int group)
{
	int fd;

	if (claims->dir < 0)
		return 0;
	fd = file_open(claims);
	return fd < 0 ? fd : byte_lock(fd, group, F_WRLCK);
}

void claims_drop(struct claims *claims, unsigned int group)
{
	if (claims->fd >= 0)
		byte_lock(claims->fd, group, F_UNLCK);
}
