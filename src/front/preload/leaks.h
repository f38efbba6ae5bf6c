/* SPDX-License-Identifier: MIT */
/*
 * What the engine allocates isn't the program's leak. A leak checker looks at it when the program
 * ends, with the engine still at work, and doesn't see memory that only mmap()ed tables refer to.
 * So allocations are declared to it, where the program has one.
 */
#ifndef UIOMMU_FRONT_PRELOAD_LEAKS_H
#define UIOMMU_FRONT_PRELOAD_LEAKS_H

void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* Of this thread, until leaks_end(); they nest. */
static inline void leaks_begin(void)
{
	if (__lsan_disable)
		__lsan_disable();
}

static inline void leaks_end(void)
{
	if (__lsan_enable)
		__lsan_enable();
}

#endif
