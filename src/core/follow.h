/* SPDX-License-Identifier: MIT */
/*
 * Mappings that follow their memory.
 *
 * A mapping is meant to be a snapshot of pages, as in the kernel, where they are pinned: what the
 * program does to the virtual range afterwards changes nothing for devices. Here pages are reached
 * through the virtual range, so the front end tells beforehand. Pages that go away from the program
 * are moved (mremap) to an alias that it doesn't know, and pages that move are looked for at the
 * new place; in both cases the areas and tables change under a lock that makes devices wait which
 * miss meanwhile. Nothing is copied, and a page that is mapped several times stays one page.
 */
#ifndef UIOMMU_CORE_FOLLOW_H
#define UIOMMU_CORE_FOLLOW_H

#include <stddef.h>
#include <stdint.h>

struct core;

/*
 * Before the program unmaps [addr, addr + len), maps something over it or drops its pages: what of
 * it is mapped for DMA moves to an alias. The range stays mapped, empty, so that nobody else's
 * mmap() gets it meanwhile. Return: 0; -ENOMEM; -EFAULT the pages can't be moved. On failure no
 * page has moved that a mapping didn't follow.
 */
int follow_vacate(struct core *core, uintptr_t addr, size_t len);

/* mremap(2), and mappings follow. Return: as mremap(), with errno. */
void *follow_mremap(
	struct core *core, void *from, size_t old_len, size_t new_len, int flags, void *to);

#endif
