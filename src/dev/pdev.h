/* SPDX-License-Identifier: MIT */
/*
 * The PCI core's own view of a function, shared by its files.
 *
 * Locks, in the order in which they are taken:
 *
 *   1. uiommu_pdev.lock   configuration space, open and close, calls into the model, what of the
 * BARs' memory is mirrored. Held while the model is called, which may wait for its threads.
 *   2. pdev_maps.lock     the list of mappings and what is exposed; held while expose() of a
 * mapping runs.
 *   2. pdev_irqs.lock     triggers, masks, pending bits; held for a non-blocking write at most.
 *
 * The two of rank 2 are never held together. What a thread of the model calls (uiommu_pdev_msi,
 * _intx, _doorbells_expose) takes locks of rank 2 only, so that a client that holds the first lock
 * inside model->reset(), waiting for that thread, gets what it waits for.
 */
#ifndef UIOMMU_DEV_PDEV_H
#define UIOMMU_DEV_PDEV_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "dev/pci.h"
#include "dev/pci_spec.h"

#define PDEV_PAGE 4096u

struct pdev_config {
	uint8_t image[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE]; /* bits that a write changes */
	uint8_t w1c[PCI_CONFIG_SIZE];	   /* bits that a write of 1 clears */
	unsigned int pm, msi, pcie, msix;  /* offsets of capabilities, 0: absent */
};

struct pdev_bar {
	int fd;	       /* memfd behind mem, -1: none */
	uint8_t *mem;  /* the whole BAR, or NULL; from the first open until the device is freed */
	size_t len;    /* of mem, whole pages */
	uint32_t *db;  /* the doorbell window, in mem or on the heap; NULL: none */
	bool watching; /* bar=poll: the model itself looks at db; under pdev_maps.lock */
};

struct pdev_maps {
	pthread_mutex_t lock;
	struct bar_mapping *head;
};

struct pdev_trigger {
	int fd; /* eventfd, -1: none */
	bool may_block;
};

struct pdev_intx {
	bool level;    /* what the model says */
	bool masked;   /* by the client, or by having been signalled */
	bool disabled; /* command register */
};

/* The thread that watches an eventfd which unmasks INTx; under uiommu_pdev.lock. */
struct pdev_unmask {
	bool running;
	pthread_t thread;
	int fd, stop_fd;
};

struct pdev_irqs {
	pthread_mutex_t lock;
	struct pdev_trigger *trigger[PDEV_IRQS]; /* pdev_irq_count() of each */
	_Atomic unsigned int enabled[PDEV_IRQS]; /* vectors; changed under both locks */
	_Atomic uint32_t mode; /* enum uiommu_irq_mode, enabled vectors << 8; changed under lock */
	struct pdev_intx intx;
	uint32_t msi_mask, msi_pending;
	bool msix_fmask;
	uint8_t *table; /* MSI-X table, as the client sees it */
	uint64_t *pba;
	_Atomic uint64_t sent;
	_Atomic uint64_t *sent_too; /* somebody else's counter, or NULL */
};

struct pdev_poll {
	bool running; /* under uiommu_pdev.lock, as the rest but for stop */
	pthread_t thread;
	_Atomic bool stop;
	uint64_t *last; /* registers: what the model and the memory agreed on last */
	uint64_t *now;
	uint32_t *db_last[UIOMMU_PCI_BARS]; /* under pdev_maps.lock */
};

struct uiommu_pdev {
	const struct uiommu_model *model;
	void *priv;
	struct uiommu_pci_desc desc;
	struct uiommu_poll_reg *poll_regs; /* desc.poll_regs */
	struct requester *requester;
	enum pdev_bar_mode bar_mode;
	char name[16];

	pthread_mutex_t lock;
	bool open;
	bool closing; /* no new mappings */
	bool bus_master;
	_Atomic bool decode; /* BARs answer; changed under lock */
	struct pdev_config config;
	struct pdev_bar bar[UIOMMU_PCI_BARS];
	struct pdev_poll poll;
	struct pdev_unmask unmask;
	_Atomic uint64_t accesses;

	struct pdev_maps maps;
	struct pdev_irqs irqs;
};

static inline uint16_t pci_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pci_get32(const uint8_t *p)
{
	return pci_get16(p) | (uint32_t)pci_get16(p + 2) << 16;
}

static inline void pci_put16(uint8_t *p, uint16_t val)
{
	p[0] = (uint8_t)val;
	p[1] = (uint8_t)(val >> 8);
}

static inline void pci_put32(uint8_t *p, uint32_t val)
{
	pci_put16(p, (uint16_t)val);
	pci_put16(p + 2, (uint16_t)(val >> 16));
}

/* pci_desc.c: refuses a description that the core can't present. Return: 0; -EINVAL with a message.
 */
