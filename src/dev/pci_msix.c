/* SPDX-License-Identifier: MIT */
/*
 * MSI-X: the table and the pending bits, which live in a BAR but which the model never sees
 * (PCI 6.8.2).
 *
 * The whole pages that they begin in are the core's: what lies behind the last entry reads 0.
 */
#include "dev/pdev.h"

size_t pdev_msix_pba_words(const struct uiommu_pdev *pdev)
{
	return (pdev->desc.msix_vectors + 63u) / 64;
}

static size_t table_bytes(const struct uiommu_pdev *pdev)
{
	return (size_t)pdev->desc.msix_vectors * PCI_MSIX_ENTRY;
}

/* Whether @off is in the pages of @bytes bytes from @start. */
static bool in_pages(uint64_t off, uint64_t start, size_t bytes)
{
	return off >= start && off - start < (bytes + PDEV_PAGE - 1) / PDEV_PAGE * PDEV_PAGE;
}

bool pdev_msix_owns(const struct uiommu_pdev *pdev, unsigned int bar, uint64_t off)
{
	const struct uiommu_pci_desc *d = &pdev->desc;

	if (!d->msix_vectors || bar != d->msix_bar)
		return false;
	return in_pages(off, d->msix_off, table_bytes(pdev)) ||
	       in_pages(off, d->pba_off, pdev_msix_pba_words(pdev) * sizeof(uint64_t));
}

static uint8_t *entry(const struct uiommu_pdev *pdev, unsigned int vector)
{
	return pdev->irqs.table + (size_t)vector * PCI_MSIX_ENTRY;
}

static bool masked(const struct uiommu_pdev *pdev, unsigned int vector)
{
	return pdev->irqs.msix_fmask || entry(pdev, vector)[PCI_MSIX_VCTRL] & PCI_MSIX_VCTRL_MASK;
}

void pdev_msix_send_locked(struct uiommu_pdev *pdev, unsigned int vector)
{
	if (masked(pdev, vector) || !pdev_irqs_signal_locked(pdev, PDEV_IRQ_MSIX, vector))
		pdev->irqs.pba[vector / 64] |= 1ull << vector % 64;
}

void pdev_msix_flush_locked(struct uiommu_pdev *pdev)
{
	if (pdev->irqs.msix_fmask)
		return;
	for (unsigned int w = 0; w < pdev_msix_pba_words(pdev); w++) {
		uint64_t due = pdev->irqs.pba[w];

		pdev->irqs.pba[w] = 0;
		for (; due; due &= due - 1)
			pdev_msix_send_locked(pdev, w * 64 + (unsigned int)__builtin_ctzll(due));
	}
}

void pdev_msix_unmask_locked(struct uiommu_pdev *pdev, unsigned int start, unsigned int end)
{
	for (unsigned int i = start; i < end; i++)
		entry(pdev, i)[PCI_MSIX_VCTRL] &= (uint8_t)~PCI_MSIX_VCTRL_MASK;
}

void pdev_msix_reset_locked(struct uiommu_pdev *pdev)
{
	memset(pdev->irqs.table, 0, table_bytes(pdev));
	memset(pdev->irqs.pba, 0, pdev_msix_pba_words(pdev) * sizeof(uint64_t));
	for (unsigned int i = 0; i < pdev->desc.msix_vectors; i++)
		entry(pdev, i)[PCI_MSIX_VCTRL] = PCI_MSIX_VCTRL_MASK;
}

static uint64_t load(const uint8_t *p, unsigned int size)
{
	uint64_t val = 0;

	for (unsigned int i = 0; i < size; i++)
		val |= (uint64_t)p[i] << 8 * i;
	return val;
}

static uint64_t pba_load_locked(const struct uiommu_pdev *pdev, uint64_t off, unsigned int size)
{
	if (off / sizeof(uint64_t) >= pdev_msix_pba_words(pdev))
		return 0;
	return pdev->irqs.pba[off / 8] >> off % 8 * 8 &
	       (size < 8 ? (1ull << size * 8) - 1 : UINT64_MAX);
}

uint64_t pdev_msix_read(struct uiommu_pdev *pdev, uint64_t off, unsigned int size)
{
	const struct uiommu_pci_desc *d = &pdev->desc;
	uint64_t val = 0;

	pthread_mutex_lock(&pdev->irqs.lock);
	if (!in_pages(off, d->msix_off, table_bytes(pdev)))
		val = pba_load_locked(pdev, off - d->pba_off, size);
	else if (off - d->msix_off < table_bytes(pdev))
		val = load(pdev->irqs.table + (off - d->msix_off), size);
	pthread_mutex_unlock(&pdev->irqs.lock);
	return val;
}

/* Bits of byte @at of an entry that can be written. */
static uint8_t writable(unsigned int at)
{
	if (at == PCI_MSIX_ADDR_LO)
		return 0xfc;
	if (at == PCI_MSIX_VCTRL)
		return PCI_MSIX_VCTRL_MASK;
	return at < PCI_MSIX_VCTRL ? 0xff : 0;
}

void pdev_msix_write(struct uiommu_pdev *pdev, uint64_t off, unsigned int size, uint64_t val)
{
	uint64_t at = off - pdev->desc.msix_off;

	if (off < pdev->desc.msix_off || at >= table_bytes(pdev))
		return;
	pthread_mutex_lock(&pdev->irqs.lock);
	for (unsigned int i = 0; i < size; i++) {
		uint8_t bits = writable((at + i) % PCI_MSIX_ENTRY), *p = &pdev->irqs.table[at + i];

		*p = (uint8_t)((*p & ~bits) | (val >> 8 * i & bits));
	}
	if (uiommu_pdev_irq_mode(pdev, NULL) == UIOMMU_IRQ_MSIX)
		pdev_msix_flush_locked(pdev);
	pthread_mutex_unlock(&pdev->irqs.lock);
}
