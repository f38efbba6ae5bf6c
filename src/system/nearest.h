/* SPDX-License-Identifier: MIT */
/* Spelling: which known name a misspelt one was meant to be. */
#ifndef UIOMMU_SYSTEM_NEAREST_H
#define UIOMMU_SYSTEM_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *name; /* as it was given */
	const char *
		best; /* the closest candidate so far; NULL: none is close enough to be suggested */
	size_t distance; /* of @best */
};

void nearest_init(struct nearest *near, const char *name);
void nearest_offer(struct nearest *near, const char *candidate);

#endif
