/* SPDX-License-Identifier: MIT */
/*
 * The requests of /dev/iommu as data: what dispatch must know of one before and after it has
 * handled it.
 */
#ifndef UIOMMU_ABI_TABLE_H
#define UIOMMU_ABI_TABLE_H

#include <stdint.h>

/* Numbers (the low byte of a code) that the table covers, without a gap. */
#define ABI_IOMMUFD_NR_FIRST 0x80u
#define ABI_IOMMUFD_NR_LAST  0x95u

/* Bytes of the largest structure in the table. */
#define ABI_IOMMUFD_SIZE_MAX 48u

/* When a handler's copy of the structure is copied back to the caller, up to the caller's size. */
enum abi_writes_back {
	ABI_WB_NEVER,
	ABI_WB_SUCCESS,
	ABI_WB_SUCCESS_VAL64, /* of struct uiommu_abi_option only that field */
	ABI_WB_SUCCESS_GET,   /* struct uiommu_abi_vfio_ioas with op GET */
	ABI_WB_EMSGSIZE,      /* on success and on -EMSGSIZE */
	ABI_WB_ALWAYS,	      /* on every error of the handler, too */
};

struct abi_req {
	uint32_t code;	  /* the whole request: stray direction or size bits make it another one */
	const char *name; /* as Linux calls it, "IOMMU_IOAS_MAP" */
	uint32_t size;	  /* bytes of the structure */
	uint32_t min;	  /* bytes that a caller must have: 4 .. size */
	enum abi_writes_back writes_back;
};

/**
 * abi_iommufd_req() - the request of a number
 * @nr: the low byte of a code
 *
 * The caller compares the whole code. Context: any. Return: NULL where there's no such request.
 */
const struct abi_req *abi_iommufd_req(unsigned int nr);

#endif
