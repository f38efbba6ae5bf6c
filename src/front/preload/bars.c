/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/bars.h"

#include <errno.h>

#include "abi/file.h"
#include "base/mem.h"
#include "dev/pci.h"
#include "front/preload/home.h"
#include "front/preload/locked.h"
#include "front/preload/mmio.h"

#define PAGE	  4096u
#define BARS	  256u
#define BAR_ALIVE 1u /* of refs: it's in the table */

struct bar {
	_Atomic uint32_t refs; /* 0: the slot is free */
	_Atomic uintptr_t start, end;
	_Atomic int prot; /* what the program asked for */
	struct bar_mapping map;
	struct uiommu_pdev *pdev;
	struct abi_file *file; /* a reference, as a mapping in the kernel has */
	uint64_t generation;
};

_Atomic uint32_t bars_count;

static struct bar bars[BARS];
static _Atomic uint32_t bars_used; /* slots that were ever taken */

/* Serialises whoever changes mappings. Taken before locks of the engine. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t start_of(const struct bar *bar)
{
	return atomic_load_explicit(&bar->start, memory_order_relaxed);
}

uintptr_t bar_end(const struct bar *bar)
{
	return atomic_load_explicit(&bar->end, memory_order_relaxed);
}

static int prot_of(const struct bar *bar)
{
	return atomic_load_explicit(&bar->prot, memory_order_relaxed);
}

static bool round_up(size_t len, size_t *out)
{
	if (__builtin_add_overflow(len, PAGE - 1, out))
		return false;
	*out &= ~(size_t)(PAGE - 1);
	return true;
}

/* --- Looking up ------------------------------------------------------------------------------ */

