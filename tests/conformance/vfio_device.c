/* SPDX-License-Identifier: MIT */
/* Devices through their own nodes: BIND, information, regions, interrupts. */
#include "fixture.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dev/dmatest.h"

#define CONFIG ((uint64_t)UIOMMU_VFIO_PCI_REGION_CONFIG << UIOMMU_VFIO_PCI_REGION_SHIFT)

static long bind_to(struct fixture *f, int dev, int32_t context, uint32_t flags)
{
	struct uiommu_vfio_device_bind_iommufd cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
		.iommufd = context,
		.out_devid = 77,
	};
	long ret = ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd);

	if (ret)
		assert_int_equal(77, cmd.out_devid);
	else
		assert_int_not_equal(77, cmd.out_devid);
	return ret;
}

/* --- BIND ----------------------------------------------------------------------------------------
 */

static void test_nothing_before_bind(void **state)
{
	struct fixture *f = *state;
	int dev = f->p->ops->open_device(f->p, DEV_A, &f->why);
	struct provider_mmap map;
	uint64_t raw[8] = { 64 };

	for (unsigned long req = 0x3b64; req <= 0x3b79; req++) {
		if (req != UIOMMU_VFIO_DEVICE_BIND_IOMMUFD)
			assert_refused(EINVAL, ask(f, dev, req, raw));
	}
	assert_int_equal(-EINVAL, f->p->ops->read(f->p, dev, raw, 4, CONFIG, &f->why));
	assert_int_equal(-EINVAL, f->p->ops->write(f->p, dev, raw, 4, CONFIG, &f->why));
	assert_int_equal(
		-EINVAL, f->p->ops->mmap(f->p, dev, 0, PAGE, PROT_READ, MAP_SHARED, &map, &f->why));
	f->p->ops->close(f->p, dev);
}

static void test_bind_sizes(void **state)
{
	struct fixture *f = *state;
	uint32_t raw[9] = { 15, 0, (uint32_t)f->ctx };
	int dev = f->p->ops->open_device(f->p, DEV_A, &f->why);

	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, raw));
	raw[0] = 28;
	raw[6] = 1;
	assert_refused(E2BIG, ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, raw));
	raw[0] = 16;
	raw[4] = 0xeeeeeeee;
	assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, raw));
	assert_int_not_equal(0, raw[3]);
	assert_int_equal(0xeeeeeeee, raw[4]);
	f->p->ops->close(f->p, dev);
}

static void test_bind_order_of_refusals(void **state)
{
	struct fixture *f = *state;
	int dev = f->p->ops->open_device(f->p, DEV_A, &f->why);
	int other = f->p->ops->open_device(f->p, DEV_A, &f->why);
	int group = f->p->ops->open_group(f->p, GROUP_A, &f->why);

	assert_refused(EINVAL, bind_to(f, dev, -1, 0));
	assert_refused(EINVAL, bind_to(f, dev, 1000, 2));
	/* An open group, before whatever the descriptor is. */
	assert_refused(EBUSY, bind_to(f, dev, 1000, 0));
	f->p->ops->close(f->p, group);
	assert_refused(EINVAL, bind_to(f, dev, 1000, UIOMMU_VFIO_BIND_FLAG_TOKEN));
	assert_refused(EBADF, bind_to(f, dev, 1000, 0));
	assert_refused(EBADFD, bind_to(f, dev, other, 0));
	assert_done(bind_to(f, other, f->ctx, 0));
	/* Another file has the device: after the descriptor; this one has it: before. */
	assert_refused(EBADF, bind_to(f, dev, 1000, 0));
	assert_refused(EINVAL, bind_to(f, dev, f->ctx, 0));
	assert_refused(EINVAL, bind_to(f, other, 1000, 0));
	assert_refused(EINVAL, bind_to(f, other, f->ctx, 0));
	f->p->ops->close(f->p, other);
	assert_done(bind_to(f, dev, f->ctx, 0));
	f->p->ops->close(f->p, dev);
}

static void test_group_belongs_to_one_context(void **state)
{
	struct fixture *f = *state;
	int context = f->p->ops->open_context(f->p, &f->why);
	int d = f->p->ops->open_device(f->p, DEV_D, &f->why);

	dev_bind(f, DEV_C);
	assert_refused(EPERM, bind_to(f, d, context, 0));
	/* In the same one both have an object; the group is free when both are closed. */
	assert_done(bind_to(f, d, f->ctx, 0));
	dev_close(f, DEV_C);
	f->p->ops->close(f->p, d);
	d = f->p->ops->open_device(f->p, DEV_D, &f->why);
	assert_done(bind_to(f, d, context, 0));
	f->p->ops->close(f->p, d);
	f->p->ops->close(f->p, context);
}

