/* SPDX-License-Identifier: MIT */
/*
 * What the address spaces of one system share: readers, the bus, memory, generations, counters.
 */
#ifndef UIOMMU_CORE_CORE_H
#define UIOMMU_CORE_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/readsec.h"
#include "core/counters.h"
#include "mem/bus.h"
#include "mem/object.h"
#include "mem/userspace.h"

struct dma_counters;
struct hw;
struct ioas;

#define CORE_PAGE UINT64_C(4096)

struct core {
	struct rs_set readers;
	struct bus bus;
	struct userspace userspace;
	struct mem *process;	     /* the memory of this process */
	struct account account;	     /* what mappings pin of it */
	struct mem *uncounted;	     /* the same, where there was no memory to count it */
	const struct hw *hw;	     /* the IOMMU that all devices of the system are behind */
	_Atomic uint64_t generation; /* last value that any table took: no two tables share one */
	pthread_mutex_t ioas_lock;   /* list of all IOASes; taken before an IOAS's lock */
	struct ioas *ioases;
	_Atomic uint64_t moves; /* exchanges so far; written with ioas_lock and all IOASes' locks */
	/*
	 * Held for writing while the pages behind mappings are exchanged (core/follow.h): a device
	 * that misses meanwhile waits for it instead of faulting.
	 */
	pthread_rwlock_t exchange;
	struct core_counters *counters;
	struct core_counters own_counters;
	/* Where the first channels count, by their read slot's index; the others count privately.
	 */
	struct dma_counters *chan_counters;
	uint32_t nchan_counters;
};

/* @counters: where to count, NULL for a place of its own. Return: 0, -ENOMEM. */
int core_init(struct core *core, const struct hw *hw, struct core_counters *counters);
/* All contexts and requesters are gone. */
void core_fini(struct core *core);

#endif
