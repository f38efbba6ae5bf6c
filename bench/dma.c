/* SPDX-License-Identifier: MIT */
/* The DMA path: hits, misses, copies, and unmaps while a device writes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "dma/chan.h"
#include "dma/translate.h"
#include "rig.h"

#define PAGE  4096u
#define IOVA  UINT64_C(0x40000000)
#define PAGES 512u /* what is touched: fits the IOTLB */

static struct rig rig;
static char *mem;

/* --- Floors -------------------------------------------------------------------------------------
 */

/* A direct-mapped cache of translations without any protection: what a hit can't be faster than. */
static struct {
	uint64_t tag;
	char *host;
} floor_tlb[1024];

static inline char *floor_lookup(uint64_t iova)
{
	uint64_t page = iova >> 12;

	return floor_tlb[page & 1023].tag == page ? floor_tlb[page & 1023].host + (iova & 4095)
						  : NULL;
}

static void floor_copy64(void *arg, uint64_t iterations)
{
	char buf[64];

	for (uint64_t i = 0; i < iterations; i++) {
		char *host = floor_lookup(IOVA + i % PAGES * PAGE);

		memcpy(buf, host, sizeof(buf));
		bench_use((uintptr_t)buf[0]);
	}
}

static void floor_copy4k(void *arg, uint64_t iterations)
{
	static char buf[PAGE];

	for (uint64_t i = 0; i < iterations; i++) {
		memcpy(buf, floor_lookup(IOVA + i % PAGES * PAGE), PAGE);
		bench_use((uintptr_t)buf[0]);
	}
}

/* --- Subjects -----------------------------------------------------------------------------------
 */

static void read64(void *arg, uint64_t iterations)
{
	char buf[64];

	for (uint64_t i = 0; i < iterations; i++) {
		uiommu_dma_read(
			rig.dma, UIOMMU_PASID_NONE, IOVA + i % PAGES * PAGE, buf, sizeof(buf));
		bench_use((uintptr_t)buf[0]);
	}
}

static void write64(void *arg, uint64_t iterations)
{
	static char buf[64];

	for (uint64_t i = 0; i < iterations; i++)
		uiommu_dma_write(
			rig.dma, UIOMMU_PASID_NONE, IOVA + i % PAGES * PAGE, buf, sizeof(buf));
}

static void read4k(void *arg, uint64_t iterations)
{
	static char buf[PAGE];

	for (uint64_t i = 0; i < iterations; i++) {
		uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + i % PAGES * PAGE, buf, PAGE);
		bench_use((uintptr_t)buf[0]);
	}
}

static void hit(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		struct dma_piece piece = { .iova = IOVA + i % PAGES * PAGE, .need = PT_READ };
		char *host = NULL;

		if (dma_translate(rig.dma, &piece, &host) == DMA_DONE)
			rs_exit(rig.dma->slot);
		bench_use((uintptr_t)host);
	}
}

static void floor_hit(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		bench_use((uintptr_t)floor_lookup(IOVA + i % PAGES * PAGE));
}

/* Each address is known only when the translation before it is. */
static void hit_dependent(void *arg, uint64_t iterations)
{
	uint64_t iova = IOVA;

	for (uint64_t i = 0; i < iterations; i++) {
		struct dma_piece piece = { .iova = iova, .need = PT_READ };
		char *host = NULL;

		if (dma_translate(rig.dma, &piece, &host) == DMA_DONE)
			rs_exit(rig.dma->slot);
		iova = IOVA +
		       (((uintptr_t)host + PAGE) & (PAGES * PAGE - 1) & ~(uint64_t)(PAGE - 1));
	}
	bench_use(iova);
}

static void floor_hit_dependent(void *arg, uint64_t iterations)
{
	uint64_t iova = IOVA;

	for (uint64_t i = 0; i < iterations; i++) {
		uintptr_t host = (uintptr_t)floor_lookup(iova);

		iova = IOVA + ((host + PAGE) & (PAGES * PAGE - 1) & ~(uint64_t)(PAGE - 1));
	}
	bench_use(iova);
}

