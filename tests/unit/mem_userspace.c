/* SPDX-License-Identifier: MIT */
/* The counters of mapped pages against an array, around the edges of 2 MiB and 1 GiB blocks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mem/bus.h"
#include "mem/userspace.h"

#define PAGE  UINT64_C(4096)
#define MIB2  (UINT64_C(1) << 21)
#define GIB   (UINT64_C(1) << 30)
#define BASE  (5 * GIB - 4 * MIB2) /* the model spans the end of one GiB, a whole one, and a bit */
#define PAGES ((8 * MIB2 + GIB) / PAGE)
#define HELD  24u

static struct userspace us;
static uint8_t count[PAGES];

struct held {
	uint64_t addr, len;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void model_add(const struct held *h, int by)
{
	uint64_t first = (h->addr - BASE) / PAGE, last = (h->addr + h->len - 1 - BASE) / PAGE;

	for (uint64_t p = first; p <= last; p++)
		count[p] = (uint8_t)(count[p] + by);
}

/* An edge of a block more often than not. */
static uint64_t random_edge(uint32_t *state)
{
	static const uint64_t blocks[] = { PAGE, MIB2, GIB, 1 };
	uint64_t span = PAGES * PAGE;
	uint64_t at = ((uint64_t)next_random(state) << 20 ^ next_random(state)) % span;
	uint64_t block = blocks[next_random(state) % 4];

	at = (BASE + at) / block * block;
	return at < BASE ? 0 : at - BASE;
}

static struct held random_range(uint32_t *state)
{
	for (;;) {
		uint64_t a = random_edge(state), b = random_edge(state);

		if (next_random(state) % 3)
			b = a + 1 + next_random(state) % (4 * PAGE);
		if (a < b && b <= PAGES * PAGE)
			return (struct held){ BASE + a, b - a };
	}
}

static void compare(const struct held *h)
{
	uint64_t start = h->addr, end = h->addr + h->len, p, q;
	bool found;

	for (p = (start - BASE) / PAGE; p * PAGE + BASE < end && !count[p]; p++)
		;
	found = us_run(&us, &start, &end);
	assert_int_equal(found, p * PAGE + BASE < h->addr + h->len);
	assert_int_equal(us_any(&us, h->addr, h->len), found);
	if (!found)
		return;
	for (q = p; q < PAGES && q * PAGE + BASE < h->addr + h->len && count[q]; q++)
		;
	assert_true(start == (p * PAGE + BASE > h->addr ? p * PAGE + BASE : h->addr));
	assert_true(
		end == (q * PAGE + BASE < h->addr + h->len ? q * PAGE + BASE : h->addr + h->len));
}

static int setup(void **state)
{
	memset(count, 0, sizeof(count));
	return us_init(&us);
}

static int teardown(void **state)
{
	us_fini(&us);
	return 0;
}

static void random_ranges(void **state)
{
	struct held held[HELD] = { 0 };
	uint32_t seed = 42;

	for (unsigned int i = 0; i < 3000; i++) {
		struct held *h = &held[next_random(&seed) % HELD], probe = random_range(&seed);

		if (h->len) {
			us_remove(&us, h->addr, h->len);
			model_add(h, -1);
			h->len = 0;
		} else {
			*h = random_range(&seed);
			assert_int_equal(us_add(&us, h->addr, h->len), 0);
			model_add(h, 1);
		}
		compare(&probe);
		if (h->len)
			compare(h);
	}
	for (unsigned int i = 0; i < HELD; i++) {
		if (held[i].len)
			us_remove(&us, held[i].addr, held[i].len);
	}
	assert_false(us_any(&us, BASE, PAGES * PAGE));
	assert_true(us.ranges == 0);
}

static void failed_adds_change_nothing(void **state)
{
	/* Pages, blocks of 2 MiB and of 1 GiB on both sides, in three GiB. */
	uint64_t addr = 3 * GIB - MIB2 - PAGE, len = GIB + 2 * MIB2 + 2 * PAGE;
	unsigned long n = 0;
	int err;

	assert_int_equal(us_add(&us, addr + PAGE, 2 * PAGE), 0);
	do {
		base_fail_nth(++n);
		err = us_add(&us, addr, len);
		base_fail_nth(0);
		if (err) {
			uint64_t start = addr, end = addr + len;

			assert_int_equal(err, -ENOMEM);
			assert_true(us_run(&us, &start, &end));
			assert_true(start == addr + PAGE && end == addr + 3 * PAGE);
			assert_true(us.ranges == 1);
			end = addr + len;
			start = addr + 3 * PAGE;
			assert_false(us_run(&us, &start, &end));
		}
	} while (err);
	assert_true(n > 3);
	us_remove(&us, addr, len);
	assert_true(us_any(&us, addr + 2 * PAGE, 1));
	us_remove(&us, addr + PAGE, 2 * PAGE);
	assert_false(us_any(&us, addr, len));
}

static void bounds_of_user_memory(void **state)
{
	uint64_t start = BUS_RAM_END - 2 * PAGE, end = UINT64_MAX;

	assert_int_equal(us_add(&us, BUS_RAM_END - PAGE, PAGE), 0);
	assert_int_equal(us_add(&us, BUS_RAM_END - PAGE, PAGE + 1), -EFAULT);
	assert_int_equal(us_add(&us, UINTPTR_MAX, 2), -EFAULT);
	assert_true(us_run(&us, &start, &end));
	assert_true(start == BUS_RAM_END - PAGE && end == BUS_RAM_END);
	/* A range that sticks out has something mapped in it all the same. */
	assert_true(us_any(&us, BUS_RAM_END - 2 * PAGE, UINT64_C(1) << 50));
	assert_true(us_any(&us, 0, SIZE_MAX));
	assert_false(us_any(&us, BUS_RAM_END, PAGE));
	assert_false(us_any(&us, UINTPTR_MAX, 1));
	us_remove(&us, BUS_RAM_END - PAGE, PAGE);
	assert_int_equal(us_add(&us, 0, BUS_RAM_END), 0);
	assert_true(us_any(&us, 12345, 1));
	us_remove(&us, 0, BUS_RAM_END);
	assert_true(us.ranges == 0);
}

static void left_behind_is_freed(void **state)
{
	assert_int_equal(us_add(&us, GIB - PAGE, 2 * PAGE), 0);
	assert_int_equal(us_add(&us, 3 * GIB - MIB2, 2 * MIB2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(failed_adds_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_of_user_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(left_behind_is_freed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
