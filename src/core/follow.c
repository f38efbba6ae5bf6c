/* SPDX-License-Identifier: MIT */
#include "core/follow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/range.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/hwpt.h"
#include "core/ioas.h"

#define LARGE_PAGE (UINT64_C(1) << 21) /* of the processor */

/* A run of pages that moves as one, and the object that holds it afterwards. */
struct move {
	struct core *core;
	uintptr_t from, last, to;
	struct mem *mem;
};

static bool area_meets(const struct area *area, const struct move *move)
{
	/* In pages: a copy in an IOAS without a table may begin anywhere in one. */
	uintptr_t mask = CORE_PAGE - 1;
	uintptr_t first = area->host & ~mask;
	uintptr_t last = (area->host + area_len(area) - 1) | mask;

	return area->pinned && area->mem->kind == MEM_PROCESS && first <= move->last &&
	       last >= move->from;
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

static void ioas_rebase(struct ioas *ioas, const struct move *move)
{
	struct imap_iter it;
	struct imap_ent ent;
	bool more = imap_iter_first(&it, &ioas->areas, 0, UINT64_MAX, &ent);

	for (; more; more = imap_iter_next(&it, &ent)) {
		struct area *area = ent.val;

		if (area->hidden && area_meets(area, move))
			area_move(
				move->core, area, move->mem, move->to + (area->host - move->from));
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
	/* Whoever holds an area that isn't in an IOAS yet looks again. */
	atomic_fetch_add(&core->moves, 1);
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

/* An address range that nothing else gets. */
static void *range_reserve(uintptr_t at, size_t len)
{
	return mmap((void *)at, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), -1,
		0);
}

/*
 * Pages of one kernel mapping; it fails if there are several. By a place that the kernel chooses:
 * with MREMAP_FIXED the target is unmapped also if the call fails then, and somebody else's from
 * there on.
 */
static bool pages_move_once(uintptr_t from, size_t len, uintptr_t to)
{
	void *by = mremap((void *)from, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	if (by == MAP_FAILED)
		return false;
	if (mremap(by, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED)
		return true;
	mremap(by, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, from);
	range_reserve(to, len);
	return false;
}

/* One page that can't leave its range mapped: some devices' memory, and any file's on old kernels.
 * A page that isn't there needs no moving. */
static bool page_move(uintptr_t from, uintptr_t to)
{
	if (mremap((void *)from, CORE_PAGE, CORE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
		MAP_FAILED) {
		int err = errno;

		range_reserve(to, CORE_PAGE);
		return err == EFAULT;
	}
	range_reserve(from, CORE_PAGE);
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
		return page_move(from, to) ? len : 0;
	moved = pages_move(from, half, to);
	return moved < half ? moved : half + pages_move(from + half, len - half, to + half);
}

/*
 * A place for @len bytes outside of [start, end), which has something mapped in it, but may have
 * holes, and will be unmapped as a whole. What is longer than this range by @len can't be inside;
 * either its first or its last @len bytes are outside.
 */
static uint8_t *alias_place(size_t len, uintptr_t start, uintptr_t end)
{
	size_t more = end - start;
	uint8_t *room;

	if (more > SIZE_MAX - len)
		return MAP_FAILED;
	room = range_reserve(0, len + more);
	if (room == MAP_FAILED)
		return MAP_FAILED;
	if ((uintptr_t)room < start) {
		munmap(room + len, more);
		return room;
	}
	munmap(room, more);
	return room + more;
}

/*
 * Where the run's pages will be. Aligned as they are, so that large pages and large translations
 * stay large, and with room for a whole large page at the end, which moves as a whole.
 */
static int alias_new(struct move *move, uintptr_t start, uintptr_t end)
{
	size_t size = move->last - move->from + 1 + 2 * LARGE_PAGE;
	uint8_t *base = alias_place(size, start, end);
	int err;

	if (base == MAP_FAILED)
		return -ENOMEM;
	err = mem_alias_new((uintptr_t)base, size, &move->mem);
	if (err)
		munmap(base, size);
	move->to = (uintptr_t)base + ((move->from - (uintptr_t)base) & (LARGE_PAGE - 1));
	return err;
}

/* A run inside of [start, end). */
static int run_vacate(struct core *core, uintptr_t from, size_t len, uintptr_t start, uintptr_t end)
{
	struct move move = { .core = core, .from = from, .last = from + len - 1 };
	size_t moved;
	int err = alias_new(&move, start, end);

	if (err)
		return err;
	err = exchange_begin(core, &move);
	if (!err) {
		moved = pages_move(from, len, move.to);
		if (moved == len) {
			rebase_all(core, &move);
			atomic_fetch_add_explicit(
				&core->counters->vacated, len / CORE_PAGE, memory_order_relaxed);
		} else {
			err = -EFAULT;
			/* What had moved goes back to where its mappings still are. */
			pages_move(move.to, moved, from);
		}
	}
	exchange_end(core);
	mem_put(move.mem);
	return err;
}

int follow_vacate(struct core *core, uintptr_t addr, size_t len)
{
	uint64_t first = align_down(addr, CORE_PAGE), start = first, last, end;

	if (!range_last(addr, len, &last))
		return 0;
	end = align_down(last, CORE_PAGE) + CORE_PAGE;
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

/* --- mremap(2) ---------------------------------------------------------------------------------
 */

struct remap {
	uintptr_t from, to;
	size_t old_len, new_len; /* whole pages */
	int flags;
};

static bool whole_pages(size_t len, size_t *out)
{
	uint64_t up;

	if (!align_up(len, CORE_PAGE, &up))
		return false;
	*out = up;
	return true;
}

/* Whether the kernel will look at the memory at all: what it refuses at once changes nothing. */
static bool remap_plausible(const struct remap *r)
{
	uint64_t last = 0, to_last;

	if (r->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) || r->from % CORE_PAGE ||
		!r->new_len)
		return false;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(r->flags & MREMAP_MAYMOVE))
		return false;
	if (r->flags & MREMAP_DONTUNMAP && r->old_len != r->new_len)
		return false;
	if (r->old_len && (!range_last(r->from, r->old_len, &last) || last >= BUS_RAM_END))
		return false;
	if (!(r->flags & MREMAP_FIXED))
		return true;
	return r->to % CORE_PAGE == 0 && range_last(r->to, r->new_len, &to_last) &&
	       to_last < BUS_RAM_END &&
	       !(r->old_len && range_overlaps(r->from, last, r->to, to_last));
}

/* What the call drops is kept for the devices: the end that is cut off, and what is moved over. */
static int remap_vacate(struct core *core, const struct remap *r)
{
	int err = 0;

	if (r->new_len < r->old_len)
		err = follow_vacate(core, r->from + r->new_len, r->old_len - r->new_len);
	if (!err && r->flags & MREMAP_FIXED)
		err = follow_vacate(core, r->to, r->new_len);
	return err;
}

static void *remap_moving(struct core *core, const struct remap *r, size_t len)
{
	struct move move = {
		.core = core,
		.from = r->from,
		.last = r->from + len - 1,
		.mem = core->process,
	};
	void *result = MAP_FAILED;
	int err = exchange_begin(core, &move), saved = -err;

	if (!err) {
		result = mremap((void *)r->from, r->old_len, r->new_len, r->flags, r->to);
		saved = errno;
	}
	if (result != MAP_FAILED && (uintptr_t)result != r->from) {
		move.to = (uintptr_t)result;
		rebase_all(core, &move);
	}
	exchange_end(core);
	errno = saved;
	return result;
}

void *follow_mremap(
	struct core *core, void *from, size_t old_len, size_t new_len, int flags, void *to)
{
	struct remap r = { .from = (uintptr_t)from, .to = (uintptr_t)to, .flags = flags };
	size_t kept;
	int err;

	if (!whole_pages(old_len, &r.old_len) || !whole_pages(new_len, &r.new_len) ||
		!remap_plausible(&r))
		return mremap(from, old_len, new_len, flags, to);
	err = remap_vacate(core, &r);
	if (err) {
		errno = -err;
		return MAP_FAILED;
	}
	/* An old length of 0 duplicates a shared mapping: nothing moves. */
	kept = r.old_len < r.new_len ? r.old_len : r.new_len;
	if (!kept || !us_any(&core->userspace, r.from, kept))
		return mremap(from, old_len, new_len, flags, to);
	return remap_moving(core, &r, kept);
}
