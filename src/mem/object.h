/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: what a mapping names.
 *
 * In the kernel a mapping is a snapshot of pinned pages. Here it names a part of a memory object,
 * and a host pointer is a cache of it:
 *
 * - the address space of this process (one object per system): an offset is a virtual address. The
 *   front end tells when the program takes such a range away (core/follow.h);
 * - an alias: pages that were moved out of the program's sight because they were mapped for DMA
 * while the program unmapped them. It is unmapped with its last user.
 *
 * Objects that are reached without a host pointer (another process, a file that isn't mapped) will
 * answer on the bus (mem/bus.h).
 */
#ifndef UIOMMU_MEM_OBJECT_H
#define UIOMMU_MEM_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mem/account.h"
#include "mem/userspace.h"

enum mem_kind {
	MEM_PROCESS,
	MEM_ALIAS,
};

struct mem {
	_Atomic uint32_t refs;
	enum mem_kind kind;
	struct userspace *us; /* MEM_PROCESS: where its ranges are counted */
	uintptr_t base;	      /* MEM_ALIAS: where its pages are now */
	size_t len;
	/* MEM_PROCESS of one map request, where requests are charged; NULL otherwise. */
	struct account *account;
	uint64_t pages;
	uint64_t pins;	       /* areas that need the pages; account->lock */
	struct mem_kept *kept; /* MEM_ALIAS: charges that last as long as it does */
};

int mem_process_new(struct userspace *us, struct mem **out);
/* For one map request of @len bytes at @host, charged when it is pinned. Return: 0, -ENOMEM. */
int mem_charged_new(struct userspace *us, struct account *account, uintptr_t host, size_t len,
	struct mem **out);
/* Takes [base, base + len) over: munmap() with the last reference. Return: 0, -ENOMEM. */
int mem_alias_new(uintptr_t base, size_t len, struct mem **out);

void mem_get(struct mem *mem);
void mem_put(struct mem *mem);
/* Drops @n references at once. */
void mem_put_many(struct mem *mem, uint32_t n);

/* A range of a MEM_PROCESS comes into use by a mapping, or goes out of use; no-ops for an alias.
 * Return: 0; -EFAULT outside of user memory; -ENOMEM. */
int mem_range_add(struct mem *mem, uintptr_t host, size_t len);
void mem_range_remove(struct mem *mem, uintptr_t host, size_t len);

/* One more area needs the memory: the first charges it. Return: 0; -ENOMEM the limit is reached. */
int mem_pin(struct mem *mem);
void mem_unpin(struct mem *mem);
/* The pages of an area of @mem are @alias's now: takes over its reference and its pin. */
void mem_keep(struct mem *alias, struct mem *mem);

/* Every page of the range exists and permits the access, now. Return: 0, -EFAULT. */
int mem_populate(struct mem *mem, uintptr_t host, size_t len, bool write);

#endif
