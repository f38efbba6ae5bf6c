/* SPDX-License-Identifier: MIT */
/*
 * Configuration space as data: a write merges the writable bits into the image, and then the rest
 * of the core follows what the image says (pdev_config_sync). No register has code of its own but
 * for the one bit that asks for a function level reset.
 *
 * A client of VFIO finds a function as a system leaves it: memory decoding on, bus mastering off.
 * Over a function level reset the system saves and restores what it knows: the header, and the PCIe
 * capability.
 */
#include <errno.h>

#include "core/requester.h"
#include "dev/pdev.h"

/* Where capabilities are; each has room to spare. */
#define CAP_PM	 PCI_CAP_FIRST
#define CAP_MSI	 0x50
#define CAP_PCIE 0x70
#define CAP_MSIX 0xb0

static void header_init(struct pdev_config *c, const struct uiommu_pci_desc *d)
{
	pci_put16(&c->image[PCI_VENDOR], d->vendor);
	pci_put16(&c->image[PCI_DEVICE], d->device);
	pci_put32(&c->image[PCI_REVISION], d->class_code << 8 | d->revision);
	pci_put16(&c->image[PCI_SUBSYS_VENDOR], d->subsys_vendor);
	pci_put16(&c->image[PCI_SUBSYS_DEVICE], d->subsys_device);
	c->image[PCI_INT_PIN] = d->intx;
	pci_put16(&c->image[PCI_COMMAND], PCI_COMMAND_MEMORY);
	pci_put16(&c->writable[PCI_COMMAND], PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
						     PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
						     PCI_COMMAND_INTX_DISABLE);
	pci_put16(&c->image[PCI_STATUS], PCI_STATUS_CAP_LIST);
	pci_put16(&c->w1c[PCI_STATUS], PCI_STATUS_W1C);
	c->writable[PCI_CACHE_LINE] = 0xff;
	c->writable[PCI_INT_LINE] = 0xff;
}

/* Sizing by writing all ones falls out of the mask: bits below the size stay 0. */
static void bar_init(struct pdev_config *c, const struct uiommu_bar_desc *bar, unsigned int n)
{
	uint64_t mask = ~(bar->size - 1);

	if (!bar->size)
		return;
	c->image[PCI_BAR(n)] = (uint8_t)((bar->mem64 ? PCI_BAR_MEM64 : 0) |
					 (bar->prefetch ? PCI_BAR_PREFETCH : 0));
	pci_put32(&c->writable[PCI_BAR(n)], (uint32_t)mask);
	if (bar->mem64)
		pci_put32(&c->writable[PCI_BAR(n + 1)], (uint32_t)(mask >> 32));
}

/* Appends a capability to the list. @link: where the list ends by now. */
static uint8_t *cap_add(struct pdev_config *c, unsigned int *link, unsigned int at, uint8_t id)
{
	c->image[*link] = (uint8_t)at;
	c->image[at] = id;
	*link = at + PCI_CAP_NEXT;
	return &c->image[at];
}

static void pm_init(struct pdev_config *c, unsigned int *link)
{
	uint8_t *cap = cap_add(c, link, CAP_PM, PCI_CAP_PM);

	c->pm = CAP_PM;
	pci_put16(cap + PCI_PM_CAP, PCI_PM_CAP_VERSION);
	pci_put16(cap + PCI_PM_CTRL, PCI_PM_CTRL_NO_RESET);
	pci_put16(&c->writable[CAP_PM + PCI_PM_CTRL], PCI_PM_CTRL_STATE);
}

static void msi_init(struct pdev_config *c, unsigned int *link, unsigned int vectors)
{
	uint8_t *cap = cap_add(c, link, CAP_MSI, PCI_CAP_MSI), *writable = &c->writable[CAP_MSI];
	unsigned int vectors_lg2 = (unsigned int)__builtin_ctz(vectors);

	c->msi = CAP_MSI;
	pci_put16(cap + PCI_MSI_CTRL,
		(uint16_t)(PCI_MSI_CTRL_64 | PCI_MSI_CTRL_MASKING | vectors_lg2 << 1));
	pci_put16(writable + PCI_MSI_CTRL, PCI_MSI_CTRL_MME);
	pci_put32(writable + PCI_MSI_ADDR_LO, ~3u);
	pci_put32(writable + PCI_MSI_ADDR_HI, ~0u);
	pci_put16(writable + PCI_MSI_DATA, 0xffff);
	pci_put32(writable + PCI_MSI_MASK, (uint32_t)((1ull << vectors) - 1));
}

