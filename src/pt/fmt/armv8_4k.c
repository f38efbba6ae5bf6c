/* SPDX-License-Identifier: MIT */
/*
 * ARMv8 stage 1 with the 4 KiB granule: 48-bit input through TTB0 in 4 levels, 48-bit output (Arm
 * DDI 0487, "The AArch64 Virtual Memory System Architecture"; Arm IHI 0070 refers to it). The
 * architecture's level 3 is our level 0.
 *
 * Leaves are normal memory, inner shareable, with the access flag. Attribute index 1 of MAIR has to
 * be write-back. Requests are unprivileged, and nothing is executed. There are no write-only
 * leaves.
 */
#include "pt/algorithm.h"
#include "pt/fmt/armv8_spec.h"

#define PGSIZES (1ull << 12 | 1ull << 21 | 1ull << 30)
#define LEVELS	4 /* unless asked otherwise */

#define ATTR_WRITE_BACK 1

PT_INLINE uint64_t armv8_4k_va_last(unsigned int levels)
{
	return ((uint64_t)1 << (12 + 9 * levels)) - 1;
}

PT_INLINE enum pt_kind armv8_4k_kind(uint64_t entry, unsigned int level)
{
	if (!(entry & ARMV8_VALID))
		return PT_NONE;
	if (entry & ARMV8_TYPE)
		return level ? PT_TABLE : PT_LEAF;
	/* A block; reserved at the levels that have none. */
	return level == 1 || level == 2 ? PT_LEAF : PT_NONE;
}

PT_INLINE uint64_t armv8_4k_table(uint64_t entry)
{
	return entry & ARMV8_ADDR;
}

PT_INLINE unsigned int armv8_4k_table_prot(uint64_t entry)
{
	if (entry & ARMV8_APTABLE_NO_EL0)
		return 0;
	return entry & ARMV8_APTABLE_RO ? PT_READ : PT_READ | PT_WRITE;
}

PT_INLINE unsigned int armv8_4k_leaf_prot(uint64_t entry)
{
	if ((entry & (ARMV8_AF | ARMV8_AP_EL0)) != (ARMV8_AF | ARMV8_AP_EL0))
		return 0;
	return entry & ARMV8_AP_RO ? PT_READ : PT_READ | PT_WRITE;
}

PT_INLINE uint64_t armv8_4k_output(uint64_t entry, unsigned int level)
{
	return entry & ARMV8_ADDR & ~(((uint64_t)1 << (12 + 9 * level)) - 1);
}

PT_INLINE uint64_t armv8_4k_make_table(uint64_t addr)
{
	return addr | ARMV8_VALID | ARMV8_TYPE;
}

PT_INLINE uint64_t armv8_4k_make_leaf(uint64_t pa, unsigned int level, unsigned int prot)
{
	return pa | ARMV8_VALID | (level ? 0 : ARMV8_TYPE) | ARMV8_ATTR(ATTR_WRITE_BACK) |
	       ARMV8_AP_EL0 | (prot & PT_WRITE ? 0 : ARMV8_AP_RO) | ARMV8_SH_INNER | ARMV8_AF |
	       ARMV8_NG | ARMV8_PXN | ARMV8_UXN;
}

static const struct pt_format armv8_4k = {
	.granule_lg2 = 12,
	.index_lg2 = 9,
	.levels_min = 4,
	.levels_max = 4,
	.levels_default = LEVELS,
	.pgsizes = PGSIZES,
	.pa_last = (1ull << 48) - 1,
	.va_last = armv8_4k_va_last,
	.kind = armv8_4k_kind,
	.table = armv8_4k_table,
	.table_prot = armv8_4k_table_prot,
	.output = armv8_4k_output,
	.leaf_prot = armv8_4k_leaf_prot,
	.make_table = armv8_4k_make_table,
	.make_leaf = armv8_4k_make_leaf,
};

PT_DEFINE_OPS(pt_armv8_4k, armv8_4k, "armv8-4k", PGSIZES, LEVELS);
