/* SPDX-License-Identifier: MIT */
/* Admin commands (base specification 5): dispatch, queues, abort. */
#include "dev/nvme/ctrl.h"

#include <endian.h>

#define IO_SQES_LG2 6u
#define IO_CQES_LG2 4u

static uint16_t low16(uint32_t val)
{
	return (uint16_t)val;
}

static uint16_t high16(uint32_t val)
{
	return (uint16_t)(val >> 16);
}

#define QUEUE_CONTIGUOUS 1u
#define CQ_INTERRUPTS	 2u

/* What creating either kind of queue has in common. */
static enum nvme_sc queue_check(struct ctrl *c, const struct cmd *cmd, bool entry_size_ok)
{
	uint64_t base = le64toh(cmd->sqe.prp1);
	uint32_t size = high16(le32toh(cmd->sqe.cdw10)) + UINT32_C(1);

	if (size < 2 || size > QUEUE_SIZE_MAX || !entry_size_ok)
		return NVME_SC_QUEUE_SIZE;
	if (!(le32toh(cmd->sqe.cdw11) & QUEUE_CONTIGUOUS))
		return NVME_SC_INVALID_FIELD;
	if (base & ((UINT64_C(1) << c->page_lg2) - 1))
		return NVME_SC_PRP_OFFSET;
	return NVME_SC_SUCCESS;
}

static void create_cq(struct ctrl *c, struct cmd *cmd)
{
	uint32_t cdw10 = le32toh(cmd->sqe.cdw10), cdw11 = le32toh(cmd->sqe.cdw11);
	bool entry_size_ok = NVME_CC_IOCQES(atomic_load(&c->regs.cc)) == IO_CQES_LG2;
	uint16_t id = low16(cdw10), vector = high16(cdw11);
	enum nvme_sc sc;

	if (!id || id > c->feat.ncq || c->cq[id].live) {
		cmd_refuse(c, cmd, NVME_SC_QUEUE_ID);
		return;
	}
	sc = queue_check(c, cmd, entry_size_ok);
	if (!sc && vector >= irq_vectors(c))
		sc = NVME_SC_VECTOR;
	if (sc) {
		cmd_refuse(c, cmd, sc);
		return;
	}
	cq_init(c, id, le64toh(cmd->sqe.prp1), high16(cdw10) + UINT32_C(1), vector,
		cdw11 & CQ_INTERRUPTS);
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static void create_sq(struct ctrl *c, struct cmd *cmd)
{
	uint32_t cdw10 = le32toh(cmd->sqe.cdw10);
	bool entry_size_ok = NVME_CC_IOSQES(atomic_load(&c->regs.cc)) == IO_SQES_LG2;
	uint16_t id = low16(cdw10), cqid = high16(le32toh(cmd->sqe.cdw11));
	enum nvme_sc sc;

	if (!id || id > c->feat.nsq || c->sq[id].live || !cqid || cqid > c->feat.ncq) {
		cmd_refuse(c, cmd, NVME_SC_QUEUE_ID);
		return;
	}
	sc = c->cq[cqid].live ? queue_check(c, cmd, entry_size_ok) : NVME_SC_CQ_INVALID;
	if (sc) {
		cmd_refuse(c, cmd, sc);
		return;
	}
	sq_init(c, id, le64toh(cmd->sqe.prp1), high16(cdw10) + UINT32_C(1), &c->cq[cqid]);
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

/* Commands that were fetched complete first; those that weren't never will be. */
static void delete_sq(struct ctrl *c, struct cmd *cmd)
{
	uint16_t id = low16(le32toh(cmd->sqe.cdw10));
	struct sq *sq = id && id < QUEUES_MAX ? &c->sq[id] : NULL;

	if (!sq || !sq->live || sq->deletion) {
		cmd_refuse(c, cmd, NVME_SC_QUEUE_ID);
		return;
	}
	sq->deletion = cmd;
	if (!sq->inflight)
		admin_sq_idle(c, sq);
}

void admin_sq_idle(struct ctrl *c, struct sq *sq)
{
	struct cmd *cmd = sq->deletion;

	sq->deletion = NULL;
	sq_fini(c, sq);
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

static void delete_cq(struct ctrl *c, struct cmd *cmd)
{
	uint16_t id = low16(le32toh(cmd->sqe.cdw10));
	struct cq *cq = id && id < QUEUES_MAX ? &c->cq[id] : NULL;

	if (!cq || !cq->live) {
		cmd_refuse(c, cmd, NVME_SC_QUEUE_ID);
		return;
	}
	if (cq->sqs) {
		cmd_refuse(c, cmd, NVME_SC_QUEUE_DELETION);
		return;
	}
	/* What its queues have completed is still to be posted. */
	cq_post(c);
	cq_fini(c, cq);
	cmd_complete(c, cmd, NVME_SC_SUCCESS);
}

#define ABORT_NOT_DONE 1u

/* Only event requests wait long enough to be aborted. */
static void abort_start(struct ctrl *c, struct cmd *cmd)
{
	uint32_t cdw10 = le32toh(cmd->sqe.cdw10);
	uint16_t sqid = low16(cdw10);

	if (sqid >= QUEUES_MAX || !c->sq[sqid].live) {
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
		return;
	}
	if (!sqid && events_abort(c, high16(cdw10)))
		cmd_complete(c, cmd, NVME_SC_SUCCESS);
	else
		cmd_complete_result(c, cmd, NVME_SC_SUCCESS, ABORT_NOT_DONE);
}

static void (*const commands[])(struct ctrl *c, struct cmd *cmd) = {
	[NVME_ADM_DELETE_SQ] = delete_sq,
	[NVME_ADM_CREATE_SQ] = create_sq,
	[NVME_ADM_GET_LOG] = logs_get,
	[NVME_ADM_DELETE_CQ] = delete_cq,
	[NVME_ADM_CREATE_CQ] = create_cq,
	[NVME_ADM_IDENTIFY] = identify_start,
	[NVME_ADM_ABORT] = abort_start,
	[NVME_ADM_SET_FEATURES] = features_set,
	[NVME_ADM_GET_FEATURES] = features_get,
	[NVME_ADM_ASYNC_EVENT] = events_request,
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void admin_start(struct ctrl *c, struct cmd *cmd)
{
	uint8_t opcode = cmd->sqe.opcode, flags = cmd->sqe.flags;

	/* Over PCIe admin commands use PRPs only. */
	if (opcode >= COMMANDS || !commands[opcode])
		cmd_refuse(c, cmd, NVME_SC_INVALID_OPCODE);
	else if (NVME_FLAGS_FUSE(flags) || NVME_FLAGS_PSDT(flags))
		cmd_refuse(c, cmd, NVME_SC_INVALID_FIELD);
	else
		commands[opcode](c, cmd);
}
