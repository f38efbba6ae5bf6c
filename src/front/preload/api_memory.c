/* SPDX-License-Identifier: MIT */
/* Functions that change the address space. */
#include "front/preload/export.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "front/preload/fdtable.h"
#include "front/preload/files.h"
#include "front/preload/leaks.h"
#include "front/preload/memory.h"

#define PAGE 4096u

/* Whole pages. */
static size_t pages(size_t len)
{
	return len > SIZE_MAX - (PAGE - 1) ? len : (len + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static bool may_count(const void *addr, size_t len)
{
	return !((uintptr_t)addr % PAGE) && len && memory_counts((uintptr_t)addr, pages(len));
}

static int vacate(struct sys *sys, uintptr_t addr, size_t len)
{
	int err;

	leaks_begin();
	err = sys_user_vacate(sys, addr, len);
	leaks_end();
	return err;
}

int memory_vacate(uintptr_t addr, size_t len)
{
	struct sys *sys = home_sys();
	int err = 0;

	if (bars_overlap(addr, len))
		err = bars_vacate(addr, len);
	if (!err && memory_is_dma(sys, addr, len))
		err = vacate(sys, addr, len);
	return err;
}

/*
 * Over memory that devices use. The kernel is asked elsewhere first: if it refuses, nothing has
 * changed. What it gave is then moved to its place.
 */
static __attribute__((noinline)) void *mmap_over(
	void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	bool ours = fd >= 0 && !(flags & MAP_ANONYMOUS) && fd_peek(fd);
	void *fresh = ours ? NULL : real()->mmap(NULL, len, prot, flags & ~MAP_FIXED, fd, off);
	int err;

	if (fresh == MAP_FAILED)
		return MAP_FAILED;
	err = memory_vacate((uintptr_t)addr, pages(len));
	if (!err && ours)
		return files_mmap(fd, addr, len, prot, flags, off);
	if (!err)
		addr = real()->mremap(
			fresh, pages(len), pages(len), MREMAP_MAYMOVE | MREMAP_FIXED, addr);
	if (!err && addr != MAP_FAILED)
		return addr;
	err = err ? -err : errno;
	if (fresh)
		real()->munmap(fresh, pages(len));
	errno = err;
	return MAP_FAILED;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (__builtin_expect(flags & MAP_FIXED, 0) && may_count(addr, len) &&
		(flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE)
		return mmap_over(addr, len, prot, flags, fd, off);
	if (__builtin_expect(fd >= 0 && !(flags & MAP_ANONYMOUS) && fd_peek(fd), 0))
		return files_mmap(fd, addr, len, prot, flags, off);
	return real()->mmap(addr, len, prot, flags, fd, off);
}
EXPORT_AS(mmap64, mmap);

static __attribute__((noinline)) int munmap_ours(void *addr, size_t len)
{
	struct sys *sys = home_sys();
	int err = 0;

	if (memory_is_dma(sys, (uintptr_t)addr, len))
		err = vacate(sys, (uintptr_t)addr, len);
	return (int)real_return(err ? err : bars_munmap((uintptr_t)addr, len));
}

EXPORT int munmap(void *addr, size_t len)
{
	if (__builtin_expect(may_count(addr, len), 0))
		return munmap_ours(addr, pages(len));
	return real()->munmap(addr, len);
}

EXPORT int mprotect(void *addr, size_t len, int prot)
{
	if (__builtin_expect(atomic_load_explicit(&bars_count, memory_order_relaxed) != 0, 0) &&
		home_sys() && bars_overlap((uintptr_t)addr, pages(len)))
		return (int)real_return(bars_mprotect((uintptr_t)addr, len, prot));
	return real()->mprotect(addr, len, prot);
}

static __attribute__((noinline)) void *mremap_ours(
	void *addr, size_t old_len, size_t new_len, int flags, void *to)
{
	if (bars_overlap((uintptr_t)addr, pages(old_len)))
		return bars_mremap((uintptr_t)addr, old_len, new_len, flags, to);
	/* The engine looks after memory that is moved over, once it is sure that the call will do
	 * it. */
	if (flags & MREMAP_FIXED && may_count(to, new_len) &&
		bars_overlap((uintptr_t)to, pages(new_len))) {
		int err = bars_vacate((uintptr_t)to, pages(new_len));

		if (err) {
			errno = -err;
			return MAP_FAILED;
		}
	}
	leaks_begin();
	to = sys_user_mremap(home_sys(), addr, old_len, new_len, flags, to);
	leaks_end();
	return to;
}

void *api_mremap(void *addr, size_t old_len, size_t new_len, int flags, void *to)
{
	if (__builtin_expect(
		    may_count(addr, old_len) || (flags & MREMAP_FIXED && may_count(to, new_len)),
		    0))
		return mremap_ours(addr, old_len, new_len, flags, to);
	return real()->mremap(addr, old_len, new_len, flags, to);
}

EXPORT void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...)
{
	void *to;
	va_list ap;

	va_start(ap, flags);
	/* Only then is it given; DONTUNMAP alone would take it for a hint. */
	to = flags & MREMAP_FIXED ? va_arg(ap, void *) : NULL;
	va_end(ap);
	return api_mremap(addr, old_len, new_len, flags, to);
}

/* Whether all of a mapping that /proc/self/maps tells of is private and of no file. */
static bool is_private_anonymous(const char *line)
{
	char perms[5];
	unsigned long inode;

	return sscanf(line, "%*x-%*x %4s %*x %*x:%*x %lu", perms, &inode) == 2 && perms[3] == 'p' &&
	       !inode;
}

/* What of the range is private and anonymous loses its pages; the rest keeps them in its file. */
static int vacate_private(struct sys *sys, uintptr_t addr, uintptr_t end)
{
	FILE *maps = real()->fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	if (!maps)
		return -ENOMEM;
	while (!err && getline(&line, &room, maps) > 0) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2 || to <= addr || from >= end ||
			!is_private_anonymous(line))
			continue;
		from = from < addr ? addr : from;
		to = to > end ? end : to;
		if (memory_is_dma(sys, from, to - from))
			err = vacate(sys, from, to - from);
	}
	free(line);
	real()->fclose(maps);
	return err;
}

static int advise_device(void *addr, size_t len, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_DOFORK:
		return (int)real_error(-EINVAL);
	default:
		return real()->madvise(addr, len, advice);
	}
}

static __attribute__((noinline)) int madvise_ours(void *addr, size_t len, int advice)
{
	struct sys *sys = home_sys();
	int err;

	if (bars_overlap((uintptr_t)addr, len))
		return advise_device(addr, len, advice);
	/* Pages that may be dropped, or not: not. */
	if (advice == MADV_FREE)
		return 0;
	if (advice == MADV_REMOVE || advice == MADV_DOFORK)
		return real()->madvise(addr, len, advice);
	err = vacate_private(sys, (uintptr_t)addr, (uintptr_t)addr + len);
	return err ? (int)real_error(err) : real()->madvise(addr, len, advice);
}

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

EXPORT int madvise(void *addr, size_t len, int advice)
{
	bool drops = advice == MADV_DONTNEED || advice == MADV_DONTNEED_LOCKED ||
		     advice == MADV_FREE || advice == MADV_REMOVE || advice == MADV_DOFORK;

	if (__builtin_expect(drops && may_count(addr, len), 0))
		return madvise_ours(addr, pages(len), advice);
	return real()->madvise(addr, len, advice);
}
