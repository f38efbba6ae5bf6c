/* SPDX-License-Identifier: MIT */
#include "nvme_client.h"

#include <err.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CC_ENABLE		  0x00460001u /* entries of 64 and of 16 bytes */
#define CSTS_READY		  1u
#define PATIENCE		  60 /* seconds */
#define CONFIG_COMMAND		  4
#define COMMAND_MEMORY_AND_MASTER 6

static void need(bool ok, const char *what)
{
	if (!ok)
		err(1, "%s", what);
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static int open_group(const char *bdf)
{
	char path[256], link[256] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	need(readlink(path, link, sizeof(link) - 1) > 0, path);
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	return open(path, O_RDWR | O_CLOEXEC);
}

static struct vfio_region_info region(struct nvme *n, unsigned int index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	need(!ioctl(n->device, VFIO_DEVICE_GET_REGION_INFO, &info), "GET_REGION_INFO");
	return info;
}

static void open_device(struct nvme *n, const char *bdf)
{
	n->group = open_group(bdf);
	need(n->group >= 0, "group");
	n->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	need(n->container >= 0, "container");
	need(!ioctl(n->group, VFIO_GROUP_SET_CONTAINER, &n->container), "SET_CONTAINER");
	need(!ioctl(n->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "SET_IOMMU");
	n->device = ioctl(n->group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	need(n->device >= 0, "GET_DEVICE_FD");
}

static void open_registers(struct nvme *n)
{
	struct vfio_region_info config = region(n, VFIO_PCI_CONFIG_REGION_INDEX);
	struct vfio_region_info bar = region(n, VFIO_PCI_BAR0_REGION_INDEX);
	uint16_t command = COMMAND_MEMORY_AND_MASTER;

	n->config = config.offset;
	n->config_size = config.size;
	need(pwrite(n->device, &command, 2, (off_t)config.offset + CONFIG_COMMAND) == 2, "config");
	n->bar = mmap(
		NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, n->device, (off_t)bar.offset);
	need(n->bar != MAP_FAILED, "BAR 0");
}

void nvme_open(struct nvme *n, const char *bdf, unsigned int pages)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA };

	*n = (struct nvme){ .len = (pages + RING_PAGES) * (size_t)PAGE };
	open_device(n, bdf);
	open_registers(n);
	n->mem = mmap(NULL, n->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(n->mem != MAP_FAILED, "memory");
	map.vaddr = (uintptr_t)n->mem;
	map.size = n->len;
	need(!ioctl(n->container, VFIO_IOMMU_MAP_DMA, &map), "MAP_DMA");
}

void nvme_close(struct nvme *n)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = IOVA, .size = n->len
	};

	need(!ioctl(n->container, VFIO_IOMMU_UNMAP_DMA, &unmap), "UNMAP_DMA");
	munmap(n->mem, n->len);
	munmap((void *)n->bar, BAR_SIZE);
	close(n->device);
	close(n->group);
	close(n->container);
}

void *nvme_buffer(struct nvme *n)
{
	return n->mem + RING_PAGES * PAGE;
}

uint32_t nvme_get(const struct nvme *n, unsigned int reg)
{
	return *(const volatile uint32_t *)(n->bar + reg);
}

void nvme_set(struct nvme *n, unsigned int reg, uint32_t val)
{
	*(volatile uint32_t *)(n->bar + reg) = val;
}

void nvme_set64(struct nvme *n, unsigned int reg, uint64_t val)
{
	nvme_set(n, reg, (uint32_t)val);
	nvme_set(n, reg + 4, (uint32_t)(val >> 32));
}

static void queue_init(struct nvme *n, struct queue *q, unsigned int id)
{
	uint8_t *rings = n->mem + id * 2 * PAGE;

	memset(rings, 0, (size_t)2 * PAGE);
	*q = (struct queue){
		.id = id, .phase = 1, .sq = (void *)rings, .cq = (void *)(rings + PAGE)
	};
}

static bool becomes(const struct nvme *n, uint32_t ready)
{
	time_t end = now() + PATIENCE;

	while ((nvme_get(n, REG_CSTS) & CSTS_READY) != ready) {
		if (now() > end)
			return false;
		sched_yield();
	}
	return true;
}

static bool make_queues(struct nvme *n)
{
	struct command cq = { .opcode = ADMIN_CREATE_CQ,
		.prp = { IOVA_OF(n, n->io.cq) },
		.dw = { (QUEUE_DEPTH - 1) << 16 | 1, 1 } };
	struct command sq = { .opcode = ADMIN_CREATE_SQ,
		.prp = { IOVA_OF(n, n->io.sq) },
		.dw = { (QUEUE_DEPTH - 1) << 16 | 1, 1 << 16 | 1 } };

	return nvme_do(n, &n->admin, &cq) == 0 && nvme_do(n, &n->admin, &sq) == 0;
}

bool nvme_enable(struct nvme *n)
{
	nvme_set(n, REG_CC, 0);
	if (!becomes(n, 0))
		return false;
	queue_init(n, &n->admin, 0);
	queue_init(n, &n->io, 1);
	nvme_set(n, REG_AQA, (QUEUE_DEPTH - 1) << 16 | (QUEUE_DEPTH - 1));
	nvme_set64(n, REG_ASQ, IOVA_OF(n, n->admin.sq));
	nvme_set64(n, REG_ACQ, IOVA_OF(n, n->admin.cq));
	nvme_set(n, REG_CC, CC_ENABLE);
	return becomes(n, CSTS_READY) && make_queues(n);
}

void nvme_submit(struct nvme *n, struct queue *q, const struct command *cmd)
{
	q->sq[q->tail] = *cmd;
	q->tail = (q->tail + 1) % QUEUE_DEPTH;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	nvme_set(n, REG_DOORBELL + q->id * 8, q->tail);
}

bool nvme_reap(struct nvme *n, struct queue *q, struct completion *out)
{
	volatile struct completion *entry = &q->cq[q->head];

	if ((entry->status & 1) != q->phase)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*out = (struct completion){ .result = entry->result,
		.sq_head = entry->sq_head,
		.sq_id = entry->sq_id,
		.id = entry->id,
		.status = entry->status };
	q->head = (q->head + 1) % QUEUE_DEPTH;
	q->phase ^= !q->head;
	nvme_set(n, REG_DOORBELL + q->id * 8 + 4, q->head);
	return true;
}

int nvme_do(struct nvme *n, struct queue *q, const struct command *cmd)
{
	time_t end = now() + PATIENCE;
	struct completion done;

	nvme_submit(n, q, cmd);
	while (!nvme_reap(n, q, &done)) {
		if (now() > end)
			return -1;
		sched_yield();
	}
	return done.status >> 1;
}
