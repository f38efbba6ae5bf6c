/* SPDX-License-Identifier: MIT */
/*
 * Readers that walk a page table without a lock, and a writer that maps and unmaps under them.
 *
 * The property: a translation that is found inside a read section names memory that isn't let go
 * before the section ends. Output addresses are 2 MiB frames. The writer takes a frame into use,
 * maps it, unmaps it, waits for the readers, and declares it gone; a reader checks that what it
 * found is in use and is where it was mapped. Table pages that come free are filled at once by
 * another tree with the addresses of a frame that is never in use, so that a walk that goes astray
 * is seen. The thread sanitizer sees the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/readsec.h"
#include "pt/pt.h"

#define READERS	    3
#define LOOKS	    16 /* in one section */
#define REGIONS	    16 /* of 2 MiB, each of which a frame may be mapped to */
#define FRAMES	    64 /* the last is never in use */
#define REGION_LG2  21
#define REGION_SIZE ((uint64_t)1 << REGION_LG2)
#define PAGE	    ((uint64_t)4096)
#define SECONDS	    0.4 /* per format */

struct arena {
	const struct pt_ops *ops;
	struct rs_set readers;
	struct pt pt;
	_Atomic(void *) attachment;
	_Atomic bool stop;
	_Atomic bool in_use[FRAMES];
	_Atomic uint64_t shift[FRAMES]; /* pages that the frame is shifted by where it is mapped */
	_Atomic uint64_t found, missed, wrong;
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Regions lie in two tables of level 1, on both sides of a border of 1 GiB. */
static uint64_t region_iova(unsigned int region)
{
	return ((uint64_t)1 << 30) + (region - (uint64_t)REGIONS / 2) * REGION_SIZE;
}

/* What a reader found in a section, and relies on until its end. */
struct view {
	uint64_t iova[LOOKS], pa[LOOKS];
	unsigned int n;
};

static void look(const struct pt *pt, struct view *view, uint64_t *seed)
{
	view->n = 0;
	for (unsigned int i = 0; i < LOOKS; i++) {
		uint64_t r = random_next(seed);
		uint64_t iova = region_iova(r % REGIONS) + (r >> 32) % REGION_SIZE;
		struct pt_leaf leaf;

		if (pt->ops->walk(pt, iova, PT_READ, &leaf))
			continue;
		view->iova[view->n] = iova;
		view->pa[view->n++] = leaf.pa;
	}
}

static void check(struct arena *a, const struct view *view)
{
	for (unsigned int i = 0; i < view->n; i++) {
		uint64_t frame = view->pa[i] >> REGION_LG2;

		if (frame >= FRAMES || !atomic_load(&a->in_use[frame]) ||
			((view->pa[i] - view->iova[i]) & (REGION_SIZE - 1)) !=
				atomic_load(&a->shift[frame]) * PAGE)
			atomic_fetch_add(&a->wrong, 1);
	}
}

static void *reader(void *arg)
{
	struct arena *a = arg;
	uint64_t seed = (uintptr_t)&seed | 1, found = 0, sections = 0;
	struct rs_slot *slot;
	struct view view;

	if (rs_slot_take(&a->readers, &slot)) {
		atomic_fetch_add(&a->wrong, 1);
		return NULL;
	}
	for (; !atomic_load_explicit(&a->stop, memory_order_relaxed); sections++) {
		look(rs_enter(slot, &a->attachment), &view, &seed);
		if (sections % 64 == 0)
			sched_yield();
		check(a, &view);
		rs_exit(slot);
		found += view.n;
	}
	rs_slot_drop(slot);
	atomic_fetch_add(&a->found, found);
	atomic_fetch_add(&a->missed, sections * LOOKS - found);
	return NULL;
}

/* What the writer did to a region. */
struct region {
	unsigned int frame; /* FRAMES: none */
	unsigned int used;  /* pages from its start */
};

static void region_map(
	struct arena *a, struct region *region, unsigned int i, unsigned int frame, uint64_t r)
{
	/* A leaf of 2 MiB, a whole table, a part of one that begins or ends with the region. */
	uint64_t shift = r & 1 ? 0 : 1 + (r >> 8) % 511, iova = region_iova(i);
	uint64_t npages = r & 2 ? 512 - shift : 1 + (r >> 20) % (512 - shift);

