/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/imap.h"
#include "base/imap_tree.h"
#include "base/mem.h"

#define PAGE ((uint64_t)4096)

static void *val_of(uint64_t n)
{
	return (void *)(uintptr_t)(n * 16 + 16);
}

static int setup(void **state)
{
	struct imap *map = malloc(sizeof(*map));

	if (!map)
		return -1;
	imap_init(map);
	*state = map;
	return 0;
}

static int teardown(void **state)
{
	imap_fini(*state);
	free(*state);
	return 0;
}

static void insert_pages(struct imap *map, uint64_t first, uint64_t n, uint64_t stride)
{
	for (uint64_t i = first; i < first + n; i++) {
		uint64_t start = i * stride;

		assert_int_equal(imap_insert(map, start, start + PAGE - 1, val_of(i)), 0);
	}
}

static void assert_place(const struct imap *map, uint64_t lo, uint64_t hi, uint64_t len,
	uint64_t align, uint64_t off, uint64_t want)
{
	uint64_t got;

	assert_int_equal(imap_find_gap(map, lo, hi, len, align, off, &got), 0);
	assert_int_equal(got, want);
}

static void assert_no_place(const struct imap *map, uint64_t lo, uint64_t hi, uint64_t len,
	uint64_t align, uint64_t off)
{
	uint64_t got;

	assert_int_equal(imap_find_gap(map, lo, hi, len, align, off, &got), -ENOSPC);
}

static void test_empty(void **state)
{
	struct imap *map = *state;
	struct imap_iter it;
	struct imap_ent ent;

	assert_false(imap_find(map, 0, NULL));
	assert_false(imap_next(map, 0, &ent));
	assert_false(imap_overlaps(map, 0, UINT64_MAX, NULL));
	assert_false(imap_iter_first(&it, map, 0, UINT64_MAX, &ent));
	assert_false(imap_iter_next(&it, &ent));
	assert_null(imap_remove(map, 0));
	assert_false(imap_set_last(map, 0, 1));
	assert_place(map, 0, UINT64_MAX, UINT64_MAX, 1, 0, 0);
	assert_place(map, 5, UINT64_MAX, 1, 16, 4, 20);
}

static void test_ends(void **state)
{
	struct imap *map = *state;
	struct imap_ent ent;

	assert_int_equal(imap_insert(map, 0, 0, val_of(0)), 0);
	assert_int_equal(imap_insert(map, UINT64_MAX, UINT64_MAX, val_of(1)), 0);
	assert_true(imap_find(map, 0, &ent));
	assert_ptr_equal(ent.val, val_of(0));
	assert_true(imap_find(map, UINT64_MAX, &ent));
	assert_ptr_equal(ent.val, val_of(1));
	assert_false(imap_find(map, 1, NULL));
	assert_place(map, 0, UINT64_MAX, UINT64_MAX - 1, 1, 0, 1);
	assert_no_place(map, 0, UINT64_MAX, UINT64_MAX, 1, 0);
	assert_int_equal(imap_insert(map, 1, UINT64_MAX - 1, val_of(2)), 0);
	assert_no_place(map, 0, UINT64_MAX, 1, 1, 0);
	assert_true(imap_overlaps(map, UINT64_MAX, UINT64_MAX, NULL));
	assert_ptr_equal(imap_remove(map, UINT64_MAX), val_of(1));
	assert_place(map, 0, UINT64_MAX, 1, 1, 0, UINT64_MAX);
	assert_no_place(map, 0, UINT64_MAX, 2, 1, 0);
}

static void test_whole_range(void **state)
{
	struct imap *map = *state;
	struct imap_ent ent;

	assert_int_equal(imap_insert(map, 0, UINT64_MAX, val_of(0)), 0);
	assert_int_equal(imap_insert(map, 7, 7, val_of(1)), -EEXIST);
	assert_true(imap_find(map, 1234, &ent));
	assert_int_equal(ent.last, UINT64_MAX);
	assert_no_place(map, 0, UINT64_MAX, 1, 1, 0);
	assert_ptr_equal(imap_remove(map, 0), val_of(0));
	assert_int_equal(map->count, 0);
	assert_int_equal(map->bytes, 0);
}

