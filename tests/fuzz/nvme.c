/* SPDX-License-Identifier: MIT */
/* A hostile client of the NVMe controller: registers, doorbells, queues, commands and data
 * pointers. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit/dev_nvme_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void image_remove(void)
{
	unlink(path);
}

static const char *image(void)
{
	if (!path[0]) {
		host_file(path, 1 << 20);
		atexit(image_remove);
	}
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char options[160];
	struct host h;
	uint8_t how = size ? data[0] : 0;

	snprintf(options, sizeof(options), "drive=%s,queues=3,lba=%s,readonly=%s,aio=%s", image(),
		how & 1 ? "4096" : "512", how & 2 ? "on" : "off", how & 4 ? "threads" : "auto");
	if (host_new(&h, options) || host_open(&h))
		abort();
	if (!nvme_stream(&h, data + !!size, size - !!size))
		abort();
	host_close(&h);
	host_free(&h);
	return 0;
}
