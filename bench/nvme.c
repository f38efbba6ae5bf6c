/* SPDX-License-Identifier: MIT */
/*
 * The NVMe controller as its client sees it: random reads of 4 KiB, 64 at a time, with translation
 * and without.
 *
 * The client is in this process and has its memory at I/O virtual addresses that equal its own. So
 * "without" can take an address as it is: each DMA call is a copy. Everything else is the same,
 * batches take turns, and both go through the same extra test of which it is to be.
 */
#include <endian.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "dev/nvme/nvme.h"
#include "dev/nvme/nvme_spec.h"
#include "dev/pci.h"
#include "dev/pci_spec.h"
#include "nvme_flat.h"
#include "rig.h"

#define PAGE	   4096u
#define DEPTH	   64u
#define ENTRIES	   128u
#define QUEUE_LEN  (2 * PAGE + PAGE) /* entries to submit, then those of completion */
#define IMAGE_SIZE (UINT64_C(64) << 20)
#define IMAGE	   "/tmp/uiommu-bench-XXXXXX"

struct queue {
	unsigned int id;
	struct nvme_sqe *sq;
	struct nvme_cqe *cq;
	uint32_t tail, head;
	bool phase;
};

static struct rig rig;
static struct uiommu_pdev *pdev;
static struct queue admin, io;
static uint8_t *buffers;
static uint64_t random_state;
static atomic_bool identity;

/* --- Translation, or none -------------------------------------------------------------------- */

static bool is_off(void)
{
	return atomic_load_explicit(&identity, memory_order_relaxed);
}

int __wrap_uiommu_dma_read(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len)
{
	if (!is_off())
		return __real_uiommu_dma_read(dma, pasid, iova, buf, len);
	memcpy(buf, (const void *)(uintptr_t)iova, len);
	return 0;
}

int __wrap_uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len)
{
	if (!is_off())
		return __real_uiommu_dma_write(dma, pasid, iova, buf, len);
	if (len == sizeof(uint64_t)) {
		uint64_t val;

		/* Half of a completion: the client looks at it all the time. */
		memcpy(&val, buf, sizeof(val));
		__atomic_store_n((uint64_t *)(uintptr_t)iova, val, __ATOMIC_RELEASE);
	} else {
		memcpy((void *)(uintptr_t)iova, buf, len);
	}
	return 0;
}

int __wrap_uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, void *buf, size_t len)
{
	char *to = buf;

	if (!is_off())
		return __real_uiommu_dma_readv(dma, pasid, seg, nseg, buf, len);
	for (unsigned int i = 0; i < nseg; to += seg[i++].len)
		memcpy(to, (const void *)(uintptr_t)seg[i].iova, seg[i].len);
	return 0;
}

int __wrap_uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, const void *buf, size_t len)
{
	const char *from = buf;

	if (!is_off())
		return __real_uiommu_dma_writev(dma, pasid, seg, nseg, buf, len);
	for (unsigned int i = 0; i < nseg; from += seg[i++].len)
		memcpy((void *)(uintptr_t)seg[i].iova, from, seg[i].len);
	return 0;
}

/* No batch of the other kind is in flight between two. */
static void with_translation(void *arg, uint64_t iterations)
{
	atomic_store(&identity, false);
}

static void without_translation(void *arg, uint64_t iterations)
{
	atomic_store(&identity, true);
}

/* --- The client ------------------------------------------------------------------------------ */

static void die(const char *what)
{
	fprintf(stderr, "bench-nvme: %s\n", what);
	exit(EXIT_FAILURE);
}

static void reg_write(uint64_t off, uint64_t val, size_t size)
{
	if (pdev_bar_write(pdev, 0, off, &val, size) != (ssize_t)size)
		die("a register can't be written");
}

static void place(struct queue *q, const struct nvme_sqe *sqe)
{
	q->sq[q->tail] = *sqe;
	q->tail = (q->tail + 1) % ENTRIES;
}

static void ring_tail(const struct queue *q)
{
	reg_write(NVME_DOORBELLS + 8u * q->id, q->tail, 4);
}

/* The half with the status, as the device writes it. */
static uint16_t status_at_head(const struct queue *q)
{
	const uint64_t *half = (const uint64_t *)(const void *)&q->cq[q->head];

	return (uint16_t)(le64toh(__atomic_load_n(&half[1], __ATOMIC_ACQUIRE)) >> 48);
}

/* Return: how many commands have been completed since. */
static unsigned int take(struct queue *q)
{
	unsigned int n = 0;
	uint16_t status;

	for (; ((status = status_at_head(q)) & 1) == q->phase; n++) {
		if (status >> 1)
			die("a command failed");
		if (++q->head == ENTRIES) {
			q->head = 0;
			q->phase = !q->phase;
		}
	}
	if (n)
		reg_write(NVME_DOORBELLS + 8u * q->id + 4, q->head, 4);
	else
		sched_yield();
	return n;
}

