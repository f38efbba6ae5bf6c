/* SPDX-License-Identifier: MIT */
/* Waits for the hang-up of files whose last copies are in other processes; a thread, made when
 * needed. */
#ifndef UIOMMU_FRONT_PRELOAD_REAPER_H
#define UIOMMU_FRONT_PRELOAD_REAPER_H

#include <stdint.h>

struct desc;

/* Takes over a reference. Return: 0, -errno (and the reference stays). */
int reaper_add(struct desc *desc);
/* One that is waited for, by its socket; with a reference. */
struct desc *reaper_find(uint64_t socket);
void reaper_child(void);

#endif
