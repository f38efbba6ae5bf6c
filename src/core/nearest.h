/* SPDX-License-Identifier: MIT */
/* What is mapped near an address that a device was refused: for explanations. */
#ifndef UIOMMU_CORE_NEAREST_H
#define UIOMMU_CORE_NEAREST_H

#include <stdbool.h>
#include <stdint.h>

struct requester;

struct nearest {
	uint32_t ioas, hwpt; /* ids of what the requester is attached to */
	bool found; /* an area: the one that holds the address, else the one closest to it */
	uint64_t first, last;
	bool readable, writable;
};

/*
 * Context: no lock held, no read section; takes the group's and the IOAS's lock. Return: false if
 * nothing is attached.
 */
bool nearest_find(struct requester *req, uint64_t iova, struct nearest *out);

#endif