static void test_refusals(void **state)
{
	struct imap *map = *state;

	assert_int_equal(imap_insert(map, 2, 1, NULL), -EINVAL);
	assert_int_equal(imap_insert(map, 100, 199, val_of(0)), 0);
	assert_int_equal(imap_insert(map, 100, 199, val_of(1)), -EEXIST);
	assert_int_equal(imap_insert(map, 0, 100, val_of(1)), -EEXIST);
	assert_int_equal(imap_insert(map, 199, 300, val_of(1)), -EEXIST);
	assert_int_equal(imap_insert(map, 150, 160, val_of(1)), -EEXIST);
	assert_int_equal(imap_insert(map, 0, UINT64_MAX, val_of(1)), -EEXIST);
	assert_int_equal(imap_insert(map, 0, 99, val_of(1)), 0);
	assert_int_equal(imap_insert(map, 200, 200, val_of(1)), 0);
	assert_null(imap_remove(map, 150));
	assert_int_equal(map->count, 3);
}

static void test_set_last(void **state)
{
	struct imap *map = *state;

	insert_pages(map, 0, 200, 2 * PAGE);
	assert_false(imap_set_last(map, PAGE, 2 * PAGE - 1));
	assert_false(imap_set_last(map, 2 * PAGE, PAGE));
	assert_false(imap_set_last(map, 2 * PAGE, 4 * PAGE));
	for (uint64_t i = 0; i < 200; i++) {
		if (i != 120)
			assert_true(imap_set_last(map, i * 2 * PAGE, (i + 1) * 2 * PAGE - 1));
	}
	assert_place(map, 0, UINT64_MAX, PAGE, PAGE, 0, 241 * PAGE);
	assert_true(imap_set_last(map, 398 * PAGE, UINT64_MAX));
	assert_true(imap_set_last(map, 240 * PAGE, 242 * PAGE - 1));
	assert_no_place(map, 0, UINT64_MAX, 1, 1, 0);
}

static void test_iteration(void **state)
{
	struct imap *map = *state;
	struct imap_iter it;
	struct imap_ent ent;
	uint64_t n = 100;

	insert_pages(map, 0, 1000, 2 * PAGE);
	/* From the middle of the hundredth interval to the first byte of the nine hundredth. */
	assert_true(imap_iter_first(&it, map, 200 * PAGE + 1, 1800 * PAGE, &ent));
	do {
		assert_int_equal(ent.start, n * 2 * PAGE);
		assert_ptr_equal(ent.val, val_of(n));
		n++;
	} while (imap_iter_next(&it, &ent));
	assert_int_equal(n, 901);
	assert_false(imap_iter_next(&it, &ent));
	assert_false(imap_iter_first(&it, map, PAGE, 2 * PAGE - 1, &ent));
	assert_false(imap_iter_first(&it, map, 1999 * PAGE, UINT64_MAX, &ent));
}

static void test_gap_alignment(void **state)
{
	struct imap *map = *state;

	/* Gaps of two pages each, none of which begins at an even page, but the last. */
	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(imap_insert(map, i * 4 * PAGE - (i ? PAGE : 0),
					 i * 4 * PAGE + PAGE - 1, val_of(i)),
			0);
	assert_place(map, 0, UINT64_MAX, 2 * PAGE, PAGE, 0, PAGE);
	assert_place(map, 0, UINT64_MAX, 2 * PAGE, 2 * PAGE, PAGE, PAGE);
	assert_place(map, 0, UINT64_MAX, 2 * PAGE, 2 * PAGE, 0, 7998 * PAGE);
	assert_place(map, 100 * PAGE, UINT64_MAX, PAGE, 2 * PAGE, 0, 102 * PAGE);
	assert_place(
		map, 100 * PAGE, UINT64_MAX, PAGE, 4 * PAGE, 100, 7997 * PAGE + 3 * PAGE + 100);
	assert_no_place(map, 0, 7000 * PAGE, 2 * PAGE, 2 * PAGE, 0);
	assert_no_place(map, 100 * PAGE, 102 * PAGE, PAGE + 2, PAGE, 0);
	assert_place(map, 100 * PAGE, 103 * PAGE - 1, PAGE, PAGE, 0, 101 * PAGE);
}

static void test_gap_extremes(void **state)
{
	struct imap *map = *state;
	uint64_t top = (uint64_t)1 << 63;

	insert_pages(map, 1, 100, 2 * PAGE);
	assert_place(map, 0, UINT64_MAX, 1, top, 0, 0);
	assert_place(map, 1, UINT64_MAX, 1, top, 0, top);
	assert_place(map, 0, UINT64_MAX, top, top, 0, top);
	assert_place(map, 0, UINT64_MAX, 1, top, top - 1, top - 1);
	assert_no_place(map, 0, UINT64_MAX, UINT64_MAX, top, top - 1);
	assert_no_place(map, UINT64_MAX, UINT64_MAX, 2, 1, 0);
	assert_place(map, UINT64_MAX, UINT64_MAX, 1, 1, 0, UINT64_MAX);
	assert_no_place(map, 1, 0, 1, 1, 0);
	assert_place(map, 0, UINT64_MAX, 1, 2, 1, 1);
}

