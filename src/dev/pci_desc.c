/* SPDX-License-Identifier: MIT */
/* What a model says about its function, checked once, so that nothing else has to. */
#include <errno.h>
#include <stdio.h>

#include "base/range.h"
#include "dev/pdev.h"

static bool is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

static const char *window_check(const struct uiommu_bar_desc *bar)
{
	if (!bar->db_off && !bar->db_len)
		return NULL;
	if (bar->db_off % PDEV_PAGE || bar->db_len % PDEV_PAGE || !bar->db_len)
		return "doorbell window isn't page-aligned";
	if (bar->db_off > bar->size || bar->db_len > bar->size - bar->db_off)
		return "doorbell window isn't inside its BAR";
	return NULL;
}

static const char *bar_check(const struct uiommu_bar_desc *bar, const struct uiommu_bar_desc *next)
{
	if (!bar->size)
		return bar->db_len ? "doorbell window of a BAR that is absent" : NULL;
	if (!is_pow2(bar->size) || bar->size < PCI_BAR_MIN_SIZE)
		return "BAR's size isn't a power of two of at least 16";
	if (bar->mem64 ? !next || next->size : bar->size > PCI_BAR32_MAX)
		return bar->mem64 ? "64-bit BAR has no second slot" : "32-bit BAR is too large";
	if (bar->mmap && (bar->size < PDEV_PAGE || bar->size > SIZE_MAX / 2))
		return "BAR's size can't be mapped";
	return window_check(bar);
}

/* Bytes of the pages that hold @n items of @bits bits. */
static uint64_t pages_of(uint64_t n, unsigned int bits)
{
	uint64_t bytes = (n * bits + 7) / 8;

	return (bytes + PDEV_PAGE - 1) / PDEV_PAGE * PDEV_PAGE;
}

static bool inside(const struct uiommu_bar_desc *bar, uint64_t off, uint64_t len)
{
	return len <= bar->size && off <= bar->size - len;
}

static const char *msix_check(const struct uiommu_pci_desc *d)
{
	uint64_t table = pages_of(d->msix_vectors, PCI_MSIX_ENTRY * 8);
	uint64_t pba = pages_of(d->msix_vectors, 1);
	const struct uiommu_bar_desc *bar;

	if (!d->msix_vectors)
		return NULL;
	if (d->msix_vectors > PCI_MSIX_MAX || d->msix_bar >= UIOMMU_PCI_BARS)
		return "MSI-X vectors or BAR out of range";
	bar = &d->bar[d->msix_bar];
	if (d->msix_off % PDEV_PAGE || d->pba_off % PDEV_PAGE)
		return "MSI-X table or PBA isn't page-aligned";
	if (!inside(bar, d->msix_off, table) || !inside(bar, d->pba_off, pba))
		return "MSI-X table or PBA isn't inside its BAR";
	if (range_overlaps(d->msix_off, d->msix_off + table - 1, d->pba_off, d->pba_off + pba - 1))
		return "MSI-X table and PBA overlap";
	if (!bar->db_len)
		return NULL;
	if (range_overlaps(d->msix_off, d->msix_off + table - 1, bar->db_off,
		    bar->db_off + bar->db_len - 1) ||
		range_overlaps(d->pba_off, d->pba_off + pba - 1, bar->db_off,
			bar->db_off + bar->db_len - 1))
		return "doorbell window overlaps MSI-X table or PBA";
	return NULL;
}

static const char *poll_check(const struct uiommu_pci_desc *d, enum pdev_bar_mode mode)
{
	if (!d->poll_regs)
		return mode == PDEV_BAR_POLL ? "device doesn't support bar=poll" : NULL;
	for (unsigned int i = 0; i < d->npoll_regs; i++) {
		const struct uiommu_poll_reg *reg = &d->poll_regs[i];

		if ((reg->size != 4 && reg->size != 8) || reg->off % reg->size ||
			!inside(&d->bar[0], reg->off, reg->size))
			return "watched register isn't an aligned word of BAR 0";
		if (!d->bar[0].mmap)
			return "watched registers need a BAR 0 that can be mapped";
	}
	return NULL;
}

static const char *desc_fault(const struct uiommu_pdev *pdev)
{
	const struct uiommu_pci_desc *d = &pdev->desc;
	const char *fault;

	if (d->class_code >> 24)
		return "class code has more than 24 bits";
	if (d->msi_vectors && (!is_pow2(d->msi_vectors) || d->msi_vectors > PCI_MSI_MAX))
		return "MSI vectors aren't a power of two up to 32";
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		fault = bar_check(&d->bar[i], i + 1 < UIOMMU_PCI_BARS ? &d->bar[i + 1] : NULL);
		if (fault)
			return fault;
		if (d->bar[i].db_len && !pdev->model->doorbell)
			return "doorbell window, but no doorbell()";
	}
	fault = msix_check(d);
	return fault ? fault : poll_check(d, pdev->bar_mode);
}

int pdev_desc_check(const struct uiommu_pdev *pdev, char *err, size_t len)
{
	const char *fault = desc_fault(pdev);

	if (!fault)
		return 0;
	snprintf(err, len, "%s", fault);
	return -EINVAL;
}
