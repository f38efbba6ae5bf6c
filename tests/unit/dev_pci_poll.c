/* SPDX-License-Identifier: MIT */
/* bar=poll: stores to plain memory are noticed, in order, and registers appear in memory. */
#include "dev_pci_model.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "dev/pdev.h"

struct mapping {
	struct bar_mapping map;
	unsigned int opened, closed;
	uint8_t *mem;
};

static bool expose(struct bar_mapping *map, uint64_t off, uint64_t len, bool on)
{
	struct mapping *m = (struct mapping *)map;

	assert_true(off == map->off && len == map->len);
	*(on ? &m->opened : &m->closed) += 1;
	return true;
}

static void mapping_open(struct uiommu_pdev *pdev, struct mapping *m)
{
	*m = (struct mapping){ .map = { .len = BAR0_LEN, .expose = expose } };
	m->mem = mmap(NULL, BAR0_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, pdev_bar_fd(pdev, 0), 0);
	assert_true(m->mem != MAP_FAILED);
	assert_int_equal(pdev_bar_map(pdev, &m->map), 0);
	assert_int_equal(m->opened, 1);
}

static void mapping_close(struct uiommu_pdev *pdev, struct mapping *m)
{
	pdev_bar_unmap(pdev, &m->map);
	munmap(m->mem, BAR0_LEN);
}

static _Atomic uint32_t *reg32(const struct mapping *m, unsigned int off)
{
	return (_Atomic uint32_t *)(m->mem + off);
}

static void wait_for(const _Atomic uint32_t *word, uint32_t val)
{
	while (atomic_load(word) != val)
		sched_yield();
}

static void test_registers(void **state)
{
	static struct mapping m;

	mapping_open(*state, &m);
	assert_int_equal(atomic_load(reg32(&m, R_ID)), 0x1d);
	for (uint32_t i = 1; i <= 200; i++) {
		atomic_store(reg32(&m, R_PARAM), i);
		atomic_store(reg32(&m, R_PARAM + 4), ~i);
		atomic_store(reg32(&m, R_ADD), 1);
		wait_for(reg32(&m, R_COUNT), i);
		assert_int_equal(atomic_load(reg32(&m, R_SEEN)), i);
		assert_int_equal(atomic_load(reg32(&m, R_PARAM + 4)), ~i);
		wait_for(reg32(&m, R_ADD), 0);
	}
	atomic_store(reg32(&m, R_COUNT), 12345);
	wait_for(reg32(&m, R_COUNT), 200);
	bar_write32(*state, 0, R_ADD, 10);
	assert_int_equal(atomic_load(reg32(&m, R_COUNT)), 210);
	mapping_close(*state, &m);
}

static void test_doorbells(void **state)
{
	static struct mapping m;

	mapping_open(*state, &m);
	for (uint32_t i = 1; i <= 200; i++) {
		atomic_store(reg32(&m, WINDOW + 4 * i), i);
		wait_for(&counter.rings, i);
		assert_int_equal(counter.last_ring, i);
		assert_int_equal(counter.last_off, WINDOW + 4 * i);
	}
	/* Parameters that were stored before a doorbell arrive before it. */
	atomic_store(reg32(&m, R_ADD), 3);
	atomic_store(reg32(&m, WINDOW), 1);
	wait_for(&counter.rings, 201);
	assert_int_equal(bar_read32(*state, 0, R_COUNT), 3);
	mapping_close(*state, &m);
}

static void test_model_watches(void **state)
{
	static struct mapping m;

	assert_false(uiommu_pdev_doorbells_expose(*state, 0, true));
	mapping_open(*state, &m);
	assert_true(uiommu_pdev_doorbells_expose(*state, 0, true));
	atomic_store(reg32(&m, WINDOW), 5);
	atomic_store(reg32(&m, R_ADD), 1);
	wait_for(reg32(&m, R_COUNT), 1);
	assert_int_equal(counter.rings, 0);
	assert_int_equal(uiommu_pdev_doorbells(*state, 0)[0], 5);
	assert_false(uiommu_pdev_doorbells_expose(*state, 0, false));
	/* What was stored until now is the model's to find; what comes now is told, also a value
	 * that the thread saw last before the model took over (a tail that has gone around). */
	atomic_store(reg32(&m, WINDOW), 0);
	wait_for(&counter.rings, 1);
	assert_int_equal(m.closed, 0);
	mapping_close(*state, &m);
}

