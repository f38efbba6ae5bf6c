/* SPDX-License-Identifier: MIT */
#include "system/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/range.h"
#include "dev/pci.h"
#include "dev/pci_spec.h"
#include "system/nodes.h"
#include "system/topology.h"
#include "system/tree_files.h"

/* Where BARs are said to be, as nothing decodes these addresses: where firmware would put them. */
#define BAR32_FIRST 0x80000000ull
#define BAR32_LAST  0xfbffffffull
#define BAR64_FIRST 0x380000000000ull

/* Linux's resource flags. */
#define RES_MEM	     0x200ull
#define RES_PREFETCH 0x2000ull
#define RES_SIZE     0x40000ull
#define RES_MEM64    0x100000ull
#define NRESOURCES   13 /* BARs, ROM, and those of virtual functions */

#define VFIO_PCI "sys/bus/pci/drivers/vfio-pci"

struct tree {
	struct tree_files files;
	struct tree_device *dev;
	unsigned int ndev;
	uint64_t next32, next64;
	uint64_t bar[UIOMMU_PCI_BARS]; /* of the function at hand, 0: absent */
};

/* --- A function's addresses ------------------------------------------------------------------ */

static uint64_t place(uint64_t *next, uint64_t size)
{
	uint64_t at;

	/* Apart from each other by pages, as they would be to be mapped. */
	if (!align_up(*next, size < 4096 ? 4096 : size, &at))
		return 0;
	*next = at + size;
	return at;
}

static void place_bars(struct tree *tree, const struct tree_device *dev)
{
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		const struct uiommu_bar_desc *bar = &dev->desc->bar[i];
		uint64_t next = tree->next32;

		tree->bar[i] = 0;
		if (bar->size && bar->mem64) {
			tree->bar[i] = place(&tree->next64, bar->size);
		} else if (bar->size) {
			uint64_t at = place(&next, bar->size);

			/* Where there's no room any more, firmware leaves a BAR unassigned. */
			if (next > BAR32_LAST + 1)
				continue;
			tree->bar[i] = at;
			tree->next32 = next;
		}
	}
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void put_bars(const struct tree *tree, struct tree_device *dev)
{
	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		const struct uiommu_bar_desc *bar = &dev->desc->bar[i];
		uint8_t *p = dev->config + PCI_BAR(i);

		if (!bar->size)
			continue;
		put32(p, (uint32_t)tree->bar[i] | (p[0] & 0xf));
		if (bar->mem64)
			put32(p + 4, (uint32_t)(tree->bar[i] >> 32));
	}
}

static uint64_t resource_flags(const struct uiommu_bar_desc *bar)
{
	uint64_t flags = RES_MEM | RES_SIZE;

	if (bar->mem64)
		flags |= RES_MEM64 | PCI_BAR_MEM64;
	if (bar->prefetch)
		flags |= RES_PREFETCH | PCI_BAR_PREFETCH;
	return flags;
}

static void put_resource(struct tree *tree, const struct tree_device *dev, const char *dir)
{
	char text[NRESOURCES * 60];
	size_t len = 0;

	for (unsigned int i = 0; i < NRESOURCES; i++) {
		uint64_t at = i < UIOMMU_PCI_BARS ? tree->bar[i] : 0, last = 0, flags = 0;

		if (at) {
			last = at + dev->desc->bar[i].size - 1;
			flags = resource_flags(&dev->desc->bar[i]);
		}
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)at,
			(unsigned long long)last, (unsigned long long)flags);
	}
	tree_attr(&tree->files, dir, "resource", "%s", text);
}

/* --- A function ------------------------------------------------------------------------------ */

