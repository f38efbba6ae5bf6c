/* SPDX-License-Identifier: MIT */
#include "mem/userspace.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "mem/bus.h"

#define PAGE_LG2 12u
#define MIB2_LG2 21u
#define GIB_LG2	 30u
#define SLOTS	 512u
#define GIBS	 (BUS_RAM_END >> GIB_LG2)

/* `used`: what is counted in the block itself or below it; a table is freed when it reaches zero.
 */
struct us_pages {
	uint64_t used;
	uint32_t count[SLOTS]; /* of each 4 KiB page */
};

struct us_mib2s {
	uint64_t used;
	uint32_t count[SLOTS]; /* of each 2 MiB block as a whole */
	struct us_pages *pages[SLOTS];
};

struct us_gib {
	uint32_t count;
	struct us_mib2s *mib2s;
};

int us_init(struct userspace *us)
{
	/* 2 MiB of address space, of which only touched pages cost memory. */
	us->gibs_bytes = GIBS * sizeof(struct us_gib);
	us->gibs = mmap(NULL, us->gibs_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (us->gibs == MAP_FAILED)
		return -ENOMEM;
	pthread_mutex_init(&us->lock, NULL);
	atomic_init(&us->ranges, 0);
	return 0;
}

void us_fini(struct userspace *us)
{
	/* Tables that remain belong to ranges that were never removed. */
	for (size_t g = 0; atomic_load(&us->ranges) && g < GIBS; g++) {
		struct us_mib2s *m = us->gibs[g].mib2s;

		for (unsigned int i = 0; m && i < SLOTS; i++)
			base_free(m->pages[i]);
		base_free(m);
	}
	munmap(us->gibs, us->gibs_bytes);
	pthread_mutex_destroy(&us->lock);
}

/* The largest aligned block at @addr inside [addr, end). */
static unsigned int block_lg2(uint64_t addr, uint64_t end)
{
	static const unsigned int sizes[] = { GIB_LG2, MIB2_LG2 };

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t size = UINT64_C(1) << sizes[i];

		if (!(addr & (size - 1)) && end - addr >= size)
			return sizes[i];
	}
	return PAGE_LG2;
}

static unsigned int slot(uint64_t addr, unsigned int lg2)
{
	return (unsigned int)(addr >> lg2) & (SLOTS - 1);
}

/* The tables down to blocks of @lg2; allocated. */
static int tables_reach(struct us_gib *gib, uint64_t addr, unsigned int lg2)
{
	struct us_pages **pages;

	if (lg2 == GIB_LG2)
		return 0;
	if (!gib->mib2s)
		gib->mib2s = base_zalloc(sizeof(*gib->mib2s));
	if (!gib->mib2s)
		return -ENOMEM;
	if (lg2 == MIB2_LG2)
		return 0;
	pages = &gib->mib2s->pages[slot(addr, MIB2_LG2)];
	if (!*pages)
		*pages = base_zalloc(sizeof(**pages));
	return *pages ? 0 : -ENOMEM;
}

static void tables_trim(struct us_gib *gib, uint64_t addr)
{
	struct us_mib2s *m = gib->mib2s;
	struct us_pages **pages;

	if (!m)
		return;
	pages = &m->pages[slot(addr, MIB2_LG2)];
	if (*pages && !(*pages)->used) {
		base_free(*pages);
		*pages = NULL;
	}
	if (!m->used) {
		base_free(m);
		gib->mib2s = NULL;
	}
}

static void block_count(struct us_gib *gib, uint64_t addr, unsigned int lg2, int by)
{
	struct us_mib2s *m = gib->mib2s;
	struct us_pages *p;

	if (lg2 == GIB_LG2) {
		gib->count += (uint32_t)by;
		return;
	}
	m->used += (uint64_t)by;
	if (lg2 == MIB2_LG2) {
		m->count[slot(addr, MIB2_LG2)] += (uint32_t)by;
		return;
	}
	p = m->pages[slot(addr, MIB2_LG2)];
	p->used += (uint64_t)by;
	p->count[slot(addr, PAGE_LG2)] += (uint32_t)by;
}

static void blocks_remove(struct userspace *us, uint64_t addr, uint64_t end)
{
	while (addr < end) {
		unsigned int lg2 = block_lg2(addr, end);
		struct us_gib *gib = &us->gibs[addr >> GIB_LG2];

		block_count(gib, addr, lg2, -1);
		tables_trim(gib, addr);
		addr += UINT64_C(1) << lg2;
	}
}

static bool page_bounds(uintptr_t addr, size_t len, uint64_t *start, uint64_t *end)
{
	uint64_t mask = (UINT64_C(1) << PAGE_LG2) - 1;

	if (__builtin_add_overflow((uint64_t)addr, len, end) || *end > BUS_RAM_END)
		return false;
	*start = addr & ~mask;
	*end = (*end + mask) & ~mask;
	return true;
}

