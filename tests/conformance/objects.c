/* SPDX-License-Identifier: MIT */
/* IOAS_ALLOC, DESTROY, OPTION, VFIO_IOAS: ids, references, and the order of refusals. */
#include "fixture.h"

static void test_alloc(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_ioas_alloc cmd = { .size = sizeof(cmd), .flags = 1, .out_ioas_id = 77 };

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOC, &cmd));
	assert_int_equal(77, cmd.out_ioas_id);
	cmd.flags = 0;
	assert_done(ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOC, &cmd));
	assert_int_equal(1, cmd.out_ioas_id);
	assert_int_equal(sizeof(cmd), cmd.size);
	assert_int_equal(0, cmd.flags);
}

static void test_ids_are_lowest_first(void **state)
{
	struct fixture *f = *state;

	for (uint32_t id = 1; id <= 40; id++)
		assert_int_equal(id, ioas_alloc(f));
	assert_done(destroy(f, 7));
	assert_done(destroy(f, 3));
	assert_done(destroy(f, 40));
	assert_int_equal(3, ioas_alloc(f));
	assert_int_equal(7, ioas_alloc(f));
	assert_int_equal(40, ioas_alloc(f));
	assert_int_equal(41, ioas_alloc(f));
}

static void test_destroy(void **state)
{
	struct fixture *f = *state;
	uint32_t id = ioas_alloc(f);

	assert_refused(ENOENT, destroy(f, 0));
	assert_refused(ENOENT, destroy(f, id + 1));
	assert_refused(ENOENT, destroy(f, UINT32_MAX));
	assert_refused(ENOENT, destroy(f, UIOMMU_ABI_ID_MAX));
	assert_done(destroy(f, id));
	assert_refused(ENOENT, destroy(f, id));
}

static void test_destroy_with_mappings(void **state)
{
	struct fixture *f = *state;
	uint32_t id = ioas_alloc(f);

	assert_done(map_at(f, id, f->buf, PAGE, 0x10000, RW));
	assert_done(map_at(f, id, f->buf, PAGE, 0x20000, RW));
	assert_int_equal(2, areas_now(f));
	assert_done(destroy(f, id));
	assert_int_equal(0, areas_now(f));
}

static void test_destroy_busy(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas, hwpt;

	dev_bind(f, DEV_A);
	ioas = ioas_alloc(f);
	assert_refused(EBUSY, destroy(f, f->dev_id[DEV_A]));
	assert_done(hwpt_alloc(f, f->dev_id[DEV_A], ioas, &hwpt));
	assert_refused(EBUSY, destroy(f, ioas));
	assert_done(dev_attach_to(f, DEV_A, hwpt));
	assert_refused(EBUSY, destroy(f, hwpt));
	assert_done(dev_detach(f, DEV_A));
	assert_done(destroy(f, hwpt));
	assert_done(destroy(f, ioas));
	dev_close(f, DEV_A);
	assert_refused(ENOENT, destroy(f, f->dev_id[DEV_A]));
}

/* Ids of another context mean nothing here. */
static void test_contexts_are_apart(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_destroy cmd = { .size = sizeof(cmd), .id = ioas_alloc(f) };
	int other = f->p->ops->open_context(f->p, &f->why);

	assert_refused(ENOENT, ask(f, other, UIOMMU_ABI_DESTROY, &cmd));
	f->p->ops->close(f->p, other);
	assert_done(destroy(f, cmd.id));
}

/* A device holds the context that it is bound to, and with it what is mapped there. */
static void test_context_outlives_its_descriptor(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_done(map_at(f, ioas, f->buf + PAGE, PAGE, 0x20000, RW));
	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	bus_master(f, f->dev[DEV_A]);
	f->p->ops->close(f->p, f->ctx);
	f->ctx = 0;
	f->buf[0] = 42;
	assert_int_equal(2, dma_copy(f, f->dev[DEV_A], 0x10000, 0x20000, 64));
	assert_int_equal(42, f->buf[PAGE]);
	assert_int_equal(2, areas_now(f));
	dev_close(f, DEV_A);
	assert_int_equal(0, areas_now(f));
}

/* --- OPTION --------------------------------------------------------------------------------------
 */

static void test_option_unknown(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_option cmd = { .size = sizeof(cmd), .val64 = 77 };

	cmd.option_id = 2;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd));
	cmd.option_id = UIOMMU_ABI_OPTION_RLIMIT_MODE;
	cmd.op = 2;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd));
	cmd.op = UIOMMU_ABI_OPTION_OP_GET;
	cmd.reserved = 1;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd));
	cmd.reserved = 0;
	cmd.object_id = 1;
	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd));
	cmd.option_id = UIOMMU_ABI_OPTION_HUGE_PAGES;
	assert_refused(ENOENT, ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd));
	assert_int_equal(77, cmd.val64);
}

