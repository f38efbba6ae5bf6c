/* SPDX-License-Identifier: MIT */
/* The program as a caller of the ABI: its memory, its descriptors. */
#ifndef UIOMMU_FRONT_PRELOAD_CALLER_H
#define UIOMMU_FRONT_PRELOAD_CALLER_H

#include "abi/file.h"

extern const struct abi_caller preload_caller;

#endif
