/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/follow.h"
#include "rig.h"

#define PAGE 4096u
#define IOVA UINT64_C(0x10000000)

static struct rig rig;
static char *mem;

static int setup(void **state)
{
	rig_init(&rig, &pt_x86_64);
	rig.core.account.limit = 4;
	mem = rig_pages(8 * PAGE);
	return 0;
}

static int teardown(void **state)
{
	uint64_t unmapped;

	ioas_unmap_all(rig.ioas, &unmapped);
	assert_int_equal(rig.core.account.pages, 0);
	rig_fini(&rig);
	munmap(mem, 8 * PAGE);
	return 0;
}

static void a_map_beyond_the_limit_fails(void **state)
{
	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 3);
	assert_int_equal(rig_map(&rig, IOVA + 8 * PAGE, mem, 2 * PAGE), -ENOMEM);
	assert_int_equal(rig.core.account.pages, 3);
	assert_int_equal(rig_map(&rig, IOVA + 8 * PAGE, mem, PAGE), 0);
	assert_int_equal(rig.core.account.pages, 4);
	assert_int_equal(rig_unmap(&rig, IOVA, 3 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 1);
	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
}

static void copies_and_parts_are_charged_once(void **state)
{
	struct ioas_copy copy = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
		.src_iova = IOVA,
		.dst_iova = IOVA + 16 * PAGE,
		.len = 3 * PAGE,
	};

	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
	assert_int_equal(ioas_copy(rig.ioas, rig.ioas, &copy), 0);
	assert_int_equal(rig.core.account.pages, 3);
	assert_int_equal(ioas_split(rig.ioas, IOVA + PAGE), 0);
	assert_int_equal(rig_unmap(&rig, IOVA, PAGE), 0);
	assert_int_equal(rig_unmap(&rig, IOVA + 16 * PAGE, 3 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 3);
	assert_int_equal(rig_unmap(&rig, IOVA + PAGE, 2 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 0);
}

static void charged_while_there_is_a_table(void **state)
{
	uint32_t id = rig.ioas->obj.id;

	device_detach(rig.dev);
	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
	assert_int_equal(rig_map(&rig, IOVA + 8 * PAGE, mem, 3 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 0);
	assert_int_equal(device_attach(rig.dev, &id), -ENOMEM);
	assert_int_equal(rig.core.account.pages, 0);
	assert_int_equal(rig_unmap(&rig, IOVA, 3 * PAGE), 0);
	id = rig.ioas->obj.id;
	assert_int_equal(device_attach(rig.dev, &id), 0);
	assert_int_equal(rig.core.account.pages, 3);
}

static void memory_that_moved_stays_charged(void **state)
{
	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
	assert_int_equal(follow_vacate(&rig.core, (uintptr_t)mem + PAGE, PAGE), 0);
	assert_int_equal(rig.core.account.pages, 3);
	assert_int_equal(rig_unmap(&rig, IOVA, 3 * PAGE), 0);
	assert_int_equal(rig.core.account.pages, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_map_beyond_the_limit_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(copies_and_parts_are_charged_once, setup, teardown),
		cmocka_unit_test_setup_teardown(charged_while_there_is_a_table, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_that_moved_stays_charged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
