/* SPDX-License-Identifier: MIT */
/*
 * The part of /sys and /dev that tells of the devices, as a tree of ordinary files.
 *
 * A front end that sees a program ask for a path looks here first. The tree holds what a kernel
 * would show of these PCI functions, bound to vfio-pci, each in its IOMMU group:
 *
 *     sys/devices/pciDDDD:BB/DDDD:BB:DD.F/...     the function; below vfio-dev/ its VFIO device
 *     sys/bus/pci/devices/, sys/kernel/iommu_groups/N/devices/, sys/bus/pci/drivers/vfio-pci/,
 *     sys/class/..., sys/dev/char/...             symbolic links to it
 *     dev/iommu, dev/vfio/...                     an empty file for each device node
 *
 * Where a directory of the tree exists on the machine as well, it also has what is there, so that a
 * listing shows both; where the machine has a thing of the same name, the tree's hides it. A link
 * of the machine's is copied: it may lead out of the tree, as the machine's own things aren't in
 * it. Anything else of the machine's is an absolute link to its own path, and nothing else is: with
 * the tree as the root directory it leads nowhere but to itself, so that who asks for it goes on to
 * the machine.
 */
#ifndef UIOMMU_SYSTEM_TREE_H
#define UIOMMU_SYSTEM_TREE_H

#include <stdint.h>

#include "system/sys.h"

struct topology;

struct tree_device {
	const struct sys_device_spec *spec;
	const struct uiommu_pci_desc *desc;
	uint8_t *config; /* PCI_CONFIG_SIZE bytes, as after a reset; addresses of the BARs are
			    filled in */
};

/**
 * tree_build() - make the tree
 * @root:    an existing, empty directory
 * @machine: the machine's root directory, "/"
 * Return: 0; -errno with a message in @err (SYS_ERR_LEN bytes), the tree may be there in part.
 */
int tree_build(const char *root, const char *machine, struct tree_device *dev, unsigned int ndev,
	char *err);

/* The tree of a finished topology: creates its devices, describes them, and lets them go. */
int tree_build_topology(const char *root, const struct topology *top, char *err);

#endif
