/* SPDX-License-Identifier: MIT */
/* What a DMA channel counts. Written by the channel's thread alone (a load and a store, no locked
 * instruction), read by anyone. */
#ifndef UIOMMU_DMA_COUNTERS_H
#define UIOMMU_DMA_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct dma_counters {
	_Alignas(64) _Atomic uint64_t reads, writes; /* requests of the model */
	_Atomic uint64_t read_bytes, write_bytes;
	_Atomic uint64_t lookups; /* in the IOTLB, one for each page touched */
	_Atomic uint64_t misses;  /* of those; the others hit */
	_Atomic uint64_t faults;
};

static inline void dma_count(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t was = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, was + n, memory_order_relaxed);
}

#endif