/* The result can't be written: nothing has happened. */
static void test_bind_fault(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_device_bind_iommufd *cmd = (void *)f->buf;
	int dev = f->p->ops->open_device(f->p, DEV_A, &f->why);

	*cmd = (struct uiommu_vfio_device_bind_iommufd){
		.argsz = sizeof(*cmd),
		.iommufd = f->ctx,
	};
	assert_int_equal(0, mprotect(f->buf, PAGE, PROT_READ));
	assert_refused(EFAULT, ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, cmd));
	assert_int_equal(0, mprotect(f->buf, PAGE, PROT_READ | PROT_WRITE));
	assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, cmd));
	assert_int_equal(1, cmd->out_devid);
	f->p->ops->close(f->p, dev);
}

/* --- Information ---------------------------------------------------------------------------------
 */

static void test_info(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_device_info cmd = { .argsz = 15, .cap_offset = 77 };

	dev_bind(f, DEV_A);
	assert_refused(EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_GET_INFO, &cmd));
	cmd.argsz = 16;
	assert_done(ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_GET_INFO, &cmd));
	assert_int_equal(UIOMMU_VFIO_DEVICE_FLAG_PCI | UIOMMU_VFIO_DEVICE_FLAG_RESET, cmd.flags);
	assert_int_equal(9, cmd.num_regions);
	assert_int_equal(5, cmd.num_irqs);
	assert_int_equal(77, cmd.cap_offset);
	cmd.argsz = 24;
	assert_done(ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_GET_INFO, &cmd));
	assert_int_equal(0, cmd.cap_offset);
}

static void test_region_info(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_region_info cmd = { .argsz = 31 };
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &cmd));
	for (uint32_t i = 0; i < 8; i++) {
		cmd = (struct uiommu_vfio_region_info){ .argsz = sizeof(cmd), .index = i };
		assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &cmd));
		assert_int_equal((uint64_t)i << 40, cmd.offset);
		if (i == UIOMMU_VFIO_PCI_REGION_BAR0) {
			assert_int_equal(16384, cmd.size);
		} else if (i == UIOMMU_VFIO_PCI_REGION_CONFIG) {
			assert_int_equal(4096, cmd.size);
			assert_int_equal(3, cmd.flags);
		} else {
			assert_int_equal(0, cmd.size);
			assert_int_equal(0, cmd.flags);
		}
	}
	for (uint32_t i = 8; i < 12; i++) {
		cmd.argsz = sizeof(cmd);
		cmd.index = i;
		assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &cmd));
	}
}

/* The chain of the BAR with the MSI-X table: only where it fits, told of otherwise. */
static void test_region_capabilities(void **state)
{
	struct fixture *f = *state;
	struct {
		struct uiommu_vfio_region_info info;
		struct uiommu_vfio_cap_header cap;
	} cmd;

	dev_bind(f, DEV_A);
	for (uint32_t argsz = 32; argsz <= sizeof(cmd) + 1; argsz++) {
		memset(&cmd, 0xee, sizeof(cmd));
		cmd.info.argsz = argsz;
		cmd.info.index = 0;
		assert_done(ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &cmd));
		if (!(cmd.info.flags & UIOMMU_VFIO_REGION_FLAG_MMAP))
			return;
		assert_int_equal(sizeof(cmd), cmd.info.argsz);
		assert_true(cmd.info.flags & UIOMMU_VFIO_REGION_FLAG_CAPS);
		if (argsz < sizeof(cmd)) {
			assert_int_equal(0, cmd.info.cap_offset);
			assert_int_equal(0xeeee, cmd.cap.id);
			continue;
		}
		assert_int_equal(sizeof(cmd.info), cmd.info.cap_offset);
		assert_int_equal(UIOMMU_VFIO_REGION_CAP_MSIX_MAPPABLE, cmd.cap.id);
		assert_int_equal(1, cmd.cap.version);
		assert_int_equal(0, cmd.cap.next);
	}
}

