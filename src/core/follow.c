/* SPDX-License-Identifier: MIT */
#include "core/follow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/refuse.h"
#include "core/core.h"
#include "core/hwpt.h"
#include "core/ioas.h"

/* A run of pages that moves as one, and the object that holds it afterwards. */
struct move {
	struct core *core;
	uintptr_t from, last, to;
	struct mem *mem;
};

static bool area_meets(const struct area *area, const struct move *move)
{
	/* In pages: an area without a table may begin anywhere in one. */
	uintptr_t mask = CORE_PAGE - 1;
	uintptr_t first = area->host & ~mask;
	uintptr_t last = (area->host + area_len(area) - 1) | mask;

	return area->mem->kind == MEM_PROCESS && first <= move->last && last >= move->from;
}

/* Cuts the area at the run's edges; *area is then the part inside. */
static int area_cut(struct ioas *ioas, struct area **area, const struct move *move)
{
	struct area *rest;
	int err = 0;

	if ((*area)->host < move->from)
		err = area_split_locked(
			ioas, *area, (*area)->iova + (move->from - (*area)->host), area);
	if (!err && (*area)->host + (area_len(*area) - 1) > move->last)
		err = area_split_locked(
			ioas, *area, (*area)->iova + (move->last - (*area)->host) + 1, &rest);
	return err;
}

static void area_hide(struct ioas *ioas, struct area *area)
{
	for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
		domain_unmap(&hwpt->dom, area->iova, area_len(area));
	area->hidden = true; /* and so are the parts that it is cut into */
}

/* The areas of the IOAS that meet the run leave the tables, and are cut at the run's edges. */
static int ioas_hide(struct ioas *ioas, const struct move *move)
{
	struct imap_ent ent;
	uint64_t at = 0;

	while (imap_next(&ioas->areas, at, &ent)) {
		struct area *area = ent.val;

		if (area_meets(area, move)) {
			int err;

			area_hide(ioas, area);
			err = area_cut(ioas, &area, move);
			if (err)
				return err;
		}
		if (ent.last == UINT64_MAX)
			break;
		at = ent.last + 1;
	}
	return 0;
}

/*
 * Without memory for a table the mapping stays, and devices fault on it: all that can go wrong
 * after the pages have moved, and no other page is touched by it.
 */
static void ioas_show(struct ioas *ioas)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent)) {
		struct area *area = ent.val;

		if (!area->hidden)
			continue;
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			area_install(hwpt, area);
		area->hidden = false;
	}
}

static void area_rebase(struct area *area, const struct move *move)
{
	struct mem *old = area->mem;

	mem_range_remove(old, area->host, area_len(area));
	area->host = move->to + (area->host - move->from);
	/* Without memory it isn't counted: a later munmap() of it is met by guarded access only. */
	if (mem_range_add(move->mem, area->host, area_len(area)))
		return;
	mem_get(move->mem);
	area->mem = move->mem;
	mem_put(old);
}

static void ioas_rebase(struct ioas *ioas, const struct move *move)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent)) {
		struct area *area = ent.val;

		if (area->hidden && area_meets(area, move))
			area_rebase(area, move);
	}
}

/* From here to exchange_end() no device reaches the run's pages, and those that try wait. */
static int exchange_begin(struct core *core, const struct move *move)
{
	int err = 0;

	pthread_rwlock_wrlock(&core->exchange);
	pthread_mutex_lock(&core->ioas_lock);
	for (struct ioas *ioas = core->ioases; ioas; ioas = ioas->next) {
		pthread_mutex_lock(&ioas->lock);
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			atomic_store(&hwpt->dom.exchanging, true);
		if (!err)
			err = ioas_hide(ioas, move);
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			domain_sync(&hwpt->dom);
	}
	return err;
}

static void exchange_end(struct core *core)
{
	for (struct ioas *ioas = core->ioases; ioas; ioas = ioas->next) {
		ioas_show(ioas);
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			atomic_store(&hwpt->dom.exchanging, false);
		pthread_mutex_unlock(&ioas->lock);
	}
	pthread_mutex_unlock(&core->ioas_lock);
	pthread_rwlock_unlock(&core->exchange);
}

static void rebase_all(struct core *core, const struct move *move)
{
	for (struct ioas *ioas = core->ioases; ioas; ioas = ioas->next)
		ioas_rebase(ioas, move);
}

/* --- Moving pages ------------------------------------------------------------------------------
 */

