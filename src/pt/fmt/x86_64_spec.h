/* SPDX-License-Identifier: MIT */
/* Paging entries of x86-64, as VT-d's first stage and AMD's guest tables use them. */
#ifndef UIOMMU_PT_FMT_X86_64_SPEC_H
#define UIOMMU_PT_FMT_X86_64_SPEC_H

#include <stdint.h>

#define X86_64_P    ((uint64_t)1 << 0)	/* present */
#define X86_64_RW   ((uint64_t)1 << 1)	/* writable */
#define X86_64_US   ((uint64_t)1 << 2)	/* for user requests */
#define X86_64_A    ((uint64_t)1 << 5)	/* accessed */
#define X86_64_D    ((uint64_t)1 << 6)	/* dirty; leaves */
#define X86_64_PS   ((uint64_t)1 << 7)	/* leaf; levels 1 and 2 */
#define X86_64_XD   ((uint64_t)1 << 63) /* execute disable */
#define X86_64_ADDR 0x000ffffffffff000u

#endif
