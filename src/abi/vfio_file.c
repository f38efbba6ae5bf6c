/* SPDX-License-Identifier: MIT */
/* The files of devices: what a descriptor may do depends on whether it has bound the device. */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include <uiommu/abi/vfio.h>

#include "abi/context.h"
#include "abi/copy.h"
#include "abi/vfio.h"
#include "base/mem.h"
#include "base/range.h"
#include "base/refuse.h"
#include "dev/pci.h"
#include "vfio/group.h"

#define OFFSET_MASK ((UINT64_C(1) << UIOMMU_VFIO_PCI_REGION_SHIFT) - 1)
#define PAGE_SIZE   UINT64_C(4096)

struct device_file {
	struct abi_file file;
	struct vfio_device *vdev;
	struct abi_file *group; /* through which it was taken; NULL: the device's own node */
	pthread_mutex_t lock;	/* bind */
	_Atomic bool bound;	/* never false again; always true through a group */
};

static struct device_file *device_file(struct abi_file *file)
{
	return (struct device_file *)file;
}

static int context_get(const struct abi_caller *caller, int fd, struct abi_file **out)
{
	bool open;

	*out = caller->file_get(caller, fd, &open);
	if (!*out)
		return refuse(open ? EBADFD : EBADF, "the descriptor is an iommufd", "fd %d", fd);
	if ((*out)->kind == ABI_FILE_CONTEXT)
		return 0;
	abi_file_put(*out);
	return refuse(EBADFD, "the descriptor is an iommufd", "fd %d", fd);
}

/* What comes before the context. */
static int bind_check_locked(
	struct device_file *df, const struct uiommu_vfio_device_bind_iommufd *cmd)
{
	int err;

	if (df->group)
		return refuse(EINVAL, "a device from a group is bound already", NULL);
	err = vfio_device_bind_check(df->vdev);
	if (err)
		return err;
	if (df->bound)
		return refuse(EINVAL, "a descriptor is bound once", NULL);
	if (cmd->flags & UIOMMU_VFIO_BIND_FLAG_TOKEN)
		return refuse(EINVAL, "the device takes no token", NULL);
	return 0;
}

static int bind_locked(struct device_file *df, const struct abi_caller *caller,
	struct uiommu_vfio_device_bind_iommufd *cmd)
{
	struct abi_file *context;
	int err = bind_check_locked(df, cmd);

	if (!err)
		err = context_get(caller, cmd->iommufd, &context);
	if (err)
		return err;
	err = vfio_device_bind(df->vdev, abi_context(context), &cmd->out_devid);
	abi_file_put(context);
	return err;
}

static long bind_iommufd(struct device_file *df, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_device_bind_iommufd cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_BIND_IOMMUFD_MIN };
	uint32_t argsz;
	int err = abi_copy_in(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	if (cmd.iommufd < 0 || cmd.flags & ~UIOMMU_VFIO_BIND_FLAG_TOKEN)
		return refuse(EINVAL, "flags are known ones, descriptors not negative",
			"fd %d, flags %#x", cmd.iommufd, cmd.flags);
	pthread_mutex_lock(&df->lock);
	err = bind_locked(df, caller, &cmd);
	if (!err) {
		err = abi_copy_out(caller, arg, &st, &cmd, argsz);
		if (err)
			vfio_device_close(df->vdev);
		else
			df->bound = true;
	}
	pthread_mutex_unlock(&df->lock);
	return err;
}

static int pasid_unsupported(uint32_t flags, uint32_t known)
{
	if (flags & ~known)
		return refuse(EINVAL, "flags are known ones", "flags %#x", flags);
	return refuse(EOPNOTSUPP, "the device's driver attaches PASIDs", NULL);
}

static long attach(struct device_file *df, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_device_attach_iommufd_pt cmd;
	const struct abi_struct st = {
		.size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN,
	};
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	why_asked("VFIO_DEVICE_ATTACH_IOMMUFD_PT to %u", cmd.pt_id);
	if (cmd.flags)
		return pasid_unsupported(cmd.flags, UIOMMU_VFIO_ATTACH_FLAG_PASID);
	err = vfio_device_attach(df->vdev, &cmd.pt_id);
	return err ? err : abi_copy_out(caller, arg, &st, &cmd, argsz);
}

static long detach(struct device_file *df, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_device_detach_iommufd_pt cmd;
	const struct abi_struct st = {
		.size = sizeof(cmd),
		.min = UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT_MIN,
	};
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	if (cmd.flags)
		return pasid_unsupported(cmd.flags, UIOMMU_VFIO_DETACH_FLAG_PASID);
	vfio_device_detach(df->vdev);
	return 0;
}

static long device_ioctl(
	struct abi_file *file, const struct abi_caller *caller, unsigned long req, uintptr_t arg)
{
	struct device_file *df = device_file(file);

