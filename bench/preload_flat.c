/* SPDX-License-Identifier: MIT */
/*
 * A preload library for benchmarks only, in which devices' DMA isn't translated but looked up: a
 * flat table of pages, without read sections, generations, permissions or guarded copies. A page
 * gets its entry by being translated once. Nothing ever leaves the table, so that it is of use only
 * for a client whose mappings stay; addresses beyond the table are translated as ever.
 */
#include <string.h>

#include "dma/translate.h"
#include "nvme_flat.h"

#define PAGES (UINT64_C(1) << 20)

static char *table[PAGES];

static char *page_fill(struct uiommu_dma *dma, uint64_t iova, unsigned int need)
{
	struct dma_piece piece = { .iova = iova & ~DMA_PAGE_MASK, .len = 1, .need = need };
	char *host;

	if (dma_translate(dma, &piece, &host) != DMA_DONE)
		return NULL;
	rs_exit(dma->slot);
	table[iova >> DMA_PAGE_LG2] = host;
	return host;
}

/* Return: NULL if it isn't for the table to say. */
static char *look_up(struct uiommu_dma *dma, uint64_t iova, unsigned int need)
{
	uint64_t page = iova >> DMA_PAGE_LG2;
	char *host = page < PAGES ? table[page] : NULL;

	if (!host && page < PAGES)
		host = page_fill(dma, iova, need);
	return host ? host + (iova & DMA_PAGE_MASK) : NULL;
}

static size_t in_page(uint64_t iova, size_t len)
{
	size_t left = DMA_PAGE - (iova & DMA_PAGE_MASK);

	return len < left ? len : left;
}

int __wrap_uiommu_dma_read(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len)
{
	for (char *to = buf; len;) {
		size_t n = in_page(iova, len);
		const char *host = look_up(dma, iova, PT_READ);

		if (!host)
			return __real_uiommu_dma_read(dma, pasid, iova, to, len);
		memcpy(to, host, n);
		to += n;
		iova += n;
		len -= n;
	}
	return 0;
}

int __wrap_uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len)
{
	for (const char *from = buf; len;) {
		size_t n = in_page(iova, len);
		char *host = look_up(dma, iova, PT_WRITE);

		if (!host)
			return __real_uiommu_dma_write(dma, pasid, iova, from, len);
		memcpy(host, from, n);
		from += n;
		iova += n;
		len -= n;
	}
	return 0;
}

int __wrap_uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, void *buf, size_t len)
{
	char *to = buf;
	int err = 0;

	for (unsigned int i = 0; i < nseg && !err; to += seg[i++].len)
		err = __wrap_uiommu_dma_read(dma, pasid, seg[i].iova, to, seg[i].len);
	return err;
}

int __wrap_uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, const void *buf, size_t len)
{
	const char *from = buf;
	int err = 0;

	for (unsigned int i = 0; i < nseg && !err; from += seg[i++].len)
		err = __wrap_uiommu_dma_write(dma, pasid, seg[i].iova, from, seg[i].len);
	return err;
}
