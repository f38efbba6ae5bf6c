/* SPDX-License-Identifier: MIT */
/*
 * What a device model implements, and what it may call.
 *
 * A model is a `struct uiommu_model`: data that describes the PCI function (identity, BARs,
 * interrupt vectors) and a few functions. The PCI core owns config space, BAR decoding, MSI-X
 * tables, interrupt delivery and resets; the model sees register accesses and the DMA API (dma.h),
 * and knows nothing of address spaces, page tables or VFIO.
 *
 * Threads: create, destroy, open, close, reset and the register callbacks are called one at a time
 * per device, on whatever thread the client used; none of them may do DMA or wait for the client. A
 * model does its DMA on a thread of its own, created lazily (in open() or later: never in create(),
 * since clients fork before they use a device). doorbell() may be called at any time from any
 * thread.
 */
#ifndef UIOMMU_DEVICE_H
#define UIOMMU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uiommu/dma.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct uiommu_pdev;

#define UIOMMU_PCI_BARS 6

struct uiommu_bar_desc {
	uint64_t size; /* bytes: 0 (absent) or a power of two, at least 16; at least 4096 with mmap
			*/
	bool mem64;    /* 64-bit: takes the next BAR's slot as well */
	bool prefetch;
	bool mmap; /* clients may map it */
	/*
	 * Doorbell window: 32-bit registers that clients only write, where only the latest value
	 * counts. Page-aligned offset and length; 0, 0 for none.
	 */
	uint32_t db_off, db_len;
};

/*
 * A register that clients store to, or that changes, where accesses can't trap (bar=poll); others
 * of BAR 0 are shown as they were at open and reset. The order is that in which stores are
 * delivered, and in which changes appear: a parameter comes before the register that starts the
 * action, a result before the status that announces it. Registers are read often, so that reading
 * must have no effect.
 */
struct uiommu_poll_reg {
	uint32_t off, size; /* size 4 or 8 */
};

struct uiommu_pci_desc {
	uint16_t vendor, device, subsys_vendor, subsys_device;
	uint32_t class_code; /* 24 bits: base class, sub-class, programming interface */
	uint8_t revision;
	bool intx;		    /* has interrupt pin A */
	uint8_t msi_vectors;	    /* 0, or a power of two up to 32 */
	uint16_t msix_vectors;	    /* 0 .. 2048 */
	uint8_t msix_bar;	    /* BAR of the MSI-X table and PBA ... */
	uint32_t msix_off, pba_off; /* ... at these offsets, both page-aligned */
	struct uiommu_bar_desc bar[UIOMMU_PCI_BARS];
	const struct uiommu_poll_reg *poll_regs; /* of BAR 0; NULL: no bar=poll */
	unsigned int npoll_regs;
};

struct uiommu_option {
	const char *key, *value;
};

struct uiommu_option_desc {
	const char *key;
	const char *meaning; /* one line, with the unit and the default */
	bool required;
	bool path; /* a file's name: made absolute before the model sees it */
};

struct uiommu_model {
	const char *name;			  /* as in --device NAME,... */
	const char *summary;			  /* one line */
	const struct uiommu_option_desc *options; /* ends with key NULL */

	/**
	 * create() - make an instance
	 * @opt:  the options that the model declares, checked against the list; unset ones are
	 * absent
	 * @priv: receives the instance
	 * @desc: receives the function's description; copied
	 * @err:  on failure receives a message for a human, NUL-terminated
	 *
	 * Checks whatever can be checked without a client (the drive exists, is readable, its size
	 * fits). Return: 0 or -errno.
	 */
	int (*create)(struct uiommu_pdev *pdev, const struct uiommu_option *opt, unsigned int nopt,
		void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen);
	void (*destroy)(void *priv);

	/* A client takes the device: acquire what is exclusive. Return: 0, -EBUSY, ... */
	int (*open)(void *priv);
	/* The client left: no DMA and no interrupt once this has returned; what is exclusive is
	 * free. */
	void (*close)(void *priv);
	/* Function level reset: as after open(); no DMA of before once this has returned. */
	void (*reset)(void *priv);

	/* Registers. @size is 1, 2, 4 or 8, @off a multiple of it and inside the BAR. */
	uint64_t (*read)(void *priv, unsigned int bar, uint64_t off, unsigned int size);
	void (*write)(void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val);
	/* A 32-bit store to the doorbell window at @off of its BAR (from the BAR's start). */
	void (*doorbell)(void *priv, unsigned int bar, uint64_t off, uint32_t val);
	/* Bus mastering, interrupt mode or a mask changed; optional. */
	void (*config_changed)(void *priv);
};

/* --- What a model may call ------------------------------------------------------------------- */

/** uiommu_pdev_name() - PCI address, "0000:01:00.0" */
const char *uiommu_pdev_name(const struct uiommu_pdev *pdev);

/**
 * uiommu_pdev_dma_new() - a DMA channel for one thread of the model
 * Return: 0, -ENOMEM, -ENOSPC (too many channels in the system).
 */
int uiommu_pdev_dma_new(struct uiommu_pdev *pdev, struct uiommu_dma **out);
void uiommu_pdev_dma_free(struct uiommu_dma *dma);

enum uiommu_irq_mode {
	UIOMMU_IRQ_NONE,
	UIOMMU_IRQ_INTX,
	UIOMMU_IRQ_MSI,
	UIOMMU_IRQ_MSIX,
};

/** uiommu_pdev_irq_mode() - what the client has enabled; vectors that it enabled in @nvec if not
 * NULL */
enum uiommu_irq_mode uiommu_pdev_irq_mode(const struct uiommu_pdev *pdev, unsigned int *nvec);

/**
 * uiommu_pdev_msi() - send an MSI or MSI-X message
 * @vector: 0 .. enabled vectors - 1; others are dropped
 *
 * A masked vector becomes pending and is sent when it is unmasked. Context: any thread; one
 * non-blocking write to an eventfd.
 */
void uiommu_pdev_msi(struct uiommu_pdev *pdev, unsigned int vector);

/** uiommu_pdev_intx() - set the level of interrupt pin A; any thread */
void uiommu_pdev_intx(struct uiommu_pdev *pdev, bool level);

/**
 * uiommu_pdev_doorbells() - the memory behind a BAR's doorbell window
 *
 * The same page that a client's direct stores reach; read it with relaxed atomics of 32 bits. The
 * core keeps it at what was last stored, whether the store trapped or not. Its content is the
 * client's and is to be checked like any other input.
 */
uint32_t *uiommu_pdev_doorbells(struct uiommu_pdev *pdev, unsigned int bar);

/**
 * uiommu_pdev_doorbells_expose() - choose who notices stores to the doorbell window
 * @on: true: clients' stores reach the memory without a trap, and the model must look at it;
 *      false: each store is a doorbell() call
 *
 * Once the call with false has returned, no store goes unnoticed any more: read the window once
 * more, then sleep. A model that looks at the window on its own calls it before each sleep, whether
 * it had asked for direct stores or not: with bar=poll, where stores never trap, the core compares
 * the window with what it was at this call.
 *
 * Context: a thread of the model's own, or doorbell(). close() and reset() of the model may be
 * waiting for that very thread, so this, like interrupts and DMA, never waits for a callback of the
 * model to return. Return: true if direct stores are possible now (so the model has to poll).
 */
bool uiommu_pdev_doorbells_expose(struct uiommu_pdev *pdev, unsigned int bar, bool on);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
