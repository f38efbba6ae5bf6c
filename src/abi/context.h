/* SPDX-License-Identifier: MIT */
/* The file behind /dev/iommu and /dev/vfio/vfio. */
#ifndef UIOMMU_ABI_CONTEXT_H
#define UIOMMU_ABI_CONTEXT_H

#include <stdint.h>

#include "abi/file.h"
#include "core/object.h"

/* @container: opened as /dev/vfio/vfio. Return: 0 with one reference on the file; -ENOMEM. */
int abi_context_open(struct core *core, bool container, struct abi_file **out);
/* The context behind a file of kind ABI_FILE_CONTEXT. */
struct ctx *abi_context(struct abi_file *file);

/* Requests with numbers below those of iommufd: the type 1 container. */
long abi_type1_ioctl(
	struct ctx *ctx, const struct abi_caller *caller, unsigned long req, uintptr_t arg);

/* A decoded iommufd request; the structure begins at @body. */
typedef int abi_iommufd_fn(struct ctx *ctx, const struct abi_caller *caller, void *body);
/* The handler of a request number, NULL if it has none. */
abi_iommufd_fn *abi_iommufd_handler(unsigned int nr);

#endif
