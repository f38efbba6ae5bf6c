/* SPDX-License-Identifier: MIT */
/* The type 1 container's requests. */
#include "fixture.h"

#include <string.h>

#define CAPS_SIZE(n) (24u + 16u + 16u + 16u * (n))

static uint32_t compat_new(struct fixture *f)
{
	struct uiommu_abi_vfio_ioas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_alloc(f),
		.op = UIOMMU_ABI_VFIO_IOAS_SET,
	};

	assert_done(ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd));
	return cmd.ioas_id;
}

static long map_dma(
	struct fixture *f, const void *mem, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct uiommu_vfio_iommu_type1_dma_map cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
		.vaddr = (uintptr_t)mem,
		.iova = iova,
		.size = size,
	};

	return ask(f, f->ctx, UIOMMU_VFIO_IOMMU_MAP_DMA, &cmd);
}

#define DMA_RW (UIOMMU_VFIO_DMA_MAP_FLAG_READ | UIOMMU_VFIO_DMA_MAP_FLAG_WRITE)

static long unmap_dma(struct fixture *f, uint64_t iova, uint64_t *size, uint32_t flags)
{
	struct uiommu_vfio_iommu_type1_dma_unmap cmd = {
		.argsz = sizeof(cmd),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	long ret = ask(f, f->ctx, UIOMMU_VFIO_IOMMU_UNMAP_DMA, &cmd);

	*size = cmd.size;
	return ret;
}

/* --- Container -----------------------------------------------------------------------------------
 */

static long check_extension(struct fixture *f, unsigned long extension)
{
	return ask_at(f, f->ctx, UIOMMU_VFIO_CHECK_EXTENSION, extension);
}

static void test_version_and_extensions(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(0, ask(f, f->ctx, UIOMMU_VFIO_GET_API_VERSION, NULL));
	assert_int_equal(1, check_extension(f, 1));
	assert_int_equal(1, check_extension(f, 3));
	assert_int_equal(1, check_extension(f, 9));
	for (unsigned long i = 0; i < 20; i++) {
		if (i != 1 && i != 3 && i != 4 && i != 9)
			assert_int_equal(0, check_extension(f, i));
	}
	assert_refused(ENODEV, check_extension(f, 4));
	compat_new(f);
	assert_int_equal(1, check_extension(f, 4));
}

static void test_set_iommu(void **state)
{
	struct fixture *f = *state;
	uint64_t huge;
	uint32_t ioas;

	assert_refused(EINVAL, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 0));
	assert_refused(EINVAL, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 2));
	assert_refused(ENODEV, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	assert_refused(ENODEV, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 3));
	ioas = compat_new(f);
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 3));
	assert_done(option_get(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, &huge));
	assert_int_equal(1, huge);
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	assert_done(option_get(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, &huge));
	assert_int_equal(0, huge);
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 3));
}

static void test_set_iommu_type1_errors(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = compat_new(f);

	assert_done(map_at(f, ioas, f->buf, 2048, 0x10000, RW));
	assert_refused(EADDRINUSE, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_refused(EINVAL, ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
}

/* --- GET_INFO ------------------------------------------------------------------------------------
 */

static void test_info_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_iommu_type1_info cmd = { .argsz = 15 };

	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_VFIO_IOMMU_GET_INFO, &cmd));
	cmd.argsz = 16;
	assert_refused(ENODEV, ask(f, f->ctx, UIOMMU_VFIO_IOMMU_GET_INFO, &cmd));
	assert_refused(EFAULT, ask_at(f, f->ctx, UIOMMU_VFIO_IOMMU_GET_INFO, BAD_POINTER));
}