static void test_irq_info(void **state)
{
	static const uint32_t counts[5] = { 1, 0, DMATEST_VECTORS, 1, 1 };
	struct fixture *f = *state;
	struct uiommu_vfio_irq_info cmd = { .argsz = 15 };
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_IRQ_INFO, &cmd));
	for (uint32_t i = 0; i < 5; i++) {
		cmd = (struct uiommu_vfio_irq_info){ .argsz = sizeof(cmd), .index = i };
		assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_GET_IRQ_INFO, &cmd));
		assert_int_equal(counts[i], cmd.count);
		assert_int_equal(i ? UIOMMU_VFIO_IRQ_FLAG_EVENTFD | UIOMMU_VFIO_IRQ_FLAG_NORESIZE
				   : UIOMMU_VFIO_IRQ_FLAG_EVENTFD | UIOMMU_VFIO_IRQ_FLAG_MASKABLE |
						 UIOMMU_VFIO_IRQ_FLAG_AUTOMASKED,
			cmd.flags);
	}
	cmd.index = 5;
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_IRQ_INFO, &cmd));
}

static void test_reset_and_unknown(void **state)
{
	struct fixture *f = *state;
	uint32_t raw[8] = { 32 };
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_RESET, NULL));
	assert_refused(ENOTTY, ask(f, dev, 0x3b7a, raw));
	assert_refused(ENOTTY, ask(f, dev, UIOMMU_ABI_IOAS_ALLOC, raw));
	assert_refused(ENODEV, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, raw));
	raw[0] = 11;
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, raw));
}

static void test_feature(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_device_feature cmd = { .argsz = 7 };
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_FEATURE, &cmd));
	cmd.argsz = 8;
	cmd.flags = 1u << 19;
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_FEATURE, &cmd));
	cmd.flags = UIOMMU_VFIO_FEATURE_GET | UIOMMU_VFIO_FEATURE_SET;
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_FEATURE, &cmd));
	for (uint32_t i = 0; i < 14; i++) {
		cmd.flags = i | UIOMMU_VFIO_FEATURE_GET | UIOMMU_VFIO_FEATURE_PROBE;
		assert_refused(ENOTTY, ask(f, dev, UIOMMU_VFIO_DEVICE_FEATURE, &cmd));
	}
}

/* --- Regions as files ----------------------------------------------------------------------------
 */

static void test_regions(void **state)
{
	struct fixture *f = *state;
	const uint64_t rom = (uint64_t)UIOMMU_VFIO_PCI_REGION_ROM << 40;
	uint32_t val = 0;
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_int_equal(0x1234, reg_read(f, dev, CONFIG, 2));
	assert_int_equal(4, f->p->ops->read(f->p, dev, &val, 4, CONFIG + 4092, &f->why));
	/* Short at the end. */
	assert_int_equal(2, f->p->ops->read(f->p, dev, &val, 4, CONFIG + 4094, &f->why));
	assert_int_equal(4, f->p->ops->read(f->p, dev, &val, 4, DMATEST_STATUS, &f->why));
	assert_int_equal(DMATEST_IDLE, val);
	assert_int_equal(-EINVAL, f->p->ops->read(f->p, dev, &val, 4, rom, &f->why));
	assert_int_equal(-EINVAL, f->p->ops->read(f->p, dev, &val, 4, 9ull << 40, &f->why));
	assert_true(f->p->ops->read(f->p, dev, &val, 4, 1ull << 40, &f->why) < 0);
}

static void test_mmap_rules(void **state)
{
	struct fixture *f = *state;
	struct provider_mmap map;
	struct uiommu_vfio_region_info info = { .argsz = sizeof(info) };
	const struct {
		uint64_t off, len;
		int flags;
	} bad[] = {
		{ 0, PAGE, MAP_PRIVATE },
		{ 0, 16384 + 1, MAP_SHARED },
		{ 16384, PAGE, MAP_SHARED },
		{ 1, PAGE, MAP_SHARED },
		{ CONFIG, PAGE, MAP_SHARED },
		{ UINT64_C(1) << 40, PAGE, MAP_SHARED },
	};
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EINVAL, f->p->ops->mmap(f->p, dev, bad[i].off, bad[i].len,
						  PROT_READ, bad[i].flags, &map, &f->why));
	assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_GET_REGION_INFO, &info));
	if (!(info.flags & UIOMMU_VFIO_REGION_FLAG_MMAP))
		return;
	assert_done(f->p->ops->mmap(f->p, dev, PAGE, 1, PROT_READ, MAP_SHARED, &map, &f->why));
	assert_int_equal(0, map.bar);
	assert_int_equal(PAGE, map.off);
	assert_int_equal(PAGE, map.len);
}

/* --- Interrupts ----------------------------------------------------------------------------------
 */

#define TRIGGER UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER
#define EVENTFD UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD
#define NONE	UIOMMU_VFIO_IRQ_SET_DATA_NONE
#define BOOL	UIOMMU_VFIO_IRQ_SET_DATA_BOOL

