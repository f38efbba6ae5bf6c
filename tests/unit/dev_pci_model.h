/* SPDX-License-Identifier: MIT */
/* A device that counts, for the tests of the PCI core, and what these share. */
#ifndef TESTS_UNIT_DEV_PCI_MODEL_H
#define TESTS_UNIT_DEV_PCI_MODEL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "dev/pci.h"
#include "dev/pci_spec.h"

/* BAR 0, 16 KiB, can be mapped. Registers of 32 bits but for PARAM. */
#define R_COUNT	 0x00 /* read-only: sum of what was written to ADD */
#define R_PARAM	 0x08 /* 64 bits: added by each doorbell */
#define R_ADD	 0x10
#define R_SEEN	 0x14 /* read-only: lower half of what PARAM was at the last ADD */
#define R_ID	 0x18 /* read-only */
#define R_END	 0x40
#define WINDOW	 0x1000 /* doorbells */
#define TABLE	 0x2000
#define PBA	 0x3000
#define BAR0_LEN 0x4000
#define VECTORS	 70
/* BAR 2: 256 bytes of memory. BAR 3: 64-bit, 8 KiB, only a doorbell window in its second page. */
#define BAR2_LEN 0x100
#define BAR3_LEN 0x2000

struct counter {
	struct uiommu_pdev *pdev;
	uint64_t param;
	uint32_t count, seen;
	uint8_t mem[BAR2_LEN];
	unsigned int opens, closes, resets, changes, created;
	unsigned int last_size;
	bool busy;	 /* open() refuses */
	bool bus_master; /* what the core told the requester */
	unsigned int masterings;
	void (*on_reset)(struct counter *c);
	void *arg;
	_Atomic uint32_t rings, last_ring, last_bar, last_off;
};

/* What the next device looks like; counter_setup() puts the defaults back. */
extern struct uiommu_pci_desc counter_desc;
extern struct counter counter;
extern const struct uiommu_model counter_model;

/* A closed device. */
struct uiommu_pdev *counter_new(enum pdev_bar_mode mode);
/* Fixtures: *state is an open device (bar=auto, and bar=poll). */
int counter_setup(void **state);
int counter_setup_poll(void **state);
int counter_teardown(void **state);

uint32_t cfg_read(struct uiommu_pdev *pdev, unsigned int off, unsigned int size);
void cfg_write(struct uiommu_pdev *pdev, unsigned int off, unsigned int size, uint32_t val);
unsigned int cfg_cap(struct uiommu_pdev *pdev, unsigned int id);
uint32_t bar_read32(struct uiommu_pdev *pdev, unsigned int bar, uint64_t off);
void bar_write32(struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, uint32_t val);
int event_new(void);
/* What has been signalled, and 0 from then on. */
uint64_t event_take(int fd);

#endif