/* @buf was all 0xee but for argsz. */
static void check_info(const uint8_t *buf, uint32_t argsz, uint32_t nranges, uint64_t pgsizes)
{
	const uint32_t total = CAPS_SIZE(nranges);
	struct uiommu_vfio_iommu_type1_info info;
	struct uiommu_vfio_iommu_cap_dma_avail avail;
	struct uiommu_vfio_iommu_cap_iova_range range;

	memcpy(&info, buf, sizeof(info));
	assert_int_equal(total, info.argsz);
	assert_int_equal(3, info.flags);
	assert_int_equal(pgsizes, info.iova_pgsizes);
	if (argsz >= 20)
		assert_int_equal(argsz >= total ? 24 : 0, info.cap_offset);
	memcpy(&avail, buf + 24, sizeof(avail));
	if (argsz >= 36) {
		assert_int_equal(UIOMMU_VFIO_IOMMU_CAP_DMA_AVAIL, avail.header.id);
		assert_int_equal(1, avail.header.version);
		assert_int_equal(argsz >= 40 ? 40 : 0, avail.header.next);
		assert_int_equal(UINT32_MAX, avail.avail);
	}
	memcpy(&range, buf + 40, sizeof(range));
	if (argsz >= total) {
		assert_int_equal(UIOMMU_VFIO_IOMMU_CAP_IOVA_RANGE, range.header.id);
		assert_int_equal(1, range.header.version);
		assert_int_equal(0, range.header.next);
		assert_int_equal(nranges, range.nr_iovas);
	}
	for (uint32_t at = argsz; at < total + 16; at++)
		assert_int_equal(0xee, buf[at]);
}

/* The capability chain at every size that a caller may have. */
static void sweep_info(struct fixture *f, uint32_t nranges, uint64_t pgsizes)
{
	uint8_t buf[CAPS_SIZE(2) + 16];

	for (uint32_t argsz = 16; argsz <= CAPS_SIZE(nranges) + 8; argsz++) {
		memset(buf, 0xee, sizeof(buf));
		memcpy(buf, &argsz, sizeof(argsz));
		assert_done(ask(f, f->ctx, UIOMMU_VFIO_IOMMU_GET_INFO, buf));
		check_info(buf, argsz, nranges, pgsizes);
	}
}

static void test_info(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = compat_new(f);

	sweep_info(f, 1, ~(PAGE - 1));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	sweep_info(f, 2, PAGE | 2 * MIB | 1024 * MIB);
}

static void test_info_ranges(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[CAPS_SIZE(2)] = { CAPS_SIZE(2) };
	struct uiommu_vfio_iova_range r[2];
	struct uiommu_abi_iova_range same[2];
	uint32_t ioas = compat_new(f);

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(ask(f, f->ctx, UIOMMU_VFIO_IOMMU_GET_INFO, buf));
	memcpy(r, buf + 56, sizeof(r));
	assert_int_equal(2, ranges_get(f, ioas, same, 2, NULL));
	assert_memory_equal(same, r, sizeof(r));
}

/* --- MAP_DMA -------------------------------------------------------------------------------------
 */

static void test_map_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_iommu_type1_dma_map cmd = { .argsz = 31 };

	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_VFIO_IOMMU_MAP_DMA, &cmd));
	assert_refused(EINVAL, map_dma(f, f->buf, 0, PAGE, UIOMMU_VFIO_DMA_MAP_FLAG_VADDR));
	assert_refused(EINVAL, map_dma(f, f->buf, 0, PAGE, 8 | DMA_RW));
	assert_refused(ENODEV, map_dma(f, f->buf, 0, PAGE, DMA_RW));
	compat_new(f);
	assert_refused(EINVAL, map_dma(f, f->buf, 0, 0, DMA_RW));
	assert_refused(EOVERFLOW, map_dma(f, f->buf, UINT64_MAX - PAGE + 1, 2 * PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf, 0, PAGE, DMA_RW));
	assert_refused(EEXIST, map_dma(f, f->buf, 0, PAGE, DMA_RW));
	/* Larger structures are taken as they are: VFIO ignores what it doesn't know. */
	cmd = (struct uiommu_vfio_iommu_type1_dma_map){
		.argsz = 1000,
		.flags = DMA_RW,
		.vaddr = (uintptr_t)f->buf,
		.iova = 0x10000,
		.size = PAGE,
	};
	assert_done(ask(f, f->ctx, UIOMMU_VFIO_IOMMU_MAP_DMA, &cmd));
}

static void test_map_without_permission(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = compat_new(f);
	uint64_t size = PAGE;

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	bus_master(f, f->dev[DEV_A]);
	assert_done(map_dma(f, f->buf, 0x10000, PAGE, 0));
	assert_done(map_dma(f, f->buf, 0x20000, PAGE, DMA_RW));
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 8));
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x20000, 0x10000, 8));
	assert_done(unmap_dma(f, 0x10000, &size, 0));
	assert_int_equal(PAGE, size);
}

/* --- UNMAP_DMA -----------------------------------------------------------------------------------
 */

