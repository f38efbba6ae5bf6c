/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/idtable.h"
#include "base/mem.h"

static void *ptr_of(uint32_t id)
{
	return (void *)((uintptr_t)id * 8);
}

static int setup(void **state)
{
	struct idtable *t = malloc(sizeof(*t));

	if (!t)
		return -1;
	idtable_init(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	idtable_fini(*state);
	free(*state);
	return 0;
}

static uint32_t reserve(struct idtable *t)
{
	uint32_t id = 0;

	assert_int_equal(idtable_reserve(t, &id), 0);
	return id;
}

static void fill(struct idtable *t, uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++) {
		assert_int_equal(reserve(t), i);
		idtable_publish(t, i, ptr_of(i));
	}
}

static void test_empty(void **state)
{
	struct idtable *t = *state;
	uint32_t id = 0;

	assert_null(idtable_get(t, 0));
	assert_null(idtable_get(t, 1));
	assert_null(idtable_get(t, UINT32_MAX));
	assert_null(idtable_remove(t, 1));
	assert_null(idtable_tombstone(t, 1));
	assert_null(idtable_next(t, &id));
	assert_int_equal(id, 0);
}

static void test_life(void **state)
{
	struct idtable *t = *state;
	uint32_t id = reserve(t);

	assert_int_equal(id, 1);
	assert_null(idtable_get(t, id));
	assert_int_equal(reserve(t), 2);
	idtable_publish(t, id, ptr_of(id));
	assert_ptr_equal(idtable_get(t, id), ptr_of(id));
	assert_int_equal(t->count, 1);
	idtable_publish(t, id, t);
	assert_ptr_equal(idtable_get(t, id), t);
	assert_int_equal(t->count, 1);
	assert_ptr_equal(idtable_remove(t, id), t);
	assert_null(idtable_get(t, id));
	assert_null(idtable_remove(t, id));
	assert_int_equal(t->count, 0);
	/* Reserved only. */
	assert_null(idtable_remove(t, 2));
	assert_null(t->root);
	assert_int_equal(reserve(t), 1);
}

static void test_hostile_ids(void **state)
{
	struct idtable *t = *state;
	static const uint32_t ids[] = { 0, 5001, 4097, 262145, INT32_MAX, (uint32_t)INT32_MAX + 1,
		UINT32_MAX - 1, UINT32_MAX };

	fill(t, 4096);
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint32_t id = ids[i];

		assert_null(idtable_get(t, id));
		assert_null(idtable_remove(t, id));
		assert_null(idtable_tombstone(t, id));
		if (id) {
			assert_null(idtable_next(t, &id));
			assert_int_equal(id, ids[i]);
		}
	}
	assert_int_equal(t->count, 4096);
}

static void test_lowest_free(void **state)
{
	struct idtable *t = *state;

	fill(t, 10000);
	for (uint32_t id = 9999; id; id -= 101) {
		assert_ptr_equal(idtable_remove(t, id), ptr_of(id));
		assert_int_equal(reserve(t), id);
		idtable_remove(t, id);
		if (id < 101)
			break;
	}
	for (uint32_t id = 9999 % 101; id <= 10000; id += 101) {
		if (id)
			assert_int_equal(reserve(t), id);
	}
	assert_int_equal(reserve(t), 10001);
}

static void test_tombstone(void **state)
{
	struct idtable *t = *state;

	fill(t, 3);
	assert_ptr_equal(idtable_tombstone(t, 2), ptr_of(2));
	assert_int_equal(t->count, 2);
	assert_null(idtable_get(t, 2));
	assert_null(idtable_remove(t, 2));
	assert_null(idtable_tombstone(t, 2));
	assert_int_equal(reserve(t), 4);
	assert_null(idtable_tombstone(t, 4));
	idtable_remove(t, 1);
	idtable_remove(t, 3);
	assert_int_equal(reserve(t), 1);
	assert_int_equal(reserve(t), 3);
	assert_int_equal(reserve(t), 5);
}

static void test_next(void **state)
{
	struct idtable *t = *state;
	uint32_t id = 0, want = 1;
	void *ptr;

	for (uint32_t i = 1; i <= 70000; i++) {
		assert_int_equal(reserve(t), i);
		if (i % 37 == 1)
			idtable_publish(t, i, ptr_of(i));
	}
	while ((ptr = idtable_next(t, &id))) {
		assert_int_equal(id, want);
		assert_ptr_equal(ptr, ptr_of(id));
		/* Whoever iterates may remove what was found. */
		idtable_remove(t, id);
		want += 37;
	}
	assert_int_equal(want, 70000 / 37 * 37 + 38);
	assert_int_equal(t->count, 0);
}

