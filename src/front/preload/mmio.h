/* SPDX-License-Identifier: MIT */
/*
 * Doing, instead of the processor, the instruction that was interrupted by an access to device
 * registers.
 *
 * Only on x86-64; elsewhere nothing can be trapped, and BARs are plain memory that is polled.
 * Everything here is async-signal-safe and allocates nothing.
 */
#ifndef UIOMMU_FRONT_PRELOAD_MMIO_H
#define UIOMMU_FRONT_PRELOAD_MMIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#define MMIO_TRAPS 1
#else
#define MMIO_TRAPS 0
#endif

/* Memory as the instruction sees it: registers of devices, and ordinary memory beside them. */
struct mmio_bus {
	/* Return: 0, -errno. */
	int (*read)(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len);
	int (*write)(const struct mmio_bus *bus, uintptr_t addr, const void *buf, size_t len);
	/* Whether the processor would be interrupted again at @addr. */
	bool (*trapped)(const struct mmio_bus *bus, uintptr_t addr);
	/* The program's code, up to @len bytes. Return: bytes. */
	size_t (*fetch)(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len);
};

/**
 * mmio_emulate() - do the interrupted instruction
 * @ucontext: of the signal handler; registers, flags and the instruction pointer move on
 * @name:     receives the instruction's name for a message, static memory
 *
 * Return: 0; -EOPNOTSUPP for instructions that nobody uses on registers; what @bus returned. On
 * failure nothing has changed, but for a repeated string instruction that has come some way.
 */
int mmio_emulate(void *ucontext, const struct mmio_bus *bus, const char **name);

/* Whether the interrupted access was a store. */
bool mmio_is_store(const void *ucontext);
/* The stack pointer of the interrupted code. */
uintptr_t mmio_stack(const void *ucontext);

#endif
