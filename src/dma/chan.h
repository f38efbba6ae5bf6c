/* SPDX-License-Identifier: MIT */
/* DMA channels: include/uiommu/dma.h says what they do. */
#ifndef UIOMMU_DMA_CHAN_H
#define UIOMMU_DMA_CHAN_H

#include <uiommu/dma.h>

struct requester;

/* A channel of @req for one thread. Return: 0, -ENOMEM, -ENOSPC (too many in the system). */
int dma_chan_new(struct requester *req, struct uiommu_dma **out);
/* No call is under way. NULL is allowed. */
void dma_chan_free(struct uiommu_dma *dma);

#endif