	atomic_store(&a->shift[frame], shift);
	atomic_store(&a->in_use[frame], true);
	if (a->ops->map(&a->pt, iova, frame * REGION_SIZE + shift * PAGE, npages * PAGE, PT_READ))
		atomic_fetch_add(&a->wrong, 1);
	region->frame = frame;
	region->used = (unsigned int)npages;
}

/* The readers have gone: what pages come free is dirtied by a tree that nobody reads. */
static void dirty_pages(struct arena *a, struct pt_gather *gather)
{
	uint64_t never = (FRAMES - 1) * REGION_SIZE + PAGE;
	struct pt_gather again = { 0 };
	struct pt other;

	pt_gather_free(&a->pt, gather);
	if (a->ops->init(&other, NULL))
		return;
	a->ops->map(&other, region_iova(0), never, REGION_SIZE - PAGE, PT_READ);
	a->ops->map(&other, region_iova(1), never, REGION_SIZE - PAGE, PT_READ);
	a->ops->unmap(&other, 0, REGION_SIZE << 12, &again);
	pt_gather_free(&other, &again);
	a->ops->fini(&other);
}

/* In a batch: several regions, one wait. */
static void unmap_some(struct arena *a, struct region *regions, uint64_t r)
{
	struct pt_gather gather = { 0 };
	unsigned int gone[REGIONS], n = 0;

	for (unsigned int i = 0; i < REGIONS; i++, r >>= 1) {
		struct region *region = &regions[i];
		uint64_t len = region->used * PAGE;

		if (!(r & 1) || region->frame == FRAMES)
			continue;
		if (a->ops->unmap(&a->pt, region_iova(i), r & 2 ? len : REGION_SIZE, &gather) !=
			len)
			atomic_fetch_add(&a->wrong, 1);
		gone[n++] = region->frame;
		region->frame = FRAMES;
	}
	rs_wait(&a->readers, &a->pt);
	while (n)
		atomic_store(&a->in_use[gone[--n]], false);
	dirty_pages(a, &gather);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void writer(struct arena *a)
{
	struct region regions[REGIONS];
	uint64_t seed = 88172645463325252u;
	unsigned int frame = 0;
	double end = seconds() + SECONDS;

	for (unsigned int i = 0; i < REGIONS; i++)
		regions[i].frame = FRAMES;
	do {
		for (unsigned int i = 0; i < REGIONS; i++) {
			if (regions[i].frame != FRAMES || random_next(&seed) & 1)
				continue;
			while (atomic_load(&a->in_use[frame]))
				frame = (frame + 1) % (FRAMES - 1);
			region_map(a, &regions[i], i, frame, random_next(&seed));
			frame = (frame + 1) % (FRAMES - 1);
		}
		unmap_some(a, regions, random_next(&seed));
	} while (seconds() < end);
}

static void readers_and_writer(void **state)
{
	static struct arena a;
	pthread_t threads[READERS];

	a = (struct arena){ .ops = *state };
	rs_set_init(&a.readers);
	assert_int_equal(a.ops->init(&a.pt, NULL), 0);
	atomic_init(&a.attachment, &a.pt);
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, &a), 0);
	writer(&a);
	atomic_store(&a.stop, true);
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(a.wrong, 0);
	assert_true(a.found > 0);
	assert_true(a.missed > 0);
	a.ops->fini(&a.pt);
	rs_set_fini(&a.readers);
}

/* Writers of trees of their own share the stock of pages. */
static void *lone_writer(void *arg)
{
	struct arena *a = arg;
	uint64_t seed = (uintptr_t)&seed | 1;
	struct pt_gather gather = { 0 };
	struct pt_leaf leaf;
	struct pt pt;

	if (a->ops->init(&pt, NULL))
		return arg;
	while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
		uint64_t iova = random_next(&seed) % 4096 * PAGE;
		uint64_t len = (1 + random_next(&seed) % 2048) * PAGE;

		if (a->ops->map(&pt, iova, iova + PAGE, len, PT_READ) ||
			a->ops->walk(&pt, iova + len - 1, PT_READ, &leaf) ||
			leaf.pa != iova + len - 1 + PAGE ||
			a->ops->walk(&pt, iova + len, 0, &leaf) != -ENOENT ||
			a->ops->unmap(&pt, iova, len, &gather) != len || pt.ntables != 1)
			atomic_fetch_add(&a->wrong, 1);
		if (random_next(&seed) % 4 == 0)
			pt_gather_free(&pt, &gather);
		atomic_fetch_add_explicit(&a->found, 1, memory_order_relaxed);
	}
	pt_gather_free(&pt, &gather);
	a->ops->fini(&pt);
	return NULL;
}

static void lone_writers(void **state)
{
	static struct arena a;
	pthread_t threads[READERS];
	void *failed;

	a = (struct arena){ .ops = *state };
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lone_writer, &a), 0);
	for (double end = seconds() + SECONDS / 2; seconds() < end;)
		sched_yield();
	atomic_store(&a.stop, true);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(a.wrong, 0);
	assert_true(a.found > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "x86-64", readers_and_writer, NULL, NULL, (void *)(uintptr_t)&pt_x86_64 },
		{ "armv8-4k", readers_and_writer, NULL, NULL, (void *)(uintptr_t)&pt_armv8_4k },
		{ "writers", lone_writers, NULL, NULL, (void *)(uintptr_t)&pt_x86_64 },
	};

	return cmocka_run_group_tests_name("pt_readers", tests, NULL, NULL);
}