static void test_shrinks(void **state)
{
	struct idtable *t = *state;

	fill(t, 300000);
	assert_int_equal(t->height, 4);
	for (uint32_t id = 300000; id > 64; id--)
		idtable_remove(t, id);
	assert_int_equal(t->height, 1);
	assert_ptr_equal(idtable_get(t, 64), ptr_of(64));
	while (t->count)
		idtable_remove(t, (uint32_t)t->count);
	assert_null(t->root);
	assert_int_equal(t->height, 0);
}

static void test_full(void **state)
{
	struct idtable *t = *state;
	uint32_t id;

	t->max = 100;
	fill(t, 100);
	assert_int_equal(idtable_reserve(t, &id), -ENOSPC);
	idtable_remove(t, 50);
	assert_int_equal(reserve(t), 50);
	t->max = 4096;
	for (uint32_t i = 101; i <= 4096; i++)
		assert_int_equal(reserve(t), i);
	assert_int_equal(idtable_reserve(t, &id), -ENOSPC);
}

static void test_allocation_failures(void **state)
{
	struct idtable *t = *state;
	unsigned int failures = 0;

	for (uint32_t want = 1; want <= 5000; want++) {
		uint32_t id = 0;
		unsigned int n = 0;
		int err;

		do {
			struct idtable before = *t;

			base_fail_nth(++n);
			err = idtable_reserve(t, &id);
			if (err) {
				assert_int_equal(err, -ENOMEM);
				assert_memory_equal(&before, t, sizeof(before));
				assert_null(idtable_get(t, want));
				failures++;
			}
		} while (err);
		base_fail_nth(0);
		assert_int_equal(id, want);
		idtable_publish(t, id, ptr_of(id));
	}
	/* Every node failed once: 79 leaves, two above them, the root. */
	assert_true(failures >= 82);
	base_fail_nth(0);
	for (uint32_t id = 1; id <= 5000; id++)
		idtable_remove(t, id);
	assert_int_equal(base_fail_count(), 0);
}

/* ---- random streams against an array ---- */

#define MODEL_IDS 9000u

enum state {
	FREE,
	RESERVED,
	PUBLISHED,
	TOMBSTONE,
};

static uint64_t rnd_state = 42;

static uint32_t rnd(uint32_t bound)
{
	uint64_t z = rnd_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) % bound);
}

static void model_reserve(struct idtable *t, uint8_t *model)
{
	uint32_t want = 1, id;

	while (want < MODEL_IDS && model[want] != FREE)
		want++;
	if (want == MODEL_IDS)
		return;
	assert_int_equal(idtable_reserve(t, &id), 0);
	assert_int_equal(id, want);
	model[id] = RESERVED;
}

static void model_step(struct idtable *t, uint8_t *model, bool shrinking)
{
	uint32_t id = 1 + rnd(MODEL_IDS - 1), next = id;
	void *old = model[id] == PUBLISHED ? ptr_of(id) : NULL;

	assert_ptr_equal(idtable_get(t, id), old);
	switch (rnd(20)) {
	case 0:
		if (rnd(20))
			break;
		assert_ptr_equal(idtable_tombstone(t, id), old);
		if (model[id] != FREE)
			model[id] = TOMBSTONE;
		break;
	case 1 ... 8:
		if (!shrinking && rnd(3))
			break;
		assert_ptr_equal(idtable_remove(t, id), old);
		if (model[id] != TOMBSTONE)
			model[id] = FREE;
		break;
	case 9 ... 11:
		if (model[id] == FREE || model[id] == TOMBSTONE)
			break;
		idtable_publish(t, id, ptr_of(id));
		model[id] = PUBLISHED;
		break;
	case 12:
		old = idtable_next(t, &next);
		do
			id++;
		while (id < MODEL_IDS && model[id] != PUBLISHED);
		assert_ptr_equal(old, id < MODEL_IDS ? ptr_of(id) : NULL);
		if (old)
			assert_int_equal(next, id);
		break;
	default:
		if (!shrinking || !rnd(4))
			model_reserve(t, model);
		break;
	}
}

static void test_model(void **state)
{
	struct idtable *t = *state;
	uint8_t *model = calloc(1, MODEL_IDS);
	size_t published = 0;

	assert_non_null(model);
	for (unsigned int i = 0; i < 80000; i++)
		model_step(t, model, i / 20000 % 2);
	for (uint32_t id = 1; id < MODEL_IDS; id++) {
		assert_ptr_equal(idtable_get(t, id), model[id] == PUBLISHED ? ptr_of(id) : NULL);
		published += model[id] == PUBLISHED;
	}
	assert_int_equal(t->count, published);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lowest_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tombstone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shrinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allocation_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