static void test_unmap_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_vfio_iommu_type1_dma_unmap cmd = { .argsz = 23 };
	uint64_t size = PAGE;

	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_VFIO_IOMMU_UNMAP_DMA, &cmd));
	assert_refused(EINVAL, unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_GET_DIRTY));
	assert_refused(EINVAL, unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_VADDR));
	assert_refused(ENODEV, unmap_dma(f, 0, &size, 0));
	compat_new(f);
	assert_refused(EINVAL, unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_int_equal(PAGE, size);
	size = 0;
	assert_refused(EINVAL, unmap_dma(f, PAGE, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_refused(EINVAL, unmap_dma(f, 0, &size, 0));
	size = 2 * PAGE;
	assert_refused(EOVERFLOW, unmap_dma(f, UINT64_MAX - PAGE + 1, &size, 0));
	assert_int_equal(0, size);
}

static void test_unmap(void **state)
{
	struct fixture *f = *state;
	uint64_t size = 16 * PAGE;

	compat_new(f);
	/* Nothing there is success. */
	assert_done(unmap_dma(f, 0x10000, &size, 0));
	assert_int_equal(0, size);
	assert_done(map_dma(f, f->buf, 0x10000, PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf, 0x12000, 2 * PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf, 0x14000, 4 * PAGE, DMA_RW));
	/* Version 2 doesn't split; what was removed before is told. */
	size = 5 * PAGE;
	assert_refused(ENOENT, unmap_dma(f, 0x10000, &size, 0));
	assert_int_equal(3 * PAGE, size);
	size = PAGE;
	assert_refused(ENOENT, unmap_dma(f, 0x14000, &size, 0));
	assert_int_equal(0, size);
	size = 0;
	assert_done(unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_int_equal(4 * PAGE, size);
	size = 0;
	assert_done(unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_int_equal(0, size);
}

/* --- Version 1 splits ----------------------------------------------------------------------------
 */

static void test_v1_splits(void **state)
{
	static const unsigned int order[16] = { 5, 0, 15, 9, 1, 14, 7, 3, 12, 2, 8, 11, 4, 13, 6,
		10 };
	struct fixture *f = *state;
	uint32_t ioas = compat_new(f);

	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	bus_master(f, f->dev[DEV_A]);
	memset(f->buf, 7, BUF_SIZE);
	assert_done(map_dma(f, f->buf, 0x100000, 16 * PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf + MIB, 0x200000, PAGE, DMA_RW));
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t iova = 0x100000 + order[i] * PAGE, size = PAGE;

		assert_int_equal(2, dma_copy(f, f->dev[DEV_A], iova, 0x200000, PAGE));
		assert_done(unmap_dma(f, iova, &size, 0));
		assert_int_equal(PAGE, size);
		assert_int_equal(3, dma_copy(f, f->dev[DEV_A], iova, 0x200000, 8));
	}
	assert_int_equal(1, areas_now(f));
}

static void test_v1_splits_at_both_edges(void **state)
{
	struct fixture *f = *state;
	uint64_t size = 8 * PAGE;

	compat_new(f);
	assert_done(ask_at(f, f->ctx, UIOMMU_VFIO_SET_IOMMU, 1));
	assert_done(map_dma(f, f->buf, 0, 4 * PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf, 4 * PAGE, 4 * PAGE, DMA_RW));
	assert_done(map_dma(f, f->buf, 8 * PAGE, 4 * PAGE, DMA_RW));
	assert_done(unmap_dma(f, 2 * PAGE, &size, 0));
	assert_int_equal(8 * PAGE, size);
	assert_int_equal(2, areas_now(f));
	/* Misaligned edges inside of an area. */
	size = PAGE;
	assert_refused(EINVAL, unmap_dma(f, 2048, &size, 0));
	size = 2048;
	assert_refused(EINVAL, unmap_dma(f, 0, &size, 0));
	size = 0;
	assert_done(unmap_dma(f, 0, &size, UIOMMU_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_int_equal(4 * PAGE, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_version_and_extensions),
		conformance_test(test_set_iommu),
		conformance_test(test_set_iommu_type1_errors),
		conformance_test(test_info_refusals),
		conformance_test(test_info),
		conformance_test(test_info_ranges),
		conformance_test(test_map_refusals),
		conformance_test(test_map_without_permission),
		conformance_test(test_unmap_refusals),
		conformance_test(test_unmap),
		conformance_test(test_v1_splits),
		conformance_test(test_v1_splits_at_both_edges),
	};

	return cmocka_run_group_tests_name("type1", tests, NULL, NULL);
}
