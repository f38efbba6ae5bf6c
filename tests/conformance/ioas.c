/* SPDX-License-Identifier: MIT */
/* IOAS_MAP, IOAS_UNMAP, IOAS_IOVA_RANGES, IOAS_ALLOW_IOVAS, without and with a table. */
#include "fixture.h"

#include <string.h>
#include <sys/mman.h>

#define FIXED UIOMMU_ABI_MAP_FIXED_IOVA

/* --- MAP: each refusal is tried together with those that come after it
 * ---------------------------- */

static void test_map_order_of_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = 8,
		.ioas_id = 77,
		.reserved = 1,
		.user_va = UINT64_MAX,
		.length = UINT64_MAX,
		.iova = UINT64_MAX,
	};

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.flags = 0;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.reserved = 0;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.iova = 1;
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.length = UINT64_MAX - 1;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.flags = UIOMMU_ABI_MAP_READABLE;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.ioas_id = ioas_alloc(f);
	assert_refused(EOVERFLOW, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.user_va = 0;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	cmd.length = 0;
	assert_refused(EINVAL, ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	assert_int_equal(1, cmd.iova);
}

/* Memory may end below 2^64, not at it. */
static void test_map_memory_wraps(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = 0x10000;
	uint32_t ioas = ioas_alloc(f);

	assert_refused(EOVERFLOW, map_flags(f, ioas, 0 - PAGE, PAGE, FIXED | RW, &iova));
	assert_refused(EOVERFLOW, map_flags(f, ioas, 0 - PAGE, 2 * PAGE, FIXED | RW, &iova));
	assert_refused(EINVAL, map_flags(f, ioas, 0 - PAGE, 0, FIXED | RW, &iova));
}

static void test_map_writes_back_the_iova(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = RW,
		.ioas_id = ioas_alloc(f),
		.user_va = (uintptr_t)f->buf,
		.length = PAGE,
		.iova = 0x12345,
	};
	struct uiommu_abi_ioas_map before = cmd;

	assert_done(ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd));
	assert_int_equal(PAGE, cmd.iova);
	before.iova = cmd.iova;
	assert_memory_equal(&before, &cmd, sizeof(cmd));
}

/* Without a table nobody looks at the memory. */
static void test_map_absent_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	assert_done(map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_refused(EFAULT, map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	/* Only the second half is missing. */
	munmap(f->buf + BUF_SIZE - PAGE, PAGE);
	assert_refused(
		EFAULT, map_at(f, ioas, f->buf + BUF_SIZE - 2 * PAGE, 2 * PAGE, 0x10000, RW));
	assert_done(map_at(f, ioas, f->buf + BUF_SIZE - 2 * PAGE, PAGE, 0x10000, RW));
	assert_int_equal(1, areas_now(f));
}

static void test_map_permissions_of_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	char *ro = f->buf + PAGE;

	memset(f->buf, 1, 3 * PAGE);
	assert_int_equal(0, mprotect(ro, PAGE, PROT_READ));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_refused(EFAULT, map_at(f, ioas, ro, PAGE, 0x10000, UIOMMU_ABI_MAP_WRITEABLE));
	assert_refused(EFAULT, map_at(f, ioas, f->buf, 3 * PAGE, 0x10000, RW));
	assert_done(map_at(f, ioas, ro, PAGE, 0x10000, UIOMMU_ABI_MAP_READABLE));
	assert_int_equal(0, mprotect(ro, PAGE, PROT_NONE));
	assert_refused(EFAULT, map_at(f, ioas, ro, PAGE, 0x20000, UIOMMU_ABI_MAP_READABLE));
	assert_int_equal(0, mprotect(ro, PAGE, PROT_READ | PROT_WRITE));
}

/* The address comes before the memory. */
static void test_map_place_before_memory(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_refused(EEXIST, map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10000, RW));
	assert_refused(EINVAL, map_at(f, ioas, (void *)BAD_POINTER, PAGE, 0x10001, RW));
	assert_refused(EINVAL, map_at(f, ioas, (void *)BAD_POINTER, PAGE, MSI_FIRST, RW));
	assert_refused(EINVAL, map_at(f, ioas, (void *)(BAD_POINTER + 1), PAGE, 0x20000, RW));
}

/* --- UNMAP ---------------------------------------------------------------------------------------
 */

