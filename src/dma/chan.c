/* SPDX-License-Identifier: MIT */
/* Channels and requests; translate.h is the path that they take. */
#include "dma/chan.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/range.h"
#include "base/readsec.h"
#include "core/core.h"
#include "core/domain.h"
#include "core/requester.h"
#include "dma/translate.h"
#include "mem/guard.h"

int dma_chan_new(struct requester *req, struct uiommu_dma **out)
{
	struct uiommu_dma *dma = base_zalloc_aligned(64, sizeof(*dma));
	int err;

	if (!dma)
		return -ENOMEM;
	err = rs_slot_take(&req->core->readers, &dma->slot);
	if (err) {
		base_free(dma);
		return err;
	}
	dma->req = req;
	dma->count = dma->slot->index < req->core->nchan_counters
			     ? &req->core->chan_counters[dma->slot->index]
			     : &dma->own_count;
	*out = dma;
	return 0;
}

void dma_chan_free(struct uiommu_dma *dma)
{
	if (!dma)
		return;
	rs_slot_drop(dma->slot);
	base_free(dma);
}

static enum uiommu_dma_reason walk_reason(int err)
{
	return err == -EPERM	? UIOMMU_DMA_PERMISSION
	       : err == -ERANGE ? UIOMMU_DMA_RANGE
				: UIOMMU_DMA_NOT_MAPPED;
}

enum dma_outcome dma_tlb_fill(struct uiommu_dma *dma, const struct domain *dom, uint64_t generation,
	struct dma_tlb_entry *entry, struct dma_piece *piece)
{
	struct pt_leaf leaf;
	int err;

	dma_count(&dma->count->misses, 1);
	err = dom->pt.ops->walk(&dom->pt, piece->iova, piece->need, &leaf);
	if (err) {
		piece->reason = walk_reason(err);
		return DMA_FAULT;
	}
	if (!bus_is_ram(leaf.pa)) {
		piece->bus_addr = leaf.pa;
		return DMA_TO_BUS;
	}
	entry->tag = (piece->iova & ~DMA_PAGE_MASK) | leaf.prot;
	entry->generation = generation;
	entry->host = (char *)(uintptr_t)(leaf.pa - (piece->iova & DMA_PAGE_MASK));
	return DMA_DONE;
}

static void exchange_wait(struct core *core)
{
	pthread_rwlock_rdlock(&core->exchange);
	pthread_rwlock_unlock(&core->exchange);
}

static int fault(struct uiommu_dma *dma, uint32_t pasid, const struct dma_piece *piece)
{
	dma->fault = (struct uiommu_dma_fault){
		.iova = piece->iova,
		.pasid = pasid,
		.write = !!(piece->need & PT_WRITE),
		.reason = piece->reason,
	};
	dma_count(&dma->count->faults, 1);
	if (dma->req->fault)
		dma->req->fault(dma->req->fault_arg, dma->req, &dma->fault);
	return -EFAULT;
}

static int bus_access(struct uiommu_dma *dma, const struct dma_piece *piece, void *buf, bool write)
{
	struct bus *bus = &dma->req->core->bus;

	return write ? bus_write(bus, piece->bus_addr, buf, piece->len)
		     : bus_read(bus, piece->bus_addr, buf, piece->len);
}

/* After a translation that did not end in RAM. Return: 0 done; -EFAULT; -EAGAIN translate again. */
static __attribute__((noinline)) int piece_slow(struct uiommu_dma *dma, uint32_t pasid,
	enum dma_outcome outcome, struct dma_piece *piece, void *buf, bool write)
{
	if (outcome == DMA_WAIT) {
		exchange_wait(dma->req->core);
		return -EAGAIN;
	}
	if (outcome == DMA_TO_BUS) {
		if (!bus_access(dma, piece, buf, write))
			return 0;
		piece->reason = UIOMMU_DMA_TARGET;
	}
	return fault(dma, pasid, piece);
}

static inline int piece_copy(
	struct uiommu_dma *dma, uint32_t pasid, struct dma_piece *piece, char *buf, bool write)
{
	enum dma_outcome outcome;
	char *host;
	int err;

	do {
		outcome = dma_translate(dma, piece, &host);
		if (__builtin_expect(outcome == DMA_DONE, 1)) {
			err = write ? guard_copy(host, buf, piece->len)
				    : guard_copy(buf, host, piece->len);
			rs_exit(dma->slot);
			if (__builtin_expect(!err, 1))
				return 0;
			piece->reason = UIOMMU_DMA_TARGET;
			return fault(dma, pasid, piece);
		}
		err = piece_slow(dma, pasid, outcome, piece, buf, write);
	} while (err == -EAGAIN);
	return err;
}

