/* SPDX-License-Identifier: MIT */
/*
 * A mutex that signal handlers of the program may need as well (close() is allowed in them): all
 * signals wait while it is held, but for those that the processor raises.
 */
#ifndef UIOMMU_FRONT_PRELOAD_LOCKED_H
#define UIOMMU_FRONT_PRELOAD_LOCKED_H

#include "front/preload/real.h"

static inline void signals_hold(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGTRAP);
	real()->pthread_sigmask(SIG_BLOCK, &all, old);
}

static inline void signals_release(const sigset_t *old)
{
	real()->pthread_sigmask(SIG_SETMASK, old, NULL);
}

static inline void lock_hold(pthread_mutex_t *lock, sigset_t *old)
{
	signals_hold(old);
	pthread_mutex_lock(lock);
}

static inline void lock_release(pthread_mutex_t *lock, const sigset_t *old)
{
	pthread_mutex_unlock(lock);
	signals_release(old);
}

#endif
