/* SPDX-License-Identifier: MIT */
/* Information about a device, and its reset. */
#include <errno.h>
#include <stddef.h>

#include <uiommu/abi/vfio.h>

#include "abi/copy.h"
#include "abi/vfio.h"
#include "base/refuse.h"
#include "dev/pci.h"
#include "vfio/group.h"

static long get_info(struct vfio_device *vdev, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_device_info cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_GET_INFO_MIN };
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	cmd = (struct uiommu_vfio_device_info){
		.argsz = argsz,
		.flags = UIOMMU_VFIO_DEVICE_FLAG_PCI | UIOMMU_VFIO_DEVICE_FLAG_RESET,
		.num_regions = UIOMMU_VFIO_PCI_NUM_REGIONS,
		.num_irqs = UIOMMU_VFIO_PCI_NUM_IRQS,
	};
	return abi_copy_out(caller, arg, &st, &cmd, argsz);
}

static int region_fill(const struct uiommu_pci_desc *desc, struct uiommu_vfio_region_info *cmd)
{
	const uint32_t rw = UIOMMU_VFIO_REGION_FLAG_READ | UIOMMU_VFIO_REGION_FLAG_WRITE;

	cmd->offset = (uint64_t)cmd->index << UIOMMU_VFIO_PCI_REGION_SHIFT;
	cmd->cap_offset = 0;
	cmd->flags = 0;
	cmd->size = 0;
	if (cmd->index <= UIOMMU_VFIO_PCI_REGION_BAR5) {
		const struct uiommu_bar_desc *bar = &desc->bar[cmd->index];

		cmd->size = bar->size;
		if (bar->size)
			cmd->flags = rw | (bar->mmap ? UIOMMU_VFIO_REGION_FLAG_MMAP : 0);
	} else if (cmd->index == UIOMMU_VFIO_PCI_REGION_CONFIG) {
		cmd->size = PCI_CONFIG_SIZE;
		cmd->flags = rw;
	} else if (cmd->index != UIOMMU_VFIO_PCI_REGION_ROM) {
		return refuse(EINVAL, "the region exists", "region %u", cmd->index);
	}
	return 0;
}

/* The BAR with the MSI-X table may be mapped as a whole. */
static int msix_mappable(const struct abi_caller *caller, uintptr_t arg, uint32_t argsz,
	struct uiommu_vfio_region_info *cmd)
{
	const struct uiommu_vfio_cap_header cap = {
		.id = UIOMMU_VFIO_REGION_CAP_MSIX_MAPPABLE,
		.version = 1,
	};

	cmd->flags |= UIOMMU_VFIO_REGION_FLAG_CAPS;
	cmd->argsz = sizeof(*cmd) + sizeof(cap);
	if (argsz < cmd->argsz)
		return 0;
	cmd->cap_offset = sizeof(*cmd);
	if (caller->copy_out(caller, arg + sizeof(*cmd), &cap, sizeof(cap)))
		return refuse(EFAULT, "the argument is writable", "at %#lx", arg);
	return 0;
}

static long get_region_info(
	struct vfio_device *vdev, const struct abi_caller *caller, uintptr_t arg)
{
	const struct uiommu_pci_desc *desc = pdev_desc(vdev->pdev);
	struct uiommu_vfio_region_info cmd;
	const struct abi_struct st = {
		.size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_GET_REGION_INFO_MIN,
	};
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (!err)
		err = region_fill(desc, &cmd);
	if (!err && (cmd.flags & UIOMMU_VFIO_REGION_FLAG_MMAP) && desc->msix_vectors &&
		cmd.index == desc->msix_bar)
		err = msix_mappable(caller, arg, argsz, &cmd);
	return err ? err : abi_copy_out(caller, arg, &st, &cmd, argsz);
}

