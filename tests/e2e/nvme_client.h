/* SPDX-License-Identifier: MIT */
/*
 * A small NVMe driver as anybody would write it on VFIO's container, from public headers only. It
 * polls; one thread uses it. Whatever the program does wrong or can't get ends it, by err(3).
 */
#ifndef TESTS_E2E_NVME_CLIENT_H
#define TESTS_E2E_NVME_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	     4096u
#define QUEUE_DEPTH  64u
#define REG_CAP	     0x00u
#define REG_CC	     0x14u
#define REG_CSTS     0x1cu
#define REG_AQA	     0x24u
#define REG_ASQ	     0x28u
#define REG_ACQ	     0x30u
#define REG_DOORBELL 0x1000u
#define BAR_SIZE     0x4000u

enum {
	CMD_FLUSH = 0,
	CMD_WRITE = 1,
	CMD_READ = 2,
	ADMIN_CREATE_SQ = 1,
	ADMIN_CREATE_CQ = 5,
};

struct command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t nsid;
	uint64_t reserved, metadata, prp[2];
	uint32_t dw[6]; /* dwords 10 to 15 */
};

struct completion {
	uint32_t result, reserved;
	uint16_t sq_head, sq_id, id, status; /* phase in bit 0 */
};

struct queue {
	unsigned int id, tail, head;
	uint16_t phase;
	struct command *sq;
	volatile struct completion *cq;
};

struct nvme {
	int container, group, device;
	uint64_t config, config_size;
	volatile uint8_t *bar;
	uint8_t *mem; /* mapped for DMA at IOVA, a page for each of four rings, then the caller's */
	size_t len;
	struct queue admin, io;
};

#define IOVA		UINT64_C(0x100000000)
#define IOVA_OF(n, ptr) (IOVA + (uint64_t)((const uint8_t *)(ptr) - (n)->mem))
#define RING_PAGES	4u

/* Opens the device, its registers and @pages of memory; doesn't enable it. */
void nvme_open(struct nvme *n, const char *bdf, unsigned int pages);
/* Resets the device, enables it, makes one pair of I/O queues. Return: false if it doesn't. */
bool nvme_enable(struct nvme *n);
void nvme_close(struct nvme *n);

/* The caller's part of memory. */
void *nvme_buffer(struct nvme *n);

uint32_t nvme_get(const struct nvme *n, unsigned int reg);
void nvme_set(struct nvme *n, unsigned int reg, uint32_t val);
void nvme_set64(struct nvme *n, unsigned int reg, uint64_t val);

/* There is room: fewer than QUEUE_DEPTH - 1 are in flight. */
void nvme_submit(struct nvme *n, struct queue *q, const struct command *cmd);
/* Takes a completion if there is one. Return: whether there was. */
bool nvme_reap(struct nvme *n, struct queue *q, struct completion *out);
/* Submits, and waits. Return: the status field without phase, or -1 after a long time. */
int nvme_do(struct nvme *n, struct queue *q, const struct command *cmd);

#endif
