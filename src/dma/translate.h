/* SPDX-License-Identifier: MIT */
/*
 * The data path.
 *
 * A request is cut at page boundaries. Each piece is one read section: find the table that is
 * attached, publish it, sample its generation, look the page up in the channel's IOTLB or walk the
 * table, copy, leave. An IOTLB entry holds a host pointer and the generation under which it was
 * read: since no two tables ever share a generation (core/domain.h), one comparison says that the
 * entry belongs to this table and that nothing was unmapped since.
 *
 * What can't be finished inside the section is finished after it: an output address that isn't RAM
 * goes to the bus; a miss while pages are being exchanged waits and starts again; a fault is
 * reported.
 */
#ifndef UIOMMU_DMA_TRANSLATE_H
#define UIOMMU_DMA_TRANSLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uiommu/dma.h>

#include "base/readsec.h"
#include "core/domain.h"
#include "core/requester.h"
#include "dma/counters.h"

#define DMA_TLB_ENTRIES 1024u
#define DMA_PAGE_LG2	12u
#define DMA_PAGE	(UINT64_C(1) << DMA_PAGE_LG2)
#define DMA_PAGE_MASK	(DMA_PAGE - 1)

/* Low bits of a tag say what the translation permits. */
#define DMA_TAG_READ  1u
#define DMA_TAG_WRITE 2u

_Static_assert(
	DMA_TAG_READ == PT_READ && DMA_TAG_WRITE == PT_WRITE, "a leaf's permissions are a tag's");

struct dma_tlb_entry {
	uint64_t tag;	     /* page's IOVA | permissions */
	uint64_t generation; /* 0 is never a table's */
	char *host;	     /* of the page's first byte */
};

struct uiommu_dma {
	struct requester *req;
	struct rs_slot *slot;
	struct dma_counters *count;
	struct uiommu_dma_fault fault;
	struct dma_counters own_count;
	struct dma_tlb_entry tlb[DMA_TLB_ENTRIES];
};

/* What became of a piece inside its section. */
enum dma_outcome {
	DMA_DONE,
	DMA_FAULT,  /* reason says why */
	DMA_TO_BUS, /* the output address isn't RAM */
	DMA_WAIT,   /* pages are being exchanged */
};

struct dma_piece {
	uint64_t iova;
	size_t len;
	unsigned int need;
	uint64_t bus_addr;
	enum uiommu_dma_reason reason;
};

/* A miss: walks, and fills the entry if the page is RAM. Return: DMA_DONE, DMA_FAULT or DMA_TO_BUS.
 */
enum dma_outcome dma_tlb_fill(struct uiommu_dma *dma, const struct domain *dom, uint64_t generation,
	struct dma_tlb_entry *entry, struct dma_piece *piece);

/*
 * Enters a section and translates. With DMA_DONE the caller is inside it, *host is the piece's
 * first byte, and rs_exit() is the caller's; otherwise the section has been left.
 */
static inline enum dma_outcome dma_translate(
	struct uiommu_dma *dma, struct dma_piece *piece, char **host)
{
	/*
	 * The IOTLB is the channel's own: its entry is read before the section begins, so that
	 * after the barrier of rs_enter() only the generation remains to be looked at.
	 */
	struct dma_tlb_entry *entry = &dma->tlb[(piece->iova >> DMA_PAGE_LG2) % DMA_TLB_ENTRIES];
	bool same_page = (entry->tag & (~DMA_PAGE_MASK | piece->need)) ==
			 ((piece->iova & ~DMA_PAGE_MASK) | piece->need);
	uint64_t filled = entry->generation, generation;
	char *page = entry->host;
	struct domain *dom = rs_enter(dma->slot, &dma->req->rid);
	enum dma_outcome outcome;

	if (__builtin_expect(!dom, 0)) {
		piece->reason = UIOMMU_DMA_BLOCKED;
		return DMA_FAULT;
	}
	/* Before the walk, and pairs with the release in generation_take(). */
	generation = atomic_load_explicit(&dom->generation, memory_order_acquire);
	if (__builtin_expect(!same_page || filled != generation, 0)) {
		/* What is hidden is hidden for no longer than this says, before or after the walk:
		 * a section that began before the exchange ends before anything is shown again. */
		bool exchanging = atomic_load(&dom->exchanging);

		outcome = dma_tlb_fill(dma, dom, generation, entry, piece);
		if (outcome != DMA_DONE) {
			if (outcome == DMA_FAULT && (exchanging || atomic_load(&dom->exchanging)))
				outcome = DMA_WAIT;
			rs_exit(dma->slot);
			return outcome;
		}
		page = entry->host;
	}
	*host = page + (piece->iova & DMA_PAGE_MASK);
	return DMA_DONE;
}

#endif
