/* SPDX-License-Identifier: MIT */
/* The provider that is this process's engine. */
#ifndef UIOMMU_API_SOFT_H
#define UIOMMU_API_SOFT_H

#include <stdbool.h>

#include "api/provider.h"

struct sys;

/* How the pointers in requests are reached. */
enum soft_pointers {
	SOFT_TRUSTED, /* a copy */
	SOFT_GUARDED, /* -EFAULT where there's no memory, as a kernel answers */
};

/* Takes @sys over on success. Return: 0, -ENOMEM. */
int soft_new(struct sys *sys, enum soft_pointers pointers, struct provider **out);

/* The system behind it: its counters are of interest to tests. */
struct sys *soft_sys(struct provider *p);
/* Handles that are open. */
size_t soft_handles(struct provider *p);

#endif
