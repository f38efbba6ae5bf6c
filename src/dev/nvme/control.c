/* SPDX-License-Identifier: MIT */
/* Enabling, resetting and shutting down (base specification 3.1.5, 7.3, 7.6); on the controller's
 * thread. */
#include "dev/nvme/ctrl.h"

static bool config_is_valid(struct ctrl *c, uint32_t cc)
{
	uint64_t bases = atomic_load(&c->regs.asq) | atomic_load(&c->regs.acq);
	uint32_t page_lg2 = PAGE_LG2_MIN + NVME_CC_MPS(cc), aqa = atomic_load(&c->regs.aqa);

	return page_lg2 <= PAGE_LG2_MAX && !NVME_CC_CSS(cc) && !NVME_CC_AMS(cc) &&
	       !(bases & ((UINT64_C(1) << page_lg2) - 1)) && NVME_AQA_ASQS(aqa) > 1 &&
	       NVME_AQA_ACQS(aqa) > 1 && c->aio;
}

void control_fatal(struct ctrl *c)
{
	c->halted = true;
	c->fatal = true;
	atomic_fetch_or(&c->regs.csts, NVME_CSTS_CFS);
}

static void enable(struct ctrl *c, uint32_t cc)
{
	uint32_t aqa = atomic_load(&c->regs.aqa);

	c->enabled = true;
	if (!config_is_valid(c, cc)) {
		control_fatal(c);
		return;
	}
	c->page_lg2 = (uint8_t)(PAGE_LG2_MIN + NVME_CC_MPS(cc));
	db_reset(c);
	cq_init(c, 0, atomic_load(&c->regs.acq), NVME_AQA_ACQS(aqa), 0, true);
	sq_init(c, 0, atomic_load(&c->regs.asq), NVME_AQA_ASQS(aqa), &c->cq[0]);
	atomic_fetch_or(&c->regs.csts, NVME_CSTS_RDY);
}

/* Commands in flight come to their end at the host, and nobody hears of them. */
static void disable(struct ctrl *c)
{
	c->enabled = false;
	if (c->aio)
		thread_drain(c);
	pool_reset(c);
	for (unsigned int i = 0; i < QUEUES_MAX; i++) {
		c->cq[i].live = false;
		c->cq[i].nbatch = 0;
		c->sq[i].live = false;
	}
	c->nactive = 0;
	c->ndirty = 0;
	c->halted = false;
	c->fatal = false;
	c->shutdown = SHUTDOWN_NONE;
	events_reset(c);
	features_reset(c);
	irq_reset(c);
	db_reset(c);
}

static void reset(struct ctrl *c, uint32_t resets)
{
	disable(c);
	pthread_mutex_lock(&c->lock);
	c->resets_seen = resets;
	atomic_store(&c->regs.csts, 0);
	atomic_store(&c->regs.intm, 0);
	atomic_store(&c->regs.resets_done, resets);
	pthread_cond_broadcast(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

static void shutdown_end(struct ctrl *c)
{
	c->shutdown = SHUTDOWN_DONE;
	atomic_store(&c->regs.csts,
		(atomic_load(&c->regs.csts) & ~NVME_CSTS_SHST) | NVME_CSTS_SHST_DONE);
}

static void shutdown_begin(struct ctrl *c, uint32_t cc)
{
	c->shutdown = SHUTDOWN_DRAIN;
	c->abrupt = NVME_CC_SHN(cc) != 1;
	c->halted = true;
	atomic_fetch_or(&c->regs.csts, NVME_CSTS_SHST_BUSY);
	if (!c->aio)
		shutdown_end(c);
}

static void shutdown_synced(struct ctrl *c, struct cmd *cmd, int res)
{
	cmd_put(c, cmd);
	shutdown_end(c);
}

bool control_shutdown(struct ctrl *c)
{
	struct cmd *cmd;

	if (c->shutdown != SHUTDOWN_DRAIN || aio_pending(c->aio))
		return false;
	cmd = c->abrupt ? NULL : cmd_get(c);
	if (!cmd) {
		shutdown_end(c);
		return true;
	}
	c->shutdown = SHUTDOWN_SYNC;
	cmd->sq = NULL;
	io_sync_all(c, cmd, shutdown_synced);
	return true;
}

void control_apply(struct ctrl *c)
{
	uint32_t resets, cc;

	/* Both as of one moment: see write_cc(). */
	pthread_mutex_lock(&c->lock);
	resets = atomic_load(&c->regs.resets);
	cc = atomic_load(&c->regs.cc);
	pthread_mutex_unlock(&c->lock);
	if (resets != c->resets_seen)
		reset(c, resets);
	if ((cc & NVME_CC_EN) && !c->enabled)
		enable(c, cc);
	if (NVME_CC_SHN(cc) && c->shutdown == SHUTDOWN_NONE)
		shutdown_begin(c, cc);
	irq_mask_changed(c);
}