static void test_unmap_refusals(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	assert_refused(ENOENT, unmap(f, 77, 0, UINT64_MAX, NULL));
	assert_refused(ENOENT, unmap(f, 77, UINT64_MAX, 1, NULL));
	assert_refused(EOVERFLOW, unmap(f, ioas, UINT64_MAX, 1, NULL));
	assert_refused(EOVERFLOW, unmap(f, ioas, 1, UINT64_MAX, NULL));
	assert_refused(EINVAL, unmap(f, ioas, 0, 0, NULL));
	assert_refused(EINVAL, unmap(f, ioas, UINT64_MAX - 1, 0, NULL));
	assert_refused(EOVERFLOW, unmap(f, ioas, UINT64_MAX - 1, 3, NULL));
	assert_refused(ENOENT, unmap(f, ioas, UINT64_MAX - 1, 2, NULL));
	assert_refused(ENOENT, unmap(f, ioas, 0x10000, PAGE, NULL));
}

static void test_unmap_all(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t n = 1;

	assert_done(unmap(f, ioas, 0, UINT64_MAX, &n));
	assert_int_equal(0, n);
	assert_done(map_at(f, ioas, f->buf, PAGE, 0, RW));
	assert_done(map_at(f, ioas, f->buf, 2 * PAGE, UINT64_MAX - 2 * PAGE + 1, RW));
	assert_done(unmap(f, ioas, 0, UINT64_MAX, &n));
	assert_int_equal(3 * PAGE, n);
	assert_int_equal(0, areas_now(f));
}

static void test_unmap_whole_areas_only(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t n;

	assert_done(map_at(f, ioas, f->buf, 4 * PAGE, 0x10000, RW));
	assert_refused(ENOENT, unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_refused(ENOENT, unmap(f, ioas, 0x11000, PAGE, NULL));
	assert_refused(ENOENT, unmap(f, ioas, 0x13000, PAGE, NULL));
	assert_refused(ENOENT, unmap(f, ioas, 0xf000, 2 * PAGE, NULL));
	assert_refused(ENOENT, unmap(f, ioas, 0x10001, 4 * PAGE, NULL));
	assert_int_equal(1, areas_now(f));
	/* Gaps around it don't count. */
	assert_done(unmap(f, ioas, 0xf000, 8 * PAGE, &n));
	assert_int_equal(4 * PAGE, n);
}

/* Areas below the one that sticks out are gone. */
static void test_unmap_in_part(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	for (uint64_t i = 0; i < 4; i++)
		assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000 + 2 * i * PAGE, RW));
	assert_done(map_at(f, ioas, f->buf, 4 * PAGE, 0x20000, RW));
	assert_int_equal(5, areas_now(f));
	assert_refused(ENOENT, unmap(f, ioas, 0x12000, 0x20000 + PAGE - 0x12000, NULL));
	assert_int_equal(2, areas_now(f));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x12000, RW));
	assert_refused(EEXIST, map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	/* What sticks out at the beginning stops it at once. */
	assert_refused(ENOENT, unmap(f, ioas, 0x10800, 0x8000, NULL));
	assert_int_equal(3, areas_now(f));
}

static void test_unmap_sparse(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t n;

	for (uint64_t i = 0; i < 32; i++)
		assert_done(map_at(f, ioas, f->buf + i * PAGE, PAGE, 0x100000 + i * 16 * PAGE, RW));
	assert_done(unmap(f, ioas, 0x100000, 32 * 16 * PAGE, &n));
	assert_int_equal(32 * PAGE, n);
}

static void test_unmap_a_byte(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t n;

	assert_refused(EOVERFLOW, map_at(f, ioas, f->buf + 3, 1, UINT64_MAX, RW));
	assert_done(map_at(f, ioas, f->buf + 3, 1, UINT64_MAX - 1, RW));
	assert_done(unmap(f, ioas, UINT64_MAX - 1, 1, &n));
	assert_int_equal(1, n);
}

/* --- IOVA_RANGES ---------------------------------------------------------------------------------
 */

static void test_ranges_refusals(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = 77,
		.num_iovas = 1,
		.reserved = 1,
		.allowed_iovas = BAD_POINTER,
		.out_iova_alignment = 77,
	};

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd));
	cmd.reserved = 0;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd));
	cmd.ioas_id = ioas_alloc(f);
	assert_refused(EFAULT, ask(f, f->ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd));
	assert_int_equal(77, cmd.out_iova_alignment);
	cmd.num_iovas = 0;
	cmd.allowed_iovas = 0;
	assert_refused(EMSGSIZE, ask(f, f->ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd));
	assert_int_equal(1, cmd.num_iovas);
	assert_int_equal(1, cmd.out_iova_alignment);
}

