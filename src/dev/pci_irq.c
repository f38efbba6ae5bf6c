/* SPDX-License-Identifier: MIT */
/*
 * Interrupts as VFIO sees them: each vector of each index may have an eventfd, its trigger.
 *
 * Delivery happens under pdev_irqs.lock and nothing else, on any thread. A trigger is replaced
 * under the same lock and the old descriptor closed afterwards (pci_trigger.c), so that nobody can
 * write to a descriptor that is closed or belongs to something else by now.
 *
 * A message whose vector is masked, or has no trigger at the moment, becomes pending; it is sent
 * once that changes. With the index disabled it is dropped.
 *
 * An eventfd whose counter is at its maximum blocks a writer unless it is in non-blocking mode,
 * which belongs to the client's description of the file and isn't ours to change. Such a trigger is
 * asked first whether it would block; if so, the client has not seen 2^64 - 2 interrupts yet, and
 * the next one is no news. (One that fills its own eventfd between the two calls stops its own
 * device's interrupts until it reads.)
 */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/mem.h"
#include "dev/pdev.h"

int pdev_irqs_init(struct uiommu_pdev *pdev)
{
	struct pdev_irqs *irqs = &pdev->irqs;

	pthread_mutex_init(&irqs->lock, NULL);
	for (unsigned int i = 0; i < PDEV_IRQS; i++) {
		unsigned int n = pdev_irq_count(pdev, i);

		if (!n)
			continue;
		irqs->trigger[i] = base_calloc(n, sizeof(*irqs->trigger[i]));
		if (!irqs->trigger[i])
			return -ENOMEM;
		pdev_triggers_init(irqs->trigger[i], n);
	}
	if (!pdev->desc.msix_vectors)
		return 0;
	irqs->table = base_calloc(pdev->desc.msix_vectors, PCI_MSIX_ENTRY);
	irqs->pba = base_calloc(pdev_msix_pba_words(pdev), sizeof(*irqs->pba));
	if (!irqs->table || !irqs->pba)
		return -ENOMEM;
	pdev_msix_reset_locked(pdev);
	return 0;
}

void pdev_irqs_fini(struct uiommu_pdev *pdev)
{
	struct pdev_irqs *irqs = &pdev->irqs;

	for (unsigned int i = 0; i < PDEV_IRQS; i++)
		base_free(irqs->trigger[i]);
	base_free(irqs->table);
	base_free(irqs->pba);
	pthread_mutex_destroy(&irqs->lock);
}

unsigned int pdev_irq_count(const struct uiommu_pdev *pdev, enum pdev_irq index)
{
	switch (index) {
	case PDEV_IRQ_INTX:
		return pdev->desc.intx;
	case PDEV_IRQ_MSI:
		return pdev->desc.msi_vectors;
	case PDEV_IRQ_MSIX:
		return pdev->desc.msix_vectors;
	case PDEV_IRQ_ERR:
	case PDEV_IRQ_REQ:
		return 1;
	default:
		return 0;
	}
}

unsigned int pdev_irq_enabled(const struct uiommu_pdev *pdev, enum pdev_irq index)
{
	return index < PDEV_IRQS ? atomic_load(&pdev->irqs.enabled[index]) : 0;
}

uint64_t pdev_irq_sent(const struct uiommu_pdev *pdev)
{
	return atomic_load_explicit(&pdev->irqs.sent, memory_order_relaxed);
}

static bool would_block(const struct pdev_trigger *trigger)
{
	struct pollfd pfd = { .fd = trigger->fd, .events = POLLOUT };

	return trigger->may_block && poll(&pfd, 1, 0) == 0;
}

bool pdev_irqs_signal_locked(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int vector)
{
	const struct pdev_trigger *trigger = &pdev->irqs.trigger[index][vector];
	uint64_t one = 1;

	if (trigger->fd < 0)
		return false;
	if (!would_block(trigger)) {
		ssize_t n = write(trigger->fd, &one, sizeof(one));

		(void)n; /* only fails where the counter is full */
	}
	atomic_fetch_add_explicit(&pdev->irqs.sent, 1, memory_order_relaxed);
	if (pdev->irqs.sent_too)
		atomic_fetch_add_explicit(pdev->irqs.sent_too, 1, memory_order_relaxed);
	return true;
}

static void msi_send_locked(struct uiommu_pdev *pdev, unsigned int vector)
{
	struct pdev_irqs *irqs = &pdev->irqs;

	if (irqs->msi_mask >> vector & 1 || !pdev_irqs_signal_locked(pdev, PDEV_IRQ_MSI, vector))
		irqs->msi_pending |= 1u << vector;
}

static void msi_flush_locked(struct uiommu_pdev *pdev)
{
	struct pdev_irqs *irqs = &pdev->irqs;
	uint32_t due = irqs->msi_pending & ~irqs->msi_mask;

	irqs->msi_pending &= ~due;
	for (; due; due &= due - 1)
		msi_send_locked(pdev, (unsigned int)__builtin_ctz(due));
}

