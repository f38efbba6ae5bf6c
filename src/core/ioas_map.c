/* SPDX-License-Identifier: MIT */
/* Mapping, copying, unmapping and splitting of areas. */
#include <errno.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/range.h"
#include "base/refuse.h"
#include "core/hwpt.h"
#include "core/ioas.h"
#include "core/ioas_place.h"
#include "pt/pt.h"

static void count_map(struct core *core, const struct area *area)
{
	struct core_counters *c = core->counters;

	atomic_fetch_add_explicit(&c->maps, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->bytes_mapped_total, area_len(area), memory_order_relaxed);
	atomic_fetch_add_explicit(&c->areas_now, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&c->bytes_now, area_len(area), memory_order_relaxed);
}

static void count_unmap(struct core *core, uint64_t areas, uint64_t bytes)
{
	struct core_counters *c = core->counters;

	atomic_fetch_add_explicit(&c->unmaps, areas, memory_order_relaxed);
	atomic_fetch_sub_explicit(&c->areas_now, areas, memory_order_relaxed);
	atomic_fetch_sub_explicit(&c->bytes_now, bytes, memory_order_relaxed);
}

/* --- One area and the tables -------------------------------------------------------------------
 */

static void uninstall_until(struct ioas *ioas, const struct area *area, const struct hwpt *end)
{
	for (struct hwpt *hwpt = ioas->hwpts; hwpt != end; hwpt = hwpt->next)
		domain_unmap(&hwpt->dom, area->iova, area_len(area));
}

static void sync_all(struct ioas *ioas)
{
	for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
		domain_sync(&hwpt->dom);
}

static int install_all(struct ioas *ioas, const struct area *area)
{
	for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next) {
		int err = area_install(hwpt, area);

		if (!err)
			continue;
		uninstall_until(ioas, area, hwpt);
		sync_all(ioas);
		return err;
	}
	return 0;
}

/* The area, whose place was checked, becomes part of the IOAS. */
static int area_insert(struct ioas *ioas, struct area *area, uint64_t iova)
{
	int err;

	area->last = iova + area->last - area->iova;
	area->iova = iova;
	err = imap_insert(&ioas->areas, area->iova, area->last, area);
	if (err)
		return err;
	err = install_all(ioas, area);
	if (err)
		imap_remove(&ioas->areas, area->iova);
	return err;
}

/* --- Map ---------------------------------------------------------------------------------------
 */

static int place(struct ioas *ioas, uint32_t flags, uintptr_t host, uint64_t len, uint64_t *iova)
{
	int err;

	if (!(flags & IOAS_FIXED_IOVA)) {
		err = ioas_place_auto(ioas, host, len, iova);
		if (err)
			return err;
	}
	err = ioas_place_fixed(ioas, *iova, len);
	if (!err && (host & (ioas->alignment - 1)))
		err = refuse(EINVAL, "memory is aligned as the address space demands",
			"memory at %#lx, alignment %#lx", host, ioas->alignment);
	return err;
}

/*
 * Memory is touched without the lock. A table may come meanwhile, or be there from the start; and
 * the memory may have moved since it was touched, when nobody knew of the area: @moves says.
 */
static int insert_pinned(struct ioas *ioas, struct area *area, struct ioas_map *map)
{
	struct core *core = ioas->obj.ctx->core;
	uint64_t moves = 0;
	int err;

	for (;;) {
		pthread_mutex_lock(&ioas->lock);
		err = place(ioas, map->flags, area->host, map->len, &map->iova);
		if (!err && ioas->hwpts && (!area->pinned || moves != atomic_load(&core->moves)))
			err = -EAGAIN;
		if (!err && !ioas->hwpts)
			area_unpin(core, area);
		if (!err)
			err = area_insert(ioas, area, map->iova);
		if (!err)
			count_map(core, area);
		pthread_mutex_unlock(&ioas->lock);
		if (err != -EAGAIN)
			return err;
		area_unpin(core, area);
		moves = atomic_load(&core->moves);
		err = area_pin(area);
		if (err)
			return err;
	}
}

int ioas_map(struct ioas *ioas, struct ioas_map *map)
{
	struct area *area;
	uint64_t end;
	int err;

	if (__builtin_add_overflow(map->user_va, map->len, &end))
		return refuse(EOVERFLOW, "memory ends below 2^64", "memory at %#lx, %#lx bytes",
			map->user_va, map->len);
	if (!map->len || map->len > UINT64_MAX - CORE_PAGE)
		return refuse(EINVAL, "a mapping has a length", "%#lx bytes", map->len);
	err = area_new(ioas->obj.ctx->core, map->user_va, map->len, map->flags, &area);
	if (err)
		return err;
	err = insert_pinned(ioas, area, map);
	if (err)
		area_free(area);
	return err;
}

/* --- Copy --------------------------------------------------------------------------------------
 */

