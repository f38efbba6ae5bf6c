/* SPDX-License-Identifier: MIT */
/*
 * Interrupts (base specification 7.5).
 *
 * A completion queue that interrupts has a line: where the controller writes next. Where the client
 * reads is in the doorbell. The queue's vector is asserted while the two differ. With INTx the pin
 * is high while any asserted vector isn't masked by INTMS. With MSI a message goes out when
 * completions are posted; if its vector is masked by INTMS, then when it is unmasked and still
 * asserted. MSI-X has masks of its own, which the PCI core looks after.
 */
#include "dev/nvme/ctrl.h"

bool irq_is_pin(const struct ctrl *c)
{
	return uiommu_pdev_irq_mode(c->pdev, NULL) == UIOMMU_IRQ_INTX;
}

unsigned int irq_vectors(const struct ctrl *c)
{
	unsigned int nvec = 1;

	switch (uiommu_pdev_irq_mode(c->pdev, &nvec)) {
	case UIOMMU_IRQ_INTX:
		return 1;
	case UIOMMU_IRQ_MSI:
		return nvec ? nvec : 1;
	default:
		return c->opt.msix ? c->opt.queues + 1 : c->opt.msi ? MSI_VECTORS : 1;
	}
}

/* The vector that a line has in the mode that the client uses now. */
static unsigned int effective(enum uiommu_irq_mode mode, unsigned int nvec, unsigned int vector)
{
	return mode == UIOMMU_IRQ_MSI && nvec > 1 ? vector & (MSI_VECTORS - 1) : 0;
}

static uint32_t asserted(struct ctrl *c)
{
	unsigned int nvec = 1;
	enum uiommu_irq_mode mode = uiommu_pdev_irq_mode(c->pdev, &nvec);
	uint32_t vectors = 0;

	for (unsigned int i = 0; i <= c->opt.queues; i++) {
		struct irq_line *line = &c->line[i];

		if (atomic_load(&line->live) && db_load(c, DB_HEAD(i)) != atomic_load(&line->tail))
			vectors |= UINT32_C(1) << effective(mode, nvec, atomic_load(&line->vector));
	}
	return vectors;
}

static void pin_update_locked(struct ctrl *c)
{
	bool pin = irq_is_pin(c) && (asserted(c) & ~atomic_load(&c->regs.intm));

	if (pin == c->pin)
		return;
	c->pin = pin;
	uiommu_pdev_intx(c->pdev, pin);
}

static void pin_update(struct ctrl *c)
{
	pthread_mutex_lock(&c->irq_lock);
	pin_update_locked(c);
	pthread_mutex_unlock(&c->irq_lock);
}

static void msi_send(struct ctrl *c, unsigned int vector)
{
	uint32_t bit = UINT32_C(1) << vector;

	pthread_mutex_lock(&c->irq_lock);
	if (atomic_load(&c->regs.intm) & bit)
		c->msi_held |= bit;
	else
		uiommu_pdev_msi(c->pdev, vector);
	pthread_mutex_unlock(&c->irq_lock);
}

void irq_posted(struct ctrl *c, const struct cq *cq)
{
	unsigned int nvec = 1;
	enum uiommu_irq_mode mode = uiommu_pdev_irq_mode(c->pdev, &nvec);

	if (!cq->ien)
		return;
	atomic_store(&c->line[cq->id].tail, cq->tail);
	switch (mode) {
	case UIOMMU_IRQ_MSIX:
		uiommu_pdev_msi(c->pdev, cq->vector);
		break;
	case UIOMMU_IRQ_MSI:
		msi_send(c, effective(mode, nvec, cq->vector));
		break;
	case UIOMMU_IRQ_INTX:
		pin_update(c);
		break;
	case UIOMMU_IRQ_NONE:
		break;
	}
}

void irq_head_moved(struct ctrl *c)
{
	if (irq_is_pin(c))
		pin_update(c);
}

/* A change of INTMS, or of the mode. */
void irq_mask_changed(struct ctrl *c)
{
	uint32_t send;

	pthread_mutex_lock(&c->irq_lock);
	pin_update_locked(c);
	send = c->msi_held & ~atomic_load(&c->regs.intm);
	c->msi_held &= ~send;
	if (uiommu_pdev_irq_mode(c->pdev, NULL) == UIOMMU_IRQ_MSI)
		send &= asserted(c);
	else
		send = 0;
	for (unsigned int v = 0; send; v++, send >>= 1)
		if (send & 1)
			uiommu_pdev_msi(c->pdev, v);
	pthread_mutex_unlock(&c->irq_lock);
}

void irq_queue_init(struct ctrl *c, const struct cq *cq)
{
	struct irq_line *line = &c->line[cq->id];

	atomic_store(&line->tail, 0);
	atomic_store(&line->vector, cq->vector);
	atomic_store(&line->live, cq->ien);
}

void irq_queue_fini(struct ctrl *c, const struct cq *cq)
{
	atomic_store(&c->line[cq->id].live, 0);
	pin_update(c);
}

void irq_reset(struct ctrl *c)
{
	pthread_mutex_lock(&c->irq_lock);
	for (unsigned int i = 0; i < QUEUES_MAX; i++)
		atomic_store(&c->line[i].live, 0);
	c->msi_held = 0;
	pin_update_locked(c);
	pthread_mutex_unlock(&c->irq_lock);
}