static bool tryget(struct bar *bar)
{
	uint32_t refs = atomic_load_explicit(&bar->refs, memory_order_relaxed);

	do {
		if (!refs)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&bar->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static bool contains(const struct bar *bar, uintptr_t addr)
{
	return addr >= start_of(bar) && addr < bar_end(bar);
}

struct bar *bar_get(uintptr_t addr)
{
	uint32_t used = atomic_load_explicit(&bars_used, memory_order_acquire);

	for (uint32_t i = 0; i < used; i++) {
		struct bar *bar = &bars[i];

		if (!contains(bar, addr) || !tryget(bar))
			continue;
		/* Now that it can't be recycled. */
		if (contains(bar, addr) && bar->generation == home_generation())
			return bar;
		bar_put(bar);
	}
	return NULL;
}

void bar_put(struct bar *bar)
{
	struct abi_file *file = bar->file;
	bool last, ours = bar->generation == home_generation();

	last = atomic_fetch_sub_explicit(&bar->refs, 1, memory_order_acq_rel) == 1;
	if (last && ours)
		abi_file_put(file);
}

bool bar_permits(const struct bar *bar, bool write)
{
	/* On x86-64 what may be written may be read. */
	return prot_of(bar) & (write ? PROT_WRITE : PROT_READ | PROT_WRITE);
}

static uint64_t offset_of(const struct bar *bar, uintptr_t addr)
{
	return bar->map.off + (addr - start_of(bar));
}

ssize_t bar_read(struct bar *bar, uintptr_t addr, void *buf, size_t len)
{
	return pdev_bar_read(bar->pdev, bar->map.bar, offset_of(bar, addr), buf, len);
}

ssize_t bar_write(struct bar *bar, uintptr_t addr, const void *buf, size_t len)
{
	return pdev_bar_write(bar->pdev, bar->map.bar, offset_of(bar, addr), buf, len);
}

bool bars_overlap(uintptr_t addr, size_t len)
{
	uint32_t used = atomic_load_explicit(&bars_used, memory_order_acquire);

	for (uint32_t i = 0; i < used; i++) {
		struct bar *bar = &bars[i];

		if (atomic_load_explicit(&bar->refs, memory_order_relaxed) && addr < bar_end(bar) &&
			start_of(bar) - addr < len)
			return true;
		if (contains(bar, addr))
			return true;
	}
	return false;
}

/* --- The table ------------------------------------------------------------------------------- */

static bool expose(struct bar_mapping *map, uint64_t off, uint64_t len, bool on)
{
	struct bar *bar = (struct bar *)((char *)map - offsetof(struct bar, map));
	uintptr_t at = start_of(bar) + (off - map->off);

	return !real()->mprotect((void *)at, len, on ? prot_of(bar) : PROT_NONE);
}

/* A free slot, with its one reference; what it names is up to the caller, who publishes it. */
static struct bar *slot_locked(void)
{
	for (uint32_t i = 0; i < BARS; i++) {
		struct bar *bar = &bars[i];

		if (atomic_load_explicit(&bar->refs, memory_order_acquire))
			continue;
		if (i >= atomic_load_explicit(&bars_used, memory_order_relaxed))
			atomic_store_explicit(&bars_used, i + 1, memory_order_release);
		return bar;
	}
	return NULL;
}

/* Takes over a reference on the file. The pages are there, closed. */
static int add_locked(const struct abi_mmap *what, struct abi_file *file, uintptr_t at, int prot)
{
	struct bar *bar = slot_locked();
	int err;

	if (!bar)
		return -ENOMEM;
	bar->pdev = what->pdev;
	bar->file = file;
	bar->generation = home_generation();
	bar->map = (struct bar_mapping){
		.bar = what->bar, .off = what->off, .len = what->len, .expose = expose
	};
	atomic_store_explicit(&bar->prot, prot, memory_order_relaxed);
	atomic_store_explicit(&bar->start, at, memory_order_relaxed);
	atomic_store_explicit(&bar->end, at + what->len, memory_order_relaxed);
	atomic_store_explicit(&bar->refs, BAR_ALIVE, memory_order_release);
	err = pdev_bar_map(what->pdev, &bar->map);
	if (err) {
		atomic_store_explicit(&bar->end, 0, memory_order_relaxed);
		atomic_store_explicit(&bar->refs, 0, memory_order_release);
		return err;
	}
	atomic_fetch_add(&bars_count, 1);
	return 0;
}

/* Nothing is exposed any more, and all pages trap; the device has forgotten the mapping. */
static void close_locked(struct bar *bar)
{
	pdev_bar_unmap(bar->pdev, &bar->map);
	if (MMIO_TRAPS)
		real()->mprotect((void *)start_of(bar), bar->map.len, PROT_NONE);
}

/* Out of the table: where the handler uses it now, it goes on until it is done. */
static void remove_locked(struct bar *bar)
{
	atomic_store_explicit(&bar->end, 0, memory_order_relaxed);
	atomic_fetch_sub(&bars_count, 1);
	bar_put(bar);
}

static int add_part_locked(const struct bar *of, uintptr_t from, uintptr_t to)
{
	struct abi_mmap what = {
		.pdev = of->pdev, .bar = of->map.bar, .off = offset_of(of, from), .len = to - from
	};
	int err;

	abi_file_get(of->file);
	err = add_locked(&what, of->file, from, prot_of(of));
	if (err)
		abi_file_put(of->file);
	return err;
}

/* Cuts mappings at @at, so that none has it inside. */
static int cut_locked(uintptr_t at)
{
	struct bar *bar = bar_get(at);
	int err;

	if (!bar)
		return 0;
	if (start_of(bar) == at) {
		bar_put(bar);
		return 0;
	}
	/* The upper part first: until the lower one is short, the handler may find either. */
	close_locked(bar);
	err = add_part_locked(bar, at, bar_end(bar));
	if (!err) {
		atomic_store_explicit(&bar->end, at, memory_order_relaxed);
		bar->map.len = at - start_of(bar);
	}
	(void)pdev_bar_map(bar->pdev, &bar->map);
	bar_put(bar);
	return err;
}

/* Afterwards every mapping is inside of [addr, end) or outside of it. */
static int cut_range_locked(uintptr_t addr, uintptr_t end)
{
	int err = cut_locked(addr);

	return err ? err : cut_locked(end);
}

static bool inside(const struct bar *bar, uintptr_t addr, uintptr_t end)
{
	return atomic_load_explicit(&bar->refs, memory_order_relaxed) && bar_end(bar) &&
	       start_of(bar) >= addr && bar_end(bar) <= end;
}

/* --- The program's calls --------------------------------------------------------------------- */

static int checked_range(uintptr_t addr, size_t *len, uintptr_t *end)
{
	if (addr % PAGE || !round_up(*len, len) || !*len || __builtin_add_overflow(addr, *len, end))
		return -EINVAL;
	return 0;
}

static int drop_range_locked(uintptr_t addr, uintptr_t end)
{
	int err = cut_range_locked(addr, end);

	for (uint32_t i = 0; i < BARS && !err; i++) {
		if (!inside(&bars[i], addr, end))
			continue;
		close_locked(&bars[i]);
		remove_locked(&bars[i]);
	}
	return err;
}

int bars_vacate(uintptr_t addr, size_t len)
{
	uintptr_t end;
	sigset_t held;
	int err = checked_range(addr, &len, &end);

	if (err)
		return err;
	lock_hold(&lock, &held);
	err = drop_range_locked(addr, end);
	lock_release(&lock, &held);
	return err;
}

int bars_munmap(uintptr_t addr, size_t len)
{
	uintptr_t end;
	sigset_t held;
	int err = checked_range(addr, &len, &end);

	if (err)
		return err;
	lock_hold(&lock, &held);
	err = drop_range_locked(addr, end);
	if (!err && real()->munmap((void *)addr, len))
		err = -errno;
	lock_release(&lock, &held);
	return err;
}

static int protect_locked(struct bar *bar, int prot)
{
	close_locked(bar);
	atomic_store_explicit(&bar->prot, prot, memory_order_relaxed);
	if (!MMIO_TRAPS)
		real()->mprotect((void *)start_of(bar), bar->map.len, prot);
	return pdev_bar_map(bar->pdev, &bar->map);
}

/* What isn't a BAR in the range is changed as asked. */
int bars_mprotect(uintptr_t addr, size_t len, int prot)
{
	uintptr_t end, at;
	sigset_t held;
	int err = checked_range(addr, &len, &end);

	if (err)
		return err;
	lock_hold(&lock, &held);
	err = cut_range_locked(addr, end);
	for (at = addr; at < end && !err;) {
		struct bar *bar = bar_get(at);
		uintptr_t next = at + PAGE;

		if (bar) {
			next = bar_end(bar);
			err = protect_locked(bar, prot);
			bar_put(bar);
		} else if (real()->mprotect((void *)at, PAGE, prot)) {
			err = -errno;
		}
		at = next;
	}
	lock_release(&lock, &held);
	return err;
}

static void *move_locked(struct bar *bar, size_t len, int flags, void *to)
{
	void *now;

	close_locked(bar);
	now = real()->mremap((void *)start_of(bar), len, len, flags, to);
	if (now != MAP_FAILED) {
		/* Whoever traps at the old place does so as on unmapped memory. */
		atomic_store_explicit(&bar->end, 0, memory_order_relaxed);
		atomic_store_explicit(&bar->start, (uintptr_t)now, memory_order_relaxed);
		atomic_store_explicit(&bar->end, (uintptr_t)now + len, memory_order_release);
	}
	(void)pdev_bar_map(bar->pdev, &bar->map);
	return now;
}

static void *moved(int err)
{
	errno = -err;
	return MAP_FAILED;
}

/* As with device memory in the kernel: it moves and shrinks, but doesn't grow. */
void *bars_mremap(uintptr_t addr, size_t old_len, size_t new_len, int flags, void *to)
{
	uintptr_t end;
	void *ret = (void *)addr;
	struct bar *bar;
	sigset_t held;
	int err = checked_range(addr, &old_len, &end);

	if (err || !round_up(new_len, &new_len) || !new_len)
		return moved(-EINVAL);
	if (new_len > old_len)
		return moved(-EFAULT);
	if (new_len < old_len) {
		err = bars_munmap(addr + new_len, old_len - new_len);
		if (err)
			return moved(err);
	}
	if (!(flags & MREMAP_FIXED))
		return ret;
	if (bars_overlap((uintptr_t)to, new_len)) {
		err = bars_vacate((uintptr_t)to, new_len);
		if (err)
			return moved(err);
	}
	lock_hold(&lock, &held);
	err = cut_range_locked(addr, addr + new_len);
	bar = err ? NULL : bar_get(addr);
	if (bar && bar_end(bar) == addr + new_len)
		ret = move_locked(bar, new_len, flags, to);
	else
		ret = moved(err ? err : -EFAULT);
	if (bar)
		bar_put(bar);
	lock_release(&lock, &held);
	return ret;
}

#ifndef MAP_32BIT /* x86-64 only */
#define MAP_32BIT 0
#endif

/* The pages of a BAR, closed, where the program wants them. */
static void *place(const struct abi_mmap *what, void *addr, size_t len, int prot, int flags)
{
	int keep = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT;
	void *at = real()->mmap(addr, len, MMIO_TRAPS ? PROT_NONE : prot,
		MAP_SHARED | (flags & keep), pdev_bar_fd(what->pdev, what->bar), (off_t)what->off);

	if (at != MAP_FAILED)
		real()->madvise(at, len, MADV_DONTFORK);
	return at;
}

void *bars_mmap(struct abi_file *file, void *addr, size_t len, int prot, int flags, off_t off)
{
	struct abi_mmap what;
	sigset_t held;
	void *at;
	int err;

	if (off < 0 || off % PAGE || !round_up(len, &len) || !len)
		return moved(-EINVAL);
	if (!file->ops->mmap)
		return moved(-ENODEV);
	err = file->ops->mmap(file, (uint64_t)off, len, prot, flags, &what);
	if (err)
		return moved(err);
	lock_hold(&lock, &held);
	at = place(&what, addr, len, prot, flags);
	err = at == MAP_FAILED ? -errno : 0;
	what.len = len;
	if (!err) {
		abi_file_get(file);
		err = add_locked(&what, file, (uintptr_t)at, prot);
		if (err) {
			abi_file_put(file);
			real()->munmap(at, len);
		}
	}
	lock_release(&lock, &held);
	return err ? moved(err) : at;
}

void bars_child(void)
{
	pthread_mutex_init(&lock, NULL);
	for (uint32_t i = 0; i < BARS; i++) {
		atomic_store_explicit(&bars[i].end, 0, memory_order_relaxed);
		atomic_store_explicit(&bars[i].refs, 0, memory_order_relaxed);
	}
	atomic_store(&bars_count, 0);
}
