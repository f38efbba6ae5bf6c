/* SPDX-License-Identifier: MIT */
/* HWPT_ALLOC, GET_HW_INFO, and what a device is attached to: automatic and manual tables, replace.
 */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

#define FIXED UIOMMU_ABI_MAP_FIXED_IOVA

/* --- HWPT_ALLOC ----------------------------------------------------------------------------------
 */

static void test_hwpt_order_of_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = 0x100,
		.dev_id = 77,
		.pt_id = 77,
		.reserved = 1,
		.data_len = 8,
	};
	uint32_t auto_hwpt, ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	auto_hwpt = ioas;
	assert_done(dev_attach(f, DEV_A, &auto_hwpt));
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.reserved = 0;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.data_type = UIOMMU_ABI_HWPT_DATA_VTD_S1;
	cmd.data_len = 0;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.data_type = UIOMMU_ABI_HWPT_DATA_NONE;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.dev_id = ioas;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.dev_id = f->dev_id[DEV_A];
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.pt_id = cmd.dev_id;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	/* A table below a table: this IOMMU doesn't nest. */
	cmd.pt_id = auto_hwpt;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.pt_id = ioas;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.flags = UIOMMU_ABI_HWPT_ALLOC_NEST_PARENT | UIOMMU_ABI_HWPT_ALLOC_FAULT_ID_VALID;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	cmd.flags = 0;
	cmd.data_type = UIOMMU_ABI_HWPT_DATA_VTD_S1;
	cmd.data_len = 24;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	assert_int_equal(0, cmd.out_hwpt_id);
}

static void test_hwpt_short_structure(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_hwpt_alloc cmd = { .size = UIOMMU_ABI_HWPT_ALLOC_MIN };

	dev_bind(f, DEV_A);
	memset((char *)&cmd + cmd.size, 0xee, sizeof(cmd) - cmd.size);
	cmd.dev_id = f->dev_id[DEV_A];
	cmd.pt_id = ioas_alloc(f);
	assert_done(ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd));
	assert_int_not_equal(0, cmd.out_hwpt_id);
	assert_int_equal(0xeeeeeeee, cmd.data_type);
	assert_done(destroy(f, cmd.out_hwpt_id));
}

/* A table joins its address space without any device. */
static void test_hwpt_in_force_at_once(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_iova_range r[4];
	uint32_t hwpt, ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10800, RW));
	assert_refused(EADDRINUSE, hwpt_alloc(f, f->dev_id[DEV_A], ioas, &hwpt));
	assert_int_equal(1, alignment_of(f, ioas));
	assert_done(unmap(f, ioas, 0x10800, PAGE, NULL));
	assert_done(map_at(f, ioas, f->buf, PAGE, UINT64_MAX - PAGE + 1, RW));
	assert_refused(EADDRINUSE, hwpt_alloc(f, f->dev_id[DEV_A], ioas, &hwpt));
	assert_done(unmap(f, ioas, UINT64_MAX - PAGE + 1, PAGE, NULL));
	assert_done(map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	assert_refused(EFAULT, hwpt_alloc(f, f->dev_id[DEV_A], ioas, &hwpt));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_done(hwpt_alloc(f, f->dev_id[DEV_A], ioas, &hwpt));
	assert_int_equal(PAGE, alignment_of(f, ioas));
	/* The aperture's end, not the device's interrupt window. */
	assert_int_equal(1, ranges_get(f, ioas, r, 4, NULL));
	assert_true(r[0].last > MSI_LAST && r[0].last < UINT64_MAX);
	assert_refused(EINVAL, map_at(f, ioas, f->buf, PAGE, r[0].last + 1, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, r[0].last + 1 - PAGE, RW));
	assert_done(destroy(f, hwpt));
	assert_int_equal(1, alignment_of(f, ioas));
}

/* --- GET_HW_INFO ---------------------------------------------------------------------------------
 */