static void pcie_init(struct pdev_config *c, unsigned int *link)
{
	uint8_t *cap = cap_add(c, link, CAP_PCIE, PCI_CAP_PCIE), *writable = &c->writable[CAP_PCIE];
	uint32_t link_now = PCI_EXP_LINK_SPEED | PCI_EXP_LINK_WIDTH;

	c->pcie = CAP_PCIE;
	pci_put16(cap + PCI_EXP_FLAGS, PCI_EXP_FLAGS_V2);
	pci_put32(cap + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	pci_put16(cap + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_DEFAULT);
	pci_put16(writable + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_WRITABLE);
	pci_put16(&c->w1c[CAP_PCIE + PCI_EXP_DEVSTA], PCI_EXP_DEVSTA_W1C);
	pci_put32(cap + PCI_EXP_LNKCAP, link_now);
	pci_put16(writable + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_WRITABLE);
	pci_put16(cap + PCI_EXP_LNKSTA, (uint16_t)link_now);
	pci_put32(cap + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_CTDS);
	pci_put16(writable + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_WRITABLE);
	pci_put32(cap + PCI_EXP_LNKCAP2, PCI_EXP_LINK_SPEEDS);
	pci_put16(cap + PCI_EXP_LNKCTL2, PCI_EXP_LINK_SPEED);
}

static void msix_init(struct pdev_config *c, unsigned int *link, const struct uiommu_pci_desc *d)
{
	uint8_t *cap = cap_add(c, link, CAP_MSIX, PCI_CAP_MSIX);

	c->msix = CAP_MSIX;
	pci_put16(cap + PCI_MSIX_CTRL, (uint16_t)(d->msix_vectors - 1));
	pci_put32(cap + PCI_MSIX_TABLE, d->msix_off | d->msix_bar);
	pci_put32(cap + PCI_MSIX_PBA, d->pba_off | d->msix_bar);
	pci_put16(&c->writable[CAP_MSIX + PCI_MSIX_CTRL], PCI_MSIX_CTRL_FMASK);
}

void pdev_config_init(struct uiommu_pdev *pdev)
{
	const struct uiommu_pci_desc *d = &pdev->desc;
	struct pdev_config *c = &pdev->config;
	unsigned int link = PCI_CAP_PTR;

	memset(c, 0, sizeof(*c));
	header_init(c, d);
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++)
		bar_init(c, &d->bar[i], i);
	pm_init(c, &link);
	if (d->msi_vectors)
		msi_init(c, &link, d->msi_vectors);
	pcie_init(c, &link);
	if (d->msix_vectors)
		msix_init(c, &link, d);
}

static void restore(struct pdev_config *c, const uint8_t *old, unsigned int start, unsigned int len)
{
	for (unsigned int i = start; i < start + len; i++)
		c->image[i] = (uint8_t)((c->image[i] & ~c->writable[i]) |
					(old[i - start] & c->writable[i]));
}

void pdev_config_reset(struct uiommu_pdev *pdev, bool keep)
{
	struct pdev_config *c = &pdev->config;
	uint8_t header[PCI_HEADER_END], pcie[PCI_EXP_SIZE];

	memcpy(header, c->image, sizeof(header));
	memcpy(pcie, &c->image[CAP_PCIE], sizeof(pcie));
	pdev_config_init(pdev);
	if (!keep)
		return;
	restore(c, header, 0, sizeof(header));
	restore(c, pcie, CAP_PCIE, sizeof(pcie));
}

void pdev_config_sync(struct uiommu_pdev *pdev)
{
	const struct pdev_config *c = &pdev->config;
	uint16_t command = pci_get16(&c->image[PCI_COMMAND]);
	bool awake = !(pci_get16(&c->image[c->pm + PCI_PM_CTRL]) & PCI_PM_CTRL_STATE);
	bool master = pdev->open && awake && command & PCI_COMMAND_MASTER;
	bool changed = master != pdev->bus_master;

	atomic_store(&pdev->decode, pdev->open && awake && command & PCI_COMMAND_MEMORY);
	if (changed) {
		pdev->bus_master = master;
		requester_set_bus_master(pdev->requester, master);
	}
	changed |= pdev_irqs_sync(pdev);
	if (changed && pdev->open && pdev->model->config_changed)
		pdev->model->config_changed(pdev->priv);
}

