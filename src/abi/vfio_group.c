/* SPDX-License-Identifier: MIT */
#include "abi/vfio.h"

#include <errno.h>
#include <string.h>

#include <uiommu/abi/vfio.h>

#include "abi/context.h"
#include "abi/copy.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "vfio/group.h"

/* A PCI address and a token, and more than any request needs. */
#define NAME_MAX_LEN 256

struct group_file {
	struct abi_file file;
	struct vfio_group *group;
};

static struct vfio_group *group_of(struct abi_file *file)
{
	return ((struct group_file *)file)->group;
}

static long get_status(struct vfio_group *group, const struct abi_caller *caller, uintptr_t arg)
{
	struct uiommu_vfio_group_status cmd;
	const struct abi_struct st = { .size = sizeof(cmd),
		.min = UIOMMU_VFIO_GROUP_GET_STATUS_MIN };
	struct vfio_group_state state;
	uint32_t argsz;
	int err = abi_copy_in_argsz(caller, arg, &st, &cmd, &argsz);

	if (err)
		return err;
	state = vfio_group_status(group);
	cmd.flags = (state.viable ? UIOMMU_VFIO_GROUP_FLAG_VIABLE : 0) |
		    (state.container ? UIOMMU_VFIO_GROUP_FLAG_CONTAINER_SET : 0);
	return abi_copy_out(caller, arg, &st, &cmd, argsz);
}

static long set_container(struct vfio_group *group, const struct abi_caller *caller, uintptr_t arg)
{
	struct abi_file *file;
	bool open;
	int32_t fd;
	long ret;

	if (caller->copy_in(caller, &fd, arg, sizeof(fd)))
		return refuse(EFAULT, "the argument is readable", "at %#lx", arg);
	file = caller->file_get(caller, fd, &open);
	if (!file && !open)
		return refuse(EBADF, "the descriptor is a container's", "fd %d", fd);
	if (vfio_group_status(group).container)
		ret = refuse(EINVAL, "a group has one container", NULL);
	else if (file && file->kind == ABI_FILE_CONTEXT)
		ret = vfio_group_set_container(group, abi_context(file));
	else
		ret = refuse(EBADFD, "the descriptor is a container's", "fd %d", fd);
	if (file)
		abi_file_put(file);
	return ret;
}

/* A NUL-terminated string of the caller. Return: 0, -EFAULT, -EINVAL too long. */
static int name_in(const struct abi_caller *caller, uintptr_t arg, char *name)
{
	for (size_t i = 0; i < NAME_MAX_LEN; i++) {
		if (caller->copy_in(caller, &name[i], arg + i, 1))
			return refuse(EFAULT, "the argument is readable", "at %#lx", arg);
		if (!name[i])
			return 0;
	}
	return refuse(EINVAL, "a device's name ends", NULL);
}

/* No device of ours takes options (a token): cuts them off, and refuses them. */
static int options_check(struct vfio_group *group, char *name)
{
	char *options = strchr(name, ' ');

	if (!options)
		return 0;
	*options++ = '\0';
	if (!vfio_group_has(group, name))
		return refuse(ENODEV, "the group has a device of that name", "%s", name);
	if (options[strspn(options, " ")])
		return refuse(EINVAL, "a device's name has no options", "%s", options);
	return 0;
}

static long get_device_fd(struct abi_file *file, const struct abi_caller *caller, uintptr_t arg)
{
	struct vfio_device *vdev;
	struct abi_file *device;
	char name[NAME_MAX_LEN];
	long ret = name_in(caller, arg, name);

	if (ret)
		return ret;
	why_asked("VFIO_GROUP_GET_DEVICE_FD %s", name);
	ret = options_check(group_of(file), name);
	if (ret)
		return ret;
	ret = vfio_group_device_open(group_of(file), name, &vdev);
	if (ret)
		return ret;
	ret = abi_group_device_new(vdev, file, &device);
	if (ret) {
		vfio_device_close(vdev);
		return ret;
	}
	ret = caller->file_install(caller, device);
	if (ret < 0)
		abi_file_put(device);
	return ret;
}

static long group_ioctl(
	struct abi_file *file, const struct abi_caller *caller, unsigned long req, uintptr_t arg)
{
	switch (req) {
	case UIOMMU_VFIO_GROUP_GET_STATUS:
		why_asked("VFIO_GROUP_GET_STATUS");
		return get_status(group_of(file), caller, arg);
	case UIOMMU_VFIO_GROUP_SET_CONTAINER:
		why_asked("VFIO_GROUP_SET_CONTAINER");
		return set_container(group_of(file), caller, arg);
	case UIOMMU_VFIO_GROUP_UNSET_CONTAINER:
		why_asked("VFIO_GROUP_UNSET_CONTAINER");
		return vfio_group_unset_container(group_of(file));
	case UIOMMU_VFIO_GROUP_GET_DEVICE_FD:
		return get_device_fd(file, caller, arg);
	default:
		return refuse(ENOTTY, "the request is one that is known", "request %#lx", req);
	}
}

static ssize_t group_read(struct abi_file *file, void *buf, size_t len, uint64_t off)
{
	return -EINVAL;
}

static ssize_t group_write(struct abi_file *file, const void *buf, size_t len, uint64_t off)
{
	return -EINVAL;
}

static int group_mmap(struct abi_file *file, uint64_t off, uint64_t len, int prot, int flags,
	struct abi_mmap *out)
{
	return -ENODEV;
}

static void group_release(struct abi_file *file)
{
	vfio_group_close(group_of(file));
	base_free(file);
}

static const struct abi_file_ops group_ops = {
	.ioctl = group_ioctl,
	.read = group_read,
	.write = group_write,
	.mmap = group_mmap,
	.release = group_release,
};

int abi_group_open(struct vfio_group *group, struct abi_file **out)
{
	struct group_file *gf = base_zalloc(sizeof(*gf));
	int err;

	if (!gf)
		return -ENOMEM;
	err = vfio_group_open(group);
	if (err) {
		base_free(gf);
		return err;
	}
	gf->file.ops = &group_ops;
	gf->file.kind = ABI_FILE_GROUP;
	atomic_init(&gf->file.refs, 1);
	gf->group = group;
	*out = &gf->file;
	return 0;
}