static void put_identity(struct tree *tree, const struct tree_device *dev, const char *dir)
{
	const struct uiommu_pci_desc *d = dev->desc;
	struct tree_files *t = &tree->files;
	char alias[80];

	snprintf(alias, sizeof(alias), "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", d->vendor,
		d->device, d->subsys_vendor, d->subsys_device, d->class_code >> 16 & 0xff,
		d->class_code >> 8 & 0xff, d->class_code & 0xff);
	tree_attr(t, dir, "vendor", "0x%04x\n", d->vendor);
	tree_attr(t, dir, "device", "0x%04x\n", d->device);
	tree_attr(t, dir, "subsystem_vendor", "0x%04x\n", d->subsys_vendor);
	tree_attr(t, dir, "subsystem_device", "0x%04x\n", d->subsys_device);
	tree_attr(t, dir, "class", "0x%06x\n", d->class_code);
	tree_attr(t, dir, "revision", "0x%02x\n", d->revision);
	tree_attr(t, dir, "modalias", "%s\n", alias);
	tree_attr(t, dir, "uevent",
		"DRIVER=vfio-pci\nPCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n"
		"PCI_SLOT_NAME=%s\nMODALIAS=%s\n",
		d->class_code, d->vendor, d->device, d->subsys_vendor, d->subsys_device,
		dev->spec->bdf, alias);
}

static void put_attributes(struct tree *tree, const char *dir)
{
	static const struct {
		const char *name, *text;
	} attrs[] = {
		{ "irq", "0\n" },
		{ "numa_node", "-1\n" },
		{ "enable", "1\n" },
		{ "driver_override", "vfio-pci\n" },
		{ "power_state", "D0\n" },
		{ "ari_enabled", "0\n" },
		{ "broken_parity_status", "0\n" },
		{ "dma_mask_bits", "64\n" },
		{ "consistent_dma_mask_bits", "64\n" },
		{ "msi_bus", "1\n" },
		/* Drivers for virtual functions ask; there are none. */
		{ "max_vfs", "0\n" },
		{ "sriov_numvfs", "0\n" },
		{ "sriov_totalvfs", "0\n" },
		{ "reset_method", "flr\n" },
		/* Written by scripts; what they write changes nothing. */
		{ "reset", "" },
		{ "remove", "" },
		{ "rescan", "" },
	};

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		tree_attr(&tree->files, dir, attrs[i].name, "%s", attrs[i].text);
}

/* The VFIO device of the function in @dir. */
static void put_vfio_device(struct tree *tree, const struct tree_device *dev, const char *dir)
{
	struct tree_files *t = &tree->files;
	unsigned int n = dev->spec->index;
	char path[TREE_PATH / 2], link[TREE_PATH];

	snprintf(path, sizeof(path), "%s/vfio-dev/vfio%u", dir, n);
	tree_attr(t, path, "dev", "%u:%u\n", NODE_DEVICE_MAJOR, n);
	tree_attr(t, path, "uevent", "MAJOR=%u\nMINOR=%u\nDEVNAME=vfio/devices/vfio%u\n",
		NODE_DEVICE_MAJOR, n, n);
	snprintf(link, sizeof(link), "%s/device", path);
	tree_link(t, link, dir);
	snprintf(link, sizeof(link), "%s/subsystem", path);
	tree_link(t, link, "sys/class/vfio-dev");
	snprintf(link, sizeof(link), "sys/class/vfio-dev/vfio%u", n);
	tree_link(t, link, path);
	snprintf(link, sizeof(link), "sys/dev/char/%u:%u", NODE_DEVICE_MAJOR, n);
	tree_link(t, link, path);
	snprintf(link, sizeof(link), "dev/vfio/devices/vfio%u", n);
	tree_bytes(t, link, "", 0);
}

