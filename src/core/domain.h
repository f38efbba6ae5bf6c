/* SPDX-License-Identifier: MIT */
/*
 * A domain is what devices translate through: an I/O page table, and the generation that tells
 * IOTLBs which of its entries still hold.
 *
 * Writers (one at a time: the IOAS's lock) change the table, and then call domain_sync(): it takes
 * a new generation, so that every IOTLB entry of before misses, waits until no reader can hold what
 * was read before, and frees the tables that were taken out. Readers run inside a read section of
 * the domain, and sample the generation before they walk.
 */
#ifndef UIOMMU_CORE_DOMAIN_H
#define UIOMMU_CORE_DOMAIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pt/pt.h"

struct core;

struct domain {
	_Atomic uint64_t generation;
	_Atomic bool exchanging; /* a miss is to wait: core->exchange */
	struct core *core;
	struct pt pt;
	struct pt_gather gather; /* under the IOAS's lock, as all that follows */
	bool dirty_since_sync;	 /* something was unmapped that a reader may still see */
	uint64_t first, last;	 /* aperture */
};

/* Return: 0, -ENOMEM, -EOPNOTSUPP (flags that the hardware doesn't have). */
int domain_init(struct domain *dom, struct core *core, uint32_t flags);
/* Nothing is attached to it any more; waits for readers. */
void domain_fini(struct domain *dom);

int domain_map(struct domain *dom, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot);
/* The range's translations are gone after the next domain_sync(). */
void domain_unmap(struct domain *dom, uint64_t iova, uint64_t len);
/* No reader holds a translation of before. Cheap if nothing was unmapped since the last one. */
void domain_sync(struct domain *dom);

#endif
