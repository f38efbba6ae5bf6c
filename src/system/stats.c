/* SPDX-License-Identifier: MIT */
#include "system/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_open(const char *run_dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/stats-%d", run_dir, getpid());
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(struct sys_stats))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int stats_open(const char *run_dir, struct sys_stats **out)
{
	int fd = run_dir ? file_open(run_dir) : -1;
	void *at;

	if (run_dir && fd < 0)
		return fd;
	at = mmap(NULL, sizeof(struct sys_stats), PROT_READ | PROT_WRITE,
		fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		return -ENOMEM;
	*out = at;
	(*out)->pid = (uint64_t)getpid();
	(*out)->magic = SYS_STATS_MAGIC;
	return 0;
}

void stats_close(struct sys_stats *stats)
{
	munmap(stats, sizeof(*stats));
}
