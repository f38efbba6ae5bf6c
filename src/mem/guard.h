/* SPDX-License-Identifier: MIT */
/*
 * Guarded access to client memory.
 *
 * The client may unmap, protect or truncate its memory at any moment. A guarded copy that meets
 * such a page returns -EFAULT instead of raising a signal. Two ways, chosen once per process:
 *
 * - with signals: plain instructions in one function, whose address range the SIGSEGV and SIGBUS
 * handler knows (7 ns for 64 bytes). The handler belongs to the front end (guard_handle_fault) or
 * is installed on request (guard_install).
 * - without: process_vm_readv(2) on the own process (1.3 us). The default, since a library installs
 * no signal handler behind its user's back.
 */
#ifndef UIOMMU_MEM_GUARD_H
#define UIOMMU_MEM_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uiommu/dma.h>

/* Install a SIGSEGV and SIGBUS handler that chains to the previous ones; idempotent. Return: 0,
 * -errno. */
int guard_install(void);
/* A handler that calls guard_handle_fault() has been installed by someone else. */
void guard_use_signals(bool yes);
/* Called first by a SIGSEGV or SIGBUS handler. Return: true if the fault was a guarded access's:
 * return from the handler. Async-signal-safe. */
bool guard_handle_fault(int sig, siginfo_t *info, void *ucontext);

/* Either side may be client memory. Aligned 4 and 8 byte copies are single accesses.
 * Return: 0; -EFAULT, when a part may have been copied. */
int guard_copy(void *to, const void *from, size_t len);

/* Touch the page at @addr, for writing without changing it where @write. Return: 0, -EFAULT. */
int guard_touch(uintptr_t addr, bool write);

/* Touch every page of [addr, addr + len): memory is there afterwards, as after a pin. Return: 0,
 * -EFAULT. */
int guard_populate(uintptr_t addr, size_t len, bool write);

/* An atomic operation on client memory; aligned, @size 4 or 8. Return: 0, -EFAULT. */
int guard_atomic(void *addr, unsigned int size, enum uiommu_dma_atomic_op op, uint64_t operand,
	uint64_t compare, uint64_t *old);

#endif