static void test_hw_info(void **state)
{
	struct fixture *f = *state;
	uint8_t data[64];
	struct uiommu_abi_hw_info cmd = {
		.size = sizeof(cmd),
		.flags = 2,
		.dev_id = 77,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)data,
	};

	dev_bind(f, DEV_A);
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.flags = 0;
	cmd.reserved[1] = 1;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.reserved[1] = 0;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.dev_id = f->dev_id[DEV_A];
	cmd.in_data_type = UIOMMU_ABI_HW_INFO_ARM_SMMUV3;
	memset(data, 0xee, sizeof(data));
	assert_done(ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	assert_int_equal(UIOMMU_ABI_HW_INFO_NONE, cmd.out_data_type);
	assert_int_equal(0, cmd.data_len);
	assert_int_equal(0, cmd.out_max_pasid_log2);
	for (size_t i = 0; i < sizeof(data); i++)
		assert_int_equal(0, data[i]);
	/* A type that this IOMMU isn't of. */
	cmd.flags = UIOMMU_ABI_HW_INFO_INPUT_TYPE;
	cmd.in_data_type = UIOMMU_ABI_HW_INFO_ARM_SMMUV3;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.in_data_type = UIOMMU_ABI_HW_INFO_DEFAULT;
	assert_done(ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.data_uptr = 0;
	cmd.data_len = 0;
	assert_done(ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	cmd.data_len = 8;
	assert_refused(EFAULT, ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
}

static void test_hw_info_short_structure(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_hw_info cmd = {
		.size = UIOMMU_ABI_GET_HW_INFO_MIN,
		.out_capabilities = UINT64_C(0xeeeeeeeeeeeeeeee),
	};

	dev_bind(f, DEV_A);
	cmd.dev_id = f->dev_id[DEV_A];
	assert_done(ask(f, f->ctx, UIOMMU_ABI_GET_HW_INFO, &cmd));
	assert_int_equal(UINT64_C(0xeeeeeeeeeeeeeeee), cmd.out_capabilities);
}

/* --- Attach --------------------------------------------------------------------------------------
 */

static void test_attach_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_device_attach_iommufd_pt cmd = { .argsz = 11 };
	struct uiommu_vfio_device_detach_iommufd_pt detach = { .argsz = 7 };

	dev_bind(f, DEV_A);
	assert_refused(EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd));
	cmd.argsz = 12;
	cmd.flags = 2;
	assert_refused(EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd));
	cmd.argsz = 16;
	cmd.flags = UIOMMU_VFIO_ATTACH_FLAG_PASID;
	assert_refused(
		EOPNOTSUPP, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd));
	cmd.flags = 0;
	assert_refused(ENOENT, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd));
	assert_refused(ENOENT, dev_attach_to(f, DEV_A, 77));
	assert_refused(EINVAL, dev_attach_to(f, DEV_A, f->dev_id[DEV_A]));
	assert_refused(
		EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	detach.argsz = 8;
	detach.flags = 2;
	assert_refused(
		EINVAL, ask(f, f->dev[DEV_A], UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	assert_done(dev_detach(f, DEV_A));
}

static void test_automatic_table(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f), first = ioas, second = ioas, manual;

	dev_bind(f, DEV_A);
	dev_bind(f, DEV_B);
	/* A manual one is never picked. */
	assert_done(hwpt_alloc(f, f->dev_id[DEV_A], ioas, &manual));
	assert_done(dev_attach(f, DEV_A, &first));
	assert_int_not_equal(ioas, first);
	assert_int_not_equal(manual, first);
	assert_done(dev_attach(f, DEV_B, &second));
	assert_int_equal(first, second);
	assert_refused(EBUSY, destroy(f, first));
	assert_refused(EBUSY, destroy(f, ioas));
	/* It goes with its last attachment. */
	assert_done(dev_detach(f, DEV_A));
	assert_refused(EBUSY, destroy(f, first));
	assert_done(dev_detach(f, DEV_B));
	assert_refused(ENOENT, destroy(f, first));
	assert_int_equal(first, ioas_alloc(f));
	assert_done(destroy(f, manual));
	assert_done(destroy(f, ioas));
}

static void test_close_detaches(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f), hwpt = ioas;

	dev_bind(f, DEV_A);
	assert_done(dev_attach(f, DEV_A, &hwpt));
	dev_close(f, DEV_A);
	assert_refused(ENOENT, destroy(f, hwpt));
	assert_done(destroy(f, ioas));
}

