/* SPDX-License-Identifier: MIT */
/*
 * DMA as a device model does it.
 *
 * A channel is one initiator of one device: it owns an IOTLB and a slot in which it publishes the
 * table that it is translating through. One thread uses a channel at a time; a device that does DMA
 * on several threads has a channel for each. Nothing here takes a lock or allocates on a hit.
 *
 * Data is always copied: no translated pointer leaves a call, so that after an unmap has returned
 * no device can touch the old memory. Copies are guarded: where the client has unmapped or
 * truncated memory that it had mapped for DMA, the call fails with -EFAULT and nothing crashes.
 */
#ifndef UIOMMU_DMA_H
#define UIOMMU_DMA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct uiommu_dma;

/* The request carries no PASID: it is translated by what is attached to the requester id. */
#define UIOMMU_PASID_NONE UINT32_MAX

struct uiommu_dma_seg {
	uint64_t iova; /* first byte */
	uint64_t len;  /* bytes; 0 is allowed and does nothing */
};

/* Why a translation failed. */
enum uiommu_dma_reason {
	UIOMMU_DMA_OK,
	UIOMMU_DMA_BLOCKED,    /* nothing is attached, or bus mastering is off */
	UIOMMU_DMA_NOT_MAPPED, /* no leaf entry */
	UIOMMU_DMA_PERMISSION, /* the leaf entry does not permit the access */
	UIOMMU_DMA_RANGE,      /* outside of the table's input range, or the end wraps */
	UIOMMU_DMA_TARGET, /* translated, but nothing (any more) answers at the output address */
};

struct uiommu_dma_fault {
	uint64_t iova;
	uint32_t pasid;
	int write;
	enum uiommu_dma_reason reason;
};

/**
 * uiommu_dma_read() - read memory as the device
 * @iova: I/O virtual address of the first byte; any alignment
 * @buf:  local memory of @len bytes
 * @len:  bytes
 *
 * Context: the channel's thread; may be called with the model's own locks held; does not block.
 * Return: 0; -EFAULT where a page isn't mapped, doesn't permit the access or has no memory behind
 * it: bytes before that page may have been transferred, as with hardware.
 */
int uiommu_dma_read(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len);

/** uiommu_dma_write() - write memory as the device; as uiommu_dma_read() */
int uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len);

/**
 * uiommu_dma_readv() - gather segments into local memory, in order
 * @len: bytes in @buf; the segments' lengths must not add up to more (-EINVAL, nothing transferred)
 */
int uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, void *buf, size_t len);

/** uiommu_dma_writev() - scatter local memory to segments; as uiommu_dma_readv() */
int uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, const void *buf, size_t len);

enum uiommu_dma_atomic_op {
	UIOMMU_DMA_FETCH_ADD,
	UIOMMU_DMA_SWAP,
	UIOMMU_DMA_CAS,
};

/**
 * uiommu_dma_atomic() - PCIe atomic operation (PCI Express base specification 4.0, 6.15)
 * @size:    4 or 8 bytes; @iova is aligned to it (-EINVAL otherwise)
 * @operand: what is added, stored, or stored if @compare matches
 * @old:     receives the value before
 *
 * Needs read and write permission. Atomic against the client's own atomic accesses.
 * Return: 0, -EINVAL, -EFAULT.
 */
int uiommu_dma_atomic(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, unsigned int size,
	enum uiommu_dma_atomic_op op, uint64_t operand, uint64_t compare, uint64_t *old);

/** uiommu_dma_last_fault() - the channel's latest failure; reason UIOMMU_DMA_OK if there was none
 */
void uiommu_dma_last_fault(const struct uiommu_dma *dma, struct uiommu_dma_fault *fault);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
