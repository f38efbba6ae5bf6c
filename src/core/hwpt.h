/* SPDX-License-Identifier: MIT */
/*
 * Paging HWPTs: page tables that show an IOAS. Automatic ones come and go with their attachments
 * (transient objects); manual ones are a client's.
 */
#ifndef UIOMMU_CORE_HWPT_H
#define UIOMMU_CORE_HWPT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/domain.h"
#include "core/object.h"

struct ioas;

struct hwpt {
	struct obj obj;
	struct ioas *ioas; /* holds one user of it */
	struct hwpt *next; /* ioas->lock */
	struct domain dom; /* its table: ioas->lock */
	uint32_t flags;
};

static inline struct hwpt *hwpt_of(struct obj *obj)
{
	return (struct hwpt *)obj;
}

/**
 * hwpt_new() - a table of @ioas, filled with all its areas, in force at once
 * @flags: HW_*
 * Return: 0 with a published object and one user of it, dropped by obj_put(); -EADDRINUSE areas or
 * the allowed list lie outside of its aperture or its alignment; -EFAULT memory of an area isn't
 * there; -EOPNOTSUPP flags; -ENOMEM.
 */
int hwpt_new(struct ioas *ioas, uint32_t flags, bool automatic, struct hwpt **out);

/* Page sizes that new mappings may use, after a change of ioas->huge_pages; ioas->lock is held. */
void hwpt_choose_page_sizes(struct hwpt *hwpt);

#endif
