/* SPDX-License-Identifier: MIT */
/*
 * Changes of the address space that matter here: of mapped BARs, and of memory that is mapped for
 * DMA, whose pages must outlive the program's use of them (system/sys.h). A program without an
 * engine pays a load.
 */
#ifndef UIOMMU_FRONT_PRELOAD_MEMORY_H
#define UIOMMU_FRONT_PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "front/preload/bars.h"
#include "front/preload/home.h"

static inline bool memory_is_dma(struct sys *sys, uintptr_t addr, size_t len)
{
	return sys && sys_user_mapped(sys, addr, len);
}

/* Whether anything of the range is of concern. */
static inline bool memory_counts(uintptr_t addr, size_t len)
{
	struct sys *sys = home_sys();

	if (__builtin_expect(!sys, 1))
		return false;
	return sys_user_mapped(sys, addr, len) ||
	       (atomic_load_explicit(&bars_count, memory_order_relaxed) && bars_overlap(addr, len));
}

/* Something else is about to be mapped over the range. Return: 0, -errno. */
int memory_vacate(uintptr_t addr, size_t len);

#endif