/* Links from and to the function in @dir. */
static void put_function_links(struct tree *tree, const struct tree_device *dev, const char *dir)
{
	struct tree_files *t = &tree->files;
	const char *bdf = dev->spec->bdf;
	char link[TREE_PATH], to[TREE_PATH];

	snprintf(link, sizeof(link), "%s/subsystem", dir);
	tree_link(t, link, "sys/bus/pci");
	snprintf(link, sizeof(link), "%s/driver", dir);
	tree_link(t, link, VFIO_PCI);
	snprintf(link, sizeof(link), "%s/iommu", dir);
	tree_link(t, link, "sys/devices/virtual/iommu/uiommu0");
	snprintf(link, sizeof(link), "%s/iommu_group", dir);
	snprintf(to, sizeof(to), "sys/kernel/iommu_groups/%u", dev->spec->group);
	tree_link(t, link, to);

	snprintf(
		link, sizeof(link), "sys/kernel/iommu_groups/%u/devices/%s", dev->spec->group, bdf);
	tree_link(t, link, dir);
	snprintf(link, sizeof(link), "sys/bus/pci/devices/%s", bdf);
	tree_link(t, link, dir);
	snprintf(link, sizeof(link), VFIO_PCI "/%s", bdf);
	tree_link(t, link, dir);
	snprintf(link, sizeof(link), "sys/devices/virtual/iommu/uiommu0/devices/%s", bdf);
	tree_link(t, link, dir);
}

static void put_function(struct tree *tree, struct tree_device *dev)
{
	const char *bdf = dev->spec->bdf;
	char dir[64], path[TREE_PATH];

	snprintf(dir, sizeof(dir), "sys/devices/pci%.7s/%s", bdf, bdf);
	place_bars(tree, dev);
	put_bars(tree, dev);
	put_identity(tree, dev, dir);
	put_attributes(tree, dir);
	put_resource(tree, dev, dir);
	snprintf(path, sizeof(path), "%s/config", dir);
	tree_bytes(&tree->files, path, dev->config, PCI_CONFIG_SIZE);
	put_vfio_device(tree, dev, dir);
	put_function_links(tree, dev, dir);
}

/* --- What functions share -------------------------------------------------------------------- */

/* A class device without hardware, sys/devices/virtual/CLASS/NAME, and its node. */
static void put_virtual(struct tree *tree, const char *class, const char *name, const char *node,
	unsigned int major, unsigned int minor)
{
	struct tree_files *t = &tree->files;
	char path[TREE_PATH / 2], link[TREE_PATH], to[TREE_PATH];

	snprintf(path, sizeof(path), "sys/devices/virtual/%s/%s", class, name);
	tree_attr(t, path, "dev", "%u:%u\n", major, minor);
	tree_attr(t, path, "uevent", "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", major, minor, node);
	snprintf(link, sizeof(link), "%s/subsystem", path);
	snprintf(to, sizeof(to), "sys/class/%s", class);
	tree_link(t, link, to);
	snprintf(link, sizeof(link), "sys/class/%s/%s", class, name);
	tree_link(t, link, path);
	snprintf(link, sizeof(link), "sys/dev/char/%u:%u", major, minor);
	tree_link(t, link, path);
	snprintf(link, sizeof(link), "dev/%s", node);
	tree_bytes(t, link, "", 0);
}

static bool first_of_group(const struct tree *tree, unsigned int i)
{
	for (unsigned int j = 0; j < i; j++) {
		if (tree->dev[j].spec->group == tree->dev[i].spec->group)
			return false;
	}
	return true;
}

static void put_group(struct tree *tree, unsigned int group)
{
	char dir[64], name[16], node[32];

	snprintf(dir, sizeof(dir), "sys/kernel/iommu_groups/%u", group);
	tree_attr(&tree->files, dir, "type", "DMA\n");
	tree_attr(&tree->files, dir, "reserved_regions",
		"0x00000000fee00000 0x00000000feefffff msi\n");
	snprintf(name, sizeof(name), "%u", group);
	snprintf(node, sizeof(node), "vfio/%u", group);
	put_virtual(tree, "vfio", name, node, NODE_GROUP_MAJOR, group);
}

