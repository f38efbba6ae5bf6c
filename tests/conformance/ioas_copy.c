/* SPDX-License-Identifier: MIT */
/* IOAS_COPY. */
#include "fixture.h"

#include <string.h>

#define FIXED UIOMMU_ABI_MAP_FIXED_IOVA

static void test_order_of_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = 8,
		.dst_ioas_id = 77,
		.src_ioas_id = 77,
		.length = UINT64_MAX,
		.dst_iova = UINT64_MAX,
		.src_iova = UINT64_MAX,
	};

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.flags = 0;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.length = 0;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.dst_iova = 1;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.src_iova = UINT64_MAX - 1;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.flags = FIXED | RW;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.src_ioas_id = ioas_alloc(f);
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.length = 3;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	cmd.src_iova = 0x10000;
	cmd.length = PAGE;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	/* Both ids are wrong in their own way: the source is looked at first. */
	assert_done(map_at(f, cmd.src_ioas_id, f->buf, PAGE, 0x10000, UIOMMU_ABI_MAP_READABLE));
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd));
	assert_non_null(strstr(f->why.object, "destination"));
}

/* The place comes before the permission. */
static void test_writeable_needs_a_writeable_source(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t dst = 0x20000;

	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, UIOMMU_ABI_MAP_READABLE));
	assert_refused(EPERM, copy(f, ioas, &dst, ioas, 0x10000, PAGE, FIXED | RW));
	assert_refused(EPERM, copy(f, ioas, &dst, ioas, 0x10000, PAGE, UIOMMU_ABI_MAP_WRITEABLE));
	dst = 0x10000;
	assert_refused(EEXIST, copy(f, ioas, &dst, ioas, 0x10000, PAGE, FIXED | RW));
	dst = 0x20000;
	assert_done(copy(f, ioas, &dst, ioas, 0x10000, PAGE, FIXED | UIOMMU_ABI_MAP_READABLE));
	/* What counts is the memory, not the copy in between. */
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x30000, RW));
	dst = 0x40000;
	assert_done(copy(f, ioas, &dst, ioas, 0x30000, PAGE, FIXED | UIOMMU_ABI_MAP_READABLE));
	dst = 0x50000;
	assert_done(copy(f, ioas, &dst, ioas, 0x40000, PAGE, FIXED | RW));
}

static void test_same_and_other_ioas(void **state)
{
	struct fixture *f = *state;
	uint32_t src = ioas_alloc(f), dst = ioas_alloc(f);
	uint64_t iova = 0;

	assert_done(map_at(f, src, f->buf, 4 * PAGE, 0x10000, RW));
	assert_done(copy(f, dst, &iova, src, 0x10000, 4 * PAGE, RW));
	assert_int_equal(4 * PAGE, iova);
	assert_done(copy(f, src, &iova, src, 0x10000, 4 * PAGE, RW));
	assert_int_equal(4 * PAGE, iova);
	/* They don't depend on each other. */
	assert_done(unmap(f, src, 0, UINT64_MAX, NULL));
	assert_int_equal(1, areas_now(f));
}

/* Sub-ranges of every offset and length in three areas that touch each other. */
static void test_sweep(void **state)
{
	const uint64_t base = 0x10000, len = 64, total = 3 * 64;
	struct fixture *f = *state;
	uint32_t src = ioas_alloc(f), dst = ioas_alloc(f);

	for (uint64_t i = 0; i < 3; i++)
		assert_done(map_at(f, src, f->buf + i * PAGE, len, base + i * len, RW));
	for (uint64_t from = 0; from < total + 2; from += 7) {
		for (uint64_t n = 1; n < total + 2; n += 11) {
			uint64_t at = 0x100000, freed;
			long ret = copy(f, dst, &at, src, base - 1 + from, n, FIXED | RW);

			assert_int_equal(from && from + n <= total + 1 ? 0 : -ENOENT, ret);
			if (ret)
				continue;
			assert_done(unmap(f, dst, 0x100000, n, &freed));
			assert_int_equal(n, freed);
		}
	}
	assert_int_equal(3, areas_now(f));
}

