/* SPDX-License-Identifier: MIT */
/*
 * I/O page tables.
 *
 * A `struct pt` is a tree of tables in the layout that a hardware format defines. Output addresses
 * are addresses on the system bus (mem/bus.h). One writer at a time per table; any number of
 * lock-free readers (pt_walk), which run inside read sections. What a writer takes out of the tree
 * is collected in a gather list, and freed after the readers have gone.
 *
 * An operation is one indirect call through `struct pt_ops`; inside it the format is a constant.
 *
 * Vocabulary: an entry is 8 bytes; level 0 is leaf-most; `last` is closed, `end` is open; `_lg2` is
 * a logarithm.
 */
#ifndef UIOMMU_PT_PT_H
#define UIOMMU_PT_PT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_READ	 1u
#define PT_WRITE 2u

struct pt_ops;
struct pt_page;

struct pt {
	const struct pt_ops *ops;
	void *top;	     /* the top table */
	unsigned int levels; /* 1 .. */
	uint64_t pgsizes; /* leaf sizes that map may choose, a bit mask; a subset of the format's */
	uint64_t va_last; /* last input address */
	uint64_t pa_last; /* last output address */
	size_t ntables;	  /* table pages, the top included */
};

/* What a new table shall be like; 0 means the format's default. */
struct pt_cfg {
	unsigned int levels;
	uint64_t pgsizes;
};

/*
 * A translation: the leaf entry that holds the address. Where a walk finds nothing, `level` and
 * `size_lg2` are those of the empty entry, and the rest is 0; out of range, `level` is pt->levels.
 */
struct pt_leaf {
	uint64_t pa;	       /* output address of the address that was asked for */
	unsigned int size_lg2; /* of the leaf */
	unsigned int prot;     /* PT_READ | PT_WRITE, all levels taken together */
	unsigned int level;    /* where the walk ended, also when it failed */
};

/* Tables that were taken out of the tree and wait for readers to leave. */
struct pt_gather {
	struct pt_page *pages;
	size_t count;
};

struct pt_ops {
	const char *name;
	uint64_t pgsizes;
	unsigned int default_levels;

	/* Return: 0, -ENOMEM, -EINVAL (levels or page sizes that the format doesn't have). */
	int (*init)(struct pt *pt, const struct pt_cfg *cfg);
	/* Frees all tables; no reader may be left. */
	void (*fini)(struct pt *pt);

	/**
	 * map() - map [iova, iova + len) to [pa, pa + len)
	 *
	 * All three are multiples of the smallest page size. Chooses the largest leaves that
	 * alignment and pt->pgsizes allow. A format that has no write-only leaves makes PT_WRITE
	 * readable too. Return: 0; -EINVAL misaligned, out of the input or output range, or @prot
	 * is 0 or unknown; -EEXIST something in the range is mapped; -ENOMEM. On failure nothing
	 * has changed, not even for a moment.
	 */
	int (*map)(struct pt *pt, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot);

	/**
	 * unmap() - take out every leaf that begins in [iova, iova + len)
	 *
	 * Never allocates. The caller unmaps whole leaves only; of a hostile range, a leaf that
	 * begins before it stays, and one that ends after it goes wholly. What lies out of the
	 * input range is ignored, and a range that wraps is empty. Tables that become empty go to
	 * @gather, which is zero at first and may collect from many calls. A reader that is inside
	 * a section may still find the leaves until it leaves it. Return: bytes that were mapped.
	 */
	uint64_t (*unmap)(struct pt *pt, uint64_t iova, uint64_t len, struct pt_gather *gather);

	/**
	 * walk() - translate one address
	 * @need: PT_READ and PT_WRITE as wanted; 0 to look without asking
	 * Return: 0; -ENOENT not mapped; -EPERM permission (@leaf says which); -ERANGE outside of
	 * the table's input range. @leaf is always filled as far as it is known.
	 */
	int (*walk)(const struct pt *pt, uint64_t iova, unsigned int need, struct pt_leaf *leaf);
};

/* Frees what a writer gathered; readers that could have seen it have gone. Empties @gather.
 * Context: any; it needn't be the writer's. */
void pt_gather_free(struct pt *pt, struct pt_gather *gather);

/* x86-64 first stage, 4 (default) or 5 levels; the lower half of the canonical range: 47, 56 bits.
 */
extern const struct pt_ops pt_x86_64;
/* ARMv8 LPAE stage 1, 4 KiB granule, 4 levels, 48 bits. */
extern const struct pt_ops pt_armv8_4k;

#endif
