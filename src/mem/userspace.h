/* SPDX-License-Identifier: MIT */
/*
 * Which virtual pages of the program are mapped for DMA, and how often.
 *
 * The front end asks this before the program's munmap() and the like. A tree of counters, with
 * blocks of 1 GiB, 2 MiB and 4 KiB as in a page table: a mapping adds one to each of the largest
 * aligned blocks that it consists of, so that a large mapping costs little and the answer is exact.
 * A program that has nothing mapped pays one load.
 */
#ifndef UIOMMU_MEM_USERSPACE_H
#define UIOMMU_MEM_USERSPACE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct us_gib;

struct userspace {
	pthread_mutex_t lock;
	_Atomic uint64_t ranges; /* added and not removed: 0 is the fast answer */
	struct us_gib *gibs;	 /* one for each GiB below 2^47; under lock */
	size_t gibs_bytes;
};

/* Return: 0, -ENOMEM. */
int us_init(struct userspace *us);
void us_fini(struct userspace *us);

/* [addr, addr + len), rounded outwards to pages, is mapped once more. Return: 0; -ENOMEM; -EFAULT
 * where it is no user memory. */
int us_add(struct userspace *us, uintptr_t addr, size_t len);
/* The exact range of an us_add() is mapped once less. */
void us_remove(struct userspace *us, uintptr_t addr, size_t len);
/* The first run of mapped pages in [*start, *end): replaces both. Return: false if there is none.
 */
bool us_run(struct userspace *us, uint64_t *start, uint64_t *end);
/* Whether any page of [addr, addr + len) is mapped. */
bool us_any(struct userspace *us, uintptr_t addr, size_t len);

#endif