static enum uiommu_irq_mode mode_of(uint32_t mode)
{
	return mode & 0xff;
}

static uint32_t mode_now_locked(const struct pdev_irqs *irqs)
{
	return atomic_load_explicit(&irqs->mode, memory_order_relaxed);
}

void uiommu_pdev_msi(struct uiommu_pdev *pdev, unsigned int vector)
{
	struct pdev_irqs *irqs = &pdev->irqs;
	uint32_t mode;

	pthread_mutex_lock(&irqs->lock);
	mode = mode_now_locked(irqs);
	if (vector < mode >> 8) {
		if (mode_of(mode) == UIOMMU_IRQ_MSIX)
			pdev_msix_send_locked(pdev, vector);
		else if (mode_of(mode) == UIOMMU_IRQ_MSI)
			msi_send_locked(pdev, vector);
	}
	pthread_mutex_unlock(&irqs->lock);
}

enum uiommu_irq_mode uiommu_pdev_irq_mode(const struct uiommu_pdev *pdev, unsigned int *nvec)
{
	uint32_t mode = atomic_load_explicit(&pdev->irqs.mode, memory_order_relaxed);

	if (nvec)
		*nvec = mode >> 8;
	return mode_of(mode);
}

/* What is both enabled through VFIO and switched on in the capability. */
static uint32_t mode_wanted(const struct uiommu_pdev *pdev)
{
	const struct pdev_config *c = &pdev->config;
	uint32_t n;

	n = pdev_irq_enabled(pdev, PDEV_IRQ_MSIX);
	if (n && pci_get16(&c->image[c->msix + PCI_MSIX_CTRL]) & PCI_MSIX_CTRL_ENABLE)
		return UIOMMU_IRQ_MSIX | n << 8;
	n = pdev_irq_enabled(pdev, PDEV_IRQ_MSI);
	if (n && pci_get16(&c->image[c->msi + PCI_MSI_CTRL]) & PCI_MSI_CTRL_ENABLE)
		return UIOMMU_IRQ_MSI | n << 8;
	n = pdev_irq_enabled(pdev, PDEV_IRQ_INTX);
	return n ? UIOMMU_IRQ_INTX | n << 8 : UIOMMU_IRQ_NONE;
}

/* Follows the registers. Return: true if one of them has changed. */
static bool masks_update_locked(struct uiommu_pdev *pdev)
{
	const struct pdev_config *c = &pdev->config;
	struct pdev_irqs *irqs = &pdev->irqs;
	bool disabled = pci_get16(&c->image[PCI_COMMAND]) & PCI_COMMAND_INTX_DISABLE;
	uint32_t msi_mask = c->msi ? pci_get32(&c->image[c->msi + PCI_MSI_MASK]) : 0;
	bool fmask = c->msix && pci_get16(&c->image[c->msix + PCI_MSIX_CTRL]) & PCI_MSIX_CTRL_FMASK;
	bool changed = disabled != irqs->intx.disabled || msi_mask != irqs->msi_mask ||
		       fmask != irqs->msix_fmask;

	irqs->intx.disabled = disabled;
	irqs->msi_mask = msi_mask;
	irqs->msix_fmask = fmask;
	return changed;
}

bool pdev_irqs_sync(struct uiommu_pdev *pdev)
{
	struct pdev_irqs *irqs = &pdev->irqs;
	uint32_t mode = mode_wanted(pdev);
	bool changed;

	pthread_mutex_lock(&irqs->lock);
	changed = masks_update_locked(pdev) || mode != mode_now_locked(irqs);
	atomic_store_explicit(&irqs->mode, mode, memory_order_relaxed);
	if (mode_of(mode) == UIOMMU_IRQ_MSIX)
		pdev_msix_flush_locked(pdev);
	if (mode_of(mode) == UIOMMU_IRQ_MSI)
		msi_flush_locked(pdev);
	pdev_intx_update_locked(pdev);
	pthread_mutex_unlock(&irqs->lock);
	return changed;
}

void pdev_irqs_show(struct uiommu_pdev *pdev)
{
	struct pdev_config *c = &pdev->config;
	struct pdev_irqs *irqs = &pdev->irqs;
	uint8_t *status = &c->image[PCI_STATUS];

	pthread_mutex_lock(&irqs->lock);
	*status = (uint8_t)((*status & ~PCI_STATUS_INTERRUPT) |
			    (irqs->intx.level ? PCI_STATUS_INTERRUPT : 0));
	if (c->msi)
		pci_put32(&c->image[c->msi + PCI_MSI_PENDING], irqs->msi_pending);
	pthread_mutex_unlock(&irqs->lock);
}

void pdev_irq_trigger(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int vector)
{
	if (index >= PDEV_IRQS || vector >= pdev_irq_count(pdev, index))
		return;
	pthread_mutex_lock(&pdev->irqs.lock);
	pdev_irqs_signal_locked(pdev, index, vector);
	pthread_mutex_unlock(&pdev->irqs.lock);
}