static void test_ranges(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_iova_range r[4];
	uint32_t ioas = ioas_alloc(f);
	uint64_t alignment;

	assert_int_equal(1, ranges_get(f, ioas, r, 4, &alignment));
	assert_int_equal(0, r[0].start);
	assert_int_equal(UINT64_MAX, r[0].last);
	assert_int_equal(1, alignment);
	/* Mappings and the allowed list aren't considered. */
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_int_equal(1, ranges_get(f, ioas, r, 4, NULL));

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	memset(r, 0xee, sizeof(r));
	assert_int_equal(2, ranges_get(f, ioas, r, 1, &alignment));
	assert_int_equal(PAGE, alignment);
	assert_int_equal(0, r[0].start);
	assert_int_equal(MSI_FIRST - 1, r[0].last);
	assert_int_equal(UINT64_C(0xeeeeeeeeeeeeeeee), r[1].start);
	assert_int_equal(2, ranges_get(f, ioas, r, 2, NULL));
	assert_int_equal(MSI_LAST + 1, r[1].start);
	assert_true(r[1].last < UINT64_MAX);
	assert_int_equal(UINT64_C(0xeeeeeeeeeeeeeeee), r[2].start);
	assert_done(dev_detach(f, DEV_A));
	assert_int_equal(1, ranges_get(f, ioas, r, 4, &alignment));
	assert_int_equal(1, alignment);
}

/* --- ALLOW_IOVAS ---------------------------------------------------------------------------------
 */

static void test_allow_refusals(void **state)
{
	static const struct uiommu_abi_iova_range empty = { 5, 5 }, backwards = { 6, 5 };
	static const struct uiommu_abi_iova_range overlap[] = { { 0, 10 }, { 20, 30 }, { 10, 15 } };
	static const struct uiommu_abi_iova_range touching[] = { { 20, 30 }, { 11, 19 },
		{ 0, 10 } };
	struct fixture *f = *state;
	struct uiommu_abi_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = 77,
		.num_iovas = 1,
		.reserved = 1,
		.allowed_iovas = BAD_POINTER,
	};
	uint32_t ioas = ioas_alloc(f);

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &cmd));
	cmd.reserved = 0;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &cmd));
	cmd.ioas_id = ioas;
	assert_refused(EFAULT, ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &cmd));
	assert_refused(EINVAL, allow(f, ioas, &empty, 1));
	assert_refused(EINVAL, allow(f, ioas, &backwards, 1));
	assert_refused(EINVAL, allow(f, ioas, overlap, 3));
	assert_done(allow(f, ioas, touching, 3));
	assert_done(allow(f, ioas, NULL, 0));
}

static void test_allow_and_reserved(void **state)
{
	static const struct uiommu_abi_iova_range msi = { MSI_FIRST - PAGE, MSI_FIRST };
	static const struct uiommu_abi_iova_range low = { 0x10000, 0x1ffff };
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t iova = 0;

	dev_bind(f, DEV_A);
	assert_done(allow(f, ioas, &msi, 1));
	assert_refused(EADDRINUSE, dev_attach_to(f, DEV_A, ioas));
	assert_done(allow(f, ioas, &low, 1));
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_refused(EADDRINUSE, allow(f, ioas, &msi, 1));
	/* The old list is still in force. */
	assert_done(map_flags(f, ioas, (uintptr_t)f->buf, PAGE, RW, &iova));
	assert_int_equal(0x10000, iova);
	/* Fixed mappings aren't confined. */
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x40000000, RW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_map_order_of_refusals),
		conformance_test(test_map_memory_wraps),
		conformance_test(test_map_writes_back_the_iova),
		conformance_test(test_map_absent_memory),
		conformance_test(test_map_permissions_of_memory),
		conformance_test(test_map_place_before_memory),
		conformance_test(test_unmap_refusals),
		conformance_test(test_unmap_all),
		conformance_test(test_unmap_whole_areas_only),
		conformance_test(test_unmap_in_part),
		conformance_test(test_unmap_sparse),
		conformance_test(test_unmap_a_byte),
		conformance_test(test_ranges_refusals),
		conformance_test(test_ranges),
		conformance_test(test_allow_refusals),
		conformance_test(test_allow_and_reserved),
	};

	return cmocka_run_group_tests_name("ioas", tests, NULL, NULL);
}