static void test_hole(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t dst = 0x40000;

	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x12000, RW));
	assert_refused(ENOENT, copy(f, ioas, &dst, ioas, 0x10000, 3 * PAGE, FIXED | RW));
	assert_refused(ENOENT, copy(f, ioas, &dst, ioas, 0x11000, 2 * PAGE, FIXED | RW));
	assert_refused(ENOENT, copy(f, ioas, &dst, ioas, 0x12000, PAGE + 1, FIXED | RW));
	assert_int_equal(2, areas_now(f));
}

/* One area per source area, in order; the device finds the right memory behind each. */
static void test_spans_several_areas(void **state)
{
	struct fixture *f = *state;
	uint32_t src = ioas_alloc(f), dst = ioas_alloc(f);
	uint64_t at = 0x100000, n;

	for (uint64_t i = 0; i < 4; i++) {
		memset(f->buf + i * 2 * PAGE, (int)i + 1, PAGE);
		assert_done(map_at(f, src, f->buf + i * 2 * PAGE, PAGE, 0x10000 + i * PAGE, RW));
	}
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, dst));
	bus_master(f, f->dev[DEV_A]);
	assert_done(copy(f, dst, &at, src, 0x11000, 2 * PAGE, FIXED | RW));
	assert_done(map_at(f, dst, f->buf + MIB, 2 * PAGE, 0x200000, RW));
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x100000, 0x200000, 2 * PAGE));
	assert_int_equal(2, f->buf[MIB]);
	assert_int_equal(2, f->buf[MIB + PAGE - 1]);
	assert_int_equal(3, f->buf[MIB + PAGE]);
	/* Two areas: each can go by itself. */
	assert_done(unmap(f, dst, 0x100000, PAGE, &n));
	assert_int_equal(PAGE, n);
	assert_int_equal(3, dma_copy(f, f->dev[DEV_A], 0x100000, 0x200000, PAGE));
	assert_done(unmap(f, dst, 0x101000, PAGE, &n));
}

static void test_placement(void **state)
{
	struct fixture *f = *state;
	uint32_t src = ioas_alloc(f), dst = ioas_alloc(f);
	uint64_t at;

	assert_done(map_at(f, src, f->buf, 4 * PAGE, 0x10000, RW));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, dst));
	at = 0x100001;
	assert_refused(EINVAL, copy(f, dst, &at, src, 0x10000, PAGE, FIXED | RW));
	at = 0x100000;
	assert_refused(EINVAL, copy(f, dst, &at, src, 0x10000, PAGE - 1, FIXED | RW));
	assert_refused(EINVAL, copy(f, dst, &at, src, 0x10001, PAGE, FIXED | RW));
	at = UINT64_MAX - PAGE + 1;
	assert_refused(EOVERFLOW, copy(f, dst, &at, src, 0x10000, 2 * PAGE, FIXED | RW));
	at = MSI_FIRST;
	assert_refused(EINVAL, copy(f, dst, &at, src, 0x10000, PAGE, FIXED | RW));
	at = 0;
	assert_refused(EINVAL, copy(f, dst, &at, src, 0x10001, PAGE, RW));
	/* The memory is aligned to two pages there. */
	assert_done(copy(f, dst, &at, src, 0x12000, 2 * PAGE, RW));
	assert_int_equal(2 * PAGE, at);
}

/* Memory that nobody needed so far must be there when a table shows it. */
static void test_absent_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t src = ioas_alloc(f), dst = ioas_alloc(f);
	uint64_t at = 0x100000;

	assert_done(map_at(f, src, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	assert_done(copy(f, dst, &at, src, 0x10000, PAGE, FIXED | RW));
	assert_done(unmap(f, dst, at, PAGE, NULL));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, dst));
	assert_refused(EFAULT, copy(f, dst, &at, src, 0x10000, PAGE, FIXED | RW));
	assert_int_equal(1, areas_now(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_order_of_refusals),
		conformance_test(test_writeable_needs_a_writeable_source),
		conformance_test(test_same_and_other_ioas),
		conformance_test(test_sweep),
		conformance_test(test_hole),
		conformance_test(test_spans_several_areas),
		conformance_test(test_placement),
		conformance_test(test_absent_memory),
	};

	return cmocka_run_group_tests_name("ioas_copy", tests, NULL, NULL);
}
