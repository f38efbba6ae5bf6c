/* SPDX-License-Identifier: MIT */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

/* Above what select() can name, and below the usual soft limit of 1024 if that one is in force. */
static const int floors[] = { 1 << 14, 1024, 512, 128 };

static _Atomic(const struct base_fd_hooks *) fd_hooks;

void base_fd_set_hooks(const struct base_fd_hooks *hooks)
{
	atomic_store(&fd_hooks, hooks);
}

static int fd_raise(int fd)
{
	for (size_t i = 0; i < sizeof(floors) / sizeof(floors[0]); i++) {
		int high = fcntl(fd, F_DUPFD_CLOEXEC, floors[i]);

		if (high < 0)
			continue;
		close(fd);
		return high;
	}
	return fd;
}

int base_fd_own(int fd)
{
	const struct base_fd_hooks *hooks = atomic_load(&fd_hooks);

	if (fd < 0)
		return -errno;
	fd = fd_raise(fd);
	if (hooks)
		hooks->owned(fd);
	return fd;
}

void base_fd_close(int fd)
{
	const struct base_fd_hooks *hooks = atomic_load(&fd_hooks);

	if (fd < 0)
		return;
	if (hooks)
		hooks->closing(fd);
	close(fd);
}