int pdev_desc_check(const struct uiommu_pdev *pdev, char *err, size_t len);

/* pci_config.c; uiommu_pdev.lock is held but for init. */
void pdev_config_init(struct uiommu_pdev *pdev);
/* Back to the values of init; @keep: but for what the system restores after a function level reset.
 */
void pdev_config_reset(struct uiommu_pdev *pdev, bool keep);
/* Lets the rest of the core and the model follow what the image says. */
void pdev_config_sync(struct uiommu_pdev *pdev);
/* The capability that @index (MSI or MSI-X) has; @nvec 0 disables it. */
void pdev_config_enable(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int nvec);

/* pci.c: uiommu_pdev.lock is held. */
void pdev_reset_locked(struct uiommu_pdev *pdev);

/* pci_bar.c; uiommu_pdev.lock is held. Return: 0, -ENOMEM, -EMFILE ... */
int pdev_bars_open(struct uiommu_pdev *pdev);
void pdev_bars_fini(struct uiommu_pdev *pdev);
/* Doorbell windows read 0. */
void pdev_bars_clear(struct uiommu_pdev *pdev);
/* So does all that clients may have stored elsewhere. */
void pdev_bars_discard(struct uiommu_pdev *pdev);

/* pci_map.c */
void pdev_maps_init(struct uiommu_pdev *pdev);
/* Close every mapping to direct stores; @drop: and forget it. */
void pdev_maps_reset(struct uiommu_pdev *pdev, bool drop);
void pdev_maps_fini(struct uiommu_pdev *pdev);

/* pci_irq.c; uiommu_pdev.lock is held but for init and fini. Return: 0, -ENOMEM. */
int pdev_irqs_init(struct uiommu_pdev *pdev);
void pdev_irqs_fini(struct uiommu_pdev *pdev);
/* Follows configuration space. Return: true if the model may want to know. */
bool pdev_irqs_sync(struct uiommu_pdev *pdev);
/* Registers that change by themselves: the status register's interrupt bit, MSI's pending bits. */
void pdev_irqs_show(struct uiommu_pdev *pdev);
/* Writes to the eventfd if there is one; pdev_irqs.lock is held. Return: false if there's none. */
bool pdev_irqs_signal_locked(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int vector);

/* pci_trigger.c: no lock for the first two, uiommu_pdev.lock for the third. */
void pdev_triggers_init(struct pdev_trigger *trigger, unsigned int n);
/* A client's eventfd, duplicated; -1 stays -1. Return: 0, -EBADF, -EINVAL, -EMFILE. */
int pdev_eventfd_dup(int fd, struct pdev_trigger *out);
/* Nothing is asserted, masked or pending; drops triggers of INTx, MSI, MSI-X; @all: ERR, REQ too.
 */
void pdev_irqs_reset(struct uiommu_pdev *pdev, bool all);

/* pci_intx.c; pdev_irqs.lock is held for the first, uiommu_pdev.lock for the second. */
void pdev_intx_update_locked(struct uiommu_pdev *pdev);
void pdev_intx_unwatch(struct uiommu_pdev *pdev);

/* pci_msix.c; pdev_irqs.lock is held for _locked, uiommu_pdev.lock for the others. */
bool pdev_msix_owns(const struct uiommu_pdev *pdev, unsigned int bar, uint64_t off);
uint64_t pdev_msix_read(struct uiommu_pdev *pdev, uint64_t off, unsigned int size);
void pdev_msix_write(struct uiommu_pdev *pdev, uint64_t off, unsigned int size, uint64_t val);
void pdev_msix_send_locked(struct uiommu_pdev *pdev, unsigned int vector);
/* Sends what is pending and may be sent by now. */
void pdev_msix_flush_locked(struct uiommu_pdev *pdev);
void pdev_msix_unmask_locked(struct uiommu_pdev *pdev, unsigned int start, unsigned int end);
void pdev_msix_reset_locked(struct uiommu_pdev *pdev);
size_t pdev_msix_pba_words(const struct uiommu_pdev *pdev);

/* pci_poll.c; uiommu_pdev.lock is held but for stop, which must not be called with it. */
int pdev_poll_init(struct uiommu_pdev *pdev);
void pdev_poll_fini(struct uiommu_pdev *pdev);
int pdev_poll_start(struct uiommu_pdev *pdev);
/* The device is closing: the thread is gone, and mappings, which might start it again, are refused.
 */
void pdev_poll_stop(struct uiommu_pdev *pdev);
/* Brings the memory up to the model's registers; @force: whatever a client has stored there. */
void pdev_poll_mirror(struct uiommu_pdev *pdev, bool force);
/* The thread looks at the window again: what is there now isn't news. Under pdev_maps.lock. */
void pdev_poll_resume(struct uiommu_pdev *pdev, unsigned int bar);

#endif
