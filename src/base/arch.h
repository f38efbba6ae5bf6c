/* SPDX-License-Identifier: MIT */
/* What depends on the processor. x86-64 is the platform; the rest is kept honest by a
 * cross-compile. */
#ifndef UIOMMU_BASE_ARCH_H
#define UIOMMU_BASE_ARCH_H

#include <stdatomic.h>

static inline void arch_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#if defined(__SANITIZE_THREAD__)
#define ARCH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ARCH_TSAN 1
#endif
#endif

/* A full barrier. The thread sanitizer doesn't know fences; an exchange on a private word is one
 * too. */
static inline void arch_full_fence(void)
{
#ifdef ARCH_TSAN
	_Atomic int word = 0;

	atomic_exchange(&word, 1);
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

#endif
