/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/refuse.h"
#include "front/preload/explain.h"
#include "front/preload/home.h"
#include "front/preload/leaks.h"
#include "system/nodes.h"

static bool number(const char *text, unsigned int *out)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return false;
	n = strtoul(text, &end, 10);
	*out = (unsigned int)n;
	return !*end && n <= UINT32_MAX;
}

static void is_node(struct path *path, enum sys_node node, unsigned int major, unsigned int minor)
{
	path->is_node = true;
	path->node = node;
	path->rdev = makedev(major, minor);
}

void nodes_recognise(struct path *path)
{
	static const char vfio[] = "/dev/vfio/", devices[] = "/dev/vfio/devices/vfio";

	path->is_node = false;
	path->number = 0;
	if (!strcmp(path->seen, "/dev/iommu"))
		is_node(path, SYS_NODE_IOMMU, NODE_MISC_MAJOR, NODE_IOMMU_MINOR);
	else if (!strcmp(path->seen, "/dev/vfio/vfio"))
		is_node(path, SYS_NODE_CONTAINER, NODE_MISC_MAJOR, NODE_CONTAINER_MINOR);
	else if (!strncmp(path->seen, devices, sizeof(devices) - 1) &&
		 number(path->seen + sizeof(devices) - 1, &path->number))
		is_node(path, SYS_NODE_DEVICE, NODE_DEVICE_MAJOR, path->number);
	else if (!strncmp(path->seen, vfio, sizeof(vfio) - 1) &&
		 number(path->seen + sizeof(vfio) - 1, &path->number))
		is_node(path, SYS_NODE_GROUP, NODE_GROUP_MAJOR, path->number);
}

static int open_node(const struct path *path, int flags)
{
	struct abi_file *file;
	struct sys *sys;
	int err;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	err = home_get(&sys);
	if (!err)
		err = sys_open(sys, path->node, path->number, &file);
	if (err)
		return err;
	return fd_install_file(file, path->rdev, flags);
}

int nodes_open(const struct path *path, int flags)
{
	struct explain ex;
	char asked[48];
	int fd;

	explain_begin(&ex);
	snprintf(asked, sizeof(asked), "open of %.36s", path->seen);
	leaks_begin();
	fd = open_node(path, flags);
	leaks_end();
	return (int)explain_end(&ex, fd, asked);
}
