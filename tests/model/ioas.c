/* SPDX-License-Identifier: MIT */
/*
 * Random streams of requests against a model that is an array of pages: what maps, copies, unmaps,
 * splits and placements answer, and what a device then reads and writes.
 *
 * The model's memory is a list of pages that are never reused. A slot of the program's buffer has a
 * page at a time; vacating it gives the slot a new one. A mapping of an IOAS with a table keeps the
 * page that the slot had when it was made; without a table it means the slot.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/follow.h"
#include "dma/chan.h"
#include "rig.h"

#define PAGE  UINT64_C(4096)
#define BASE  UINT64_C(0x40000000)
#define IOVAS 64u /* pages of each IOAS */
#define SLOTS 24u /* pages of the program's buffer */
#define STEPS 20000u
#define NONE  UINT32_MAX

struct page_map {
	unsigned int mapping; /* 0: none */
	bool write, writable;
	unsigned int slot;
	uint32_t page; /* NONE: the slot's */
};

static struct rig rig;
static struct ioas *ioas[2];
static struct page_map model[2][IOVAS];
static uint32_t slot_page[SLOTS];
static uint64_t content[SLOTS + 5 * STEPS];
static uint32_t pages;
static unsigned int mappings, attached; /* attached: 2 is none */
static char *buffer;
static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static bool pinned(unsigned int as)
{
	return attached == as;
}

static void slot_renew(unsigned int s)
{
	slot_page[s] = pages;
	content[pages++] = 0;
}

static void pin_all(unsigned int as)
{
	for (unsigned int i = 0; i < IOVAS; i++) {
		struct page_map *m = &model[as][i];

		if (m->mapping && m->page == NONE)
			m->page = slot_page[m->slot];
	}
}

static void unpin_all(unsigned int as)
{
	for (unsigned int i = 0; i < IOVAS; i++)
		model[as][i].page = NONE;
}

static bool any(unsigned int as, unsigned int at, unsigned int n)
{
	for (unsigned int i = at; i < at + n; i++) {
		if (model[as][i].mapping)
			return true;
	}
	return false;
}

static void do_map(void)
{
	unsigned int as = rnd(2), n = 1 + rnd(6), at = rnd(IOVAS - n + 1), s = rnd(SLOTS - n + 1);
	bool write = rnd(3);
	struct ioas_map map = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE | (write ? IOAS_WRITEABLE : 0),
		.user_va = (uintptr_t)buffer + s * PAGE,
		.len = n * PAGE,
		.iova = BASE + at * PAGE,
	};

	assert_int_equal(ioas_map(ioas[as], &map), any(as, at, n) ? -EEXIST : 0);
	if (any(as, at, n))
		return;
	mappings++;
	for (unsigned int i = 0; i < n; i++)
		model[as][at + i] = (struct page_map){ mappings, write, write, s + i,
			pinned(as) ? slot_page[s + i] : NONE };
}

static unsigned int lowest_fit(
	unsigned int as, unsigned int first, unsigned int last, unsigned int n, uint64_t align)
{
	for (unsigned int at = first; at + n - 1 <= last; at++) {
		if ((BASE + at * PAGE) % align == 0 && !any(as, at, n))
			return at;
	}
	return NONE;
}

/* Inside an allowed range: what the model can look through. */
static void do_map_anywhere(void)
{
	unsigned int as = rnd(2), n = 1 + rnd(6), s = rnd(SLOTS - n + 1);
	unsigned int first = rnd(IOVAS), last = first + rnd(IOVAS - first), at;
	uint64_t va = (uintptr_t)buffer + s * PAGE, align = PAGE;
	struct ioas_map map = { .flags = IOAS_READABLE, .user_va = va, .len = n * PAGE };
	struct ranges allowed = { 0 };
	int err;

	while (align < n * PAGE)
		align *= 2;
	while (va % align)
		align /= 2;
	assert_int_equal(
		ranges_add(&allowed, BASE + first * PAGE, BASE + (last + 1) * PAGE - 1, NULL), 0);
	assert_int_equal(ioas_allow_iovas(ioas[as], &allowed), 0);
	err = ioas_map(ioas[as], &map);
	at = lowest_fit(as, first, last, n, align);
	assert_int_equal(err, at == NONE ? -ENOSPC : 0);
	allowed = (struct ranges){ 0 };
	assert_int_equal(ioas_allow_iovas(ioas[as], &allowed), 0);
	if (err)
		return;
	assert_true(map.iova == BASE + at * PAGE);
	mappings++;
	for (unsigned int i = 0; i < n; i++)
		model[as][at + i] = (struct page_map){ mappings, false, false, s + i,
			pinned(as) ? slot_page[s + i] : NONE };
}

static int copy_expected(unsigned int src, unsigned int from, unsigned int dst, unsigned int to,
	unsigned int n, bool write)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!model[src][from + i].mapping)
			return -ENOENT;
	}
	if (any(dst, to, n))
		return -EEXIST;
	for (unsigned int i = 0; i < n; i++) {
		if (write && !model[src][from + i].writable)
			return -EPERM;
	}
	return 0;
}

static void do_copy(void)
{
	unsigned int src = rnd(2), dst = rnd(2), n = 1 + rnd(6);
	unsigned int from = rnd(IOVAS - n + 1), to = rnd(IOVAS - n + 1), before = 0;
	bool write = rnd(2);
	struct ioas_copy copy = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE | (write ? IOAS_WRITEABLE : 0),
		.dst_iova = BASE + to * PAGE,
		.src_iova = BASE + from * PAGE,
		.len = n * PAGE,
	};
	int err = copy_expected(src, from, dst, to, n, write);

	assert_int_equal(ioas_copy(ioas[dst], ioas[src], &copy), err);
	for (unsigned int i = 0; !err && i < n; i++) {
		struct page_map m = model[src][from + i];

		/* One new mapping for each of the source. */
		if (m.mapping != before)
			mappings++;
		before = m.mapping;
		m.mapping = mappings;
		m.write = write;
		if (m.page == NONE && pinned(dst))
			m.page = slot_page[m.slot];
		model[dst][to + i] = m;
	}
}