static void test_option_rlimit_mode(void **state)
{
	struct fixture *f = *state;
	uint64_t val;
	uint32_t ioas;

	assert_done(option_get(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, &val));
	assert_int_equal(0, val);
	assert_done(option_set(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, 1));
	assert_done(option_get(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, &val));
	assert_int_equal(1, val);
	assert_refused(EINVAL, option_set(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, 2));
	/* With an object there, even a wrong value is too late. */
	ioas = ioas_alloc(f);
	assert_refused(EBUSY, option_set(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, 0));
	assert_refused(EBUSY, option_set(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, 2));
	assert_done(destroy(f, ioas));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_RLIMIT_MODE, 0, 0));
}

static void test_container_accounts_by_process(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_option cmd = {
		.size = sizeof(cmd),
		.option_id = UIOMMU_ABI_OPTION_RLIMIT_MODE,
		.op = UIOMMU_ABI_OPTION_OP_GET,
	};
	int container = f->p->ops->open_container(f->p, &f->why);

	assert_done(ask(f, container, UIOMMU_ABI_OPTION, &cmd));
	assert_int_equal(1, cmd.val64);
	f->p->ops->close(f->p, container);
}

static void test_option_huge_pages(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);
	uint64_t val;

	assert_refused(ENOENT, option_get(f, UIOMMU_ABI_OPTION_HUGE_PAGES, 0, &val));
	assert_refused(ENOENT, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas + 1, 1));
	assert_done(option_get(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, &val));
	assert_int_equal(1, val);
	assert_refused(EINVAL, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 2));
	assert_int_equal(1, alignment_of(f, ioas));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_int_equal(PAGE, alignment_of(f, ioas));
	assert_done(option_get(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, &val));
	assert_int_equal(0, val);
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 1));
	assert_int_equal(1, alignment_of(f, ioas));
}

static void test_huge_pages_off_needs_alignment(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	/* The IOVA, the length, the memory: each by itself. */
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10800, RW));
	assert_refused(EADDRINUSE, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(unmap(f, ioas, 0x10800, PAGE, NULL));
	assert_done(map_at(f, ioas, f->buf, 2048, 0x10000, RW));
	assert_refused(EADDRINUSE, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_done(map_at(f, ioas, f->buf + 2048, PAGE, 0x10000, RW));
	assert_refused(EADDRINUSE, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(unmap(f, ioas, 0x10000, PAGE, NULL));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
}

static void test_huge_pages_off_with_a_table(void **state)
{
	struct fixture *f = *state;
	uint32_t ioas = ioas_alloc(f);

	dev_bind(f, DEV_A);
	assert_done(dev_attach_to(f, DEV_A, ioas));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 1));
	assert_done(map_at(f, ioas, f->buf, PAGE, 0x10000, RW));
	assert_refused(EINVAL, option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 0));
	assert_done(option_set(f, UIOMMU_ABI_OPTION_HUGE_PAGES, ioas, 1));
}

/* --- VFIO_IOAS -----------------------------------------------------------------------------------
 */

static long vfio_ioas(struct fixture *f, uint16_t op, uint32_t *id)
{
	struct uiommu_abi_vfio_ioas cmd = { .size = sizeof(cmd), .ioas_id = *id, .op = op };
	long ret = ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd);

	*id = cmd.ioas_id;
	return ret;
}

static void test_vfio_ioas(void **state)
{
	struct fixture *f = *state;
	struct uiommu_abi_vfio_ioas cmd = { .size = sizeof(cmd), .reserved = 1 };
	uint32_t ioas = ioas_alloc(f), id = 77;

	assert_refused(EOPNOTSUPP, ask(f, f->ctx, UIOMMU_ABI_VFIO_IOAS, &cmd));
	assert_refused(EOPNOTSUPP, vfio_ioas(f, 3, &id));
	assert_refused(ENODEV, vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_GET, &id));
	assert_int_equal(77, id);
	assert_refused(ENOENT, vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_SET, &id));
	assert_done(vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_CLEAR, &id));
	id = ioas;
	assert_done(vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_SET, &id));
	id = 0;
	assert_done(vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_GET, &id));
	assert_int_equal(ioas, id);
	assert_done(vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_CLEAR, &id));
	assert_refused(ENODEV, vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_GET, &id));
	/* Destroying the IOAS clears it. */
	assert_done(vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_SET, &id));
	assert_done(destroy(f, ioas));
	assert_refused(ENODEV, vfio_ioas(f, UIOMMU_ABI_VFIO_IOAS_GET, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		conformance_test(test_alloc),
		conformance_test(test_ids_are_lowest_first),
		conformance_test(test_destroy),
		conformance_test(test_destroy_with_mappings),
		conformance_test(test_destroy_busy),
		conformance_test(test_contexts_are_apart),
		conformance_test(test_context_outlives_its_descriptor),
		conformance_test(test_option_unknown),
		conformance_test(test_option_rlimit_mode),
		conformance_test(test_container_accounts_by_process),
		conformance_test(test_option_huge_pages),
		conformance_test(test_huge_pages_off_needs_alignment),
		conformance_test(test_huge_pages_off_with_a_table),
		conformance_test(test_vfio_ioas),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
