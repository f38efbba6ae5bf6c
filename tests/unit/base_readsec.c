/* SPDX-License-Identifier: MIT */
/*
 * Read sections. The stress tests are what the thread and address sanitizers are for: a writer
 * poisons and frees what it took away as soon as rs_wait() says that it may, with plain stores.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/readsec.h"

#define READERS	   3u
#define SWAPS	   3000u
#define STRESS_NS  300000000ull /* however many swaps that is: waiting costs time slices */
#define WORDS	   16u
#define POISON	   0xdeadu
#define STALLED_NS 20000000l

static struct rs_set set;

static int setup(void **state)
{
	rs_set_init(&set);
	return 0;
}

static int teardown(void **state)
{
	rs_set_fini(&set);
	return 0;
}

static struct rs_slot *take(void)
{
	struct rs_slot *slot = NULL;

	assert_int_equal(rs_slot_take(&set, &slot), 0);
	return slot;
}

static void test_slots(void **state)
{
	enum {
		ALL = RS_SLOTS_PER_CHUNK * RS_CHUNKS
	};
	static struct rs_slot *slots[ALL];
	struct rs_slot *more;

	for (unsigned int i = 0; i < ALL; i++) {
		slots[i] = take();
		assert_int_equal((uintptr_t)slots[i] % 64, 0);
		assert_true(!i || slots[i] != slots[i - 1]);
	}
	assert_int_equal(rs_slot_take(&set, &more), -ENOSPC);
	rs_slot_drop(slots[77]);
	assert_ptr_equal(take(), slots[77]);
	for (unsigned int i = 0; i < ALL; i++)
		rs_slot_drop(slots[i]);
}

static void test_allocation_failure(void **state)
{
	struct rs_slot *slot = NULL;

	base_fail_nth(1);
	assert_int_equal(rs_slot_take(&set, &slot), -ENOMEM);
	base_fail_nth(0);
	assert_null(slot);
	assert_int_equal(atomic_load(&set.used), 0);
	rs_slot_drop(take());
}

static void test_enter(void **state)
{
	struct rs_slot *slot = take();
	_Atomic(void *) attachment;
	int table = 0;

	atomic_init(&attachment, NULL);
	assert_null(rs_enter(slot, &attachment));
	assert_null(atomic_load(&slot->table));
	atomic_store(&attachment, &table);
	assert_ptr_equal(rs_enter(slot, &attachment), &table);
	assert_ptr_equal(atomic_load(&slot->table), &table);
	rs_exit(slot);
	assert_null(atomic_load(&slot->table));
	assert_int_equal(atomic_load(&slot->sections), 1);
	rs_slot_drop(slot);
}

/* A writer doesn't wait where nobody reads, nor for readers of other tables. */
static void test_wait_for_nobody(void **state)
{
	struct rs_slot *slot, *idle;
	_Atomic(void *) attachment;
	int table = 0, other = 0;

	rs_wait(&set, &table);
	slot = take();
	idle = take();
	atomic_init(&attachment, &other);
	rs_enter(slot, &attachment);
	rs_wait(&set, &table);
	rs_exit(slot);
	rs_wait(&set, &other);
	rs_slot_drop(slot);
	rs_slot_drop(idle);
}

struct stall {
	_Atomic(void *) attachment;
	_Atomic bool entered, left;
};

static void *stalled_reader(void *arg)
{
	struct stall *s = arg;
	struct rs_slot *slot = NULL;

	if (rs_slot_take(&set, &slot))
		abort();
	rs_enter(slot, &s->attachment);
	atomic_store(&s->entered, true);
	nanosleep(&(struct timespec){ .tv_nsec = STALLED_NS }, NULL);
	atomic_store(&s->left, true);
	rs_exit(slot);
	rs_slot_drop(slot);
	return NULL;
}

static void test_wait_for_reader(void **state)
{
	struct stall s;
	pthread_t thread;
	int table = 0;

	atomic_init(&s.attachment, &table);
	atomic_init(&s.entered, false);
	atomic_init(&s.left, false);
	assert_int_equal(pthread_create(&thread, NULL, stalled_reader, &s), 0);
	while (!atomic_load(&s.entered))
		sched_yield();
	atomic_store(&s.attachment, NULL);
	rs_wait(&set, &table);
	assert_true(atomic_load(&s.left));
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- stress ---- */

struct table {
	uint64_t word[WORDS];
};

struct stress {
	_Atomic(void *) attachment[2];
	_Atomic bool stop;
	_Atomic uint64_t read, bad;
};

static struct table *table_new(uint64_t n)
{
	struct table *table = base_alloc(sizeof(*table));

	if (!table)
		abort();
	for (unsigned int i = 0; i < WORDS; i++)
		table->word[i] = n;
	return table;
}

static void *reader(void *arg)
{
	struct stress *s = arg;
	struct rs_slot *slot = NULL;
	uint64_t done = 0, bad = 0;

	if (rs_slot_take(&set, &slot))
		abort();
	for (; !atomic_load_explicit(&s->stop, memory_order_relaxed) || !done; done++) {
		const struct table *table = rs_enter(slot, &s->attachment[done & 1]);

		if (!table)
			continue;
		for (unsigned int i = 0; i < WORDS; i++)
			bad += table->word[i] != table->word[0] || table->word[i] == POISON;
		rs_exit(slot);
	}
	rs_slot_drop(slot);
	atomic_fetch_add(&s->read, done);
	atomic_fetch_add(&s->bad, bad);
	return NULL;
}

static void swap_and_free(struct stress *s, unsigned int n)
{
	struct table *old, *table = n % 8 == 7 ? NULL : table_new(n | 1u << 31);

	old = atomic_exchange_explicit(&s->attachment[n & 1], table, memory_order_acq_rel);
	if (!old)
		return;
	rs_wait(&set, old);
	for (unsigned int i = 0; i < WORDS; i++)
		old->word[i] = POISON;
	base_free(old);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void swap_all(struct stress *s)
{
	uint64_t end = now() + STRESS_NS;

	for (unsigned int n = 0; n < SWAPS && now() < end; n++) {
		swap_and_free(s, n);
		if (n % 16 == 0)
			sched_yield();
	}
}

static void readers_start(pthread_t *thread, unsigned int n, void *(*run)(void *), void *arg)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run, arg), 0);
}

