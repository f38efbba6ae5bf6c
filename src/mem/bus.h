/* SPDX-License-Identifier: MIT */
/*
 * The system bus: what an output address of a page table names.
 *
 *     [0, 2^47)      RAM: host virtual addresses of this process, so that a translation is a
 * pointer [2^47, 2^48)   windows: device registers (peer-to-peer DMA), memory behind a handler
 *
 * User space of x86-64 and of ARMv8 with 48 bits lies below 2^47 unless a program asks for more by
 * hint. 48 bits is the least output width of the formats.
 */
#ifndef UIOMMU_MEM_BUS_H
#define UIOMMU_MEM_BUS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/imap.h"

#define BUS_RAM_END    (UINT64_C(1) << 47)
#define BUS_WINDOW_END (UINT64_C(1) << 48)

struct bus_window;

struct bus_window_ops {
	/* @off from the window's start; the access lies inside it. Called with no lock held; may
	 * block. Return: 0, -EFAULT. */
	int (*read)(struct bus_window *win, uint64_t off, void *buf, size_t len);
	int (*write)(struct bus_window *win, uint64_t off, const void *buf, size_t len);
};

struct bus_window {
	const struct bus_window_ops *ops;
	uint64_t base, len;  /* on the bus; set by bus_window_add() */
	unsigned int active; /* accesses under way; bus->lock */
	bool gone;	     /* bus->lock */
};

struct bus {
	pthread_mutex_t lock; /* windows, and their active and gone */
	pthread_cond_t idle;  /* a window that is gone has no access any more */
	struct imap windows;
};

static inline bool bus_is_ram(uint64_t addr)
{
	return addr < BUS_RAM_END;
}

void bus_init(struct bus *bus);
void bus_fini(struct bus *bus);

/* Gives @win a place of @len bytes (rounded up to pages). Return: 0, -EINVAL, -ENOSPC, -ENOMEM. */
int bus_window_add(struct bus *bus, struct bus_window *win, uint64_t len);
/* Takes it away and waits for accesses under way. */
void bus_window_remove(struct bus *bus, struct bus_window *win);

/* An access that isn't RAM. Context: no read section, may block. Return: 0; -EFAULT nobody answers.
 */
int bus_read(struct bus *bus, uint64_t addr, void *buf, size_t len);
int bus_write(struct bus *bus, uint64_t addr, const void *buf, size_t len);

#endif
