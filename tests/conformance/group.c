/* SPDX-License-Identifier: MIT */
/* Groups: exclusive use, containers, devices that are taken through them. */
#include "fixture.h"

#include <string.h>

static int group_open(struct fixture *f, unsigned int number)
{
	return f->p->ops->open_group(f->p, number, &f->why);
}

static void shut(struct fixture *f, int handle)
{
	f->p->ops->close(f->p, handle);
}

static long set_container(struct fixture *f, int group, int32_t container)
{
	return ask(f, group, UIOMMU_VFIO_GROUP_SET_CONTAINER, &container);
}

static long get_device(struct fixture *f, int group, const char *name)
{
	char copy[128];

	strcpy(copy, name);
	return ask(f, group, UIOMMU_VFIO_GROUP_GET_DEVICE_FD, copy);
}

static uint32_t status(struct fixture *f, int group)
{
	struct uiommu_vfio_group_status cmd = { .argsz = sizeof(cmd), .flags = 77 };

	assert_done(ask(f, group, UIOMMU_VFIO_GROUP_GET_STATUS, &cmd));
	assert_int_equal(sizeof(cmd), cmd.argsz);
	return cmd.flags;
}

static void test_open(void **state)
{
	struct fixture *f = *state;
	int group = group_open(f, GROUP_A);

	assert_true(group > 0);
	assert_int_equal(-EBUSY, group_open(f, GROUP_A));
	assert_int_equal(-ENOENT, group_open(f, 99));
	shut(f, group);
	group = group_open(f, GROUP_A);
	assert_true(group > 0);
	assert_refused(ENOTTY, ask(f, group, 0x3b6f, NULL));
	assert_refused(ENOTTY, ask(f, group, UIOMMU_VFIO_DEVICE_GET_INFO, NULL));
	shut(f, group);
}

/* A device's own node and its group exclude each other. */
static void test_group_or_node(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_device_bind_iommufd cmd = { .argsz = sizeof(cmd), .iommufd = f->ctx };
	int group, dev = f->p->ops->open_device(f->p, DEV_A, &f->why);

	/* Open isn't bound. */
	group = group_open(f, GROUP_A);
	assert_true(group > 0);
	assert_refused(EBUSY, ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd));
	shut(f, group);
	assert_done(ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd));
	assert_int_equal(-EBUSY, group_open(f, GROUP_A));
	shut(f, dev);
	group = group_open(f, GROUP_A);
	assert_true(group > 0);
	shut(f, group);
}

static void test_status(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_group_status cmd = { .argsz = 7 };
	int group = group_open(f, GROUP_A);

	assert_refused(EINVAL, ask(f, group, UIOMMU_VFIO_GROUP_GET_STATUS, &cmd));
	assert_refused(EFAULT, ask_at(f, group, UIOMMU_VFIO_GROUP_GET_STATUS, BAD_POINTER));
	assert_int_equal(UIOMMU_VFIO_GROUP_FLAG_VIABLE, status(f, group));
	assert_done(set_container(f, group, f->ctx));
	assert_int_equal(UIOMMU_VFIO_GROUP_FLAG_VIABLE | UIOMMU_VFIO_GROUP_FLAG_CONTAINER_SET,
		status(f, group));
	assert_done(ask(f, group, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, NULL));
	assert_int_equal(UIOMMU_VFIO_GROUP_FLAG_VIABLE, status(f, group));
	shut(f, group);
}

static void test_container(void **state)
{
	struct fixture *f = *state;
	int a = group_open(f, GROUP_A), b = group_open(f, GROUP_B);
	struct uiommu_abi_vfio_ioas cmd = { .size = sizeof(cmd) };

	assert_refused(EFAULT, ask_at(f, a, UIOMMU_VFIO_GROUP_SET_CONTAINER, BAD_POINTER));
	assert_refused(EBADF, set_container(f, a, -1));
	assert_refused(EBADF, set_container(f, a, 1000));
	assert_refused(EBADFD, set_container(f, a, b));
	assert_refused(EINVAL, ask(f, a, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, NULL));
	/* The first group brings the address space, the second one shares it. */
	assert_refused(ENODEV, ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd));
	assert_done(set_container(f, a, f->ctx));
	assert_done(ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd));
	assert_done(set_container(f, b, f->ctx));
	assert_int_equal(cmd.ioas_id + 1, ioas_alloc(f));
	/* One container: before what the descriptor is, after whether it is one. */
	assert_refused(EINVAL, set_container(f, a, f->ctx));
	assert_refused(EINVAL, set_container(f, a, b));
	assert_refused(EBADF, set_container(f, a, 1000));
	assert_done(ask(f, a, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, NULL));
	assert_refused(EINVAL, ask(f, a, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, NULL));
	shut(f, a);
	shut(f, b);
	/* It is an object like any other. */
	assert_done(destroy(f, cmd.ioas_id));
}