static void test_attach_conflicts(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(map_at(f, ioas, f->buf, PAGE, MSI_FIRST, RW));
	assert_refused(EADDRINUSE, dev_attach_to(f, DEV_A, ioas));
	assert_done(unmap(f, ioas, MSI_FIRST, PAGE, NULL));
	assert_done(map_at(f, ioas, f->buf + 1, PAGE, 0x10000, RW));
	assert_refused(EADDRINUSE, dev_attach_to(f, DEV_A, ioas));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_done(map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	assert_refused(EFAULT, dev_attach_to(f, DEV_A, ioas));
	/* Nothing of the attempts is left: no table, no reserved range, no alignment. */
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_int_equal(1, alignment_of(f, ioas));
	assert_int_equal(1, ranges_get(f, ioas, NULL, 0, NULL));
	assert_done(destroy(f, ioas));
	assert_int_equal(ioas, ioas_alloc(f));
}

/* --- Replace -------------------------------------------------------------------------------------
 */

static void test_replace(void **state)
{
	struct fixture *f = *state;
	uint32_t one = ioas_alloc(f), two = ioas_alloc(f), old = one, new = two, same;

	dev_bind(f, DEV_A);
	bus_master(f, f->dev[DEV_A]);
	memset(f->buf, 1, PAGE);
	memset(f->buf + PAGE, 2, PAGE);
	assert_done(map_at(f, one, f->buf, PAGE, 0x10000, RW));
	assert_done(map_at(f, one, f->buf + 2 * PAGE, PAGE, 0x20000, RW));
	assert_done(map_at(f, two, f->buf + PAGE, PAGE, 0x10000, RW));
	assert_done(map_at(f, two, f->buf + 2 * PAGE, PAGE, 0x20000, RW));
	assert_done(dev_attach(f, DEV_A, &old));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 8));
	assert_int_equal(1, f->buf[2 * PAGE]);
	assert_done(dev_attach(f, DEV_A, &new));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 8));
	assert_int_equal(2, f->buf[2 * PAGE]);
	/* The old automatic table is gone, and so are its reserved ranges. */
	assert_refused(ENOENT, destroy(f, old));
	assert_int_equal(1, ranges_get(f, one, NULL, 0, NULL));
	assert_int_equal(2, ranges_get(f, two, NULL, 0, NULL));
	/* To the same one, by its id and by the IOAS: nothing happens. */
	same = new;
	assert_done(dev_attach(f, DEV_A, &same));
	assert_int_equal(new, same);
	same = two;
	assert_done(dev_attach(f, DEV_A, &same));
	assert_int_equal(new, same);
	assert_done(dev_detach(f, DEV_A));
	assert_refused(ENOENT, destroy(f, new));
}

static void test_failed_replace_leaves_the_old(void **state)
{
	struct fixture *f = *state;
	uint32_t one = ioas_alloc(f), two = ioas_alloc(f), old = one;

	dev_bind(f, DEV_A);
	bus_master(f, f->dev[DEV_A]);
	assert_done(map_at(f, one, f->buf, PAGE, 0x10000, RW));
	assert_done(map_at(f, two, f->buf, PAGE, MSI_FIRST, RW));
	assert_done(dev_attach(f, DEV_A, &old));
	assert_refused(EADDRINUSE, dev_attach_to(f, DEV_A, two));
	assert_refused(ENOENT, dev_attach_to(f, DEV_A, 77));
	assert_refused(EBUSY, destroy(f, old));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x10800, 8));
	assert_done(destroy(f, two));
}

