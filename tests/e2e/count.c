/* SPDX-License-Identifier: MIT */
/* Leaves counters in a run's directory, as a client process does, and files that only look like it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/sys.h"

static struct sys_stats stats;

static void fill(void)
{
	stats.magic = SYS_STATS_MAGIC;
	stats.pid = (uint64_t)getpid();
	stats.core.maps = 10;
	stats.core.unmaps = 7;
	stats.core.bytes_mapped_total = 1 << 20;
	stats.core.areas_now = 3;
	stats.core.bytes_now = 3 * 4096;
	stats.core.vacated = 2;
	stats.interrupts = 11;
	stats.mmio_traps = 12;
	for (unsigned int i = 0; i < SYS_STATS_CHANS; i += SYS_STATS_CHANS - 1) {
		struct dma_counters *chan = &stats.chan[i];

		chan->reads = 5;
		chan->writes = 6;
		chan->read_bytes = 500;
		chan->write_bytes = 600;
		chan->lookups = 100;
		chan->misses = 10;
		chan->faults = 1;
	}
}

static int put(const char *name, const void *data, size_t len)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", getenv(SYS_ENV_RUN_DIR), name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return 1;
	return close(fd);
}

int main(void)
{
	char name[32];

	if (!getenv(SYS_ENV_RUN_DIR))
		return 1;
	fill();
	snprintf(name, sizeof(name), "stats-%d", getpid());
	if (put(name, &stats, sizeof(stats)) || put("stats-short", &stats, 99))
		return 1;
	stats.magic = 0;
	return put("stats-odd", &stats, sizeof(stats));
}
