/* SPDX-License-Identifier: MIT */
/* VFIO_DEVICE_SET_IRQS; Linux 7.3 VFIO ABI, vfio-pci. */
#include <errno.h>
#include <stdint.h>

#include <uiommu/abi/vfio.h>

#include "abi/copy.h"
#include "abi/vfio.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "dev/pci.h"
#include "vfio/group.h"

#define DATA_MASK                                                                                  \
	(UIOMMU_VFIO_IRQ_SET_DATA_NONE | UIOMMU_VFIO_IRQ_SET_DATA_BOOL |                           \
		UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD)
#define ACTION_MASK                                                                                \
	(UIOMMU_VFIO_IRQ_SET_ACTION_MASK | UIOMMU_VFIO_IRQ_SET_ACTION_UNMASK |                     \
		UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER)

struct set_irqs {
	struct uiommu_pdev *pdev;
	const struct abi_caller *caller;
	uint32_t flags, index, start, count;
	uintptr_t data; /* in the caller's memory */
};

static size_t data_width(uint32_t flags)
{
	return flags & UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD ? sizeof(int32_t)
	       : flags & UIOMMU_VFIO_IRQ_SET_DATA_BOOL	? 1
							: 0;
}

static int check(const struct set_irqs *set, uint32_t argsz)
{
	uint32_t data = set->flags & DATA_MASK, action = set->flags & ACTION_MASK;
	unsigned int vectors;

	if (set->index >= UIOMMU_VFIO_PCI_NUM_IRQS || set->count >= UINT32_MAX - set->start ||
		set->flags & ~(DATA_MASK | ACTION_MASK))
		return refuse(EINVAL, "index, range and flags are known ones",
			"index %u, start %u, count %u, flags %#x", set->index, set->start,
			set->count, set->flags);
	vectors = pdev_irq_count(set->pdev, set->index);
	if (set->start >= vectors || set->start + set->count > vectors)
		return refuse(EINVAL, "the interrupt has these vectors", "index %u has %u",
			set->index, vectors);
	if (__builtin_popcount(data) != 1 || __builtin_popcount(action) != 1)
		return refuse(EINVAL, "one kind of data and one action", "flags %#x", set->flags);
	if ((argsz - sizeof(struct uiommu_vfio_irq_set)) /
				(data_width(data) ? data_width(data) : 1) <
			set->count &&
		data_width(data))
		return refuse(EINVAL, "the data is complete", "argsz %u", argsz);
	return 0;
}

/* The caller's descriptors, as ones that this call may use. */
static int eventfds_in(const struct set_irqs *set, int *fds)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int32_t fd;

		if (set->caller->copy_in(set->caller, &fd, set->data + i * sizeof(fd), sizeof(fd)))
			return refuse(EFAULT, "the argument is readable", NULL);
		fds[i] = fd < 0 ? -1 : set->caller->fd_borrow(set->caller, fd);
		if (fds[i] < -1 || (fd < 0 && fd != -1))
			return refuse(EBADF, "triggers are eventfds, or -1", "fd %d", fd);
	}
	return 0;
}

static int set_eventfds(const struct set_irqs *set)
{
	int *fds, err;

	if (!set->count)
		return refuse(EINVAL, "eventfds are given", NULL);
	fds = base_calloc(set->count, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	err = eventfds_in(set, fds);
	if (!err)
		err = pdev_irq_set_eventfds(set->pdev, set->index, set->start, set->count, fds);
	if (err)
		refuse(-err, "triggers are eventfds of one interrupt index at a time", "index %u",
			set->index);
	base_free(fds);
	return err;
}

/* Whether vector i of the range is meant. Return: 1, 0, -EFAULT. */
static int bool_in(const struct set_irqs *set, uint32_t i)
{
	uint8_t yes = 1;

	if (set->flags & UIOMMU_VFIO_IRQ_SET_DATA_BOOL &&
		set->caller->copy_in(set->caller, &yes, set->data + i, 1))
		return refuse(EFAULT, "the argument is readable", NULL);
	return !!yes;
}

static int trigger(const struct set_irqs *set)
{
	if (set->flags & UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD)
		return set_eventfds(set);
	if (!set->count && (set->flags & UIOMMU_VFIO_IRQ_SET_DATA_NONE)) {
		pdev_irq_disable(set->pdev, set->index);
		return 0;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		int yes = bool_in(set, i);

		if (yes < 0)
			return yes;
		if (yes)
			pdev_irq_trigger(set->pdev, set->index, set->start + i);
	}
	return 0;
}

static int mask_intx(const struct set_irqs *set, bool masked)
{
	int yes, fd, err;

	if (set->start || set->count != 1)
		return refuse(EINVAL, "INTx has one vector", NULL);
	if (set->flags & UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD) {
		if (masked)
			return refuse(ENOTTY, "INTx is masked by a request", NULL);
		err = eventfds_in(set, &fd);
		return err ? err : pdev_intx_unmask_fd(set->pdev, fd);
	}
	yes = bool_in(set, 0);
	if (yes > 0)
		pdev_intx_mask(set->pdev, masked);
	return yes < 0 ? yes : 0;
}

static int mask(const struct set_irqs *set)
{
	if (set->index != UIOMMU_VFIO_PCI_IRQ_INTX)
		return refuse(ENOTTY, "INTx can be masked by requests", "index %u", set->index);
	return mask_intx(set, set->flags & UIOMMU_VFIO_IRQ_SET_ACTION_MASK);
}

long abi_device_set_irqs(struct vfio_device *vdev, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_irq_set cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_SET_IRQS_MIN };
	struct set_irqs set;
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	why_asked("VFIO_DEVICE_SET_IRQS index %u start %u count %u flags %#x", cmd.index, cmd.start,
		cmd.count, cmd.flags);
	set = (struct set_irqs){
		.pdev = vdev->pdev,
		.caller = caller,
		.flags = cmd.flags,
		.index = cmd.index,
		.start = cmd.start,
		.count = cmd.count,
		.data = arg + sizeof(cmd),
	};
	err = check(&set, argsz);
	if (err)
		return err;
	return cmd.flags & UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER ? trigger(&set) : mask(&set);
}
