/* SPDX-License-Identifier: MIT */
/*
 * I/O address spaces.
 *
 * An IOAS is a set of areas that don't overlap. An area maps IOVAs to a part of a memory object.
 * The page tables of the IOAS (its HWPTs) all show the same areas: an area is written to each of
 * them before it becomes visible, and taken out of each, with one wait for readers, before unmap
 * returns.
 *
 * Without a HWPT a map neither looks at memory nor demands any alignment; the first HWPT brings
 * both (core/area.h).
 *
 * Source: Linux 7.3 iommufd ABI, IOMMU_IOAS_*; the order of checks is the ABI's.
 */
#ifndef UIOMMU_CORE_IOAS_H
#define UIOMMU_CORE_IOAS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/imap.h"
#include "core/area.h"
#include "core/core.h"
#include "core/object.h"
#include "core/ranges.h"

struct hwpt;

struct ioas {
	struct obj obj;
	struct ioas *prev, *next; /* core->ioas_lock */
	pthread_mutex_t
		attach_lock;  /* creation of an automatic HWPT, if there is none; before lock */
	pthread_mutex_t lock; /* all below, and the tables of the HWPTs */
	struct imap areas;
	struct ranges reserved; /* owned by HWPTs (apertures) and devices */
	struct ranges allowed;
	struct hwpt *hwpts; /* in order of creation */
	uint64_t alignment;
	bool huge_pages;
	bool parts; /* a mapping may be several areas (area.continues) */
};

static inline struct ioas *ioas_of(struct obj *obj)
{
	return (struct ioas *)obj;
}

/* Return: 0 with a published object and one user of it, dropped by obj_put(); -ENOMEM. */
int ioas_new(struct ctx *ctx, struct ioas **out);
/* With one more user, dropped by obj_put(). NULL: no IOAS of that id (refused with ENOENT). */
struct ioas *ioas_get(struct ctx *ctx, uint32_t id);

#define IOAS_FIXED_IOVA 1u
#define IOAS_WRITEABLE	2u
#define IOAS_READABLE	4u

struct ioas_map {
	uint32_t flags;
	uint64_t user_va, len;
	uint64_t iova; /* in with FIXED_IOVA, out otherwise */
};

/**
 * ioas_map() - IOMMU_IOAS_MAP
 *
 * The flags are known ones; the type 1 compatibility may pass neither READABLE nor WRITEABLE.
 * Return: 0; -EOVERFLOW, -EINVAL, -EEXIST, -ENOSPC, -EFAULT, -ENOMEM as the ABI says.
 */
int ioas_map(struct ioas *ioas, struct ioas_map *map);

struct ioas_copy {
	uint32_t flags;
	uint64_t dst_iova, src_iova, len;
};
/* IOMMU_IOAS_COPY; @src and @dst may be the same; without @dst: -ENOENT if the source is fine.
 * Return: as ioas_map(), -ENOENT, -EPERM. */
int ioas_copy(struct ioas *dst, struct ioas *src, struct ioas_copy *copy);

/**
 * ioas_unmap() - IOMMU_IOAS_UNMAP
 * @unmapped: receives the bytes that were removed, also on failure
 *
 * No device reads or writes the memory once this has returned. Never allocates.
 * Return: 0; -ENOENT nothing there, or an area sticks out: areas before it stay removed;
 * -EOVERFLOW; -EINVAL.
 */
int ioas_unmap(struct ioas *ioas, uint64_t iova, uint64_t len, uint64_t *unmapped);
/* Whether anything is mapped in the range. */
bool ioas_any(struct ioas *ioas, uint64_t iova, uint64_t len);
void ioas_unmap_all(struct ioas *ioas, uint64_t *unmapped);

/**
 * ioas_split() - split the areas that contain @iova - 1 and @iova, so that no area covers both
 *
 * For type 1 unmaps; huge pages are off. Return: 0; -EINVAL misaligned; -ENOMEM.
 */
int ioas_split(struct ioas *ioas, uint64_t iova);

/* Usable ranges: stores up to *n, sets *n to how many there are. */
void ioas_iova_ranges(struct ioas *ioas, struct range *out, uint32_t *n, uint64_t *alignment);
/* Replaces the allowed list; takes @allowed over on success. Return: 0, -EINVAL, -EADDRINUSE. */
int ioas_allow_iovas(struct ioas *ioas, struct ranges *allowed);

/* HUGE_PAGES option. Return: 0, -EINVAL, -EADDRINUSE. */
int ioas_set_huge_pages(struct ioas *ioas, bool on);
bool ioas_huge_pages(struct ioas *ioas);

/* --- for HWPTs, devices and memory that moves; the IOAS's lock is held
 * ----------------------------- */

/* A reserved range comes into force. Return: 0; -EADDRINUSE an area or the allowed list is there;
 * -ENOMEM. */
int ioas_reserve_locked(struct ioas *ioas, uint64_t start, uint64_t last, const void *owner);
/* Whether all areas fit @alignment. Return: 0, -EADDRINUSE. */
int ioas_check_alignment_locked(struct ioas *ioas, uint64_t alignment);
/* Recomputes the alignment from what is attached. */
void ioas_update_alignment_locked(struct ioas *ioas);

#endif
