/* SPDX-License-Identifier: MIT */
/* Extensible structures in a caller's memory. */
#ifndef UIOMMU_ABI_COPY_H
#define UIOMMU_ABI_COPY_H

#include <stddef.h>
#include <stdint.h>

struct abi_caller;

/* What is known of a structure: how many bytes we know, how many a caller must have. */
struct abi_struct {
	size_t size, min;
};

/**
 * abi_copy_in() - copy a structure whose first word is the size that the caller knows
 * @body: receives st->size bytes: the caller's, then zeroes
 * @user_size: receives that first word
 * Return: 0; -EFAULT; -EINVAL less than the minimum; -E2BIG bytes that we don't know aren't zero.
 */
int abi_copy_in(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	void *body, uint32_t *user_size);

/* As VFIO does it: argsz may be anything from the minimum on, and bytes that aren't known are
 * ignored. */
int abi_copy_in_argsz(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	void *body, uint32_t *argsz);

/* Copies back as much as the caller knows. Return: 0, -EFAULT. */
int abi_copy_out(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	const void *body, uint32_t user_size);

#endif
