/* SPDX-License-Identifier: MIT */
/* Submission and completion queues (base specification 4.1): fetching commands, posting
 * completions. */
#include "dev/nvme/ctrl.h"

#include <endian.h>
#include <string.h>

#include "base/arch.h"

void cq_init(struct ctrl *c, uint16_t id, uint64_t base, uint32_t size, uint16_t vector, bool ien)
{
	struct cq *cq = &c->cq[id];

	*cq = (struct cq){
		.live = true,
		.ien = ien,
		.phase = true,
		.id = id,
		.vector = vector,
		.size = size,
		.base = base,
	};
	db_enable(c, DB_HEAD(id));
	irq_queue_init(c, cq);
}

void cq_fini(struct ctrl *c, struct cq *cq)
{
	cq->live = false;
	irq_queue_fini(c, cq);
	db_disable(c, DB_HEAD(cq->id));
}

static void active_rebuild(struct ctrl *c)
{
	c->nactive = 0;
	c->first = 0;
	for (unsigned int i = 0; i < QUEUES_MAX; i++)
		if (c->sq[i].live)
			c->active[c->nactive++] = &c->sq[i];
}

void sq_init(struct ctrl *c, uint16_t id, uint64_t base, uint32_t size, struct cq *cq)
{
	struct sq *sq = &c->sq[id];

	*sq = (struct sq){ .live = true, .id = id, .size = size, .base = base, .cq = cq };
	cq->sqs++;
	db_enable(c, DB_TAIL(id));
	active_rebuild(c);
}

void sq_fini(struct ctrl *c, struct sq *sq)
{
	sq->live = false;
	sq->cq->sqs--;
	db_disable(c, DB_TAIL(sq->id));
	active_rebuild(c);
}

static uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t size)
{
	return to >= from ? to - from : to + size - from;
}

static void cq_read_head(struct ctrl *c, struct cq *cq)
{
	uint32_t head = db_load(c, DB_HEAD(cq->id));

	if (head == cq->head)
		return;
	if (head >= cq->size || ring_distance(cq->head, head, cq->size) >
					ring_distance(cq->head, cq->tail, cq->size)) {
		db_invalid(c, DB_HEAD(cq->id), head, cq->head);
		return;
	}
	cq->head = head;
}

uint32_t cq_room(struct ctrl *c, struct cq *cq)
{
	cq_read_head(c, cq);
	return cq->size - 1 - ring_distance(cq->head, cq->tail, cq->size) - cq->reserved;
}

void cq_add(struct ctrl *c, struct cq *cq, const struct nvme_cqe *cqe)
{
	struct nvme_cqe *e;

	if (cq->nbatch == POST_BATCH)
		cq_post(c);
	if (!cq->nbatch)
		c->dirty[c->ndirty++] = cq;
	e = &cq->batch[cq->nbatch++];
	*e = *cqe;
	e->status = htole16((uint16_t)(le16toh(e->status) | cq->phase));
	if (++cq->tail == cq->size) {
		cq->tail = 0;
		cq->phase = !cq->phase;
	}
}

static int cq_write(struct ctrl *c, const struct cq *cq, uint32_t at, const void *buf, uint32_t n)
{
	return uiommu_dma_write(c->dma, UIOMMU_PASID_NONE,
		cq->base + (uint64_t)at * sizeof(struct nvme_cqe), buf,
		n * sizeof(struct nvme_cqe));
}

/*
 * Clients read in order: whatever follows the first entry isn't looked at before that one's phase
 * has changed. So it is written last, and its half with the phase after the other.
 */