static void threads_join(pthread_t *thread, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static void stress_init(struct stress *s)
{
	atomic_init(&s->attachment[0], table_new(1));
	atomic_init(&s->attachment[1], table_new(1));
	atomic_init(&s->stop, false);
	atomic_init(&s->read, 0);
	atomic_init(&s->bad, 0);
}

static void stress_fini(struct stress *s)
{
	base_free(atomic_load(&s->attachment[0]));
	base_free(atomic_load(&s->attachment[1]));
}

static void test_replace_and_free(void **state)
{
	struct stress s;
	pthread_t thread[READERS];

	stress_init(&s);
	readers_start(thread, READERS, reader, &s);
	swap_all(&s);
	atomic_store(&s.stop, true);
	threads_join(thread, READERS);
	assert_int_equal(atomic_load(&s.bad), 0);
	assert_true(atomic_load(&s.read) >= READERS);
	stress_fini(&s);
}

/*
 * Unmap: the table stays, an entry is cleared, and what it led to is freed after the wait. Readers
 * that enter again and again must not keep the writer waiting.
 */
struct unmap {
	_Atomic(void *) attachment; /* a struct unmap, as it happens */
	_Atomic(uint64_t *) entry;
	_Atomic bool stop;
	_Atomic uint64_t bad;
};

static void *unmap_reader(void *arg)
{
	struct unmap *u = arg;
	struct rs_slot *slot = NULL;
	uint64_t bad = 0;

	if (rs_slot_take(&set, &slot))
		abort();
	while (!atomic_load_explicit(&u->stop, memory_order_relaxed)) {
		struct unmap *table = rs_enter(slot, &u->attachment);
		const uint64_t *page = atomic_load_explicit(&table->entry, memory_order_acquire);

		bad += page && *page == POISON;
		rs_exit(slot);
	}
	rs_slot_drop(slot);
	atomic_fetch_add(&u->bad, bad);
	return NULL;
}

static void unmap_all(struct unmap *u)
{
	uint64_t end = now() + STRESS_NS;

	for (unsigned int n = 0; n < SWAPS && now() < end; n++) {
		uint64_t *page = base_zalloc(sizeof(*page));

		assert_non_null(page);
		atomic_store_explicit(&u->entry, page, memory_order_release);
		if (n % 8 == 0)
			sched_yield();
		atomic_store_explicit(&u->entry, NULL, memory_order_release);
		rs_wait(&set, u);
		*page = POISON;
		base_free(page);
	}
}

static void test_unmap_and_free(void **state)
{
	struct unmap u;
	pthread_t thread[READERS];

	atomic_init(&u.attachment, &u);
	atomic_init(&u.entry, NULL);
	atomic_init(&u.stop, false);
	atomic_init(&u.bad, 0);
	readers_start(thread, READERS, unmap_reader, &u);
	unmap_all(&u);
	atomic_store(&u.stop, true);
	threads_join(thread, READERS);
	assert_int_equal(atomic_load(&u.bad), 0);
}

/* Threads that come and go, while a writer scans. */
static void *slot_user(void *arg)
{
	struct stress *s = arg;

	while (!atomic_load(&s->stop)) {
		struct rs_slot *slot[3] = { NULL };

		for (unsigned int i = 0; i < 3; i++) {
			if (rs_slot_take(&set, &slot[i]))
				abort();
			if (rs_enter(slot[i], &s->attachment[i & 1]))
				rs_exit(slot[i]);
		}
		for (unsigned int i = 0; i < 3; i++)
			rs_slot_drop(slot[i]);
	}
	return NULL;
}

static void test_slots_come_and_go(void **state)
{
	struct stress s;
	pthread_t thread[READERS];

	stress_init(&s);
	readers_start(thread, READERS, slot_user, &s);
	swap_all(&s);
	atomic_store(&s.stop, true);
	threads_join(thread, READERS);
	assert_true(atomic_load(&set.used) <= 3 * READERS);
	stress_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_allocation_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_for_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_for_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_and_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmap_and_free, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slots_come_and_go, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
