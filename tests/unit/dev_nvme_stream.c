/* SPDX-License-Identifier: MIT */
#include "dev_nvme_stream.h"

#include <endian.h>
#include <sched.h>
#include <string.h>

#define QUEUES 4u  /* with the admin queue */
#define PLAY   64u /* pages at the start of memory that everything happens in */
#define SAFE   (1024u * HOST_PAGE)

struct stream {
	struct host *h;
	const uint8_t *data;
	size_t len;
	struct host_queue q[QUEUES];
};

static uint64_t take(struct stream *s, unsigned int bytes)
{
	uint64_t val = 0;

	if (bytes > s->len)
		bytes = (unsigned int)s->len;
	memcpy(&val, s->data, bytes);
	s->data += bytes;
	s->len -= bytes;
	return le64toh(val);
}

/* Mostly in the playground and aligned; queues, lists and data overlap as it happens. */
static uint64_t address(struct stream *s)
{
	uint64_t val = take(s, 2), page = (val & (PLAY - 1)) * HOST_PAGE;

	switch (val >> 6 & 15) {
	case 0:
		return page + (val >> 10) * 8;
	case 1:
		return page + (val >> 10);
	case 2:
		return HOST_MEM - HOST_PAGE * 2 + page;
	case 3:
		return UINT64_MAX - (val >> 10);
	case 4:
		return take(s, 8);
	default:
		return page;
	}
}

static void op_register(struct stream *s)
{
	uint8_t which = (uint8_t)take(s, 1);
	unsigned int size = 1u << (which >> 6);
	uint64_t off = (which & 63u) * 4u / size * size;

	host_write(s->h, off, size, take(s, size));
	host_read(s->h, off, size);
}

/* Admin queue registers, in the playground. */
static void op_enable(struct stream *s)
{
	struct host *h = s->h;
	uint32_t size = (uint32_t)take(s, 1) % 40 + 1;
	struct host_queue *q = &s->q[0];

	host_write(h, NVME_REG_CC, 4, HOST_CC);
	*q = (struct host_queue){ .size = (uint16_t)size, .phase = true };
	q->sq = (take(s, 1) % PLAY) * HOST_PAGE;
	q->cq = (take(s, 1) % PLAY) * HOST_PAGE;
	host_write(h, NVME_REG_AQA, 4, (size - 1) << 16 | (size - 1));
	host_write(h, NVME_REG_ASQ, 8, q->sq);
	host_write(h, NVME_REG_ACQ, 8, q->cq);
	host_write(h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN);
	sched_yield();
}

static void send(struct stream *s, struct host_queue *q, struct nvme_sqe *sqe)
{
	sqe->cid = (uint16_t)take(s, 1);
	if (!q->size || q->sq + q->size * 64u > HOST_MEM)
		return;
	host_place(s->h, q, sqe);
	host_ring(s->h, 2u * q->id, q->tail);
}

static void op_admin(struct stream *s)
{
	struct nvme_sqe sqe = { .opcode = (uint8_t)(take(s, 1) & 15) };

	sqe.nsid = htole32((uint32_t)take(s, 1) & 3);
	sqe.prp1 = htole64(address(s));
	sqe.prp2 = htole64(address(s));
	sqe.cdw10 = htole32((uint32_t)take(s, 4));
	sqe.cdw11 = htole32((uint32_t)take(s, 4));
	sqe.cdw12 = htole32((uint32_t)take(s, 1) * 4);
	send(s, &s->q[0], &sqe);
}

static void op_queue(struct stream *s)
{
	uint8_t how = (uint8_t)take(s, 1);
	struct host_queue *q = &s->q[1 + how % (QUEUES - 1)];
	struct nvme_sqe sqe = { 0 };

	q->id = 1 + how % (QUEUES - 1);
	if (how & 0x80) {
		sqe.opcode = how & 0x40 ? NVME_ADM_DELETE_CQ : NVME_ADM_DELETE_SQ;
		sqe.cdw10 = htole32(q->id);
		send(s, &s->q[0], &sqe);
		return;
	}
	q->size = (uint16_t)(2 + take(s, 1) % 100);
	q->phase = true;
	q->head = q->tail = 0;
	q->sq = take(s, 1) % PLAY * HOST_PAGE;
	q->cq = take(s, 1) % PLAY * HOST_PAGE;
	sqe.opcode = NVME_ADM_CREATE_CQ;
	sqe.prp1 = htole64(q->cq);
	sqe.cdw10 = htole32(q->id | (uint32_t)(q->size - 1) << 16);
	sqe.cdw11 = htole32(3u);
	send(s, &s->q[0], &sqe);
	sqe.opcode = NVME_ADM_CREATE_SQ;
	sqe.prp1 = htole64(q->sq);
	sqe.cdw11 = htole32(1u | (uint32_t)q->id << 16);
	send(s, &s->q[0], &sqe);
}

