/* SPDX-License-Identifier: MIT */
#include "mem/guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arch.h"
#include "mem/guard_arch.h"

#define PAGE 4096u
/* From here on, one system call for the whole range costs less than a touch for each page. */
#define POPULATE_BY_TOUCH (16 * PAGE)

static _Atomic bool by_signal;

#ifdef ARCH_TSAN
/* The sanitizer sees neither our assembly nor the kernel: tell it what they do. A single aligned
 * access is atomic, and orders as the client's own atomics expect. */
void __tsan_read_range(void *addr, unsigned long size);
void __tsan_write_range(void *addr, unsigned long size);
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);

static bool is_atomic(const void *addr, size_t len)
{
	return (len == 4 || len == 8) && !((uintptr_t)addr & (len - 1));
}

static void note_before(void *to, const void *from, size_t len)
{
	if (is_atomic(to, len) || is_atomic(from, len)) {
		__tsan_release(to);
		return;
	}
	__tsan_read_range((void *)(uintptr_t)from, len);
	__tsan_write_range(to, len);
}

static void note_after(const void *from, size_t len)
{
	if (is_atomic(from, len))
		__tsan_acquire((void *)(uintptr_t)from);
}
#else
static inline void note_before(void *to, const void *from, size_t len)
{
}

static inline void note_after(const void *from, size_t len)
{
}
#endif

void guard_use_signals(bool yes)
{
	atomic_store_explicit(&by_signal, yes && GUARD_ARCH_SIGNALS, memory_order_release);
}

static int copy_by_syscall(void *to, const void *from, size_t len)
{
	struct iovec local = { .iov_base = to, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)from, .iov_len = len };
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return n == (ssize_t)len ? 0 : -EFAULT;
}

static int copy(void *to, const void *from, size_t len)
{
#if GUARD_ARCH_SIGNALS
	if (__builtin_expect(atomic_load_explicit(&by_signal, memory_order_relaxed), 1))
		return guard_arch_copy(to, from, len);
#endif
	return copy_by_syscall(to, from, len);
}

int guard_copy(void *to, const void *from, size_t len)
{
	int err;

	note_before(to, from, len);
	err = copy(to, from, len);
	note_after(from, len);
	return err;
}

int guard_touch(uintptr_t addr, bool write)
{
	char byte;

#if GUARD_ARCH_SIGNALS
	if (atomic_load_explicit(&by_signal, memory_order_relaxed)) {
		if (write)
			return guard_arch_touch_write((void *)addr);
		return guard_arch_copy(&byte, (void *)addr, 1);
	}
#endif
	/* Populates the page as a store would, without storing. */
	if (write) {
		uintptr_t page = addr & ~(uintptr_t)(PAGE - 1);

		return madvise((void *)page, PAGE, MADV_POPULATE_WRITE) ? -EFAULT : 0;
	}
	return copy_by_syscall(&byte, (void *)addr, 1);
}