/* What a stream of insertions leaves behind, alone and with something above it. */
static void test_stream_memory(void **state)
{
	struct imap *map = *state;

	insert_pages(map, 0, 100000, PAGE);
	assert_true(map->bytes <= 28 * map->count);
	imap_fini(map);
	assert_int_equal(imap_insert(map, UINT64_MAX - 9, UINT64_MAX, NULL), 0);
	insert_pages(map, 0, 100000, PAGE);
	assert_true(map->bytes <= 28 * map->count);
	imap_fini(map);
	assert_int_equal(imap_insert(map, 0, 0, NULL), 0);
	for (uint64_t i = 100000; i; i--)
		assert_int_equal(imap_insert(map, i * PAGE, i * PAGE + 1, NULL), 0);
	assert_true(map->bytes <= 28 * map->count);
}

/* Short streams at places that jump about: each splits as if it went on, and doesn't. */
static void test_hostile_memory(void **state)
{
	struct imap *map = *state;

	for (unsigned int run = 2; run < 34; run++) {
		for (uint64_t i = 0; i < 3000; i++) {
			uint64_t base = i * 1237 % 3001 * PAGE;

			for (uint64_t k = 1; k <= run; k++) {
				uint64_t at = base + PAGE / 2 + (run % 2 ? k : 0 - k);

				assert_int_equal(imap_insert(map, at, at, NULL), 0);
			}
		}
		assert_true(map->bytes <= 64 * map->count);
		imap_fini(map);
	}
}

static void test_removal_frees(void **state)
{
	struct imap *map = *state;
	size_t full;

	insert_pages(map, 0, 20000, PAGE);
	full = map->bytes;
	for (uint64_t i = 0; i < 20000; i++) {
		if (i % 16)
			assert_ptr_equal(imap_remove(map, i * PAGE), val_of(i));
	}
	assert_int_equal(map->count, 1250);
	assert_true(map->bytes * 3 < full);
	for (uint64_t i = 0; i < 20000; i += 16)
		assert_ptr_equal(imap_remove(map, i * PAGE), val_of(i));
	assert_int_equal(map->bytes, 0);
	assert_int_equal(map->height, 0);
}

static void test_removal_doesnt_allocate(void **state)
{
	struct imap *map = *state;

	insert_pages(map, 0, 5000, PAGE);
	base_fail_nth(0);
	for (uint64_t i = 0; i < 5000; i++)
		assert_non_null(imap_remove(map, (i * 1237 % 5000) * PAGE));
	assert_int_equal(base_fail_count(), 0);
}

/* A digest of everything that a user can see. */
static uint64_t digest(const struct imap *map)
{
	uint64_t sum = map->count * 31 + map->bytes * 37 + map->height;
	struct imap_iter it;
	struct imap_ent ent;
	bool more;

	for (more = imap_iter_first(&it, map, 0, UINT64_MAX, &ent); more;
		more = imap_iter_next(&it, &ent))
		sum = sum * 1099511628211u + ent.start + ent.last * 3 + (uintptr_t)ent.val;
	return sum;
}

/* Lets each allocation of each insertion fail, until it succeeds. Return: how many failed. */
static unsigned int insert_sweep(struct imap *map, uint64_t start)
{
	unsigned int failed = 0;
	int err;

	do {
		uint64_t before = failed < 4 ? digest(map) : 0;

		base_fail_nth(failed + 1);
		err = imap_insert(map, start, start + PAGE - 1, map);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(digest(map), before);
			failed++;
		}
	} while (err);
	base_fail_nth(0);
	return failed;
}

static void test_allocation_failures(void **state)
{
	struct imap *map = *state;
	unsigned int most = 0;

	for (uint64_t i = 0; i < 3000; i++) {
		unsigned int failed = insert_sweep(map, (i * 1237 % 3001) * PAGE);

		most = failed > most ? failed : most;
	}
	assert_int_equal(map->count, 3000);
	/* A leaf, the node above it, and the root were split at once, or the tree grew. */
	assert_true(most >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whole_range, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_last, setup, teardown),
		cmocka_unit_test_setup_teardown(test_iteration, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_alignment, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_extremes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removal_frees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removal_doesnt_allocate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allocation_failures, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
