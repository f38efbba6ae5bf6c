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

static unsigned int prot_of(uint32_t flags)
{
	return (flags & IOAS_READABLE ? PT_READ : 0) | (flags & IOAS_WRITEABLE ? PT_WRITE : 0);
}

/* --- One area and the tables -------------------------------------------------------------------
 */

int area_install(struct hwpt *hwpt, const struct area *area)
{
	if (!area->prot)
		return 0; /* type 1 may map without any permission: nothing to translate */
	return domain_map(&hwpt->dom, area->iova, area->host, area_len(area), area->prot);
}

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

static void area_free(struct area *area)
{
	mem_range_remove(area->mem, area->host, area_len(area));
	mem_put(area->mem);
	base_free(area);
}

static int area_new(
	struct mem *mem, uintptr_t host, uint64_t len, uint32_t flags, struct area **out)
{
	struct area *area = base_zalloc(sizeof(*area));
	int err;

	if (!area)
		return -ENOMEM;
	err = mem_range_add(mem, host, len);
	if (err) {
		base_free(area);
		return err;
	}
	mem_get(mem);
	area->mem = mem;
	area->host = host;
	area->last = len - 1;
	area->prot = (uint8_t)prot_of(flags);
	area->writable = !!(flags & IOAS_WRITEABLE);
	*out = area;
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

/* Memory is touched without the lock; a table may come meanwhile, or be there from the start. */
static int insert_populated(struct ioas *ioas, struct area *area, struct ioas_map *map)
{
	int err;

	for (;;) {
		pthread_mutex_lock(&ioas->lock);
		err = place(ioas, map->flags, area->host, map->len, &map->iova);
		if (!err && (!ioas->hwpts || area->populated))
			err = area_insert(ioas, area, map->iova);
		else if (!err)
			err = -EAGAIN;
		if (!err)
			count_map(ioas->obj.ctx->core, area);
		pthread_mutex_unlock(&ioas->lock);
		if (err != -EAGAIN)
			return err;
		if (mem_populate(area->mem, area->host, map->len, area->writable))
			return refuse(EFAULT, "memory exists and permits what the mapping permits",
				"memory at %#lx, %#lx bytes", area->host, map->len);
		area->populated = true;
	}
}

/* Memory where a program has none: the address is checked first all the same. */
static int refuse_foreign(struct ioas *ioas, struct ioas_map *map)
{
	uint64_t iova = map->iova;
	int err;

	pthread_mutex_lock(&ioas->lock);
	err = place(ioas, map->flags, map->user_va, map->len, &iova);
	pthread_mutex_unlock(&ioas->lock);
	return err ? err
		   : refuse(EFAULT, "memory is the program's", "memory at %#lx", map->user_va);
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
	err = area_new(ioas->obj.ctx->core->process, map->user_va, map->len, map->flags, &area);
	if (err == -EFAULT)
		return refuse_foreign(ioas, map);
	if (err)
		return err;
	err = insert_populated(ioas, area, map);
	if (err)
		area_free(area);
	return err;
}

/* --- Copy --------------------------------------------------------------------------------------
 */

/* Neighbours on the list mostly share their object: its count is changed once for all of them. */
static void list_free(struct area *list)
{
	while (list) {
		struct mem *mem = list->mem;
		uint32_t n = 0;

		for (; list && list->mem == mem; n++) {
			struct area *area = list;

			list = area->next;
			mem_range_remove(mem, area->host, area_len(area));
			base_free(area);
		}
		mem_put_many(mem, n);
	}
}

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