/* The same pages with a million more mappings present. */
static void many_mappings(bool on)
{
	static char *page;

	if (on && !page)
		page = rig_pages(PAGE);
	for (uint64_t i = 0; i < 1000000; i++) {
		if (on ? rig_map(&rig, (UINT64_C(1) << 36) + i * PAGE, page, PAGE) : 0)
			abort();
	}
	if (!on && rig_unmap(&rig, UINT64_C(1) << 36, UINT64_C(1000000) * PAGE))
		abort();
}

/* --- Unmap while a device writes ----------------------------------------------------------------
 */

static _Atomic bool stop;

static void *full_speed(void *arg)
{
	static char line[64];
	struct uiommu_dma *dma;

	if (dma_chan_new(&rig.req, &dma))
		abort();
	for (uint64_t i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++)
		uiommu_dma_write(
			dma, UIOMMU_PASID_NONE, IOVA + i % PAGES * PAGE, line, sizeof(line));
	dma_chan_free(dma);
	return NULL;
}

#define BATCH 256u

static char *victim;

static void map_victims(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		if (rig_map(&rig, 0x1000000 + i * PAGE, victim, PAGE))
			abort();
	}
}

static void unmap_each(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		if (rig_unmap(&rig, 0x1000000 + i * PAGE, PAGE))
			abort();
	}
}

static void unmap_batch(void *arg, uint64_t iterations)
{
	if (rig_unmap(&rig, 0x1000000, iterations * PAGE))
		abort();
}

static void unmap_row(
	const char *name, double limit, const char *goal, void (*fn)(void *, uint64_t))
{
	struct bench_row row = {
		.path = name,
		.subject = { .fn = fn, .before = map_victims, .iterations = BATCH },
		.goal = { limit > 0 ? BENCH_AT_MOST : BENCH_NO_GOAL, limit, goal },
	};

	if (bench_run(&row))
		abort();
}

static int row(const char *path, void (*fn)(void *, uint64_t), const char *floor_name,
	void (*floor)(void *, uint64_t), double limit, const char *goal)
{
	struct bench_row r = {
		.path = path,
		.subject = { .fn = fn },
		.reference = { .name = floor_name, .fn = floor },
		.goal = { limit > 0 ? BENCH_AT_MOST : BENCH_NO_GOAL, limit, goal },
	};

	return bench_run(&r);
}

int main(void)
{
	static const char *const tlb = "floor: direct-mapped table, no protection";
	pthread_t thread;

	rig_init(&rig, &pt_x86_64);
	mem = rig_pages(PAGES * PAGE * 2);
	mem = (char *)(((uintptr_t)mem + PAGES * PAGE - 1) & ~(uintptr_t)(PAGES * PAGE - 1));
	victim = rig_pages(PAGE);
	for (uint64_t i = 0; i < PAGES; i++) {
		floor_tlb[((IOVA >> 12) + i) & 1023].tag = (IOVA >> 12) + i;
		floor_tlb[((IOVA >> 12) + i) & 1023].host = mem + i * PAGE;
	}
	if (rig_map(&rig, IOVA, mem, PAGES * PAGE))
		abort();
	row("dma/hit", hit, tlb, floor_hit, 3.5, "at most 3.5 ns");
	row("dma/hit/dependent", hit_dependent, tlb, floor_hit_dependent, 8, "at most 8 ns");
	row("dma/read/64", read64, "floor: table and memcpy", floor_copy64, 12, "at most 12 ns");
	row("dma/write/64", write64, "floor: table and memcpy", floor_copy64, 12, "at most 12 ns");
	row("dma/read/4096", read4k, "floor: table and memcpy", floor_copy4k, 0, NULL);
	many_mappings(true);
	row("dma/hit/1M-mappings", hit, tlb, floor_hit, 3.5,
		"at most 3.5 ns, as with few mappings");
	many_mappings(false);
	unmap_row("ioas/unmap/idle", 0, NULL, unmap_each);
	if (pthread_create(&thread, NULL, full_speed, NULL))
		abort();
	unmap_row("ioas/unmap/busy", 2500, "at most 2.5 us", unmap_each);
	unmap_row("ioas/unmap/busy/batch", 100, "at most 100 ns each", unmap_batch);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	rig_fini(&rig);
	return 0;
}
