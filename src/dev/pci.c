/* SPDX-License-Identifier: MIT */
/*
 * Life of a function: created with its model, opened and closed by clients, reset.
 *
 * Whatever ends the model's activity does so in this order: bus mastering off, so that no DMA
 * succeeds any more; the model's close() or reset(), after which it does nothing; then triggers,
 * mappings, registers.
 */
#include "dev/pci.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "core/requester.h"
#include "dev/pdev.h"
#include "dma/chan.h"

static int poll_regs_copy(struct uiommu_pdev *pdev)
{
	const struct uiommu_pci_desc *d = &pdev->desc;
	unsigned int n = d->poll_regs ? d->npoll_regs : 0;

	pdev->desc.npoll_regs = n;
	if (!n)
		return 0;
	pdev->poll_regs = base_calloc(n, sizeof(*pdev->poll_regs));
	if (!pdev->poll_regs)
		return -ENOMEM;
	memcpy(pdev->poll_regs, d->poll_regs, n * sizeof(*pdev->poll_regs));
	pdev->desc.poll_regs = pdev->poll_regs;
	return 0;
}

static int parts_init(struct uiommu_pdev *pdev)
{
	int rc;

	pthread_mutex_init(&pdev->lock, NULL);
	pdev_maps_init(pdev);
	pdev_config_init(pdev);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		pdev->bar[i].fd = -1;
	rc = pdev_irqs_init(pdev);
	if (!rc)
		rc = poll_regs_copy(pdev);
	return rc ? rc : pdev_poll_init(pdev);
}

static void parts_fini(struct uiommu_pdev *pdev)
{
	pdev_bars_fini(pdev);
	pdev_poll_fini(pdev);
	base_free(pdev->poll_regs);
	pdev_irqs_fini(pdev);
	pdev_maps_fini(pdev);
	pthread_mutex_destroy(&pdev->lock);
}

/* Makes the model, and what the core needs for it. */
static int pdev_make(struct uiommu_pdev *pdev, const struct pdev_cfg *cfg, char *err, size_t errlen)
{
	int rc = pdev->model->create(
		pdev, cfg->opt, cfg->nopt, &pdev->priv, &pdev->desc, err, errlen);

	if (rc)
		return rc;
	rc = pdev_desc_check(pdev, err, errlen);
	if (!rc) {
		rc = parts_init(pdev);
		if (!rc)
			return 0;
		parts_fini(pdev);
		snprintf(err, errlen, "out of memory");
	}
	pdev->model->destroy(pdev->priv);
	return rc;
}

int pdev_new(const struct uiommu_model *model, const struct pdev_cfg *cfg, struct uiommu_pdev **out,
	char *err, size_t errlen)
{
	struct uiommu_pdev *pdev = base_zalloc(sizeof(*pdev));
	int rc;

	if (!pdev) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	snprintf(pdev->name, sizeof(pdev->name), "%s", cfg->bdf);
	pdev->model = model;
	pdev->requester = cfg->requester;
	pdev->irqs.sent_too = cfg->interrupts;
	pdev->bar_mode = cfg->bar_mode;
	rc = pdev_make(pdev, cfg, err, errlen);
	if (rc)
		base_free(pdev);
	else
		*out = pdev;
	return rc;
}

void pdev_free(struct uiommu_pdev *pdev)
{
	pdev->model->destroy(pdev->priv);
	parts_fini(pdev);
	base_free(pdev);
}

const struct uiommu_pci_desc *pdev_desc(const struct uiommu_pdev *pdev)
{
	return &pdev->desc;
}

struct requester *pdev_requester(const struct uiommu_pdev *pdev)
{
	return pdev->requester;
}

const char *uiommu_pdev_name(const struct uiommu_pdev *pdev)
{
	return pdev->name;
}

int uiommu_pdev_dma_new(struct uiommu_pdev *pdev, struct uiommu_dma **out)
{
	return dma_chan_new(pdev->requester, out);
}

void uiommu_pdev_dma_free(struct uiommu_dma *dma)
{
	dma_chan_free(dma);
}

static int open_locked(struct uiommu_pdev *pdev)
{
	int rc;

	if (pdev->open)
		return -EBUSY;
	rc = pdev_bars_open(pdev);
	if (!rc && pdev->model->open)
		rc = pdev->model->open(pdev->priv);
	if (rc)
		return rc;
	pdev->open = true;
	pdev_poll_mirror(pdev, true);
	pdev_config_sync(pdev);
	return 0;
}

int pdev_open(struct uiommu_pdev *pdev)
{
	int rc;

	pthread_mutex_lock(&pdev->lock);
	rc = open_locked(pdev);
	pthread_mutex_unlock(&pdev->lock);
	return rc;
}

static void dma_stop(struct uiommu_pdev *pdev)
{
	if (pdev->bus_master)
		requester_set_bus_master(pdev->requester, false);
	pdev->bus_master = false;
}

static void close_locked(struct uiommu_pdev *pdev)
{
	if (!pdev->open)
		return;
	atomic_store(&pdev->decode, false);
	dma_stop(pdev);
	pdev->model->close(pdev->priv);
	pdev->open = false;
	pdev_irqs_reset(pdev, true);
	pdev_maps_reset(pdev, true);
	pdev_bars_discard(pdev);
	pdev_config_reset(pdev, false);
	pdev_config_sync(pdev);
}

void pdev_close(struct uiommu_pdev *pdev)
{
	/* It takes the lock: nobody waits for it who holds that. */
	pdev_poll_stop(pdev);
	pthread_mutex_lock(&pdev->lock);
	close_locked(pdev);
	pdev->closing = false;
	pthread_mutex_unlock(&pdev->lock);
}

void pdev_reset_locked(struct uiommu_pdev *pdev)
{
	if (!pdev->open)
		return;
	dma_stop(pdev);
	pdev->model->reset(pdev->priv);
	pdev_irqs_reset(pdev, false);
	pdev_maps_reset(pdev, false);
	pdev_bars_clear(pdev);
	pdev_poll_mirror(pdev, true);
	pdev_config_reset(pdev, true);
	pdev_config_sync(pdev);
}

void pdev_reset(struct uiommu_pdev *pdev)
{
	pthread_mutex_lock(&pdev->lock);
	pdev_reset_locked(pdev);
	pthread_mutex_unlock(&pdev->lock);
}
