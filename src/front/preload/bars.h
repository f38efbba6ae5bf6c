/* SPDX-License-Identifier: MIT */
/*
 * The program's mappings of BARs.
 *
 * A mapping is the BAR's memory, mapped without any permission: an access raises SIGSEGV, whose
 * handler finds the mapping here and does the access on the device. What the device exposes is
 * opened to direct stores with the permissions that the program asked for.
 *
 * The handler reads the table without a lock: slots are never freed, and a reference keeps what a
 * slot names. Whatever changes a mapping (munmap, mprotect, mremap, of a part too) cuts it at the
 * range's edges and then treats whole mappings.
 *
 * Mappings aren't inherited by children: their pages are missing there.
 */
#ifndef UIOMMU_FRONT_PRELOAD_BARS_H
#define UIOMMU_FRONT_PRELOAD_BARS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct abi_file;
struct bar;

extern _Atomic uint32_t bars_count; /* mappings; 0: nothing below has anything to do */

/* mmap() of a file that leads to a BAR. Return: the address, or MAP_FAILED with errno. */
void *bars_mmap(struct abi_file *file, void *addr, size_t len, int prot, int flags, off_t off);

/* Whether [addr, addr + len) meets a mapping. */
bool bars_overlap(uintptr_t addr, size_t len);

/* The program's calls on ranges that meet mappings. Return: 0, -errno. */
int bars_munmap(uintptr_t addr, size_t len);
int bars_mprotect(uintptr_t addr, size_t len, int prot);
void *bars_mremap(uintptr_t addr, size_t old_len, size_t new_len, int flags, void *to);
/* [addr, addr + len) is about to be replaced by another mapping. */
int bars_vacate(uintptr_t addr, size_t len);

/* For the signal handler: the mapping at @addr with a reference, or NULL. */
struct bar *bar_get(uintptr_t addr);
void bar_put(struct bar *bar);
/* Whether the program may access it so; else it's a violation as of any other memory. */
bool bar_permits(const struct bar *bar, bool write);
uintptr_t bar_end(const struct bar *bar);
/* The device's registers at @addr, inside of the mapping. Return: bytes, -errno. */
ssize_t bar_read(struct bar *bar, uintptr_t addr, void *buf, size_t len);
ssize_t bar_write(struct bar *bar, uintptr_t addr, const void *buf, size_t len);

void bars_child(void);

#endif