/* A model that was awake has seen a tail go around before the thread looked. */
static void test_model_is_faster(void **state)
{
	struct uiommu_pdev *pdev = *state;
	static struct mapping m;

	mapping_open(pdev, &m);
	atomic_store(reg32(&m, WINDOW), 64);
	wait_for(&counter.rings, 1);
	pthread_mutex_lock(&pdev->lock); /* the thread doesn't get to look */
	atomic_store(reg32(&m, WINDOW), 0);
	assert_false(uiommu_pdev_doorbells_expose(pdev, 0, false));
	atomic_store(reg32(&m, WINDOW), 64);
	pthread_mutex_unlock(&pdev->lock);
	wait_for(&counter.rings, 2);
	assert_int_equal(counter.last_ring, 64);
	mapping_close(pdev, &m);
}

static void test_reset(void **state)
{
	static struct mapping m;

	mapping_open(*state, &m);
	for (unsigned int i = 1; i <= 50; i++) {
		atomic_store(reg32(&m, R_PARAM), 7);
		atomic_store(reg32(&m, R_ADD), 2);
		wait_for(reg32(&m, R_COUNT), 2);
		atomic_store(reg32(&m, WINDOW), 9);
		wait_for(&counter.rings, i);
		pdev_reset(*state);
		assert_int_equal(atomic_load(reg32(&m, R_COUNT)), 0);
		assert_int_equal(atomic_load(reg32(&m, R_PARAM)), 0);
		assert_int_equal(atomic_load(reg32(&m, WINDOW)), 0);
	}
	assert_int_equal(m.closed, 0);
	assert_int_equal(counter.rings, 50);
	mapping_close(*state, &m);
}

/* While memory isn't decoded nothing is noticed; afterwards the latest value is. */
static void test_decode(void **state)
{
	static struct mapping m;

	mapping_open(*state, &m);
	cfg_write(*state, PCI_COMMAND, 2, 0);
	atomic_store(reg32(&m, R_ADD), 1);
	usleep(5000);
	assert_int_equal(atomic_load(reg32(&m, R_ADD)), 1);
	cfg_write(*state, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	wait_for(reg32(&m, R_COUNT), 1);
	mapping_close(*state, &m);
}

static void test_reopen(void **state)
{
	struct uiommu_pdev *pdev = *state;
	static struct mapping m;

	for (unsigned int i = 0; i < 20; i++) {
		mapping_open(pdev, &m);
		atomic_store(reg32(&m, R_ADD), 1);
		wait_for(reg32(&m, R_COUNT), 1);
		pdev_close(pdev);
		assert_int_equal(m.closed, 1);
		assert_int_equal(atomic_load(reg32(&m, R_COUNT)), 0);
		mapping_close(pdev, &m);
		assert_int_equal(pdev_open(pdev), 0);
	}
}

/* Not asserted on: what an idle device costs. */
static void test_idle(void **state)
{
	struct timespec second = { .tv_sec = 1 };
	struct rusage before, after;
	static struct mapping m;
	long us;

	mapping_open(*state, &m);
	usleep(100000);
	getrusage(RUSAGE_SELF, &before);
	nanosleep(&second, NULL);
	getrusage(RUSAGE_SELF, &after);
	us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 + after.ru_utime.tv_usec -
	     before.ru_utime.tv_usec;
	us += (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 + after.ru_stime.tv_usec -
	      before.ru_stime.tv_usec;
	print_message("idle: %ld us of processor time per second\n", us);
	mapping_close(*state, &m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_setup_poll, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers),
		TEST(test_doorbells),
		TEST(test_model_watches),
		TEST(test_model_is_faster),
		TEST(test_reset),
		TEST(test_decode),
		TEST(test_reopen),
		TEST(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