static unsigned int log2_up(unsigned int n)
{
	return n <= 1 ? 0 : 32 - (unsigned int)__builtin_clz(n - 1);
}

/* The enable bits are the client's to write only while VFIO has the index enabled. */
void pdev_config_enable(struct uiommu_pdev *pdev, enum pdev_irq index, unsigned int nvec)
{
	bool msi = index == PDEV_IRQ_MSI;
	struct pdev_config *c = &pdev->config;
	unsigned int at = msi ? c->msi + PCI_MSI_CTRL : c->msix + PCI_MSIX_CTRL;
	uint16_t enable = msi ? PCI_MSI_CTRL_ENABLE : PCI_MSIX_CTRL_ENABLE;
	uint16_t ctrl = pci_get16(&c->image[at]), writable = pci_get16(&c->writable[at]);

	ctrl = (uint16_t)(ctrl & ~(enable | (msi ? PCI_MSI_CTRL_MME : PCI_MSIX_CTRL_FMASK)));
	writable = (uint16_t)(writable & ~enable);
	if (nvec) {
		ctrl = (uint16_t)(ctrl | enable | (msi ? log2_up(nvec) << 4 : 0));
		writable |= enable;
	}
	if (msi)
		pci_put32(&c->image[c->msi + PCI_MSI_MASK], 0);
	pci_put16(&c->image[at], ctrl);
	pci_put16(&c->writable[at], writable);
}

/* Return: bytes of [@off, @off + @len) inside of configuration space, or -EINVAL. */
static ssize_t clamp(uint64_t off, size_t len)
{
	if (off >= PCI_CONFIG_SIZE)
		return -EINVAL;
	return (ssize_t)(len < PCI_CONFIG_SIZE - off ? len : PCI_CONFIG_SIZE - off);
}

ssize_t pdev_config_read(struct uiommu_pdev *pdev, uint64_t off, void *buf, size_t len)
{
	ssize_t n = clamp(off, len);

	if (n <= 0)
		return n;
	pthread_mutex_lock(&pdev->lock);
	pdev_irqs_show(pdev);
	memcpy(buf, &pdev->config.image[off], (size_t)n);
	pthread_mutex_unlock(&pdev->lock);
	return n;
}

/* D1 and D2 aren't there: PM 3.2.4 says that writing them changes nothing. */
static void power_settle(struct pdev_config *c, uint8_t was)
{
	uint8_t *ctrl = &c->image[c->pm + PCI_PM_CTRL];
	uint8_t state = *ctrl & PCI_PM_CTRL_STATE;

	if (state && state != PCI_PM_D3HOT)
		*ctrl = was;
}

static void merge(struct pdev_config *c, uint64_t off, uint8_t val)
{
	uint8_t writable = c->writable[off];

	c->image[off] = (uint8_t)((c->image[off] & ~writable) | (val & writable));
	c->image[off] = (uint8_t)(c->image[off] & ~(val & c->w1c[off]));
}

ssize_t pdev_config_write(struct uiommu_pdev *pdev, uint64_t off, const void *buf, size_t len)
{
	uint64_t flr_at = CAP_PCIE + PCI_EXP_DEVCTL + 1;
	ssize_t n = clamp(off, len);
	struct pdev_config *c = &pdev->config;
	const uint8_t *val = buf;
	uint8_t power;

	if (n <= 0)
		return n;
	pthread_mutex_lock(&pdev->lock);
	power = c->image[c->pm + PCI_PM_CTRL];
	for (size_t i = 0; i < (size_t)n; i++)
		merge(c, off + i, val[i]);
	power_settle(c, power);
	pdev_config_sync(pdev);
	if (flr_at >= off && flr_at - off < (size_t)n &&
		val[flr_at - off] & PCI_EXP_DEVCTL_FLR >> 8)
		pdev_reset_locked(pdev);
	pthread_mutex_unlock(&pdev->lock);
	return n;
}