/* Written under the lock alone: no locked instruction. */
static void ranges_count(struct userspace *us, uint64_t by)
{
	uint64_t was = atomic_load_explicit(&us->ranges, memory_order_relaxed);

	atomic_store_explicit(&us->ranges, was + by, memory_order_release);
}

int us_add(struct userspace *us, uintptr_t addr, size_t len)
{
	uint64_t start, at, end;

	if (!page_bounds(addr, len, &start, &end))
		return -EFAULT;
	pthread_mutex_lock(&us->lock);
	for (at = start; at < end;) {
		unsigned int lg2 = block_lg2(at, end);
		struct us_gib *gib = &us->gibs[at >> GIB_LG2];

		if (tables_reach(gib, at, lg2)) {
			tables_trim(gib, at);
			blocks_remove(us, start, at);
			pthread_mutex_unlock(&us->lock);
			return -ENOMEM;
		}
		block_count(gib, at, lg2, 1);
		at += UINT64_C(1) << lg2;
	}
	ranges_count(us, 1);
	pthread_mutex_unlock(&us->lock);
	return 0;
}

void us_remove(struct userspace *us, uintptr_t addr, size_t len)
{
	uint64_t start, end;

	if (!page_bounds(addr, len, &start, &end))
		return;
	pthread_mutex_lock(&us->lock);
	blocks_remove(us, start, end);
	ranges_count(us, (uint64_t)-1);
	pthread_mutex_unlock(&us->lock);
}

/* Whether [addr, end), which lies inside one GiB, has a counted block; skips what is absent. */
static bool gib_any(const struct us_gib *gib, uint64_t addr, uint64_t end)
{
	const struct us_mib2s *m = gib->mib2s;

	if (gib->count)
		return true;
	if (!m)
		return false;
	while (addr < end) {
		uint64_t next = ((addr >> MIB2_LG2) + 1) << MIB2_LG2;
		const struct us_pages *p = m->pages[slot(addr, MIB2_LG2)];

		if (m->count[slot(addr, MIB2_LG2)])
			return true;
		for (; p && addr < end && addr < next; addr += UINT64_C(1) << PAGE_LG2) {
			if (p->count[slot(addr, PAGE_LG2)])
				return true;
		}
		addr = next;
	}
	return false;
}

bool us_any(struct userspace *us, uintptr_t addr, size_t len)
{
	uint64_t start, end;
	bool any = false;

	if (!atomic_load_explicit(&us->ranges, memory_order_acquire))
		return false;
	if (!len || addr >= BUS_RAM_END)
		return false;
	if (!page_bounds(addr, len < BUS_RAM_END - addr ? len : BUS_RAM_END - addr, &start, &end))
		return false;
	pthread_mutex_lock(&us->lock);
	while (!any && start < end) {
		uint64_t next = ((start >> GIB_LG2) + 1) << GIB_LG2;

		any = gib_any(&us->gibs[start >> GIB_LG2], start, next < end ? next : end);
		start = next;
	}
	pthread_mutex_unlock(&us->lock);
	return any;
}

/* Whether the page at @addr is mapped; *step receives how far that is known. */
static bool page_mapped(const struct userspace *us, uint64_t addr, uint64_t *step)
{
	const struct us_gib *gib = &us->gibs[addr >> GIB_LG2];
	const struct us_mib2s *m = gib->mib2s;
	unsigned int i = slot(addr, MIB2_LG2);

	*step = UINT64_C(1) << GIB_LG2;
	if (gib->count || !m)
		return gib->count;
	*step = UINT64_C(1) << MIB2_LG2;
	if (m->count[i] || !m->pages[i])
		return m->count[i];
	*step = UINT64_C(1) << PAGE_LG2;
	return m->pages[i]->count[slot(addr, PAGE_LG2)];
}

/* The first page from @addr on that is mapped, or isn't, as @mapped says; at most @end. */
static uint64_t seek(const struct userspace *us, uint64_t addr, uint64_t end, bool mapped)
{
	uint64_t step;

	while (addr < end && page_mapped(us, addr, &step) != mapped)
		addr = (addr & ~(step - 1)) + step;
	return addr < end ? addr : end;
}

bool us_run(struct userspace *us, uint64_t *start, uint64_t *end)
{
	uint64_t limit = *end < BUS_RAM_END ? *end : BUS_RAM_END;

	pthread_mutex_lock(&us->lock);
	*start = seek(us, *start, limit, true);
	*end = seek(us, *start, limit, false);
	pthread_mutex_unlock(&us->lock);
	return *start < limit;
}