/* Pages of one kernel mapping. The range they leave stays mapped, but for kinds that can't. */
static bool pages_move_once(uintptr_t from, size_t len, uintptr_t to)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

	if (mremap((void *)from, len, len, flags | MREMAP_DONTUNMAP, to) != MAP_FAILED)
		return true;
	if (mremap((void *)from, len, len, flags, to) == MAP_FAILED)
		return false;
	mmap((void *)from, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	return true;
}

/* A range over several kernel mappings is halved until each part lies in one. Return: bytes moved.
 */
static size_t pages_move(uintptr_t from, size_t len, uintptr_t to)
{
	size_t half = (len / 2) & ~(size_t)(CORE_PAGE - 1), moved;

	if (pages_move_once(from, len, to))
		return len;
	if (!half)
		return 0;
	moved = pages_move(from, half, to);
	return moved < half ? moved : half + pages_move(from + half, len - half, to + half);
}

/*
 * A place for @len bytes outside of [start, end), which has something mapped in it, but may have
 * holes, and will be unmapped as a whole. What is longer than this range by @len can't be inside;
 * either its first or its last @len bytes are outside.
 */
static void *alias_place(size_t len, uintptr_t start, uintptr_t end)
{
	size_t more = end - start;
	uint8_t *room;

	if (more > SIZE_MAX - len)
		return MAP_FAILED;
	room = mmap(
		NULL, len + more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return MAP_FAILED;
	if ((uintptr_t)room < start) {
		munmap(room + len, more);
		return room;
	}
	munmap(room, more);
	return room + more;
}

/* A run inside of [start, end). */
static int run_vacate(struct core *core, uintptr_t from, size_t len, uintptr_t start, uintptr_t end)
{
	struct move move = { .from = from, .last = from + len - 1 };
	void *to = alias_place(len, start, end);
	int err;

	if (to == MAP_FAILED)
		return -ENOMEM;
	move.to = (uintptr_t)to;
	err = mem_alias_new(move.to, len, &move.mem);
	if (err) {
		munmap(to, len);
		return err;
	}
	err = exchange_begin(core, &move);
	if (!err) {
		size_t moved = pages_move(from, len, move.to);

		if (moved == len)
			rebase_all(core, &move);
		else
			err = -EFAULT;
		/* What had moved goes back to where its mappings still are. */
		if (err && moved)
			mremap((void *)move.to, moved, moved, MREMAP_MAYMOVE | MREMAP_FIXED, from);
		if (!err)
			atomic_fetch_add_explicit(
				&core->counters->vacated, len / CORE_PAGE, memory_order_relaxed);
	}
	exchange_end(core);
	mem_put(move.mem);
	return err;
}

int follow_vacate(struct core *core, uintptr_t addr, size_t len)
{
	uint64_t first = addr & ~(CORE_PAGE - 1), start = first, end;

	if (__builtin_add_overflow((uint64_t)addr, len + (CORE_PAGE - 1), &end))
		return 0;
	end &= ~(CORE_PAGE - 1);
	for (;;) {
		uint64_t run_end = end;
		int err;

		if (!us_run(&core->userspace, &start, &run_end))
			return 0;
		err = run_vacate(core, start, run_end - start, first, end);
		if (err)
			return refuse(-err, "memory that is mapped for DMA is kept for the devices",
				"memory at %#lx, %#lx bytes", start, run_end - start);
		start = run_end;
	}
}

static void *fail(int err)
{
	errno = -err;
	return MAP_FAILED;
}

void *follow_mremap(
	struct core *core, void *from, size_t old_len, size_t new_len, int flags, void *to)
{
	size_t kept = old_len < new_len ? old_len : new_len;
	struct move move = { .from = (uintptr_t)from, .mem = core->process };
	void *result;
	int err = 0, saved;

	if (new_len < old_len)
		err = follow_vacate(core, (uintptr_t)from + new_len, old_len - new_len);
	if (!err && (flags & MREMAP_FIXED))
		err = follow_vacate(core, (uintptr_t)to, new_len);
	if (err)
		return fail(err);
	/* An old length of 0 duplicates a shared mapping: nothing moves. */
	if (!kept || __builtin_add_overflow(move.from, kept - 1, &move.last))
		return mremap(from, old_len, new_len, flags, to);
	err = exchange_begin(core, &move);
	if (err) {
		exchange_end(core);
		return fail(err);
	}
	result = mremap(from, old_len, new_len, flags, to);
	saved = errno;
	if (result != MAP_FAILED && result != from) {
		move.to = (uintptr_t)result;
		rebase_all(core, &move);
	}
	exchange_end(core);
	errno = saved;
	return result;
}
