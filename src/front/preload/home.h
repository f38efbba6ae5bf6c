/* SPDX-License-Identifier: MIT */
/*
 * The engine of this process: made when the program first opens one of our nodes, never before,
 * since programs fork after their constructors ran.
 *
 * It doesn't survive a fork. Where it is stands on a page that the kernel clears in a child, so
 * that a child of whatever kind (clone(2) too) has no engine from its first instruction. A child
 * that opens a node gets an engine of its own, of a new generation; files of older ones are
 * refused.
 */
#ifndef UIOMMU_FRONT_PRELOAD_HOME_H
#define UIOMMU_FRONT_PRELOAD_HOME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/sys.h"

struct home {
	_Atomic(struct sys *) sys;
	_Atomic uint64_t generation; /* never 0 with a sys */
	pid_t pid;
};

extern _Atomic(struct home *) home_page;

/* The engine, or NULL: a few loads. */
static inline struct sys *home_sys(void)
{
	struct home *home = atomic_load_explicit(&home_page, memory_order_acquire);

	return home ? atomic_load_explicit(&home->sys, memory_order_acquire) : NULL;
}

static inline uint64_t home_generation(void)
{
	struct home *home = atomic_load_explicit(&home_page, memory_order_acquire);

	return home ? atomic_load_explicit(&home->generation, memory_order_acquire) : 0;
}

/* The engine, made if need be. Return: 0, -errno. */
int home_get(struct sys **out);
/* Whether this is a child of vfork(): it has the home's memory, but not its descriptors. */
bool home_is_borrowed(void);

/* Children of fork(): idempotent, may also be called late. */
void home_child(void);

#endif