static void read_random(uint64_t slot)
{
	uint64_t lba = bench_random(&random_state) % (IMAGE_SIZE / PAGE) * 8;
	struct nvme_sqe sqe = {
		.opcode = NVME_CMD_READ,
		.nsid = htole32(1),
		.prp1 = htole64((uintptr_t)buffers + slot % DEPTH * PAGE),
		.cdw10 = htole32((uint32_t)lba),
		.cdw12 = htole32(7),
	};

	place(&io, &sqe);
}

static void random_reads(void *arg, uint64_t iterations)
{
	uint64_t sent = 0, done = 0;

	while (done < iterations) {
		bool any = sent < iterations && sent - done < DEPTH;

		while (sent < iterations && sent - done < DEPTH)
			read_random(sent++);
		if (any)
			ring_tail(&io);
		done += take(&io);
	}
}

/* --- Setting up ------------------------------------------------------------------------------ */

static void command(struct nvme_sqe sqe)
{
	place(&admin, &sqe);
	ring_tail(&admin);
	while (!take(&admin))
		;
}

static void queue_init(struct queue *q, unsigned int id, uint8_t *mem)
{
	*q = (struct queue){ .id = id, .phase = true };
	q->sq = (struct nvme_sqe *)(void *)mem;
	q->cq = (struct nvme_cqe *)(void *)(mem + 2 * PAGE);
}

static void enable(void)
{
	uint32_t csts = 0;

	reg_write(NVME_REG_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1), 4);
	reg_write(NVME_REG_ASQ, (uintptr_t)admin.sq, 8);
	reg_write(NVME_REG_ACQ, (uintptr_t)admin.cq, 8);
	reg_write(NVME_REG_CC, 6u << 16 | 4u << 20 | NVME_CC_EN, 4);
	while (!(csts & NVME_CSTS_RDY))
		pdev_bar_read(pdev, 0, NVME_REG_CSTS, &csts, sizeof(csts));
	command((struct nvme_sqe){ .opcode = NVME_ADM_CREATE_CQ,
		.prp1 = htole64((uintptr_t)io.cq),
		.cdw10 = htole32(1 | (ENTRIES - 1) << 16),
		.cdw11 = htole32(1) });
	command((struct nvme_sqe){ .opcode = NVME_ADM_CREATE_SQ,
		.prp1 = htole64((uintptr_t)io.sq),
		.cdw10 = htole32(1 | (ENTRIES - 1) << 16),
		.cdw11 = htole32(1 | 1u << 16) });
}

static void image_new(char *path)
{
	static uint8_t block[1 << 20];
	int fd = mkstemp(path);

	if (fd < 0)
		die("no image");
	memset(block, 0x5a, sizeof(block));
	for (uint64_t off = 0; off < IMAGE_SIZE; off += sizeof(block))
		if (pwrite(fd, block, sizeof(block), (off_t)off) != sizeof(block))
			die("no space for an image");
	close(fd);
}

static void device_new(const char *path)
{
	struct uiommu_option opt = { "drive", path };
	struct pdev_cfg cfg = {
		.bdf = "0000:01:00.0", .requester = &rig.req, .opt = &opt, .nopt = 1
	};
	uint16_t cmd = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	char err[256];

	if (pdev_new(&nvme_model, &cfg, &pdev, err, sizeof(err)))
		die(err);
	if (pdev_open(pdev) || pdev_config_write(pdev, PCI_COMMAND, &cmd, sizeof(cmd)) < 0)
		die("the device can't be opened");
}

int main(void)
{
	struct bench_row row = {
		.path = "nvme/read 4 KiB at random, 64 at a time",
		.subject = { .fn = random_reads, .before = with_translation },
		.reference = { .name = "without translation: IOVA is the address",
			.fn = random_reads,
			.before = without_translation },
		.goal = { BENCH_RATIO_AT_MOST, 1 / 0.95, "at least 0.95 of the I/Os per second" },
	};
	char path[] = IMAGE;
	uint8_t *mem;
	int rc;

	rig_init(&rig, &pt_x86_64);
	mem = rig_pages(2 * QUEUE_LEN + DEPTH * PAGE);
	if (rig_map(&rig, (uintptr_t)mem, mem, 2 * QUEUE_LEN + DEPTH * PAGE))
		die("memory can't be mapped");
	queue_init(&admin, 0, mem);
	queue_init(&io, 1, mem + QUEUE_LEN);
	buffers = mem + 2 * QUEUE_LEN;
	image_new(path);
	device_new(path);
	enable();
	rc = bench_run(&row);
	pdev_close(pdev);
	pdev_free(pdev);
	unlink(path);
	rig_unmap(&rig, (uintptr_t)mem, 2 * QUEUE_LEN + DEPTH * PAGE);
	rig_fini(&rig);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
