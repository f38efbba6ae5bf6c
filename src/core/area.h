/* SPDX-License-Identifier: MIT */
/*
 * Areas: what an IOAS consists of.
 *
 * An area names memory of the program by its virtual address. Without a table that is all: nothing
 * looks at the memory, and the program may do with it what it likes. As soon as the IOAS has a
 * table its areas are pinned: their memory is there, it is counted (mem/userspace.h), and it is
 * followed where it goes (core/follow.h). When the last table leaves, the areas are unpinned, and
 * mean what is at their virtual address from then on.
 */
#ifndef UIOMMU_CORE_AREA_H
#define UIOMMU_CORE_AREA_H

#include <stdbool.h>
#include <stdint.h>

struct core;
struct hwpt;
struct ioas;
struct mem;

struct area {
	uint64_t iova, last;
	struct mem *mem;
	uintptr_t host;	  /* where its first byte is now */
	uintptr_t origin; /* where the program said it is */
	uint8_t prot;	  /* PT_READ | PT_WRITE */
	bool writable;	  /* the memory was mapped for writing: COPY may ask for it */
	bool pinned;
	bool hidden;	   /* out of the tables while its pages are exchanged */
	bool continues;	   /* the area before it is part of the same mapping */
	struct area *next; /* while it is on a list of its own */
};

static inline uint64_t area_len(const struct area *area)
{
	return area->last - area->iova + 1; /* an area never covers all 2^64 addresses */
}

/* An area of no IOAS yet, at IOVA 0. @flags: IOAS_*. Return: 0, -ENOMEM. */
int area_new(struct core *core, uintptr_t host, uint64_t len, uint32_t flags, struct area **out);
/* The part of @from that begins @off bytes after its start; pinned if @from is. Return: 0, -ENOMEM.
 */
int area_part(
	const struct area *from, uint64_t off, uint64_t len, uint32_t flags, struct area **out);
void area_free(struct area *area);
/* Frees all areas of a list. */
void area_list_free(struct area *list);

/* Its memory is there from now on; nothing is done if it is pinned. Context: any lock of the core
 * may be held, touches the memory. Return: 0; -EFAULT it isn't there, or permits less; -ENOMEM. */
int area_pin(struct area *area);
void area_unpin(struct core *core, struct area *area);

/* Writes an area to one table. Return: 0, -EFAULT, -ENOMEM. */
int area_install(struct hwpt *hwpt, const struct area *area);
/* Splits @low before @iova, which lies inside it; tables don't change. The IOAS's lock is held.
 * Return: 0, -ENOMEM. */
int area_split_locked(struct ioas *ioas, struct area *low, uint64_t iova, struct area **high);

/* An area at @host now: what was pinned there has moved. Never fails. */
void area_move(struct core *core, struct area *area, struct mem *mem, uintptr_t host);

#endif
