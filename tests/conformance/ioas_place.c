/* SPDX-License-Identifier: MIT */
/* Where mappings may go: alignment, reserved ranges, and the addresses that are chosen. */
#include "fixture.h"

#define FIXED UIOMMU_ABI_MAP_FIXED_IOVA

/* Memory at any address may be mapped while nobody looks at it. */
static long map_auto(struct fixture *f, uint32_t ioas, uint64_t va, uint64_t len, uint64_t *iova)
{
	*iova = 0;
	return map_flags(f, ioas, va, len, RW, iova);
}

static void assert_placed(
	struct fixture *f, uint32_t ioas, uint64_t va, uint64_t len, uint64_t expected)
{
	uint64_t iova;

	assert_done(map_auto(f, ioas, va, len, &iova));
	assert_int_equal(expected, iova);
}

static void test_fixed_refusals(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t end = UINT64_MAX - PAGE + 1;

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(map_at(f, ioas, f->buf, 2 * PAGE, 0x10000, RW));
	/* Length, then IOVA, then the end, then reserved ranges, then areas. */
	assert_refused(EINVAL, map_at(f, ioas, f->buf, 2 * PAGE - 1, end, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf, 2 * PAGE, end + 1, RW));
	assert_refused(EOVERFLOW, map_at(f, ioas, f->buf, 2 * PAGE, end, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf, PAGE, MSI_FIRST, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf, 2 * PAGE, MSI_FIRST - PAGE, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf, PAGE, MSI_LAST + 1 - PAGE, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf, PAGE, end, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf, PAGE, 0x11000, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf, 2 * PAGE, 0xf000, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf + 1, PAGE, 0x10000, RW));
	assert_refused(EINVAL, map_at(f, ioas, f->buf + 1, PAGE, 0x20000, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0xf000, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x12000, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, MSI_FIRST - PAGE, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, MSI_LAST + 1, RW));
}

static void test_bytes_without_a_table(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	assert_done(map_at(f, ioas, f->buf + 7, 3, 0x10001, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf, 1, 0x10003, RW));
	assert_done(map_at(f, ioas, f->buf, 1, 0x10004, RW));
	assert_done(map_at(f, ioas, f->buf, 1, 0, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, UINT64_MAX - PAGE + 1, RW));
}

static void test_first_fit(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;

	/* IOVA 0 is never chosen. */
	assert_placed(f, ioas, buf, PAGE, PAGE);
	assert_placed(f, ioas, buf, PAGE, 2 * PAGE);
	/* Aligned to the power of two that the length is rounded up to. */
	assert_placed(f, ioas, buf, 4 * PAGE, 4 * PAGE);
	assert_placed(f, ioas, buf, 3 * PAGE, 8 * PAGE);
	assert_placed(f, ioas, buf, 16 * PAGE, 16 * PAGE);
	assert_placed(f, ioas, buf, PAGE, 3 * PAGE);
	assert_placed(f, ioas, buf, PAGE, 11 * PAGE);
	/* A hole that was made is found again. */
	assert_done(unmap(f, ioas, 4 * PAGE, 4 * PAGE, NULL));
	assert_placed(f, ioas, buf, 2 * PAGE, 4 * PAGE);
}

static void test_alignment_is_that_of_the_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;

	assert_placed(f, ioas, buf + PAGE, 64 * PAGE, PAGE);
	assert_done(unmap(f, ioas, 0, UINT64_MAX, NULL));
	assert_placed(f, ioas, buf + 4 * PAGE, 64 * PAGE, 4 * PAGE);
	assert_done(unmap(f, ioas, 0, UINT64_MAX, NULL));
	/* Never more than 2 MiB. */
	assert_placed(f, ioas, buf, 4 * MIB, 2 * MIB);
	assert_done(unmap(f, ioas, 0, UINT64_MAX, NULL));
	/* Memory at 0 is aligned to anything. */
	assert_placed(f, ioas, 0, 4 * MIB, 2 * MIB);
	assert_done(unmap(f, ioas, 0, UINT64_MAX, NULL));
	assert_placed(f, ioas, 0, PAGE, PAGE);
}

/* The memory's offset in its page is that of the IOVA, as far as the gap's start allows. */
static void test_offset_in_the_page(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;

	assert_placed(f, ioas, buf + 0x800, 0x800, PAGE + 0x800);
	assert_placed(f, ioas, buf + 0x800, 0x800, 2 * PAGE + 0x800);
	assert_placed(f, ioas, buf + 0x123, 1, PAGE + 0x123);
	/* The gap begins at 0x1124, aligned to one byte; the offset is or-ed in. */
	assert_placed(f, ioas, buf + 0x203, 1, PAGE + 0x327);
	assert_done(unmap(f, ioas, 0, UINT64_MAX, NULL));
	/* A length of a page at an odd offset. */
	assert_placed(f, ioas, buf + 0x10, PAGE, PAGE + 0x10);
}