static void put_modules(struct tree *tree)
{
	static const char *const modules[] = { "vfio", "vfio_iommu_type1", "vfio_pci",
		"vfio_pci_core", "iommufd" };
	struct tree_files *t = &tree->files;

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		char dir[64];

		snprintf(dir, sizeof(dir), "sys/module/%s", modules[i]);
		tree_attr(t, dir, "initstate", "live\n");
		tree_attr(t, dir, "refcnt", "0\n");
		tree_attr(t, dir, "uevent", "%s", "");
	}
	tree_attr(t, "sys/module/vfio/parameters", "enable_unsafe_noiommu_mode", "N\n");
	tree_attr(t, "sys/module/vfio_iommu_type1/parameters", "allow_unsafe_interrupts", "N\n");
	tree_attr(t, "sys/module/vfio_iommu_type1/parameters", "disable_hugepages", "N\n");
	tree_attr(t, "sys/module/vfio_iommu_type1/parameters", "dma_entry_limit", "65535\n");
	tree_link(t, "sys/module/vfio_pci/drivers/pci:vfio-pci", VFIO_PCI);
}

static void put_driver(struct tree *tree)
{
	static const char *const attrs[] = { "bind", "unbind", "new_id", "remove_id", "uevent" };
	struct tree_files *t = &tree->files;

	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		tree_attr(t, VFIO_PCI, attrs[i], "%s", "");
	tree_link(t, VFIO_PCI "/module", "sys/module/vfio_pci");
}

static void put_iommu(struct tree *tree)
{
	static const char dir[] = "sys/devices/virtual/iommu/uiommu0";
	struct tree_files *t = &tree->files;

	tree_attr(t, dir, "uevent", "%s", "");
	tree_link(t, "sys/devices/virtual/iommu/uiommu0/subsystem", "sys/class/iommu");
	tree_link(t, "sys/class/iommu/uiommu0", dir);
	tree_dir(t, "sys/devices/virtual/iommu/uiommu0/devices");
}

static void put_unions(struct tree *tree)
{
	static const char *const shared[] = { "dev", "dev/vfio", "dev/vfio/devices", "sys",
		"sys/bus", "sys/bus/pci", "sys/bus/pci/devices", "sys/bus/pci/drivers", VFIO_PCI,
		"sys/class", "sys/class/iommu", "sys/class/misc", "sys/class/vfio",
		"sys/class/vfio-dev", "sys/dev", "sys/dev/char", "sys/devices",
		"sys/devices/virtual", "sys/devices/virtual/iommu", "sys/devices/virtual/misc",
		"sys/devices/virtual/vfio", "sys/kernel", "sys/kernel/iommu_groups", "sys/module" };

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		tree_union(&tree->files, shared[i]);
	for (unsigned int i = 0; i < tree->ndev; i++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/devices/pci%.7s", tree->dev[i].spec->bdf);
		tree_union(&tree->files, path);
	}
}

static void put_all(struct tree *tree)
{
	static const char *const dirs[] = { "dev/vfio/devices", "sys/bus/pci/devices", VFIO_PCI,
		"sys/class/vfio", "sys/class/vfio-dev", "sys/kernel/iommu_groups" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		tree_dir(&tree->files, dirs[i]);
	put_virtual(tree, "misc", "vfio", "vfio/vfio", NODE_MISC_MAJOR, NODE_CONTAINER_MINOR);
	put_virtual(tree, "misc", "iommu", "iommu", NODE_MISC_MAJOR, NODE_IOMMU_MINOR);
	put_modules(tree);
	put_driver(tree);
	put_iommu(tree);
	for (unsigned int i = 0; i < tree->ndev; i++) {
		if (first_of_group(tree, i))
			put_group(tree, tree->dev[i].spec->group);
		put_function(tree, &tree->dev[i]);
	}
	put_unions(tree);
}

int tree_build(const char *root, const char *machine, struct tree_device *dev, unsigned int ndev,
	char *err)
{
	struct tree tree = {
		.dev = dev, .ndev = ndev, .next32 = BAR32_FIRST, .next64 = BAR64_FIRST
	};
	int ret = tree_files_open(&tree.files, root, machine, err);

	if (ret)
		return ret;
	put_all(&tree);
	tree_files_close(&tree.files);
	return tree.files.err;
}
