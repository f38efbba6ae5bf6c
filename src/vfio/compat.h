/* SPDX-License-Identifier: MIT */
/*
 * The type 1 container: a translation of VFIO's requests to one IOAS of a context, nothing more.
 *
 * Source: Linux 7.3 iommufd ABI, VFIO compatibility.
 */
#ifndef UIOMMU_VFIO_COMPAT_H
#define UIOMMU_VFIO_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/object.h"

struct ioas;

/* The context's compat IOAS with one more user. Return: NULL if there is none (refused with
 * ENODEV). */
struct ioas *compat_get(struct ctx *ctx);
/* Makes one if there is none. Return: 0, -ENOMEM. */
int compat_ensure(struct ctx *ctx);
/* Return: 0, -ENOENT. */
int compat_set(struct ctx *ctx, uint32_t ioas_id);
void compat_clear(struct ctx *ctx);

/* VFIO_CHECK_EXTENSION. Return: the answer, or -ENODEV. */
int compat_check_extension(struct ctx *ctx, unsigned long extension);
/* VFIO_SET_IOMMU. Return: 0, -EINVAL, -ENODEV, -EADDRINUSE. */
int compat_set_iommu(struct ctx *ctx, unsigned long type);

struct compat_map {
	uint64_t vaddr, iova, size;
	bool read, write;
};
int compat_map(struct ctx *ctx, const struct compat_map *map);
/* @all: everything, and iova and size are 0. *size receives what was removed, also on failure. */
int compat_unmap(struct ctx *ctx, uint64_t iova, uint64_t *size, bool all);

/* Page sizes that VFIO_IOMMU_GET_INFO shows. */
uint64_t compat_page_sizes(struct ioas *ioas);

#endif
