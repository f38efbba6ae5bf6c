/* SPDX-License-Identifier: MIT */
/* Where in an IOAS an area may go. The IOAS's lock is held. */
#ifndef UIOMMU_CORE_IOAS_PLACE_H
#define UIOMMU_CORE_IOAS_PLACE_H

#include <stdint.h>

struct ioas;

/* The lowest fitting IOVA for memory at @addr. Return: 0, -EOVERFLOW, -EINVAL, -ENOSPC. */
int ioas_place_auto(struct ioas *ioas, uint64_t addr, uint64_t len, uint64_t *iova);
/* Whether an area may go to @iova. Return: 0, -EINVAL, -EOVERFLOW, -EEXIST. */
int ioas_place_fixed(struct ioas *ioas, uint64_t iova, uint64_t len);

#endif