/* Copies of the areas that cover [iova, last], one for each, with IOVAs relative to @iova. */
static int copy_sources_locked(
	struct ioas *src, uint64_t iova, uint64_t last, uint32_t flags, struct area **out)
{
	struct area **tail = out;
	struct imap_iter it;
	struct imap_ent ent;
	uint64_t next = iova;
	bool more = imap_iter_first(&it, &src->areas, iova, last, &ent);

	*out = NULL;
	for (; more && ent.start <= next; more = imap_iter_next(&it, &ent)) {
		const struct area *from = ent.val;
		uint64_t part_last = from->last < last ? from->last : last;
		int err;

		err = area_part(from, next - from->iova, part_last - next + 1, flags, tail);
		if (err)
			return err;
		(*tail)->continues = from->continues && tail != out;
		(*tail)->iova = next - iova;
		(*tail)->last = part_last - iova;
		tail = &(*tail)->next;
		if (part_last == last)
			return 0;
		next = part_last + 1;
	}
	return refuse(ENOENT, "the source is mapped without a hole", "nothing at %#lx", next);
}

static int copy_check(struct ioas *dst, const struct area *list)
{
	for (; list; list = list->next) {
		if ((list->prot & PT_WRITE) && !list->writable)
			return refuse(EPERM, "a writeable copy has a writeable source",
				"memory at %#lx", list->host);
		if ((list->host | area_len(list) | list->iova) & (dst->alignment - 1))
			return refuse(EINVAL, "memory is aligned as the address space demands",
				"memory at %#lx, alignment %#lx", list->host, dst->alignment);
	}
	return 0;
}

static int copy_pin(struct area *list)
{
	int err = 0;

	for (; !err && list; list = list->next)
		err = area_pin(list);
	return err;
}

static void copy_undo_locked(struct ioas *dst, struct area *list, const struct area *end)
{
	for (; list != end; list = list->next) {
		imap_remove(&dst->areas, list->iova);
		uninstall_until(dst, list, NULL);
	}
	sync_all(dst);
}

static int copy_insert_locked(struct ioas *dst, struct area *list, struct ioas_copy *copy)
{
	struct area *area;
	int err = 0;

	if (!(copy->flags & IOAS_FIXED_IOVA))
		err = ioas_place_auto(dst, list->host, copy->len, &copy->dst_iova);
	if (!err)
		err = ioas_place_fixed(dst, copy->dst_iova, copy->len);
	if (!err)
		err = copy_check(dst, list);
	if (!err && dst->hwpts)
		err = copy_pin(list);
	for (area = list; !err && area; area = area->next) {
		err = area_insert(dst, area, copy->dst_iova + area->iova);
		if (err)
			copy_undo_locked(dst, list, area);
	}
	for (area = list; !err && area; area = area->next) {
		dst->parts |= area->continues;
		count_map(dst->obj.ctx->core, area);
	}
	return err;
}

/* Return: as ioas_copy(); -EAGAIN memory moved while no IOAS had the new areas. */
static int copy_once(struct ioas *dst, struct ioas *src, struct ioas_copy *copy, uint64_t last)
{
	struct core *core = src->obj.ctx->core;
	struct area *list;
	uint64_t moves;
	int err;

	pthread_mutex_lock(&src->lock);
	moves = atomic_load(&core->moves);
	err = copy_sources_locked(src, copy->src_iova, last, copy->flags, &list);
	pthread_mutex_unlock(&src->lock);
	if (!err && !dst)
		err = refuse(ENOENT, "an id names an IOAS of this context", "the destination");
	if (!err) {
		pthread_mutex_lock(&dst->lock);
		err = moves == atomic_load(&core->moves) ? copy_insert_locked(dst, list, copy)
							 : -EAGAIN;
		pthread_mutex_unlock(&dst->lock);
	}
	if (err)
		area_list_free(list);
	return err;
}

int ioas_copy(struct ioas *dst, struct ioas *src, struct ioas_copy *copy)
{
	uint64_t last;
	int err;

	if (!copy->len)
		return refuse(EINVAL, "a mapping has a length", NULL);
	if (!range_last(copy->src_iova, copy->len, &last))
		return refuse(EOVERFLOW, "a range ends below 2^64", "iova %#lx, %#lx bytes",
			copy->src_iova, copy->len);
	do {
		err = copy_once(dst, src, copy, last);
	} while (err == -EAGAIN);
	return err;
}

/* --- Unmap -------------------------------------------------------------------------------------
 */

/* Whether an area begins at @iova that is part of the same mapping as the one before it. */
static bool continues_at(struct ioas *ioas, uint64_t iova)
{
	struct imap_ent ent;

	return imap_find(&ioas->areas, iova, &ent) && ent.start == iova &&
	       ((const struct area *)ent.val)->continues;
}

