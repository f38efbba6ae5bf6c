/* SPDX-License-Identifier: MIT */
/* Requests on a device. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <uiommu/abi/vfio.h>

#include "api/object.h"
#include "base/mem.h"
#include "base/refuse.h"

#define PCI_COMMAND	   0x04
#define PCI_COMMAND_MASTER 0x0004u

_Static_assert((int)UIOMMU_REGION_CONFIG == (int)UIOMMU_VFIO_PCI_REGION_CONFIG &&
		       (int)UIOMMU_IRQ_INDICES == (int)UIOMMU_VFIO_PCI_NUM_IRQS,
	"the API's regions and interrupts are the ABI's");

/* --- Life ----------------------------------------------------------------------------------------
 */

static int device_find(struct uiommu_system *sys, const char *name, unsigned int *index)
{
	struct uiommu_system_device desc;

	for (*index = 0; !uiommu_system_device_get(sys, *index, &desc); ++*index) {
		if (!strcmp(desc.name, name))
			return 0;
	}
	return -ENODEV;
}

int uiommu_device_open(struct uiommu_system *sys, const char *name, struct uiommu_device **out)
{
	struct uiommu_device *dev;
	unsigned int index;
	int ret = device_find(sys, name, &index);

	if (ret)
		return ret;
	dev = base_zalloc(sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	ret = sys->provider->ops->open_device(sys->provider, index, NULL);
	if (ret < 0) {
		base_free(dev);
		return ret;
	}
	system_get(sys);
	dev->sys = sys;
	dev->handle = ret;
	dev->index = index;
	*out = dev;
	return 0;
}

void uiommu_device_close(struct uiommu_device *dev)
{
	if (!dev)
		return;
	dev->sys->provider->ops->close(dev->sys->provider, dev->handle);
	system_put(dev->sys);
	base_free(dev);
}

const struct uiommu_why *uiommu_device_why(const struct uiommu_device *dev)
{
	return &dev->why;
}

long uiommu_device_ioctl(struct uiommu_device *dev, unsigned long req, void *arg)
{
	struct provider *p = dev->sys->provider;

	return p->ops->ioctl(p, dev->handle, req, (uintptr_t)arg, &dev->why);
}

static int ask(struct uiommu_device *dev, unsigned long req, void *arg)
{
	return (int)uiommu_device_ioctl(dev, req, arg);
}

/* What is refused before there is a request. */
static int refuse_here(struct uiommu_device *dev, int err, const char *asked, const char *rule)
{
	struct uiommu_why *outer = why_begin(&dev->why);

	why_asked("%s", asked);
	refuse(err, rule, NULL);
	why_end(outer);
	return -err;
}

/* --- Contexts and address spaces -----------------------------------------------------------------
 */

int uiommu_device_bind(struct uiommu_device *dev, struct uiommu *ctx, uint32_t *dev_id)
{
	struct uiommu_vfio_device_bind_iommufd cmd = {
		.argsz = sizeof(cmd),
		.iommufd = ctx->handle,
	};
	int ret;

	/* A handle of another system would name something else here. */
	if (ctx->sys != dev->sys)
		return refuse_here(dev, EXDEV, "VFIO_DEVICE_BIND_IOMMUFD",
			"a device is bound to a context of its own system");
	ret = ask(dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd);
	if (!ret && dev_id)
		*dev_id = cmd.out_devid;
	return ret;
}

int uiommu_device_attach(struct uiommu_device *dev, uint32_t pt_id, uint32_t *hwpt_id)
{
	struct uiommu_vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = pt_id,
	};
	int ret = ask(dev, UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	if (!ret && hwpt_id)
		*hwpt_id = cmd.pt_id;
	return ret;
}

int uiommu_device_detach(struct uiommu_device *dev)
{
	struct uiommu_vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return ask(dev, UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

int uiommu_device_reset(struct uiommu_device *dev)
{
	return ask(dev, UIOMMU_VFIO_DEVICE_RESET, NULL);
}

/* --- Information ---------------------------------------------------------------------------------
 */

static int bars_get(struct uiommu_device *dev, struct uiommu_device_info *info)
{
	for (uint32_t i = 0; i < UIOMMU_PCI_BARS; i++) {
		struct uiommu_vfio_region_info cmd = { .argsz = sizeof(cmd), .index = i };
		int ret = ask(dev, UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &cmd);

		if (ret)
			return ret;
		info->bar_size[i] = cmd.size;
	}
	return 0;
}

static int vectors_get(struct uiommu_device *dev, struct uiommu_device_info *info)
{
	for (uint32_t i = 0; i < UIOMMU_IRQ_INDICES; i++) {
		struct uiommu_vfio_irq_info cmd = { .argsz = sizeof(cmd), .index = i };
		int ret = ask(dev, UIOMMU_VFIO_DEVICE_GET_IRQ_INFO, &cmd);

		if (ret)
			return ret;
		info->vectors[i] = cmd.count;
	}
	return 0;
}

int uiommu_device_info_get(struct uiommu_device *dev, struct uiommu_device_info *info)
{
	struct uiommu_vfio_device_info cmd = { .argsz = sizeof(cmd) };
	struct uiommu_system_device desc;
	int ret = ask(dev, UIOMMU_VFIO_DEVICE_GET_INFO, &cmd);

	if (!ret)
		ret = uiommu_system_device_get(dev->sys, dev->index, &desc);
	if (ret)
		return ret;
	*info = (struct uiommu_device_info){ .group = desc.group, .flags = cmd.flags };
	snprintf(info->name, sizeof(info->name), "%s", desc.name);
	ret = bars_get(dev, info);
	return ret ? ret : vectors_get(dev, info);
}

/* --- Regions -------------------------------------------------------------------------------------
 */

static uint64_t file_offset(enum uiommu_region region, uint64_t off)
{
	return ((uint64_t)region << UIOMMU_VFIO_PCI_REGION_SHIFT) | off;
}

/* A region's end cuts an access short; here it is whole or refused. */
static int whole(struct uiommu_device *dev, ssize_t done, size_t len)
{
	if (done < 0)
		return (int)done;
	if ((size_t)done != len)
		return refuse_here(
			dev, EINVAL, "access to a region", "an access lies inside its region");
	return 0;
}

int uiommu_device_read(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, void *buf, size_t len)
{
	struct provider *p = dev->sys->provider;

	if (off >> UIOMMU_VFIO_PCI_REGION_SHIFT)
		return whole(dev, 0, len);
	return whole(dev,
		p->ops->read(p, dev->handle, buf, len, file_offset(region, off), &dev->why), len);
}

int uiommu_device_write(struct uiommu_device *dev, enum uiommu_region region, uint64_t off,
	const void *buf, size_t len)
{
	struct provider *p = dev->sys->provider;

	if (off >> UIOMMU_VFIO_PCI_REGION_SHIFT)
		return whole(dev, 0, len);
	return whole(dev,
		p->ops->write(p, dev->handle, buf, len, file_offset(region, off), &dev->why), len);
}

int uiommu_device_read32(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint32_t *val)
{
	uint32_t raw;
	int ret = uiommu_device_read(dev, region, off, &raw, sizeof(raw));

	if (!ret)
		*val = le32toh(raw);
	return ret;
}

int uiommu_device_write32(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint32_t val)
{
	uint32_t raw = htole32(val);

	return uiommu_device_write(dev, region, off, &raw, sizeof(raw));
}

int uiommu_device_read64(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint64_t *val)
{
	uint64_t raw;
	int ret = uiommu_device_read(dev, region, off, &raw, sizeof(raw));

	if (!ret)
		*val = le64toh(raw);
	return ret;
}

int uiommu_device_write64(
	struct uiommu_device *dev, enum uiommu_region region, uint64_t off, uint64_t val)
{
	uint64_t raw = htole64(val);

	return uiommu_device_write(dev, region, off, &raw, sizeof(raw));
}

int uiommu_device_bus_master(struct uiommu_device *dev, bool on)
{
	uint16_t raw, command;
	int ret = uiommu_device_read(dev, UIOMMU_REGION_CONFIG, PCI_COMMAND, &raw, sizeof(raw));

	if (ret)
		return ret;
	command = le16toh(raw);
	command = (uint16_t)(on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER);
	raw = htole16(command);
	return uiommu_device_write(dev, UIOMMU_REGION_CONFIG, PCI_COMMAND, &raw, sizeof(raw));
}

/* --- Interrupts ----------------------------------------------------------------------------------
 */

static int set_irqs(
	struct uiommu_device *dev, const struct uiommu_vfio_irq_set *head, const int *fds)
{
	size_t data = head->argsz - sizeof(*head);
	char *cmd = base_alloc(head->argsz);
	int ret;

	if (!cmd)
		return -ENOMEM;
	memcpy(cmd, head, sizeof(*head));
	if (data)
		memcpy(cmd + sizeof(*head), fds, data);
	ret = ask(dev, UIOMMU_VFIO_DEVICE_SET_IRQS, cmd);
	base_free(cmd);
	return ret;
}

int uiommu_device_irq_set(struct uiommu_device *dev, enum uiommu_irq_index irq, unsigned int first,
	const int *fds, unsigned int n)
{
	struct uiommu_vfio_irq_set head = {
		.flags = UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD | UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq,
		.start = first,
		.count = n,
	};

	/* More vectors than any device has: nothing of that size is put together. */
	if (n > UINT16_MAX)
		return refuse_here(
			dev, EINVAL, "VFIO_DEVICE_SET_IRQS", "the device has the vectors");
	head.argsz = (uint32_t)(sizeof(head) + n * sizeof(int32_t));
	return set_irqs(dev, &head, fds);
}

int uiommu_device_irq_off(struct uiommu_device *dev, enum uiommu_irq_index irq)
{
	struct uiommu_vfio_irq_set head = {
		.argsz = sizeof(head),
		.flags = UIOMMU_VFIO_IRQ_SET_DATA_NONE | UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irq,
	};

	return set_irqs(dev, &head, NULL);
}
