/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int tests, failures;

void ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", cond ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	failures += !cond;
}

int done_testing(void)
{
	printf("1..%d\n", tests);
	return failures != 0;
}

void bail_out(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static int group_number(void)
{
	char link[256];
	ssize_t len = readlink("/sys/bus/pci/devices/" BDF "/iommu_group", link, sizeof(link) - 1);

	if (len < 0)
		bail_out("iommu_group");
	link[len] = '\0';
	return atoi(strrchr(link, '/') + 1);
}

static void open_device(struct client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group_number());
	c->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (c->container < 0)
		bail_out("/dev/vfio/vfio");
	c->group = open(path, O_RDWR | O_CLOEXEC);
	if (c->group < 0)
		bail_out(path);
	if (ioctl(c->group, VFIO_GROUP_SET_CONTAINER, &c->container) ||
		ioctl(c->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		bail_out("SET_IOMMU");
	c->device = ioctl(c->group, VFIO_GROUP_GET_DEVICE_FD, BDF);
	if (c->device < 0)
		bail_out("GET_DEVICE_FD");
}

static void enable_master(struct client *c)
{
	struct vfio_region_info config = { .argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command;

	if (ioctl(c->device, VFIO_DEVICE_GET_REGION_INFO, &config))
		bail_out("GET_REGION_INFO");
	if (pread(c->device, &command, 2, (off_t)config.offset + 4) != 2)
		bail_out("config space");
	command |= 6;
	if (pwrite(c->device, &command, 2, (off_t)config.offset + 4) != 2)
		bail_out("config space");
}

void client_open(struct client *c)
{
	struct vfio_region_info bar = { .argsz = sizeof(bar), .index = 0 };

	open_device(c);
	enable_master(c);
	if (ioctl(c->device, VFIO_DEVICE_GET_REGION_INFO, &bar))
		bail_out("GET_REGION_INFO");
	c->bar_offset = bar.offset;
	c->bar_size = bar.size;
	c->bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, c->device, (off_t)bar.offset);
	if (c->bar == MAP_FAILED)
		bail_out("mmap of BAR 0");
}

void client_close(struct client *c)
{
	munmap((void *)c->bar, PAGE);
	close(c->device);
	close(c->group);
	close(c->container);
}

int client_map(struct client *c, void *mem, uint64_t iova, size_t len)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem,
		.iova = iova,
		.size = len };

	return ioctl(c->container, VFIO_IOMMU_MAP_DMA, &map);
}

int client_unmap(struct client *c, uint64_t iova, size_t len)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = len
	};

	return ioctl(c->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

uint64_t reg64(struct client *c, unsigned int at)
{
	return *(volatile uint64_t *)(c->bar + at);
}

void reg64_set(struct client *c, unsigned int at, uint64_t val)
{
	*(volatile uint64_t *)(c->bar + at) = val;
}

uint32_t reg32(struct client *c, unsigned int at)
{
	return *(volatile uint32_t *)(c->bar + at);
}

void reg32_set(struct client *c, unsigned int at, uint32_t val)
{
	*(volatile uint32_t *)(c->bar + at) = val;
}

bool client_command(struct client *c, uint32_t cmd)
{
	uint32_t status;

	reg32_set(c, REG_CMD, cmd);
	for (int i = 0; i < 100000; i++) {
		status = reg32(c, REG_STATUS);
		if (status >= 2)
			return status == 2;
		sched_yield();
	}
	return false;
}

bool client_fill(struct client *c, uint64_t dst, uint32_t len, uint64_t pattern)
{
	reg64_set(c, REG_DST, dst);
	reg32_set(c, REG_LEN, len);
	reg64_set(c, REG_PATTERN, pattern);
	return client_command(c, CMD_FILL);
}

bool client_copy(struct client *c, uint64_t src, uint64_t dst, uint32_t len)
{
	reg64_set(c, REG_SRC, src);
	reg64_set(c, REG_DST, dst);
	reg32_set(c, REG_LEN, len);
	return client_command(c, CMD_COPY);
}

bool is_filled(const void *mem, size_t len, uint64_t pattern)
{
	const uint64_t *word = mem;

	for (size_t i = 0; i < len / 8; i++)
		if (word[i] != pattern)
			return false;
	return true;
}

void *new_pages(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		bail_out("mmap");
	return mem;
}

int in_child(void (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		bail_out("fork");
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		bail_out("waitpid");
	return status;
}