static void test_group_shares_an_attachment(void **state)
{
	struct fixture *f = *state;
	uint32_t one = ioas_alloc(f), two = ioas_alloc(f), c = one, d = one, moved = two;

	dev_bind(f, DEV_C);
	dev_bind(f, DEV_D);
	assert_done(dev_attach(f, DEV_C, &c));
	/* The second one joins; it can't go elsewhere by itself. */
	assert_refused(EINVAL, dev_attach_to(f, DEV_D, two));
	assert_done(dev_attach(f, DEV_D, &d));
	assert_int_equal(c, d);
	/* Replace moves both. */
	assert_done(dev_attach(f, DEV_D, &moved));
	assert_refused(ENOENT, destroy(f, c));
	assert_done(destroy(f, one));
	assert_done(dev_detach(f, DEV_D));
	assert_refused(EBUSY, destroy(f, moved));
	assert_done(dev_detach(f, DEV_C));
	assert_refused(ENOENT, destroy(f, moved));
}

/* --- What devices see ----------------------------------------------------------------------------
 */

static void test_dma_is_blocked_without_attachment(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	bus_master(f, f->dev[DEV_A]);
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x10000, 0x10800, 8));
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x10800, 8));
	assert_done(dev_detach(f, DEV_A));
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x10000, 0x10800, 8));
}

static void test_dma_obeys_permissions(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	int dev;

	dev_bind(f, DEV_A);
	dev = f->dev[DEV_A];
	assert_done(dev_attach_to(f, DEV_A, ioas));
	bus_master(f, dev);
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, UIOMMU_ABI_MAP_READABLE));
	assert_done(map_at(f, ioas, f->buf + PAGE, PAGE, 0x20000, UIOMMU_ABI_MAP_WRITEABLE));
	assert_int_equal(2, dma_copy(f, dev, 0x10000, 0x20000, 8));
	assert_int_equal(3, dma_copy(f, dev, 0x10000, 0x10800, 8));
	/* Whether what is writeable can be read, too, is the format's: x86-64 has no such bit. */
	assert_int_equal(3, dma_copy(f, dev, 0x30000, 0x20000, 8));
	assert_done(unmap(f, ioas, 0x20000, PAGE, NULL));
	assert_int_equal(3, dma_copy(f, dev, 0x10000, 0x20000, 8));
}

/* Two tables of one address space always show the same. */
static void test_tables_agree(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f), manual;

	dev_bind(f, DEV_A);
	dev_bind(f, DEV_B);
	bus_master(f, f->dev[DEV_A]);
	bus_master(f, f->dev[DEV_B]);
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(hwpt_alloc(f, f->dev_id[DEV_B], ioas, &manual));
	assert_done(dev_attach_to(f, DEV_B, manual));
	assert_done(map_at(f, ioas, f->buf + PAGE, PAGE, 0x20000, RW));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 8));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_B], 0x10000, 0x20000, 8));
	assert_done(unmap(f, ioas, 0x20000, PAGE, NULL));
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 8));
	assert_int_equal(3, dma_copy(f, f->dev[DEV_B], 0x10000, 0x20000, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_hwpt_order_of_refusals),
		conformance_test(test_hwpt_short_structure),
		conformance_test(test_hwpt_in_force_at_once),
		conformance_test(test_hw_info),
		conformance_test(test_hw_info_short_structure),
		conformance_test(test_attach_refusals),
		conformance_test(test_automatic_table),
		conformance_test(test_close_detaches),
		conformance_test(test_attach_conflicts),
		conformance_test(test_replace),
		conformance_test(test_failed_replace_leaves_the_old),
		conformance_test(test_group_shares_an_attachment),
		conformance_test(test_dma_is_blocked_without_attachment),
		conformance_test(test_dma_obeys_permissions),
		conformance_test(test_tables_agree),
	};

	return cmocka_run_group_tests_name("attach", tests, NULL, NULL);
}