static void do_unmap(void)
{
	unsigned int as = rnd(2), n = 1 + rnd(12), at, gone = 0, i;
	int err = -ENOENT;
	uint64_t unmapped;

	n = n > IOVAS ? IOVAS : n;
	at = rnd(IOVAS - n + 1);
	for (i = at; i < at + n; i++) {
		unsigned int mapping = model[as][i].mapping, end = i;

		if (!mapping)
			continue;
		while (end + 1 < IOVAS && model[as][end + 1].mapping == mapping)
			end++;
		if ((i && model[as][i - 1].mapping == mapping) || end >= at + n) {
			err = -ENOENT;
			break;
		}
		err = 0;
		gone += end - i + 1;
		memset(&model[as][i], 0, (end - i + 1) * sizeof(model[as][i]));
		i = end;
	}
	assert_int_equal(ioas_unmap(ioas[as], BASE + at * PAGE, n * PAGE, &unmapped), err);
	assert_int_equal(unmapped, gone * PAGE);
}

static void do_split(void)
{
	unsigned int as = rnd(2), at = 1 + rnd(IOVAS - 1), mapping = model[as][at].mapping;

	assert_int_equal(ioas_split(ioas[as], BASE + at * PAGE), 0);
	if (!mapping || model[as][at - 1].mapping != mapping)
		return;
	mappings++;
	for (; at < IOVAS && model[as][at].mapping == mapping; at++)
		model[as][at].mapping = mappings;
}

static void do_attach(void)
{
	unsigned int to = rnd(3);
	uint32_t id;

	if (to == attached)
		return;
	if (to == 2) {
		device_detach(rig.dev);
	} else {
		id = ioas[to]->obj.id;
		assert_int_equal(device_attach(rig.dev, &id), 0);
		pin_all(to);
	}
	if (attached < 2)
		unpin_all(attached);
	attached = to;
}

/* The program takes pages away, or moves them and takes them away there; then has new ones. */
static void do_vacate(void)
{
	unsigned int n = 1 + rnd(5), s = rnd(SLOTS - n + 1);
	char *at = buffer + s * PAGE;

	if (rnd(2)) {
		char *to = rig_pages(n * PAGE);

		assert_ptr_equal(follow_mremap(&rig.core, at, n * PAGE, n * PAGE,
					 MREMAP_MAYMOVE | MREMAP_FIXED, to),
			to);
		assert_int_equal(follow_vacate(&rig.core, (uintptr_t)to, n * PAGE), 0);
		munmap(to, n * PAGE);
	} else {
		assert_int_equal(follow_vacate(&rig.core, (uintptr_t)at, n * PAGE), 0);
	}
	assert_ptr_equal(mmap(at, n * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		at);
	for (unsigned int i = 0; i < n; i++)
		slot_renew(s + i);
}

static void do_store(void)
{
	unsigned int s = rnd(SLOTS);

	content[slot_page[s]] = (uint64_t)seed << 32 | s;
	memcpy(buffer + s * PAGE, &content[slot_page[s]], 8);
}

static void do_dma_write(void)
{
	unsigned int at = rnd(IOVAS);
	const struct page_map *m = attached < 2 ? &model[attached][at] : NULL;
	bool may = m && m->mapping && m->write;
	uint64_t val = ~(uint64_t)seed;

	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, BASE + at * PAGE, &val, 8),
		may ? 0 : -EFAULT);
	if (may)
		content[m->page] = val;
}

static void compare(void)
{
	for (unsigned int i = 0; i < IOVAS; i++) {
		const struct page_map *m = attached < 2 ? &model[attached][i] : NULL;
		uint64_t val;
		int err = uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, BASE + i * PAGE, &val, 8);

		assert_int_equal(err, m && m->mapping ? 0 : -EFAULT);
		assert_true(err || val == content[m->page]);
	}
	for (unsigned int s = 0; s < SLOTS; s++)
		assert_memory_equal(buffer + s * PAGE, &content[slot_page[s]], 8);
}

static void stream(void **state)
{
	static void (*const step[])(void) = { do_map, do_map, do_map_anywhere, do_copy, do_copy,
		do_unmap, do_unmap, do_split, do_attach, do_vacate, do_store, do_dma_write };

	rig_catch_faults();
	for (unsigned int i = 0; i < STEPS; i++) {
		step[rnd(sizeof(step) / sizeof(*step))]();
		compare();
	}
}

static int setup(void **state)
{
	rig_init(&rig, *state);
	ioas[0] = rig.ioas;
	assert_int_equal(ioas_new(rig.ctx, &ioas[1]), 0);
	memset(model, 0, sizeof(model));
	pages = 0;
	attached = 0;
	seed = 1;
	buffer = rig_pages(SLOTS * PAGE);
	for (unsigned int s = 0; s < SLOTS; s++)
		slot_renew(s);
	return 0;
}

static int teardown(void **state)
{
	obj_put(&ioas[1]->obj);
	rig_fini(&rig);
	munmap(buffer, SLOTS * PAGE);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "stream (x86-64)", stream, setup, teardown, (void *)(uintptr_t)&pt_x86_64 },
		{ "stream (armv8)", stream, setup, teardown, (void *)(uintptr_t)&pt_armv8_4k },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
