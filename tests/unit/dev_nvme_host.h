/* SPDX-License-Identifier: MIT */
/*
 * The surroundings of an NVMe controller, without the rest of the engine, and a small driver for
 * it.
 *
 * Memory is flat: IOVA 0 is the first byte of `mem`, and every page has permissions. Stores to
 * doorbells trap until the controller exposes them. For unit tests, the fuzzer and benchmarks.
 */
#ifndef TESTS_DEV_NVME_HOST_H
#define TESTS_DEV_NVME_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <uiommu/device.h>

#include "dev/nvme/nvme.h"
#include "dev/nvme/nvme_spec.h"

#define HOST_MEM   (UINT64_C(32) << 20)
#define HOST_PAGE  4096u
#define HOST_READ  1
#define HOST_WRITE 2
#define HOST_RW	   3

struct uiommu_pdev {
	void *priv;
	struct uiommu_pci_desc desc;
	_Alignas(4096) uint32_t doorbells[1024];
	uint8_t *mem;
	_Atomic uint8_t perm[HOST_MEM / HOST_PAGE];
	_Atomic int irq_mode;
	_Atomic unsigned int nvec;
	_Atomic unsigned int msi[65];
	_Atomic bool pin;
	_Atomic uint64_t dma_calls;
	_Atomic bool forbid_dma; /* DMA is an error now: it is counted */
	_Atomic unsigned int forbidden;
	bool racy; /* the client races with DMA on purpose: not the thread sanitizer's business */
	pthread_mutex_t lock; /* doorbells, exposed */
	bool exposed, can_expose;
	unsigned int exposures;
};

struct host_queue {
	uint16_t id, size;
	uint64_t sq, cq;
	uint32_t tail, head;
	bool phase;
};

struct host {
	struct uiommu_pdev *pdev;
	struct host_queue admin;
	char err[256];
	uint16_t cid;
	uint64_t brk; /* next free page of memory */
};

/* @options: "drive=FILE,lba=512". Return: as create(); with the message in h->err. */
int host_new(struct host *h, const char *options);
int host_open(struct host *h);
void host_close(struct host *h);
void host_free(struct host *h);

uint64_t host_read(struct host *h, uint64_t off, unsigned int size);
void host_write(struct host *h, uint64_t off, unsigned int size, uint64_t val);
void host_ring(struct host *h, unsigned int doorbell, uint32_t val);
/* Zeroed pages. Return: their IOVA; memory isn't given back. */
uint64_t host_pages(struct host *h, unsigned int n);
void host_perm(struct host *h, uint64_t iova, unsigned int n, int perm);

/* A store of the client's. */
void host_store(struct host *h, uint64_t iova, const void *buf, size_t len);

/* CC as drivers write it, without EN. */
#define HOST_CC (6u << 16 | 4u << 20)
/* Until CSTS & mask == val. Return: false after ten seconds. */
bool host_csts(struct host *h, uint32_t mask, uint32_t val);
/* Writes the admin queue's registers and CC.EN, and waits. */
bool host_enable(struct host *h, uint16_t admin_size);
bool host_disable(struct host *h);

/* Places an entry and rings. Return: its command id, which is put into @sqe unless @keep_cid. */
uint16_t host_submit(struct host *h, struct host_queue *q, struct nvme_sqe *sqe);
void host_place(struct host *h, struct host_queue *q, const struct nvme_sqe *sqe);
/* The next completion, taken and acknowledged. Return: false if there is none (within ten seconds).
 */
bool host_poll(struct host *h, struct host_queue *q, struct nvme_cqe *cqe);
bool host_wait(struct host *h, struct host_queue *q, struct nvme_cqe *cqe);
bool host_wait_noack(struct host *h, struct host_queue *q, struct nvme_cqe *cqe);
/* Submits, waits. Return: the status without phase, DNR and More; 0xffff if nothing came. */
unsigned int host_cmd(struct host *h, struct host_queue *q, struct nvme_sqe *sqe);
unsigned int host_cmd_result(
	struct host *h, struct host_queue *q, struct nvme_sqe *sqe, struct nvme_cqe *cqe);
/* Both of a pair; vector and interrupts as given. Return: a status. */
unsigned int host_create_pair(struct host *h, struct host_queue *q, uint16_t id, uint16_t size,
	uint16_t vector, bool ien);
unsigned int host_create_cq(struct host *h, struct host_queue *q, uint16_t vector, bool ien);
unsigned int host_create_sq(struct host *h, struct host_queue *q, uint16_t cqid);

unsigned int host_identify(struct host *h, uint8_t cns, uint32_t nsid, uint64_t page);
unsigned int host_features(struct host *h, uint8_t opcode, uint32_t cdw10, uint32_t nsid,
	uint32_t cdw11, uint32_t *res);
unsigned int host_log(
	struct host *h, uint32_t lid_flags, uint32_t len, uint64_t off, uint64_t page);
struct nvme_sqe host_rw(
	uint8_t opcode, uint32_t nsid, uint64_t slba, uint32_t nlb, uint64_t prp1, uint64_t prp2);

/* A file of @size bytes with a pattern; the name is in @path. */
void host_file(char path[64], uint64_t size);
uint8_t host_pattern(uint64_t off);

#endif
