/* SPDX-License-Identifier: MIT */
/* The whole algorithm, and how a format makes its `struct pt_ops` of it. */
#ifndef UIOMMU_PT_ALGORITHM_H
#define UIOMMU_PT_ALGORITHM_H

#include <errno.h>

#include "pt/format.h"
#include "pt/map.h"
#include "pt/page.h"
#include "pt/unmap.h"
#include "pt/walk.h"

PT_INLINE int pt_init(const struct pt_format *fmt, const struct pt_ops *ops, struct pt *pt,
	const struct pt_cfg *cfg)
{
	unsigned int levels = cfg && cfg->levels ? cfg->levels : fmt->levels_default;
	uint64_t pgsizes = cfg && cfg->pgsizes ? cfg->pgsizes : fmt->pgsizes;
	struct pt_page *page;
	int err;

	*pt = (struct pt){ 0 };
	if (levels < fmt->levels_min || levels > fmt->levels_max || pgsizes & ~fmt->pgsizes)
		return -EINVAL;
	err = pt_pages_take(1, &page);
	if (err)
		return err;
	pt_page_zero(page);
	page->live = 0;
	*pt = (struct pt){
		.ops = ops,
		.top = pt_page_table(page),
		.levels = levels,
		.pgsizes = pgsizes,
		.va_last = fmt->va_last(levels),
		.pa_last = fmt->pa_last,
		.ntables = 1,
	};
	return 0;
}

PT_INLINE void pt_fini(const struct pt_format *fmt, struct pt *pt)
{
	struct pt_gather gather = { 0 };

	if (!pt->top)
		return;
	pt_harvest(fmt, pt, &gather, pt->top, pt->levels - 1);
	pt_gather_free(pt, &gather);
	pt->top = NULL;
}

/*
 * Defines `const struct pt_ops @ops` of the format @fmt, a static const struct pt_format. @sizes
 * and
 * @levels are those of the format once more: C has no constant expression for them.
 */
#define PT_DEFINE_OPS(ops, fmt, label, sizes, levels)                                              \
	static int ops##_init(struct pt *pt, const struct pt_cfg *cfg)                             \
	{                                                                                          \
		return pt_init(&(fmt), &(ops), pt, cfg);                                           \
	}                                                                                          \
	static void ops##_fini(struct pt *pt)                                                      \
	{                                                                                          \
		pt_fini(&(fmt), pt);                                                               \
	}                                                                                          \
	static int ops##_map(                                                                      \
		struct pt *pt, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot)        \
	{                                                                                          \
		return pt_map(&(fmt), pt, iova, pa, len, prot);                                    \
	}                                                                                          \
	static uint64_t ops##_unmap(                                                               \
		struct pt *pt, uint64_t iova, uint64_t len, struct pt_gather *gather)              \
	{                                                                                          \
		return pt_unmap(&(fmt), pt, iova, len, gather);                                    \
	}                                                                                          \
	static int ops##_walk(                                                                     \
		const struct pt *pt, uint64_t iova, unsigned int need, struct pt_leaf *leaf)       \
	{                                                                                          \
		return pt_walk(&(fmt), pt, iova, need, leaf);                                      \
	}                                                                                          \
	const struct pt_ops ops = {                                                                \
		.name = (label),                                                                   \
		.pgsizes = (sizes),                                                                \
		.default_levels = (levels),                                                        \
		.init = ops##_init,                                                                \
		.fini = ops##_fini,                                                                \
		.map = ops##_map,                                                                  \
		.unmap = ops##_unmap,                                                              \
		.walk = ops##_walk,                                                                \
	}

#endif