		err = area_new(from->mem, from->host + (next - from->iova), part_last - next + 1,
			flags, tail);
		if (err)
			return err;
		(*tail)->writable = from->writable;
		(*tail)->populated = from->populated;
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

static int copy_populate(struct area *list)
{
	for (; list; list = list->next) {
		if (!list->populated &&
			mem_populate(list->mem, list->host, area_len(list), list->writable))
			return refuse(EFAULT, "memory exists and permits what the mapping permits",
				"memory at %#lx", list->host);
		list->populated = true;
	}
	return 0;
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
		err = copy_populate(list);
	for (area = list; !err && area; area = area->next) {
		err = area_insert(dst, area, copy->dst_iova + area->iova);
		if (err)
			copy_undo_locked(dst, list, area);
	}
	for (area = list; !err && area; area = area->next)
		count_map(dst->obj.ctx->core, area);
	return err;
}

int ioas_copy(struct ioas *dst, struct ioas *src, struct ioas_copy *copy)
{
	struct area *list;
	uint64_t last;
	int err;

	if (!copy->len)
		return refuse(EINVAL, "a mapping has a length", NULL);
	if (!range_last(copy->src_iova, copy->len, &last))
		return refuse(EOVERFLOW, "a range ends below 2^64", "iova %#lx, %#lx bytes",
			copy->src_iova, copy->len);
	pthread_mutex_lock(&src->lock);
	err = copy_sources_locked(src, copy->src_iova, last, copy->flags, &list);
	pthread_mutex_unlock(&src->lock);
	if (!err && !dst)
		err = refuse(ENOENT, "an id names an IOAS of this context", "the destination");
	if (!err) {
		pthread_mutex_lock(&dst->lock);
		err = copy_insert_locked(dst, list, copy);
		pthread_mutex_unlock(&dst->lock);
	}
	if (err)
		list_free(list);
	return err;
}

/* --- Unmap -------------------------------------------------------------------------------------
 */

/* Takes the areas of [iova, last] out, ascending, onto @list, until one sticks out. */
static int take_locked(struct ioas *ioas, uint64_t iova, uint64_t last, struct area **list)
{
	struct imap_ent ent;

	for (;;) {
		int err = imap_take(&ioas->areas, iova, last, &ent);
		struct area *area;

		if (err == -ERANGE)
			return refuse(ENOENT, "areas are unmapped whole", "area %#lx-%#lx",
				ent.start, ent.last);
		if (err)
			return 0;
		area = ent.val;
		for (struct hwpt *hwpt = ioas->hwpts; hwpt; hwpt = hwpt->next)
			domain_unmap(&hwpt->dom, area->iova, area_len(area));
		area->next = *list;
		*list = area;
		if (ent.last == last)
			return 0;
		iova = ent.last + 1;
	}
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
	list_free(list);
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

int area_split_locked(struct ioas *ioas, struct area *low, uint64_t iova, struct area **out)
{
	uint64_t low_len = iova - low->iova, high_len = low->last - iova + 1;
	struct area *high = base_zalloc(sizeof(*high));
	int err;

	if (!high)
		return -ENOMEM;
	*high = *low;
	high->iova = iova;
	high->host = low->host + low_len;
	/* The parts are counted as ranges of their own before the whole is not. */
	err = mem_range_add(low->mem, low->host, low_len);
	if (err)
		goto err_free;
	err = mem_range_add(low->mem, high->host, high_len);
	if (err)
		goto err_low;
	imap_set_last(&ioas->areas, low->iova, iova - 1);
	err = imap_insert(&ioas->areas, iova, high->last, high);
	if (err)
		goto err_map;
	mem_range_remove(low->mem, low->host, low_len + high_len);
	mem_get(low->mem);
	low->last = iova - 1;
	atomic_fetch_add_explicit(
		&ioas->obj.ctx->core->counters->areas_now, 1, memory_order_relaxed);
	*out = high;
	return 0;

err_map:
	imap_set_last(&ioas->areas, low->iova, low->last);
	mem_range_remove(low->mem, high->host, high_len);
err_low:
	mem_range_remove(low->mem, low->host, low_len);
err_free:
	base_free(high);
	return err;
}

int ioas_split(struct ioas *ioas, uint64_t iova)
{
	struct area *low, *high;
	struct imap_ent ent;
	int err = 0;

	pthread_mutex_lock(&ioas->lock);
	if (!imap_find(&ioas->areas, iova, &ent) || ent.start == iova)
		goto out;
	low = ent.val;
	if ((iova | (low->host + (iova - low->iova))) & (ioas->alignment - 1)) {
		err = refuse(EINVAL, "an area is split at a multiple of the alignment",
			"area %#lx-%#lx at %#lx", ent.start, ent.last, iova);
		goto out;
	}
	err = area_split_locked(ioas, low, iova, &high);
out:
	pthread_mutex_unlock(&ioas->lock);
	return err;
}
