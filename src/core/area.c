/* SPDX-License-Identifier: MIT */
#include "core/area.h"

#include <errno.h>

#include "base/mem.h"
#include "base/refuse.h"
#include "core/hwpt.h"
#include "core/ioas.h"

static unsigned int prot_of(uint32_t flags)
{
	return (flags & IOAS_READABLE ? PT_READ : 0) | (flags & IOAS_WRITEABLE ? PT_WRITE : 0);
}

int area_new(struct core *core, uintptr_t host, uint64_t len, uint32_t flags, struct area **out)
{
	struct area *area = base_zalloc(sizeof(*area));

	if (!area)
		return -ENOMEM;
	if (account_charges(&core->account)) {
		if (mem_charged_new(&core->userspace, &core->account, host, len, &area->mem)) {
			base_free(area);
			return -ENOMEM;
		}
	} else {
		mem_get(core->process);
		area->mem = core->process;
	}
	area->host = host;
	area->origin = host;
	area->last = len - 1;
	area->prot = (uint8_t)prot_of(flags);
	area->writable = flags & IOAS_WRITEABLE;
	*out = area;
	return 0;
}

int area_part(
	const struct area *from, uint64_t off, uint64_t len, uint32_t flags, struct area **out)
{
	struct area *area = base_zalloc(sizeof(*area));

	if (!area)
		return -ENOMEM;
	if (from->pinned && mem_range_add(from->mem, from->host + off, len)) {
		base_free(area);
		return -ENOMEM;
	}
	mem_get(from->mem);
	area->mem = from->mem;
	if (from->pinned)
		mem_pin(area->mem); /* pinned already: can't fail */
	area->host = from->host + off;
	area->origin = from->origin + off;
	area->last = len - 1;
	area->prot = (uint8_t)prot_of(flags);
	area->writable = from->writable;
	area->pinned = from->pinned;
	*out = area;
	return 0;
}

static void range_remove(const struct area *area)
{
	if (area->pinned)
		mem_range_remove(area->mem, area->host, area_len(area));
}

/* The area doesn't need its memory any more. */
static void range_leave(const struct area *area)
{
	range_remove(area);
	if (area->pinned)
		mem_unpin(area->mem);
}

void area_free(struct area *area)
{
	range_leave(area);
	mem_put(area->mem);
	base_free(area);
}

/* Neighbours on the list mostly share their object: its count is changed once for all of them. */
void area_list_free(struct area *list)
{
	while (list) {
		struct mem *mem = list->mem;
		uint32_t n = 0;

		for (; list && list->mem == mem; n++) {
			struct area *area = list;

			list = area->next;
			range_leave(area);
			base_free(area);
		}
		mem_put_many(mem, n);
	}
}

int area_pin(struct area *area)
{
	int err;

	if (area->pinned)
		return 0;
	err = mem_pin(area->mem);
	if (err)
		return err;
	/* Counted first: memory that goes away from here on is followed, or seen to have moved. */
	err = mem_range_add(area->mem, area->host, area_len(area));
	if (err == -ENOMEM) {
		mem_unpin(area->mem);
		return err;
	}
	if (!err) {
		err = mem_populate(area->mem, area->host, area_len(area), area->writable);
		if (err)
			mem_range_remove(area->mem, area->host, area_len(area));
	}
	if (err)
		mem_unpin(area->mem);
	if (err)
		return refuse(EFAULT, "memory exists and permits what the mapping permits",
			"memory at %#lx, %#lx bytes", area->host, area_len(area));
	area->pinned = true;
	return 0;
}

void area_unpin(struct core *core, struct area *area)
{
	if (!area->pinned)
		return;
	range_leave(area);
	area->pinned = false;
	area->host = area->origin;
	if (area->mem->kind == MEM_PROCESS)
		return;
	mem_get(core->process);
	mem_put(area->mem);
	area->mem = core->process;
}

void area_move(struct core *core, struct area *area, struct mem *mem, uintptr_t host)
{
	/* Without memory it isn't counted: a later munmap() of it is met by guarded access only. */
	if (mem_range_add(mem, host, area_len(area)))
		mem = core->uncounted;
	range_remove(area);
	area->host = host;
	/* Moved by the program: still its own memory. */
	if (mem->kind == MEM_PROCESS)
		return;
	mem_get(mem);
	mem_keep(mem, area->mem);
	area->mem = mem;
}

int area_install(struct hwpt *hwpt, const struct area *area)
{
	if (!area->prot)
		return 0; /* type 1 may map without any permission: nothing to translate */
	return domain_map(&hwpt->dom, area->iova, area->host, area_len(area), area->prot);
}

/* The parts are counted as ranges of their own before the whole is not. */
static int parts_add(const struct area *low, uint64_t low_len)
{
	int err;

	if (!low->pinned)
		return 0;
	err = mem_range_add(low->mem, low->host, low_len);
	if (err)
		return err;
	err = mem_range_add(low->mem, low->host + low_len, area_len(low) - low_len);
	if (err)
		mem_range_remove(low->mem, low->host, low_len);
	return err;
}

static void parts_remove(const struct area *low, uint64_t low_len)
{
	if (!low->pinned)
		return;
	mem_range_remove(low->mem, low->host, low_len);
	mem_range_remove(low->mem, low->host + low_len, area_len(low) - low_len);
}

int area_split_locked(struct ioas *ioas, struct area *low, uint64_t iova, struct area **out)
{
	uint64_t low_len = iova - low->iova;
	struct area *high = base_zalloc(sizeof(*high));
	int err;

	if (!high)
		return -ENOMEM;
	*high = *low;
	high->iova = iova;
	high->host = low->host + low_len;
	high->origin = low->origin + low_len;
	high->continues = true;
	err = parts_add(low, low_len);
	if (err)
		goto err_free;
	imap_set_last(&ioas->areas, low->iova, iova - 1);
	err = imap_insert(&ioas->areas, iova, high->last, high);
	if (err)
		goto err_map;
	range_remove(low);
	mem_get(low->mem);
	if (low->pinned)
		mem_pin(low->mem); /* pinned already: can't fail */
	low->last = iova - 1;
	ioas->parts = true;
	atomic_fetch_add_explicit(
		&ioas->obj.ctx->core->counters->areas_now, 1, memory_order_relaxed);
	*out = high;
	return 0;

err_map:
	imap_set_last(&ioas->areas, low->iova, low->last);
	parts_remove(low, low_len);
err_free:
	base_free(high);
	return err;
}