static long get_irq_info(struct vfio_device *vdev, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_irq_info cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_GET_IRQ_INFO_MIN };
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	if (cmd.index >= UIOMMU_VFIO_PCI_NUM_IRQS)
		return refuse(EINVAL, "the interrupt index exists", "index %u", cmd.index);
	cmd.count = pdev_irq_count(vdev->pdev, cmd.index);
	cmd.flags = UIOMMU_VFIO_IRQ_FLAG_EVENTFD |
		    (cmd.index == UIOMMU_VFIO_PCI_IRQ_INTX ? UIOMMU_VFIO_IRQ_FLAG_MASKABLE |
								     UIOMMU_VFIO_IRQ_FLAG_AUTOMASKED
							   : UIOMMU_VFIO_IRQ_FLAG_NORESIZE);
	return abi_copy_out(caller, arg, &st, &cmd, argsz);
}

static long hot_reset(const struct abi_caller *caller, uintptr_t arg, size_t min)
{
	uint32_t header[3];
	const struct abi_struct st = { .size = sizeof(header), .min = min };
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, header, &argsz);

	return err ? err : refuse(ENODEV, "the device's slot or bus can be reset", NULL);
}

static long feature(const struct abi_caller *caller, uintptr_t arg)
{
	const uint32_t known = UIOMMU_VFIO_FEATURE_INDEX_MASK | UIOMMU_VFIO_FEATURE_GET |
			       UIOMMU_VFIO_FEATURE_SET | UIOMMU_VFIO_FEATURE_PROBE;
	const uint32_t both = UIOMMU_VFIO_FEATURE_GET | UIOMMU_VFIO_FEATURE_SET;
	struct uiommu_vfio_device_feature cmd;
	const struct abi_struct st = {
		.size = offsetof(struct uiommu_vfio_device_feature, flags) + sizeof(cmd.flags),
		.min = UIOMMU_VFIO_DEVICE_FEATURE_MIN,
	};
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	why_asked("VFIO_DEVICE_FEATURE %u", cmd.flags & UIOMMU_VFIO_FEATURE_INDEX_MASK);
	if (cmd.flags & ~known ||
		((cmd.flags & both) == both && !(cmd.flags & UIOMMU_VFIO_FEATURE_PROBE)))
		return refuse(EINVAL, "a feature is got, set or probed", "flags %#x", cmd.flags);
	return refuse(ENOTTY, "the device has the feature", "feature %u",
		cmd.flags & UIOMMU_VFIO_FEATURE_INDEX_MASK);
}

long abi_device_request(
	struct vfio_device *vdev, const struct abi_caller *caller, unsigned long req, uintptr_t arg)
{
	switch (req) {
	case UIOMMU_VFIO_DEVICE_GET_INFO:
		why_asked("VFIO_DEVICE_GET_INFO");
		return get_info(vdev, caller, arg);
	case UIOMMU_VFIO_DEVICE_GET_REGION_INFO:
		why_asked("VFIO_DEVICE_GET_REGION_INFO");
		return get_region_info(vdev, caller, arg);
	case UIOMMU_VFIO_DEVICE_GET_IRQ_INFO:
		why_asked("VFIO_DEVICE_GET_IRQ_INFO");
		return get_irq_info(vdev, caller, arg);
	case UIOMMU_VFIO_DEVICE_SET_IRQS:
		return abi_device_set_irqs(vdev, caller, arg);
	case UIOMMU_VFIO_DEVICE_RESET:
		pdev_reset(vdev->pdev);
		return 0;
	case UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		why_asked("VFIO_DEVICE_GET_PCI_HOT_RESET_INFO");
		return hot_reset(caller, arg, UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO_MIN);
	case UIOMMU_VFIO_DEVICE_PCI_HOT_RESET:
		why_asked("VFIO_DEVICE_PCI_HOT_RESET");
		return hot_reset(caller, arg, UIOMMU_VFIO_DEVICE_PCI_HOT_RESET_MIN);
	case UIOMMU_VFIO_DEVICE_FEATURE:
		return feature(caller, arg);
	default:
		return refuse(ENOTTY, "the request is one that is known", "request %#lx", req);
	}
}
