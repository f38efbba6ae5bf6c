/* SPDX-License-Identifier: MIT */
#include "core/domain.h"

#include "core/core.h"
#include "core/hw.h"

static void generation_take(struct domain *dom)
{
	uint64_t next =
		atomic_fetch_add_explicit(&dom->core->generation, 1, memory_order_relaxed) + 1;

	/* Release: a reader that samples it sees the table without what was unmapped. */
	atomic_store_explicit(&dom->generation, next, memory_order_release);
}

int domain_init(struct domain *dom, struct core *core, uint32_t flags)
{
	int err;

	dom->core = core;
	dom->gather = (struct pt_gather){ 0 };
	dom->dirty_since_sync = false;
	atomic_init(&dom->exchanging, false);
	err = core->hw->ops->domain_init(core->hw, dom, flags);
	if (err)
		return err;
	generation_take(dom);
	return 0;
}

void domain_fini(struct domain *dom)
{
	rs_wait(&dom->core->readers, dom);
	pt_gather_free(&dom->pt, &dom->gather);
	dom->pt.ops->fini(&dom->pt);
}

int domain_map(struct domain *dom, uint64_t iova, uint64_t pa, uint64_t len, unsigned int prot)
{
	return dom->pt.ops->map(&dom->pt, iova, pa, len, prot);
}

void domain_unmap(struct domain *dom, uint64_t iova, uint64_t len)
{
	dom->pt.ops->unmap(&dom->pt, iova, len, &dom->gather);
	dom->dirty_since_sync = true;
}

void domain_sync(struct domain *dom)
{
	if (!dom->dirty_since_sync)
		return;
	dom->dirty_since_sync = false;
	generation_take(dom);
	rs_wait(&dom->core->readers, dom);
	if (dom->gather.count)
		pt_gather_free(&dom->pt, &dom->gather);
}
