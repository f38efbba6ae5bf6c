/* SPDX-License-Identifier: MIT */
/* The register file (base specification 3.1) as clients see it; on clients' threads. */
#include "dev/nvme/ctrl.h"

const struct uiommu_poll_reg regs_polled[] = {
	{ NVME_REG_INTMS, 4 },
	{ NVME_REG_INTMC, 4 },
	{ NVME_REG_AQA, 4 },
	{ NVME_REG_ASQ, 8 },
	{ NVME_REG_ACQ, 8 },
	{ NVME_REG_CC, 4 },
	{ NVME_REG_CSTS, 4 },
};
const unsigned int regs_npolled = sizeof(regs_polled) / sizeof(regs_polled[0]);

#define CAP_TIMEOUT 40u /* of 500 ms */

static uint64_t cap(void)
{
	return NVME_CAP_MQES(QUEUE_SIZE_MAX - 1) | NVME_CAP_CQR | NVME_CAP_TO(CAP_TIMEOUT) |
	       NVME_CAP_CSS_NVM | NVME_CAP_MPSMIN(PAGE_LG2_MIN) | NVME_CAP_MPSMAX(PAGE_LG2_MAX);
}

static uint32_t read32(struct ctrl *c, uint64_t off)
{
	struct registers *regs = &c->regs;

	switch (off) {
	case NVME_REG_CAP:
		return (uint32_t)cap();
	case NVME_REG_CAP + 4:
		return (uint32_t)(cap() >> 32);
	case NVME_REG_VS:
		return NVME_VS_1_4;
	case NVME_REG_INTMS:
	case NVME_REG_INTMC:
		return atomic_load(&regs->intm);
	case NVME_REG_CC:
		return atomic_load(&regs->cc);
	case NVME_REG_CSTS:
		return atomic_load(&regs->csts);
	case NVME_REG_AQA:
		return atomic_load(&regs->aqa);
	case NVME_REG_ASQ:
		return (uint32_t)atomic_load(&regs->asq);
	case NVME_REG_ASQ + 4:
		return (uint32_t)(atomic_load(&regs->asq) >> 32);
	case NVME_REG_ACQ:
		return (uint32_t)atomic_load(&regs->acq);
	case NVME_REG_ACQ + 4:
		return (uint32_t)(atomic_load(&regs->acq) >> 32);
	default:
		return 0;
	}
}

uint64_t regs_read(struct ctrl *c, uint64_t off, unsigned int size)
{
	unsigned int shift = (unsigned int)(off & 3) * 8;

	if (size == 8)
		return read32(c, off) | (uint64_t)read32(c, off + 4) << 32;
	return (read32(c, off & ~UINT64_C(3)) >> shift) & (UINT32_MAX >> (32 - size * 8));
}

void regs_changed(struct ctrl *c)
{
	atomic_fetch_add(&c->regs.changes, 1);
	thread_kick(c);
}

/* Without a thread nothing is cached and nothing in flight: all is over at once. */
static void apply_at_rest(struct ctrl *c, uint32_t cc, bool reset)
{
	if (c->has_thread)
		return;
	if (reset)
		atomic_store(&c->regs.csts, 0);
	if (NVME_CC_SHN(cc))
		atomic_fetch_or(&c->regs.csts, NVME_CSTS_SHST_DONE);
}

static void write_cc(struct ctrl *c, uint32_t val)
{
	uint32_t cc = val & NVME_CC_WRITABLE;
	bool reset;

	/* Together, for control_apply(). */
	pthread_mutex_lock(&c->lock);
	reset = atomic_load(&c->regs.cc) & ~cc & NVME_CC_EN;
	if (reset)
		atomic_fetch_add(&c->regs.resets, 1);
	atomic_store(&c->regs.cc, cc);
	pthread_mutex_unlock(&c->lock);
	apply_at_rest(c, cc, reset);
	if ((cc & NVME_CC_EN) && !c->has_thread && thread_start(c))
		atomic_fetch_or(&c->regs.csts, NVME_CSTS_CFS);
	regs_changed(c);
}

/* FLR. Nothing of before happens any more once this has returned. */
void regs_reset(struct ctrl *c)
{
	struct registers *regs = &c->regs;

	pthread_mutex_lock(&c->lock);
	atomic_fetch_add(&regs->resets, 1);
	atomic_store(&regs->cc, 0);
	atomic_store(&regs->intm, 0);
	atomic_store(&regs->aqa, 0);
	atomic_store(&regs->asq, 0);
	atomic_store(&regs->acq, 0);
	pthread_mutex_unlock(&c->lock);
	apply_at_rest(c, 0, true);
	regs_changed(c);
	thread_wait_reset(c);
}

/* The admin queue's registers stay as they are while the controller is enabled. */
static bool is_enabled(struct ctrl *c)
{
	return atomic_load(&c->regs.cc) & NVME_CC_EN;
}

static void write_base(struct ctrl *c, _Atomic uint64_t *reg, uint32_t val, bool upper)
{
	uint64_t old = atomic_load(reg);

	if (is_enabled(c))
		return;
	if (upper)
		atomic_store(reg, (uint32_t)old | (uint64_t)val << 32);
	else
		atomic_store(reg, (old & ~UINT64_C(0xffffffff)) | (val & ~0xfffu));
}

static void write32(struct ctrl *c, uint64_t off, uint32_t val)
{
	struct registers *regs = &c->regs;

	switch (off) {
	case NVME_REG_INTMS:
		atomic_fetch_or(&regs->intm, val);
		irq_mask_changed(c);
		break;
	case NVME_REG_INTMC:
		atomic_fetch_and(&regs->intm, ~val);
		irq_mask_changed(c);
		break;
	case NVME_REG_CC:
		write_cc(c, val);
		break;
	case NVME_REG_AQA:
		if (!is_enabled(c))
			atomic_store(&regs->aqa, val & NVME_AQA_WRITABLE);
		break;
	case NVME_REG_ASQ:
	case NVME_REG_ASQ + 4:
		write_base(c, &regs->asq, val, off & 4);
		break;
	case NVME_REG_ACQ:
	case NVME_REG_ACQ + 4:
		write_base(c, &regs->acq, val, off & 4);
		break;
	default:
		break;
	}
}

/* Bytes and words are no accesses that the specification allows: they have no effect. */
void regs_write(struct ctrl *c, uint64_t off, unsigned int size, uint64_t val)
{
	if (size >= 4)
		write32(c, off, (uint32_t)val);
	if (size == 8)
		write32(c, off + 4, (uint32_t)(val >> 32));
}
