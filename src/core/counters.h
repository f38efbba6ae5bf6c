/* SPDX-License-Identifier: MIT */
/* What a system counts about its address spaces; updated with relaxed atomics under the locks of
 * those. */
#ifndef UIOMMU_CORE_COUNTERS_H
#define UIOMMU_CORE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

struct core_counters {
	_Atomic uint64_t maps, unmaps;	     /* areas that were mapped and unmapped */
	_Atomic uint64_t bytes_mapped_total; /* of all maps */
	_Atomic uint64_t areas_now, bytes_now;
	_Atomic uint64_t vacated; /* pages whose virtual range went away under a mapping */
};

#endif
