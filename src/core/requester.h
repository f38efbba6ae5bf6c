/* SPDX-License-Identifier: MIT */
/*
 * A requester is a device as the IOMMU sees it: a requester id, and what its requests are
 * translated through. It exists as long as the device does, whoever drives it; a DEVICE object of a
 * context (device.h) is somebody's hold on it.
 */
#ifndef UIOMMU_CORE_REQUESTER_H
#define UIOMMU_CORE_REQUESTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct core;
struct domain;
struct group;
struct uiommu_dma_fault;

struct requester {
	_Atomic(void *) rid; /* struct domain; NULL: blocked. Read by DMA, written under lock. */
	struct core *core;
	struct group *group;
	struct requester *group_next;
	char name[16]; /* PCI address */
	pthread_mutex_t
		lock; /* the two below, and writes to rid; innermost but for waits on readers */
	struct domain *attached; /* what rid is while bus mastering is on */
	bool bus_master;
	/* Where faults go; set before the first DMA. Called by the DMA thread with no lock held. */
	void (*fault)(void *arg, const struct requester *req, const struct uiommu_dma_fault *fault);
	void *fault_arg;
};

void requester_init(
	struct requester *req, struct core *core, struct group *group, const char *name);
/* Its device has no DMA channel any more. */
void requester_fini(struct requester *req);

/* Translate through @dom, or block (NULL). After return nobody reads the old table for this
 * requester. */
void requester_attach(struct requester *req, struct domain *dom);
/* The command register's bus-master bit; off blocks all DMA. */
void requester_set_bus_master(struct requester *req, bool on);

#endif
