/* SPDX-License-Identifier: MIT */
/*
 * SIGSEGV and SIGBUS: ours for guarded access and trapped registers, and the program's as if we
 * weren't there.
 *
 * From the first engine on, the kernel knows our handler only. What the program installs is
 * recorded, returned as if it were installed, and called for faults that aren't ours, on the stack
 * and with the mask that it asked for; the default action is taken by the kernel, so that the
 * exit status is right. A thread that blocks these signals doesn't really: it sees its own mask,
 * and a fault of its own that it had blocked still ends it.
 */
#ifndef UIOMMU_FRONT_PRELOAD_TRAPS_H
#define UIOMMU_FRONT_PRELOAD_TRAPS_H

#include <signal.h>
#include <stdbool.h>

/* Takes the two signals over; idempotent. Return: 0, -errno. */
int traps_install(void);

/* Whether @sig is one of the two and taken over: then this is its sigaction(). */
bool traps_own(int sig);
int traps_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

/*
 * A mask on its way to the kernel: a copy without the two signals. Return: @set itself if it has
 * neither of them.
 */
const sigset_t *traps_strip(const sigset_t *set, sigset_t *copy);
/* pthread_sigmask() as the program sees it. Return: a positive errno. */
int traps_sigmask(int how, const sigset_t *set, sigset_t *old);

#endif
