/* SPDX-License-Identifier: MIT */
/*
 * x86-64 paging: VT-d first stage (VT-d specification, "First-Stage Translation"; the paging
 * structures of the Intel SDM, volume 3, chapter 4), 4 or 5 levels.
 *
 * Input addresses are canonical. We hand out the lower half, whose upper bit is 0: 47 or 56 bits.
 *
 * Leaves have A, and D where they are writable, so that hardware has nothing to set. Requests are
 * user requests: US everywhere. XD stays 0: it is a reserved bit where the PASID entry doesn't
 * enable it. There are no write-only leaves.
 */
#include "pt/algorithm.h"
#include "pt/fmt/x86_64_spec.h"

#define PGSIZES (1ull << 12 | 1ull << 21 | 1ull << 30)
#define LEVELS	4 /* unless asked otherwise */

PT_INLINE uint64_t x86_64_va_last(unsigned int levels)
{
	return levels == 5 ? ((uint64_t)1 << 56) - 1 : ((uint64_t)1 << 47) - 1;
}

PT_INLINE enum pt_kind x86_64_kind(uint64_t entry, unsigned int level)
{
	if (!(entry & X86_64_P))
		return PT_NONE;
	if (!level)
		return PT_LEAF;
	if (!(entry & X86_64_PS))
		return PT_TABLE;
	/* Reserved above. */
	return level <= 2 ? PT_LEAF : PT_NONE;
}

PT_INLINE uint64_t x86_64_table(uint64_t entry)
{
	return entry & X86_64_ADDR;
}

/* Of a table and of a leaf. */
PT_INLINE unsigned int x86_64_prot(uint64_t entry)
{
	if (!(entry & X86_64_US))
		return 0;
	return entry & X86_64_RW ? PT_READ | PT_WRITE : PT_READ;
}

PT_INLINE uint64_t x86_64_output(uint64_t entry, unsigned int level)
{
	/* Bit 12 of a large leaf is an attribute. */
	return entry & X86_64_ADDR & ~(((uint64_t)1 << (12 + 9 * level)) - 1);
}

PT_INLINE uint64_t x86_64_make_table(uint64_t addr)
{
	return addr | X86_64_P | X86_64_RW | X86_64_US | X86_64_A;
}

PT_INLINE uint64_t x86_64_make_leaf(uint64_t pa, unsigned int level, unsigned int prot)
{
	return pa | X86_64_P | X86_64_US | X86_64_A | (level ? X86_64_PS : 0) |
	       (prot & PT_WRITE ? X86_64_RW | X86_64_D : 0);
}

static const struct pt_format x86_64 = {
	.granule_lg2 = 12,
	.index_lg2 = 9,
	.levels_min = 4,
	.levels_max = 5,
	.levels_default = LEVELS,
	.pgsizes = PGSIZES,
	.pa_last = (1ull << 52) - 1,
	.va_last = x86_64_va_last,
	.kind = x86_64_kind,
	.table = x86_64_table,
	.table_prot = x86_64_prot,
	.output = x86_64_output,
	.leaf_prot = x86_64_prot,
	.make_table = x86_64_make_table,
	.make_leaf = x86_64_make_leaf,
};

PT_DEFINE_OPS(pt_x86_64, x86_64, "x86-64", PGSIZES, LEVELS);
