/* SPDX-License-Identifier: MIT */
/*
 * The processor's part of guarded access: functions whose every fault is resumed at an exit that
 * returns -EFAULT. They use no stack, so that the exit is a plain return.
 */
#ifndef UIOMMU_MEM_GUARD_ARCH_H
#define UIOMMU_MEM_GUARD_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define GUARD_ARCH_SIGNALS 1
#else
#define GUARD_ARCH_SIGNALS 0
#endif

#if GUARD_ARCH_SIGNALS
/* Return: 0, -EFAULT. */
int guard_arch_copy(void *to, const void *from, size_t len);
int guard_arch_touch_write(void *addr);
/* Exchange-and-add, exchange, compare-and-exchange: *val is the operand and receives the old value.
 */
int guard_arch_add32(void *addr, uint32_t *val);
int guard_arch_add64(void *addr, uint64_t *val);
int guard_arch_swap32(void *addr, uint32_t *val);
int guard_arch_swap64(void *addr, uint64_t *val);
int guard_arch_cas32(void *addr, uint32_t *val, uint32_t compare);
int guard_arch_cas64(void *addr, uint64_t *val, uint64_t compare);

/* Whether the interrupted context is inside one of them: then it resumes at the exit. */
bool guard_arch_fixup(void *ucontext);
#endif

#endif