static void test_auto_refusals(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t iova;

	assert_refused(EOVERFLOW, map_auto(f, ioas, 0, UINT64_MAX / 2, &iova));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	/* Neither the memory's alignment nor the length may be below the table's. */
	assert_refused(EINVAL, map_auto(f, ioas, (uintptr_t)f->buf + 2048, PAGE, &iova));
	assert_refused(EINVAL, map_auto(f, ioas, (uintptr_t)f->buf, 2048, &iova));
	assert_refused(EINVAL, map_auto(f, ioas, (uintptr_t)f->buf, PAGE + 1, &iova));
}

static void test_auto_keeps_to_allowed(void **state)
{
	struct fixture *f = *state;
	const struct uiommu_abi_iova_range allowed[] = {
		{ 0x100000, 0x101fff },
		{ 0x200000, 0x20ffff },
	};
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;
	uint64_t iova;

	assert_done(allow(f, ioas, allowed, 2));
	assert_placed(f, ioas, buf, PAGE, 0x100000);
	assert_placed(f, ioas, buf, 4 * PAGE, 0x200000);
	assert_placed(f, ioas, buf, PAGE, 0x101000);
	assert_placed(f, ioas, buf, PAGE, 0x204000);
	assert_placed(f, ioas, buf, 8 * PAGE, 0x208000);
	assert_refused(ENOSPC, map_auto(f, ioas, buf, 4 * PAGE, &iova));
	assert_done(allow(f, ioas, NULL, 0));
	assert_placed(f, ioas, buf, 4 * PAGE, 4 * PAGE);
}

/* The list may name the first page and the last bytes: placement doesn't go there. */
static void test_auto_leaves_the_ends_free(void **state)
{
	struct fixture *f = *state;
	const struct uiommu_abi_iova_range first = { 0, 0x1fff };
	const struct uiommu_abi_iova_range last = { UINT64_MAX - 2 * PAGE + 1, UINT64_MAX };
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;
	uint64_t iova;

	assert_done(allow(f, ioas, &first, 1));
	assert_placed(f, ioas, buf, PAGE, PAGE);
	assert_refused(ENOSPC, map_auto(f, ioas, buf, 1, &iova));
	assert_done(allow(f, ioas, &last, 1));
	assert_refused(ENOSPC, map_auto(f, ioas, buf, 2 * PAGE, &iova));
	assert_placed(f, ioas, buf, PAGE, UINT64_MAX - 2 * PAGE + 1);
}

static void test_auto_avoids_reserved(void **state)
{
	struct fixture *f = *state;
	const struct uiommu_abi_iova_range below = { MSI_FIRST - 2 * PAGE, MSI_FIRST - 1 };
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;
	uint64_t iova;

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(map_at(f, ioas, f->buf, PAGE, MSI_FIRST - PAGE, RW));
	assert_done(allow(f, ioas, &below, 1));
	assert_placed(f, ioas, buf, PAGE, MSI_FIRST - 2 * PAGE);
	assert_refused(ENOSPC, map_auto(f, ioas, buf, PAGE, &iova));
}

/* Every buffer that is aligned to its size gets an IOVA that is. */
static void test_auto_sweep(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uintptr_t buf = (uintptr_t)f->buf;

	for (unsigned int i = 0; i < 21; i++) {
		uint64_t len = UINT64_C(1) << i, iova;

		assert_done(map_auto(f, ioas, buf, len, &iova));
		assert_int_equal(0, iova % len);
		assert_done(map_auto(f, ioas, buf + len, len, &iova));
		assert_int_equal(0, iova % len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_fixed_refusals),
		conformance_test(test_bytes_without_a_table),
		conformance_test(test_first_fit),
		conformance_test(test_alignment_is_that_of_the_memory),
		conformance_test(test_offset_in_the_page),
		conformance_test(test_auto_refusals),
		conformance_test(test_auto_keeps_to_allowed),
		conformance_test(test_auto_leaves_the_ends_free),
		conformance_test(test_auto_avoids_reserved),
		conformance_test(test_auto_sweep),
	};

	return cmocka_run_group_tests_name("ioas_place", tests, NULL, NULL);
}