static int cq_flush(struct ctrl *c, struct cq *cq)
{
	uint32_t n = cq->nbatch, at = ring_distance(n, cq->tail, cq->size);
	uint64_t first = cq->base + (uint64_t)at * sizeof(struct nvme_cqe);
	uint32_t before_wrap = cq->size - at < n ? cq->size - at : n;
	const uint8_t *entry = (const uint8_t *)&cq->batch[0];
	int err = 0;

	if (n > before_wrap)
		err = cq_write(c, cq, 0, &cq->batch[before_wrap], n - before_wrap);
	if (!err && before_wrap > 1)
		err = cq_write(c, cq, at + 1, &cq->batch[1], before_wrap - 1);
	if (!err)
		err = uiommu_dma_write(c->dma, UIOMMU_PASID_NONE, first, entry, 8);
	/* Pairs with the client's acquire, or control dependency, on the phase. */
	arch_full_fence();
	if (!err)
		err = uiommu_dma_write(c->dma, UIOMMU_PASID_NONE, first + 8, entry + 8, 8);
	cq->nbatch = 0;
	return err;
}

void cq_post(struct ctrl *c)
{
	for (unsigned int i = 0; i < c->ndirty; i++) {
		struct cq *cq = c->dirty[i];

		if (c->fatal)
			cq->nbatch = 0;
		else if (cq_flush(c, cq))
			control_fatal(c);
		else
			irq_posted(c, cq);
	}
	c->ndirty = 0;
}

void cmd_complete_result(struct ctrl *c, struct cmd *cmd, uint32_t status, uint32_t result)
{
	struct sq *sq = cmd->sq;
	struct nvme_cqe cqe = {
		.result = htole32(result),
		.sq_head = htole16((uint16_t)sq->head),
		.sq_id = htole16(sq->id),
		.cid = cmd->sqe.cid,
	};

	if (status) {
		status |= NVME_SC_MORE;
		logs_error(c, cmd, status);
	}
	cqe.status = htole16((uint16_t)(status << 1));
	sq->cq->reserved--;
	sq->inflight--;
	cmd_put(c, cmd);
	cq_add(c, sq->cq, &cqe);
	if (sq->deletion && !sq->inflight)
		admin_sq_idle(c, sq);
}

void cmd_complete(struct ctrl *c, struct cmd *cmd, uint32_t status)
{
	cmd_complete_result(c, cmd, status, 0);
}

static void sq_read_tail(struct ctrl *c, struct sq *sq)
{
	uint32_t tail = db_load(c, DB_TAIL(sq->id));

	if (tail == sq->tail)
		return;
	if (tail >= sq->size) {
		db_invalid(c, DB_TAIL(sq->id), tail, sq->tail);
		return;
	}
	sq->tail = tail;
}

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Arbitration is round robin with a burst of 2^AB commands, 7 for no limit. */
static uint32_t burst(const struct ctrl *c)
{
	uint32_t ab = c->feat.arbitration & 7;

	return ab == 7 ? FETCH_BATCH : UINT32_C(1) << ab;
}

static uint32_t sq_ready(struct ctrl *c, struct sq *sq)
{
	uint32_t n = ring_distance(sq->head, sq->tail, sq->size);

	if (!n || sq->deletion)
		return 0;
	n = min32(n, sq->size - sq->head);
	n = min32(n, min32(FETCH_BATCH, burst(c)));
	n = min32(n, c->nfree);
	return min32(n, cq_room(c, sq->cq));
}

static void cmd_start(struct ctrl *c, struct sq *sq, const struct nvme_sqe *sqe)
{
	struct cmd *cmd = cmd_get(c);

	cmd->sq = sq;
	cmd->sqe = *sqe;
	cmd->nseg = 0;
	cmd->len = 0;
	sq->inflight++;
	sq->cq->reserved++;
	if (sq->id)
		io_start(c, cmd);
	else
		admin_start(c, cmd);
}

bool sq_serve(struct ctrl *c, struct sq *sq)
{
	uint32_t n;

	sq_read_tail(c, sq);
	n = sq_ready(c, sq);
	if (!n)
		return false;
	if (uiommu_dma_read(c->dma, UIOMMU_PASID_NONE,
		    sq->base + (uint64_t)sq->head * sizeof(struct nvme_sqe), c->fetched,
		    n * sizeof(struct nvme_sqe))) {
		control_fatal(c);
		return true;
	}
	c->served += n;
	sq->head += n;
	if (sq->head == sq->size)
		sq->head = 0;
	for (uint32_t i = 0; i < n && !c->fatal; i++)
		cmd_start(c, sq, &c->fetched[i]);
	return true;
}