int guard_populate(uintptr_t addr, size_t len, bool write)
{
	uintptr_t page = addr & ~(uintptr_t)(PAGE - 1);
	uintptr_t end;

	if (__builtin_add_overflow(addr, len, &end))
		return -EFAULT;
	if (len > POPULATE_BY_TOUCH) {
		if (!madvise((void *)page, end - page,
			    write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
			return 0;
		/* EINVAL is a kernel that doesn't know it (before 5.14), or memory that isn't RAM.
		 */
		if (errno != EINVAL)
			return -EFAULT;
	}
	for (; page < end; page += PAGE) {
		if (guard_touch(page, write))
			return -EFAULT;
	}
	return 0;
}

static int atomic_by_signal(void *addr, unsigned int size, enum uiommu_dma_atomic_op op,
	uint64_t *val, uint64_t compare)
{
#if GUARD_ARCH_SIGNALS
	uint32_t low = (uint32_t)*val;
	int err;

	if (size == 8)
		return op == UIOMMU_DMA_FETCH_ADD ? guard_arch_add64(addr, val)
		       : op == UIOMMU_DMA_SWAP	  ? guard_arch_swap64(addr, val)
						  : guard_arch_cas64(addr, val, compare);
	err = op == UIOMMU_DMA_FETCH_ADD ? guard_arch_add32(addr, &low)
	      : op == UIOMMU_DMA_SWAP	 ? guard_arch_swap32(addr, &low)
					 : guard_arch_cas32(addr, &low, (uint32_t)compare);
	*val = low;
	return err;
#else
	return -EFAULT;
#endif
}

/* Without signals the page is asked for first: it may still vanish in between, as for any other
 * code of a process that unmaps memory under its own devices. */
static int atomic_plain(void *addr, unsigned int size, enum uiommu_dma_atomic_op op, uint64_t *val,
	uint64_t compare)
{
	uint64_t probe;

	if (copy_by_syscall(&probe, addr, size))
		return -EFAULT;
	if (size == 8) {
		_Atomic uint64_t *p = addr;

		if (op == UIOMMU_DMA_FETCH_ADD) {
			*val = atomic_fetch_add(p, *val);
		} else if (op == UIOMMU_DMA_SWAP) {
			*val = atomic_exchange(p, *val);
		} else {
			atomic_compare_exchange_strong(p, &compare, *val);
			*val = compare;
		}
	} else {
		_Atomic uint32_t *p = addr;
		uint32_t expect = (uint32_t)compare;

		if (op == UIOMMU_DMA_FETCH_ADD) {
			*val = atomic_fetch_add(p, (uint32_t)*val);
		} else if (op == UIOMMU_DMA_SWAP) {
			*val = atomic_exchange(p, (uint32_t)*val);
		} else {
			atomic_compare_exchange_strong(p, &expect, (uint32_t)*val);
			*val = expect;
		}
	}
	return 0;
}

int guard_atomic(void *addr, unsigned int size, enum uiommu_dma_atomic_op op, uint64_t operand,
	uint64_t compare, uint64_t *old)
{
	uint64_t val = operand;
	int err;

#ifdef ARCH_TSAN
	__tsan_release(addr);
#endif
	err = atomic_load_explicit(&by_signal, memory_order_relaxed)
		      ? atomic_by_signal(addr, size, op, &val, compare)
		      : atomic_plain(addr, size, op, &val, compare);
#ifdef ARCH_TSAN
	__tsan_acquire(addr);
#endif
	if (!err)
		*old = val;
	return err;
}

bool guard_handle_fault(int sig, siginfo_t *info, void *ucontext)
{
#if GUARD_ARCH_SIGNALS
	/* What kill(2) and the like have sent is no fault, wherever it arrives. */
	return info->si_code > 0 && guard_arch_fixup(ucontext);
#else
	return false;
#endif
}

/* --- A handler of our own, on request ----------------------------------------------------------
 */

static struct sigaction previous[2]; /* SIGSEGV, SIGBUS */

/* The access is repeated, and the process ends as it would have; what was sent is sent again. */
static void by_default(int sig, const siginfo_t *info)
{
	signal(sig, SIG_DFL);
	if (info->si_code <= 0)
		raise(sig);
}

static void chain(int sig, siginfo_t *info, void *ucontext)
{
	struct sigaction *prev = &previous[sig == SIGBUS];

	if (prev->sa_flags & SA_SIGINFO)
		prev->sa_sigaction(sig, info, ucontext);
	else if (prev->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	else if (prev->sa_handler == SIG_DFL || prev->sa_handler == SIG_IGN)
		by_default(sig, info);
	else
		prev->sa_handler(sig);
}

static void on_fault(int sig, siginfo_t *info, void *ucontext)
{
	if (!guard_handle_fault(sig, info, ucontext))
		chain(sig, info, ucontext);
}

static int install_result;

static void install_once(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, &previous[0]) || sigaction(SIGBUS, &sa, &previous[1]))
		install_result = -errno;
	else
		guard_use_signals(true);
}

int guard_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, install_once);
	return install_result;
}