	if (req == UIOMMU_VFIO_DEVICE_BIND_IOMMUFD) {
		why_asked("VFIO_DEVICE_BIND_IOMMUFD");
		return bind_iommufd(df, caller, arg);
	}
	if (!df->bound)
		return refuse(EINVAL, "a device is bound before anything else", NULL);
	if (!df->group && req == UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT)
		return attach(df, caller, arg);
	if (!df->group && req == UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT) {
		why_asked("VFIO_DEVICE_DETACH_IOMMUFD_PT");
		return detach(df, caller, arg);
	}
	return abi_device_request(df->vdev, caller, req, arg);
}

static ssize_t device_read(struct abi_file *file, void *buf, size_t len, uint64_t off)
{
	struct device_file *df = device_file(file);
	unsigned int index = (unsigned int)(off >> UIOMMU_VFIO_PCI_REGION_SHIFT);

	if (!df->bound)
		return -EINVAL;
	if (index == UIOMMU_VFIO_PCI_REGION_CONFIG)
		return pdev_config_read(df->vdev->pdev, off & OFFSET_MASK, buf, len);
	if (index > UIOMMU_VFIO_PCI_REGION_BAR5)
		return -EINVAL;
	return pdev_bar_read(df->vdev->pdev, index, off & OFFSET_MASK, buf, len);
}

static ssize_t device_write(struct abi_file *file, const void *buf, size_t len, uint64_t off)
{
	struct device_file *df = device_file(file);
	unsigned int index = (unsigned int)(off >> UIOMMU_VFIO_PCI_REGION_SHIFT);

	if (!df->bound)
		return -EINVAL;
	if (index == UIOMMU_VFIO_PCI_REGION_CONFIG)
		return pdev_config_write(df->vdev->pdev, off & OFFSET_MASK, buf, len);
	if (index > UIOMMU_VFIO_PCI_REGION_BAR5)
		return -EINVAL;
	return pdev_bar_write(df->vdev->pdev, index, off & OFFSET_MASK, buf, len);
}

static int device_mmap(struct abi_file *file, uint64_t off, uint64_t len, int prot, int flags,
	struct abi_mmap *out)
{
	struct device_file *df = device_file(file);
	unsigned int index = (unsigned int)(off >> UIOMMU_VFIO_PCI_REGION_SHIFT);
	const struct uiommu_bar_desc *bar;
	int type = flags & MAP_TYPE;
	uint64_t size, last;

	if (!df->bound || (type != MAP_SHARED && type != MAP_SHARED_VALIDATE))
		return refuse(EINVAL, "a bound device's regions are mapped shared", NULL);
	if (index > UIOMMU_VFIO_PCI_REGION_BAR5)
		return refuse(EINVAL, "BARs can be mapped", "region %u", index);
	bar = &pdev_desc(df->vdev->pdev)->bar[index];
	off &= OFFSET_MASK;
	if (!bar->mmap || !align_up(bar->size, PAGE_SIZE, &size) ||
		!align_up(len, PAGE_SIZE, &len) || (off & (PAGE_SIZE - 1)) ||
		!range_last(off, len, &last) || last >= size)
		return refuse(EINVAL, "a mapping lies inside a BAR that can be mapped",
			"BAR %u of %#lx bytes, offset %#lx, %#lx bytes", index, bar->size, off,
			len);
	*out = (struct abi_mmap){ .pdev = df->vdev->pdev, .bar = index, .off = off, .len = len };
	return 0;
}

static void device_release(struct abi_file *file)
{
	struct device_file *df = device_file(file);

	if (df->bound)
		vfio_device_close(df->vdev);
	if (df->group)
		abi_file_put(df->group);
	pthread_mutex_destroy(&df->lock);
	base_free(df);
}

static const struct abi_file_ops device_ops = {
	.ioctl = device_ioctl,
	.read = device_read,
	.write = device_write,
	.mmap = device_mmap,
	.release = device_release,
};

static int device_file_new(struct vfio_device *vdev, struct abi_file *group, struct abi_file **out)
{
	struct device_file *df = base_zalloc(sizeof(*df));

	if (!df)
		return -ENOMEM;
	df->file.ops = &device_ops;
	df->file.kind = ABI_FILE_DEVICE;
	atomic_init(&df->file.refs, 1);
	df->vdev = vdev;
	pthread_mutex_init(&df->lock, NULL);
	atomic_init(&df->bound, group != NULL);
	if (group)
		abi_file_get(group);
	df->group = group;
	*out = &df->file;
	return 0;
}

int abi_cdev_open(struct vfio_device *vdev, struct abi_file **out)
{
	return device_file_new(vdev, NULL, out);
}

int abi_group_device_new(struct vfio_device *vdev, struct abi_file *group, struct abi_file **out)
{
	return device_file_new(vdev, group, out);
}