static void test_device(void **state)
{
	struct fixture *f = *state;
	int group = group_open(f, GROUP_A);
	long dev, again;

	assert_refused(ENODEV, get_device(f, group, "0000:02:00.0"));
	assert_refused(EINVAL, get_device(f, group, dev_names[DEV_A]));
	assert_done(set_container(f, group, f->ctx));
	assert_refused(EFAULT, ask_at(f, group, UIOMMU_VFIO_GROUP_GET_DEVICE_FD, BAD_POINTER));
	assert_refused(ENODEV, get_device(f, group, ""));
	assert_refused(ENODEV, get_device(f, group, "0000:02:00.0"));
	assert_refused(ENODEV, get_device(f, group, "0000:02:00.0 no_such=1"));
	assert_refused(ENODEV, get_device(f, group, "0000:01:00.00"));
	assert_refused(EINVAL, get_device(f, group, "0000:01:00.0 no_such=1"));
	assert_refused(EINVAL,
		get_device(f, group, "0000:01:00.0 vf_token=12345678-1234-1234-1234-123456789abc"));
	dev = get_device(f, group, dev_names[DEV_A]);
	assert_true(dev > 0);
	again = get_device(f, group, dev_names[DEV_A]);
	assert_true(again > 0 && again != dev);
	/* The device's file holds the group's. */
	shut(f, group);
	assert_int_equal(-EBUSY, group_open(f, GROUP_A));
	shut(f, (int)dev);
	assert_int_equal(-EBUSY, group_open(f, GROUP_A));
	shut(f, (int)again);
	group = group_open(f, GROUP_A);
	assert_true(group > 0);
	shut(f, group);
}

/* It comes bound and attached to the container's address space. */
static void test_device_does_dma(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = UIOMMU_VFIO_DMA_MAP_FLAG_READ | UIOMMU_VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)f->buf,
		.iova = 0x10000,
		.size = 2 * PAGE,
	};
	struct uiommu_vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	struct uiommu_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = f->ctx };
	int dev, group = group_open(f, GROUP_A);

	assert_done(set_container(f, group, f->ctx));
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, UIOMMU_VFIO_TYPE1V2));
	dev = (int)get_device(f, group, dev_names[DEV_A]);
	assert_done(ask(f, f->ctx, UIOMMU_VFIO_IOMMU_MAP_DMA, &map));
	bus_master(f, dev);
	f->buf[0] = 42;
	assert_int_equal(2, dma_copy(f, dev, 0x10000, 0x11000, 8));
	assert_int_equal(42, f->buf[PAGE]);
	/* What only a node of its own can do. */
	assert_refused(EINVAL, ask(f, dev, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &bind));
	assert_refused(ENOTTY, ask(f, dev, UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach));
	assert_refused(ENOTTY, ask(f, dev, UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &attach));
	shut(f, dev);
	shut(f, group);
	assert_done(ask(f, f->ctx, UIOMMU_VFIO_GET_API_VERSION, NULL));
}

static void test_mappings_survive_the_device(void **state)
{
	struct fixture *f = *state;
	int dev, group = group_open(f, GROUP_A);
	struct uiommu_abi_vfio_ioas cmd = { .size = sizeof(cmd) };

	assert_done(set_container(f, group, f->ctx));
	dev = (int)get_device(f, group, dev_names[DEV_A]);
	assert_true(dev > 0);
	assert_done(ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd));
	assert_done(map_at(f, cmd.ioas_id, f->buf, PAGE, 0x10000, RW));
	shut(f, dev);
	shut(f, group);
	assert_int_equal(1, areas_now(f));
	assert_done(unmap(f, cmd.ioas_id, 0x10000, PAGE, NULL));
}

static uint32_t count_ranges(struct fixture *f, int context)
{
	struct uiommu_abi_vfio_ioas compat = { .size = sizeof(compat) };
	struct uiommu_abi_ioas_iova_ranges cmd = { .size = sizeof(cmd) };

	assert_done(ask(f, context, UIOMMU_ABI_VFIO_IOAS, &compat));
	cmd.ioas_id = compat.ioas_id;
	assert_refused(EMSGSIZE, ask(f, context, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd));
	return cmd.num_iovas;
}

/* VFIO's own container knows what its group's devices translate before any is open. */
static void test_container_has_ranges_at_once(void **state)
{
	struct fixture *f = *state;
	int container = f->p->ops->open_container(f->p, &f->why);
	int a = group_open(f, GROUP_A), b = group_open(f, GROUP_B);
	long dev;

	assert_done(set_container(f, a, container));
	assert_int_equal(2, count_ranges(f, container));
	dev = get_device(f, a, dev_names[DEV_A]);
	assert_true(dev > 0);
	assert_int_equal(2, count_ranges(f, container));
	shut(f, (int)dev);
	assert_done(ask(f, a, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, NULL));
	assert_int_equal(1, count_ranges(f, container));
	/* An iommufd learns it with the first device. */
	assert_done(set_container(f, b, f->ctx));
	assert_int_equal(1, count_ranges(f, f->ctx));
	shut(f, a);
	shut(f, b);
	shut(f, container);
}

/* A context may be held by a group alone. */
static void test_group_holds_the_container(void **state)
{
	struct fixture *f = *state;
	int group = group_open(f, GROUP_A);
	long dev;

	assert_done(set_container(f, group, f->ctx));
	shut(f, f->ctx);
	f->ctx = 0;
	dev = get_device(f, group, dev_names[DEV_A]);
	assert_true(dev > 0);
	shut(f, (int)dev);
	shut(f, group);
}

static void test_no_file_operations(void **state)
{
	struct fixture *f = *state;
	int group = group_open(f, GROUP_A);
	char byte = 0;

	assert_int_equal(-EINVAL, f->p->ops->read(f->p, group, &byte, 1, 0, &f->why));
	assert_int_equal(-EINVAL, f->p->ops->write(f->p, group, &byte, 1, 0, &f->why));
	shut(f, group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_open),
		conformance_test(test_group_or_node),
		conformance_test(test_status),
		conformance_test(test_container),
		conformance_test(test_device),
		conformance_test(test_device_does_dma),
		conformance_test(test_mappings_survive_the_device),
		conformance_test(test_container_has_ranges_at_once),
		conformance_test(test_group_holds_the_container),
		conformance_test(test_no_file_operations),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