struct irq_set {
	struct uiommu_vfio_irq_set head;
	int32_t fd[2];
};

static long set_irqs(struct fixture *f, uint32_t flags, uint32_t index, uint32_t start,
	uint32_t count, int32_t fd)
{
	struct irq_set cmd = {
		.head = { sizeof(cmd), flags, index, start, count },
		.fd = { fd, -1 },
	};

	return ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_SET_IRQS, &cmd);
}

static uint64_t event_take(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void test_irq_refusals(void **state)
{
	struct fixture *f = *state;
	struct irq_set cmd = { .head = { 19, TRIGGER | EVENTFD, 2, 0, 1 } };
	int fd = eventfd(0, EFD_NONBLOCK);

	dev_bind(f, DEV_A);
	assert_refused(EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_SET_IRQS, &cmd));
	cmd.head.argsz = 23;
	assert_refused(EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_SET_IRQS, &cmd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 5, 0, 1, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 2, 0, UINT32_MAX, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 2, UINT32_MAX, 1, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD | 64, 2, 0, 1, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 2, 2, 1, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 2, 1, 2, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD | NONE, 2, 0, 1, fd));
	assert_refused(EINVAL, set_irqs(f, TRIGGER, 2, 0, 1, fd));
	assert_refused(ENOTTY, set_irqs(f, UIOMMU_VFIO_IRQ_SET_ACTION_MASK | NONE, 2, 0, 1, 0));
	assert_refused(ENOTTY, set_irqs(f, UIOMMU_VFIO_IRQ_SET_ACTION_UNMASK | NONE, 2, 0, 1, 0));
	assert_refused(ENOTTY, set_irqs(f, UIOMMU_VFIO_IRQ_SET_ACTION_MASK | EVENTFD, 0, 0, 1, fd));
	assert_true(set_irqs(f, TRIGGER | EVENTFD, 2, 0, 1, 1000) < 0);
	close(fd);
}

static void test_irqs(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK);

	dev_bind(f, DEV_A);
	/* No trigger is installed: nothing is signalled. */
	assert_done(set_irqs(f, TRIGGER | EVENTFD, 2, 0, 2, fd));
	assert_done(set_irqs(f, TRIGGER | NONE, 2, 0, 1, 0));
	assert_int_equal(1, event_take(fd));
	assert_done(set_irqs(f, TRIGGER | NONE, 2, 1, 1, 0));
	assert_int_equal(0, event_take(fd));
	assert_done(set_irqs(f, TRIGGER | BOOL, 2, 0, 1, 1));
	assert_int_equal(1, event_take(fd));
	assert_done(set_irqs(f, TRIGGER | BOOL, 2, 0, 1, 0));
	assert_int_equal(0, event_take(fd));
	/* One index at a time. */
	assert_refused(EINVAL, set_irqs(f, TRIGGER | EVENTFD, 0, 0, 1, fd));
	assert_done(set_irqs(f, TRIGGER | EVENTFD, 2, 0, 1, -1));
	assert_done(set_irqs(f, TRIGGER | NONE, 2, 0, 1, 0));
	assert_int_equal(0, event_take(fd));
	assert_done(set_irqs(f, TRIGGER | NONE, 2, 0, 0, 0));
	assert_done(set_irqs(f, TRIGGER | EVENTFD, 0, 0, 1, fd));
	assert_done(set_irqs(f, TRIGGER | NONE, 0, 0, 1, 0));
	assert_int_equal(1, event_take(fd));
	close(fd);
}

static void test_device_interrupts(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, 0);
	uint32_t ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	bus_master(f, f->dev[DEV_A]);
	assert_done(set_irqs(f, TRIGGER | EVENTFD, 2, 0, 1, fd));
	assert_int_equal(DMATEST_DONE, dma_copy(f, f->dev[DEV_A], 0x10000, 0x10800, 64));
	assert_int_equal(1, event_take(fd));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_nothing_before_bind),
		conformance_test(test_bind_sizes),
		conformance_test(test_bind_order_of_refusals),
		conformance_test(test_group_belongs_to_one_context),
		conformance_test(test_bind_fault),
		conformance_test(test_info),
		conformance_test(test_region_info),
		conformance_test(test_region_capabilities),
		conformance_test(test_irq_info),
		conformance_test(test_reset_and_unknown),
		conformance_test(test_feature),
		conformance_test(test_regions),
		conformance_test(test_mmap_rules),
		conformance_test(test_irq_refusals),
		conformance_test(test_irqs),
		conformance_test(test_device_interrupts),
	};

	return cmocka_run_group_tests_name("vfio_device", tests, NULL, NULL);
}