/*
 * A mapping may be several areas, since its memory has moved: it is unmapped whole all the same.
 * Cuts one off that sticks out at the end of [iova, *last]. Return: 0; -ENOENT there is none before
 * it; -ERANGE there is.
 */
static int parts_keep_locked(struct ioas *ioas, uint64_t iova, uint64_t *last)
{
	struct imap_ent ent;

	if (continues_at(ioas, iova))
		return -ENOENT;
	if (!imap_find(&ioas->areas, *last, &ent))
		return 0;
	if (ent.last == *last && (ent.last == UINT64_MAX || !continues_at(ioas, ent.last + 1)))
		return 0;
	while (((const struct area *)ent.val)->continues && ent.start > iova)
		imap_find(&ioas->areas, ent.start - 1, &ent);
	if (ent.start <= iova)
		return -ENOENT;
	*last = ent.start - 1;
	return -ERANGE;
}

/* Takes the areas of [iova, last] out, ascending, onto @list, until one sticks out. */
static int take_areas_locked(
	struct ioas *ioas, uint64_t iova, uint64_t last, struct area **list, struct imap_ent *ent)
{
	for (;;) {
		int err = imap_take(&ioas->areas, iova, last, ent);
		struct area *area;

		if (err)
			return err == -ERANGE ? err : 0;
		area = ent->val;
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			domain_unmap(&hwpt->dom, area->iova, area_len(area));
		area->next = *list;
		*list = area;
		if (ent->last == last)
			return 0;
		iova = ent->last + 1;
	}
}

static int take_locked(struct ioas *ioas, uint64_t iova, uint64_t last, struct area **list)
{
	uint64_t wanted = last;
	struct imap_ent ent;
	int kept = ioas->parts ? parts_keep_locked(ioas, iova, &last) : 0, err = 0;

	if (kept != -ENOENT)
		err = take_areas_locked(ioas, iova, last, list, &ent);
	if (!ioas->areas.count)
		ioas->parts = false;
	if (kept)
		ent = (struct imap_ent){ .start = last + 1, .last = wanted };
	if (kept || err)
		return refuse(
			ENOENT, "areas are unmapped whole", "area %#lx-%#lx", ent.start, ent.last);
	return 0;
}

static int unmap_range(struct ioas *ioas, uint64_t iova, uint64_t last, uint64_t *unmapped)
{
	struct area *list = NULL;
	uint64_t areas = 0;
	int err;

	pthread_mutex_lock(&ioas->lock);
	err = take_locked(ioas, iova, last, &list);
	if (list)
		sync_all(ioas);
	pthread_mutex_unlock(&ioas->lock);
	*unmapped = 0;
	for (struct area *area = list; area; area = area->next, areas++)
		*unmapped += area_len(area);
	if (list)
		count_unmap(ioas->obj.ctx->core, areas, *unmapped);
	area_list_free(list);
	return err;
}

int ioas_unmap(struct ioas *ioas, uint64_t iova, uint64_t len, uint64_t *unmapped)
{
	uint64_t last;
	int err;

	*unmapped = 0;
	if (!len)
		return refuse(EINVAL, "a range has a length", NULL);
	if (!range_last(iova, len, &last))
		return refuse(
			EOVERFLOW, "a range ends below 2^64", "iova %#lx, %#lx bytes", iova, len);
	err = unmap_range(ioas, iova, last, unmapped);
	if (!err && !*unmapped)
		return refuse(ENOENT, "something is mapped in the range", "%#lx-%#lx", iova, last);
	return err;
}

bool ioas_any(struct ioas *ioas, uint64_t iova, uint64_t len)
{
	uint64_t last;
	bool any;

	if (!range_last(iova, len, &last))
		return false;
	pthread_mutex_lock(&ioas->lock);
	any = imap_overlaps(&ioas->areas, iova, last, NULL);
	pthread_mutex_unlock(&ioas->lock);
	return any;
}

void ioas_unmap_all(struct ioas *ioas, uint64_t *unmapped)
{
	unmap_range(ioas, 0, UINT64_MAX, unmapped);
}

/* --- Split -------------------------------------------------------------------------------------
 */

int ioas_split(struct ioas *ioas, uint64_t iova)
{
	struct area *area;
	struct imap_ent ent;
	int err = 0;

	pthread_mutex_lock(&ioas->lock);
	if (!imap_find(&ioas->areas, iova, &ent))
		goto out;
	area = ent.val;
	if ((iova | (area->host + (iova - area->iova))) & (ioas->alignment - 1)) {
		err = refuse(EINVAL, "an area is split at a multiple of the alignment",
			"area %#lx-%#lx at %#lx", ent.start, ent.last, iova);
		goto out;
	}
	if (ent.start != iova)
		err = area_split_locked(ioas, area, iova, &area);
	if (!err)
		area->continues = false;
out:
	pthread_mutex_unlock(&ioas->lock);
	return err;
}