static inline int request(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, char *buf, size_t len, bool write)
{
	struct dma_piece piece = { .need = write ? PT_WRITE : PT_READ, .iova = iova };
	uint64_t last, lookups = 0;
	int err = 0;

	if (!len)
		return 0;
	if (__builtin_expect(pasid != UIOMMU_PASID_NONE, 0)) {
		piece.reason = UIOMMU_DMA_BLOCKED; /* nothing can be attached to a PASID */
		return fault(dma, pasid, &piece);
	}
	if (__builtin_expect(!range_last(iova, len, &last), 0)) {
		piece.reason = UIOMMU_DMA_RANGE;
		return fault(dma, pasid, &piece);
	}
	for (; len && !err; lookups++) {
		size_t in_page = (size_t)(DMA_PAGE - (piece.iova & DMA_PAGE_MASK));

		piece.len = len < in_page ? len : in_page;
		err = piece_copy(dma, pasid, &piece, buf, write);
		piece.iova += piece.len;
		buf += piece.len;
		len -= piece.len;
	}
	dma_count(&dma->count->lookups, lookups);
	return err;
}

static void count_read(struct uiommu_dma *dma, size_t len)
{
	dma_count(&dma->count->reads, 1);
	dma_count(&dma->count->read_bytes, len);
}

static void count_write(struct uiommu_dma *dma, size_t len)
{
	dma_count(&dma->count->writes, 1);
	dma_count(&dma->count->write_bytes, len);
}

int uiommu_dma_read(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len)
{
	count_read(dma, len);
	return request(dma, pasid, iova, buf, len, false);
}

int uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len)
{
	count_write(dma, len);
	return request(dma, pasid, iova, (char *)(uintptr_t)buf, len, true);
}

static bool segments_fit(const struct uiommu_dma_seg *seg, unsigned int nseg, size_t len)
{
	for (unsigned int i = 0; i < nseg; i++) {
		if (seg[i].len > len)
			return false;
		len -= seg[i].len;
	}
	return true;
}

static int segments(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, char *buf, size_t len, bool write)
{
	if (!segments_fit(seg, nseg, len))
		return -EINVAL;
	for (unsigned int i = 0; i < nseg; i++) {
		int err = request(dma, pasid, seg[i].iova, buf, seg[i].len, write);

		if (err)
			return err;
		buf += seg[i].len;
	}
	return 0;
}

int uiommu_dma_readv(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, void *buf, size_t len)
{
	count_read(dma, len);
	return segments(dma, pasid, seg, nseg, buf, len, false);
}

int uiommu_dma_writev(struct uiommu_dma *dma, uint32_t pasid, const struct uiommu_dma_seg *seg,
	unsigned int nseg, const void *buf, size_t len)
{
	count_write(dma, len);
	return segments(dma, pasid, seg, nseg, (char *)(uintptr_t)buf, len, true);
}

int uiommu_dma_atomic(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, unsigned int size,
	enum uiommu_dma_atomic_op op, uint64_t operand, uint64_t compare, uint64_t *old)
{
	struct dma_piece piece = { .need = PT_READ | PT_WRITE, .iova = iova, .len = size };
	enum dma_outcome outcome;
	char *host;
	int err;

	if ((size != 4 && size != 8) || (iova & (size - 1)))
		return -EINVAL;
	count_read(dma, size);
	count_write(dma, size);
	if (pasid != UIOMMU_PASID_NONE) {
		piece.reason = UIOMMU_DMA_BLOCKED;
		return fault(dma, pasid, &piece);
	}
	while ((outcome = dma_translate(dma, &piece, &host)) == DMA_WAIT)
		exchange_wait(dma->req->core);
	dma_count(&dma->count->lookups, 1);
	/* Registers and foreign memory take no atomic operations: an unsupported request. */
	if (outcome == DMA_TO_BUS)
		piece.reason = UIOMMU_DMA_TARGET;
	if (outcome != DMA_DONE)
		return fault(dma, pasid, &piece);
	err = guard_atomic(host, size, op, operand, compare, old);
	rs_exit(dma->slot);
	piece.reason = UIOMMU_DMA_TARGET;
	return err ? fault(dma, pasid, &piece) : 0;
}

void uiommu_dma_last_fault(const struct uiommu_dma *dma, struct uiommu_dma_fault *out)
{
	*out = dma->fault;
}
