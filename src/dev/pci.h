/* SPDX-License-Identifier: MIT */
/*
 * The PCI core: what an emulated function shows to whoever drives it (VFIO, a front end).
 *
 * Config space is data: an image, a mask of writable bits, and a mask of bits that are cleared by
 * writing 1. One mutex per device serialises config and register accesses, resets, and calls into
 * the model; doorbells, interrupts and the choice of who notices doorbells go past it.
 */
#ifndef UIOMMU_DEV_PCI_H
#define UIOMMU_DEV_PCI_H

#include <sys/types.h>

#include <uiommu/device.h>

struct requester;

#define PCI_CONFIG_SIZE 4096u

/* Interrupt indices as VFIO numbers them. */
enum pdev_irq {
	PDEV_IRQ_INTX,
	PDEV_IRQ_MSI,
	PDEV_IRQ_MSIX,
	PDEV_IRQ_ERR,
	PDEV_IRQ_REQ,
	PDEV_IRQS,
};

enum pdev_bar_mode {
	PDEV_BAR_AUTO, /* trap while idle, poll while busy */
	PDEV_BAR_TRAP, /* every access traps */
	PDEV_BAR_POLL, /* plain memory, a thread watches it */
};

struct pdev_cfg {
	const char *bdf; /* "0000:01:00.0", checked */
	enum pdev_bar_mode bar_mode;
	struct requester *requester; /* outlives the device */
	_Atomic uint64_t
		*interrupts; /* counts what it sends, too; outlives the device; may be NULL */
	const struct uiommu_option *opt;
	unsigned int nopt;
};

/* Return: 0; -errno with a message in @err. */
int pdev_new(const struct uiommu_model *model, const struct pdev_cfg *cfg, struct uiommu_pdev **out,
	char *err, size_t errlen);
/* The device is closed. */
void pdev_free(struct uiommu_pdev *pdev);

const struct uiommu_pci_desc *pdev_desc(const struct uiommu_pdev *pdev);
struct requester *pdev_requester(const struct uiommu_pdev *pdev);

/* First open and last close by a client; pdev_close() is also what a client's death comes to. After
 * pdev_close() the device does no DMA, has no interrupt and is in its reset state. */
int pdev_open(struct uiommu_pdev *pdev);
void pdev_close(struct uiommu_pdev *pdev);
/*
 * Function level reset. Triggers of INTx, MSI and MSI-X are dropped; the system saves and restores
 * what it knows of config space (the header with command and BARs, the PCIe capability), the rest
 * is reset. BARs' mappings stay. After open, memory decoding is on and bus mastering off.
 */
void pdev_reset(struct uiommu_pdev *pdev);

/*
 * Config space and BARs, any offset and length, split into naturally aligned accesses. Return:
 * bytes (short at the end of the region); -EIO for BARs while memory decoding is off; -EINVAL
 * beyond the end.
 */
ssize_t pdev_config_read(struct uiommu_pdev *pdev, uint64_t off, void *buf, size_t len);
ssize_t pdev_config_write(struct uiommu_pdev *pdev, uint64_t off, const void *buf, size_t len);
ssize_t pdev_bar_read(
	struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, void *buf, size_t len);
ssize_t pdev_bar_write(
	struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, const void *buf, size_t len);

/*
 * A client's mapping of a part of a BAR. The memory behind it is pdev_bar_fd(); accesses either
 * trap in the front end, which calls pdev_bar_read() and pdev_bar_write(), or are plain stores, as
 * expose() says.
 */
struct bar_mapping {
	struct bar_mapping *next; /* the device's list; under that list's mutex */
	bool exposed;		  /* the core's, under the same: stores are direct somewhere */
	unsigned int bar;
	uint64_t off, len; /* page-aligned, from the BAR's start */
	/*
	 * Make [off, off + len) of the BAR, which lies inside the mapping, accessible without
	 * traps, or not any more. Called with the mutex of the list held, at times the device's as
	 * well, on any thread, a model's too; doesn't call back and doesn't wait for anyone who
	 * might. Returns when it is so for every thread of the client. Return: false if it can't be
	 * done.
	 */
	bool (*expose)(struct bar_mapping *map, uint64_t off, uint64_t len, bool on);
};
/* A memfd of the BAR's size, -1 if it can't be mapped or the device isn't open; the caller doesn't
 * close it. */
int pdev_bar_fd(struct uiommu_pdev *pdev, unsigned int bar);
/* Calls expose(.., true) for whatever is exposed now (all of it with PDEV_BAR_POLL). Return: 0,
 * -EINVAL, -EAGAIN. */
int pdev_bar_map(struct uiommu_pdev *pdev, struct bar_mapping *map);
/* The mapping is about to be removed, or has been. Nothing happens if pdev_close() has already
 * forgotten it. */
void pdev_bar_unmap(struct uiommu_pdev *pdev, struct bar_mapping *map);
/* Reads and writes of BARs by the two functions above. */
uint64_t pdev_accesses(const struct uiommu_pdev *pdev);

/* Interrupts: vectors that the device has at @index (0 or 1 for INTx, ERR, REQ). */
unsigned int pdev_irq_count(const struct uiommu_pdev *pdev, enum pdev_irq index);
/* Vectors that are enabled now. */
unsigned int pdev_irq_enabled(const struct uiommu_pdev *pdev, enum pdev_irq index);
/**
 * pdev_irq_set_eventfds() - VFIO SET_IRQS with DATA_EVENTFD and ACTION_TRIGGER
 * @fds: @count descriptors; -1 removes the trigger. They are duplicated.
 *
 * The first use enables the index with start + count vectors; enabling MSI or MSI-X sets the enable
 * bit in the capability and unmasks the vectors in the table. Later uses may add vectors to MSI-X,
 * not to MSI. Either all descriptors are installed or none. A vector without a trigger becomes
 * pending when the device sends it.
 *
 * Return: 0; -EINVAL out of range, not an eventfd, or another of INTx, MSI, MSI-X is enabled;
 * -EBADF; -ENODEV not open; -EMFILE; -ENOMEM.
 */
int pdev_irq_set_eventfds(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int start,
	unsigned int count, const int *fds);
/* All triggers of the index are dropped and it is disabled. */
void pdev_irq_disable(struct uiommu_pdev *pdev, enum pdev_irq index);
/* Signals installed triggers, whatever the masks say (VFIO's loopback). */
void pdev_irq_trigger(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int vector);
/* Interrupts signalled since the device was made, by whatever index. */
uint64_t pdev_irq_sent(const struct uiommu_pdev *pdev);
/* INTx only: level-triggered and masked automatically when it is signalled. */
void pdev_intx_mask(struct uiommu_pdev *pdev, bool masked);
/* An eventfd whose signal unmasks INTx, or -1. Return: 0, -EINVAL, -EBADF, -EMFILE, -EAGAIN. */
int pdev_intx_unmask_fd(struct uiommu_pdev *pdev, int fd);

#endif