static void op_io(struct stream *s)
{
	uint8_t how = (uint8_t)take(s, 1);
	struct host_queue *q = &s->q[1 + how % (QUEUES - 1)];
	uint64_t slba = take(s, 1) * 16, prp1 = address(s), prp2 = address(s);
	struct nvme_sqe sqe = host_rw(
		(uint8_t)take(s, 1) & 15, 1, slba, (uint32_t)take(s, 2) % 1100 + 1, prp1, prp2);

	sqe.cdw12 |= htole32((uint32_t)take(s, 1) << 24);
	sqe.flags = how & 0x80 ? NVME_PSDT_SGL << 6 : 0;
	if (sqe.opcode == NVME_CMD_DSM)
		sqe.cdw11 = htole32(NVME_DSM_DEALLOCATE);
	send(s, q, &sqe);
}

static void op_ring(struct stream *s)
{
	uint16_t which = (uint16_t)take(s, 2);

	host_ring(s->h, which & 0x8000 ? which & 1023 : which & 15,
		(uint32_t)take(s, which & 0x4000 ? 4 : 1));
}

static void op_permissions(struct stream *s)
{
	uint16_t val = (uint16_t)take(s, 2);

	host_perm(s->h, val % PLAY * HOST_PAGE, 1, val >> 14);
}

static void op_scribble(struct stream *s)
{
	uint64_t at = take(s, 1) % PLAY * HOST_PAGE + (take(s, 1) & 255) * 16;
	unsigned int n = (unsigned int)take(s, 1) % 32;

	for (unsigned int i = 0; i < n && at + 8 <= PLAY * HOST_PAGE; i++, at += 8) {
		uint64_t word = htole64(address(s));

		host_store(s->h, at, &word, 8);
	}
}

static void op_sgl(struct stream *s)
{
	uint64_t at = take(s, 1) % PLAY * HOST_PAGE;
	unsigned int n = (unsigned int)take(s, 1) % 8;

	for (unsigned int i = 0; i < n; i++) {
		struct nvme_sgl_desc d = { .addr = htole64(address(s)) };

		d.len = htole32((uint32_t)take(s, 2));
		d.id = (uint8_t)take(s, 1) & 0x7f;
		host_store(s->h, at + i * sizeof(d), &d, sizeof(d));
	}
}

static void op_complete(struct stream *s)
{
	struct host_queue *q = &s->q[take(s, 1) % QUEUES];
	struct nvme_cqe cqe;

	for (unsigned int i = 0; q->size && i < 8 && host_poll(s->h, q, &cqe); i++)
		;
}

static void op_interrupts(struct stream *s)
{
	uint8_t how = (uint8_t)take(s, 1);

	atomic_store(&s->h->pdev->irq_mode, how & 3);
	atomic_store(&s->h->pdev->nvec, 1u << (how >> 2 & 3));
	nvme_model.config_changed(s->h->pdev->priv);
}

static void op_reset(struct stream *s)
{
	switch (take(s, 1) & 7) {
	case 0:
		host_close(s->h);
		if (host_open(s->h))
			__builtin_trap();
		break;
	case 1:
		nvme_model.reset(s->h->pdev->priv);
		break;
	case 2:
		host_write(s->h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN | 1u << 14);
		break;
	default:
		for (unsigned int i = 0; i < 10; i++)
			sched_yield();
		break;
	}
}

static void (*const ops[])(struct stream *s) = {
	op_register,
	op_enable,
	op_admin,
	op_queue,
	op_io,
	op_io,
	op_io,
	op_ring,
	op_permissions,
	op_scribble,
	op_sgl,
	op_complete,
	op_interrupts,
	op_reset,
	op_queue,
	op_admin,
};

static bool still_works(struct host *h)
{
	struct host_queue q;
	struct nvme_sqe sqe;

	nvme_model.reset(h->pdev->priv);
	atomic_store(&h->pdev->irq_mode, UIOMMU_IRQ_NONE);
	h->brk = SAFE;
	if (!host_enable(h, 16) || host_create_pair(h, &q, 1, 16, 0, false))
		return false;
	sqe = host_rw(NVME_CMD_READ, 1, 0, 1, host_pages(h, 1), 0);
	return !host_cmd(h, &q, &sqe);
}

bool nvme_stream(struct host *h, const uint8_t *data, size_t len)
{
	struct stream s = { .h = h, .data = data, .len = len };

	h->pdev->racy = true;
	host_perm(h, 0, PLAY, HOST_RW);
	op_enable(&s);
	while (s.len)
		ops[take(&s, 1) % (sizeof(ops) / sizeof(ops[0]))](&s);
	return still_works(h);
}
