/* SPDX-License-Identifier: MIT */
/*
 * The DMA calls of device models without translation: what they can't be faster than. The linker's
 * --wrap puts them in the place of the real ones (meson.build).
 */
#ifndef UIOMMU_BENCH_NVME_FLAT_H
#define UIOMMU_BENCH_NVME_FLAT_H

#include <uiommu/dma.h>

int __real_uiommu_dma_read(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len);
int __real_uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len);
int __real_uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, void *buf, size_t len);
int __real_uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, const void *buf, size_t len);

int __wrap_uiommu_dma_read(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len);
int __wrap_uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len);
int __wrap_uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, void *buf, size_t len);
int __wrap_uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid,
	const struct uiommu_dma_seg *seg, unsigned int nseg, const void *buf, size_t len);

#endif
