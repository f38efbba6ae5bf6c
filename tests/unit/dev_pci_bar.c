/* SPDX-License-Identifier: MIT */
/* BARs: accesses, the doorbell window, mappings that models expose. */
#include "dev_pci_model.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_split(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint8_t out[BAR2_LEN], in[BAR2_LEN];

	for (unsigned int i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + 1);
	for (unsigned int off = 0; off < 20; off++) {
		for (unsigned int len = 0; len < 40; len++) {
			memset(in, 0, sizeof(in));
			assert_int_equal(pdev_bar_write(pdev, 2, off, out, len), len);
			assert_int_equal(pdev_bar_read(pdev, 2, off, in, len), len);
			assert_memory_equal(out, in, len);
		}
	}
	pdev_bar_write(pdev, 2, 8, out, 8);
	assert_int_equal(counter.last_size, 8);
	pdev_bar_write(pdev, 2, 4, out, 8);
	assert_int_equal(counter.last_size, 4);
}

static void test_bounds(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint8_t buf[64] = { 0 };

	assert_int_equal(pdev_bar_read(pdev, 2, BAR2_LEN - 3, buf, 8), 3);
	assert_int_equal(pdev_bar_write(pdev, 2, BAR2_LEN - 3, buf, 8), 3);
	assert_int_equal(pdev_bar_read(pdev, 2, BAR2_LEN, buf, 1), -EINVAL);
	assert_int_equal(pdev_bar_read(pdev, 2, UINT64_MAX, buf, 8), -EINVAL);
	assert_int_equal(pdev_bar_read(pdev, 1, 0, buf, 1), -EINVAL);
	assert_int_equal(pdev_bar_write(pdev, 6, 0, buf, 1), -EINVAL);
	assert_int_equal(pdev_bar_write(pdev, 2, 0, buf, 0), 0);
	assert_int_equal(pdev_accesses(pdev), 2);
}

static void test_doorbells(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint32_t *window = uiommu_pdev_doorbells(pdev, 0);
	uint64_t two = 0x2222222211111111;

	bar_write32(pdev, 0, WINDOW + 12, 99);
	assert_int_equal(counter.last_ring, 99);
	assert_int_equal(counter.last_off, WINDOW + 12);
	assert_int_equal(window[3], 99);
	assert_int_equal(bar_read32(pdev, 0, WINDOW + 12), 99);
	assert_int_equal(pdev_bar_write(pdev, 0, WINDOW + 16, &two, 8), 8);
	assert_int_equal(counter.rings, 3);
	assert_int_equal(counter.last_ring, 0x22222222);
	assert_int_equal(counter.last_off, WINDOW + 20);
	assert_int_equal(window[4], 0x11111111);
	assert_int_equal(pdev_bar_write(pdev, 0, WINDOW + 18, &two, 1), 1);
	assert_int_equal(window[4], 0x11111111);
	two = 0xabcd;
	assert_int_equal(pdev_bar_write(pdev, 0, WINDOW + 18, &two, 2), 2);
	assert_int_equal(window[4], 0xabcd1111);
	assert_int_equal(counter.last_ring, 0xabcd1111);
	assert_int_equal(counter.last_off, WINDOW + 16);
	assert_int_equal(pdev_bar_read(pdev, 0, WINDOW + 16, &two, 8), 8);
	assert_true(two == 0x22222222abcd1111);
	assert_int_equal(pdev_bar_read(pdev, 0, WINDOW + 17, &two, 1), 1);
	assert_int_equal(two & 0xff, 0x11);
}

static void test_doorbells_on_heap(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(pdev_bar_fd(pdev, 3), -1);
	bar_write32(pdev, 3, 0x1ffc, 5);
	assert_int_equal(counter.last_bar, 3);
	assert_int_equal(uiommu_pdev_doorbells(pdev, 3)[1023], 5);
	assert_null(uiommu_pdev_doorbells(pdev, 2));
	assert_null(uiommu_pdev_doorbells(pdev, 6));
	assert_false(uiommu_pdev_doorbells_expose(pdev, 2, true));
	assert_false(uiommu_pdev_doorbells_expose(pdev, 3, true));
	assert_false(uiommu_pdev_doorbells_expose(pdev, 6, true));
}

/* A front end's mapping, which notes what it was told. */
struct mapping {
	struct bar_mapping map;
	_Atomic bool open;
	bool refuse;
	unsigned int calls;
	uint64_t off, len;
	uint32_t *mem;
};

static bool expose(struct bar_mapping *map, uint64_t off, uint64_t len, bool on)
{
	struct mapping *m = (struct mapping *)map;

	m->calls++;
	m->off = off;
	m->len = len;
	if (m->refuse)
		return false;
	atomic_store(&m->open, on);
	return true;
}

static struct mapping mapping_of(uint64_t off, uint64_t len)
{
	struct mapping m = { .map = { .bar = 0, .off = off, .len = len, .expose = expose } };

	return m;
}

static void test_memory(void **state)
{
	struct uiommu_pdev *pdev = *state;
	int fd = pdev_bar_fd(pdev, 0);
	uint32_t *mem;

	assert_true(fd >= 0);
	assert_int_equal(pdev_bar_fd(pdev, 1), -1);
	assert_int_equal(pdev_bar_fd(pdev, 2), -1);
	assert_int_equal(pdev_bar_fd(pdev, 6), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	mem = mmap(NULL, BAR0_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(mem != MAP_FAILED);
	bar_write32(pdev, 0, WINDOW, 77);
	assert_int_equal(mem[WINDOW / 4], 77);
	mem[WINDOW / 4 + 1] = 78;
	assert_int_equal(bar_read32(pdev, 0, WINDOW + 4), 78);
	mem[TABLE / 4 + 100] = 1;
	pdev_close(pdev);
	assert_int_equal(pdev_bar_fd(pdev, 0), -1);
	assert_int_equal(mem[WINDOW / 4 + 1], 0);
	assert_int_equal(mem[TABLE / 4 + 100], 0);
	munmap(mem, BAR0_LEN);
}

static void test_map_refused(void **state)
{
	static const struct {
		unsigned int bar;
		uint64_t off, len;
	} bad[] = { { 1, 0, 4096 }, { 2, 0, 4096 }, { 3, 0, 4096 }, { 6, 0, 4096 }, { 0, 4, 4096 },
		{ 0, 0, 0 }, { 0, 0, 100 }, { 0, 4096, BAR0_LEN }, { 0, UINT64_MAX - 4095, 8192 } };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct mapping m = mapping_of(bad[i].off, bad[i].len);

		m.map.bar = bad[i].bar;
		assert_int_equal(pdev_bar_map(*state, &m.map), -EINVAL);
	}
}

static void test_expose(void **state)
{
	struct mapping a = mapping_of(0, BAR0_LEN), b = mapping_of(WINDOW, 4096);
	struct mapping c = mapping_of(0, 4096);
	struct uiommu_pdev *pdev = *state;

	assert_false(uiommu_pdev_doorbells_expose(pdev, 0, true));
	assert_int_equal(pdev_bar_map(pdev, &a.map), 0);
	assert_int_equal(a.calls, 0);
	assert_true(uiommu_pdev_doorbells_expose(pdev, 0, true));
	assert_true(a.open && a.off == WINDOW && a.len == 4096);
	assert_int_equal(pdev_bar_map(pdev, &b.map), 0);
	assert_int_equal(pdev_bar_map(pdev, &c.map), 0);
	assert_true(b.open);
	assert_int_equal(c.calls, 0);
	b.refuse = true;
	assert_true(uiommu_pdev_doorbells_expose(pdev, 0, false));
	assert_false(a.open);
	b.refuse = false;
	assert_false(uiommu_pdev_doorbells_expose(pdev, 0, false));
	assert_false(b.open);
	assert_int_equal(a.calls, 2);
	assert_true(uiommu_pdev_doorbells_expose(pdev, 0, true));
	pdev_reset(pdev);
	assert_false(a.open || b.open);
	assert_true(uiommu_pdev_doorbells_expose(pdev, 0, true));
	pdev_bar_unmap(pdev, &a.map);
	pdev_bar_unmap(pdev, &b.map);
	assert_false(uiommu_pdev_doorbells_expose(pdev, 0, true));
	assert_int_equal(pdev_bar_map(pdev, &a.map), 0);
	assert_true(uiommu_pdev_doorbells_expose(pdev, 0, true));
	pdev_close(pdev);
	assert_false(a.open);
	pdev_bar_unmap(pdev, &a.map);
	pdev_bar_unmap(pdev, &c.map);
}

static void test_expose_refused(void **state)
{
	struct mapping a = mapping_of(0, BAR0_LEN);

	a.refuse = true;
	assert_int_equal(pdev_bar_map(*state, &a.map), 0);
	assert_false(uiommu_pdev_doorbells_expose(*state, 0, true));
	assert_false(uiommu_pdev_doorbells_expose(*state, 0, false));
	pdev_bar_unmap(*state, &a.map);
}

static void test_trap(void **state)
{
	struct mapping a = mapping_of(0, BAR0_LEN);
	struct uiommu_pdev *pdev = counter_new(PDEV_BAR_TRAP);

	assert_int_equal(pdev_open(pdev), 0);
	assert_int_equal(pdev_bar_map(pdev, &a.map), 0);
	assert_false(uiommu_pdev_doorbells_expose(pdev, 0, true));
	assert_int_equal(a.calls, 0);
	pdev_bar_unmap(pdev, &a.map);
	pdev_close(pdev);
	pdev_free(pdev);
}

/*
 * A model's thread opens the window, works until nothing has changed for a while, closes it, looks
 * once more and sleeps until doorbell() wakes it. Clients store directly where the mapping is open,
 * and trap where it isn't. Other clients map, unmap and reset. No store may be lost.
 */
#define STORES 20000u

struct race {
	struct uiommu_pdev *pdev;
	struct mapping m;
	pthread_rwlock_t gate; /* what mprotect() does: a store is either before or after */
	_Atomic bool stop;
	_Atomic uint32_t seen;
};
static struct race race;

static bool race_expose(struct bar_mapping *map, uint64_t off, uint64_t len, bool on)
{
	pthread_rwlock_wrlock(&race.gate);
	race.m.open = on;
	pthread_rwlock_unlock(&race.gate);
	return true;
}

static uint32_t window_load(struct uiommu_pdev *pdev)
{
	return atomic_load((_Atomic uint32_t *)uiommu_pdev_doorbells(pdev, 0));
}

static void *race_model(void *arg)
{
	uint32_t rings = 0;

	while (!atomic_load(&race.stop)) {
		bool direct = uiommu_pdev_doorbells_expose(race.pdev, 0, true);

		for (unsigned int idle = 0; direct && idle < 50; idle++)
			atomic_store(&race.seen, window_load(race.pdev));
		uiommu_pdev_doorbells_expose(race.pdev, 0, false);
		atomic_store(&race.seen, window_load(race.pdev));
		while (atomic_load(&counter.rings) == rings && !atomic_load(&race.stop))
			sched_yield();
		rings = atomic_load(&counter.rings);
		atomic_store(&race.seen, window_load(race.pdev));
	}
	return NULL;
}

static void race_store(uint32_t val)
{
	bool open;

	pthread_rwlock_rdlock(&race.gate);
	open = race.m.open;
	if (open)
		atomic_store((_Atomic uint32_t *)&race.m.mem[WINDOW / 4], val);
	pthread_rwlock_unlock(&race.gate);
	if (!open)
		assert_int_equal(pdev_bar_write(race.pdev, 0, WINDOW, &val, 4), 4);
}

static void *race_other(void *arg)
{
	struct mapping m = mapping_of(WINDOW, 4096);
	uint32_t val;

	while (!atomic_load(&race.stop)) {
		assert_int_equal(pdev_bar_map(race.pdev, &m.map), 0);
		pdev_config_read(race.pdev, 0, &val, 4);
		pdev_bar_read(race.pdev, 0, R_COUNT, &val, 4);
		pdev_bar_unmap(race.pdev, &m.map);
		sched_yield();
	}
	return NULL;
}

static void test_expose_race(void **state)
{
	pthread_t model, other;

	race.pdev = *state;
	race.m = mapping_of(0, BAR0_LEN);
	race.m.map.expose = race_expose;
	race.m.mem =
		mmap(NULL, BAR0_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, pdev_bar_fd(*state, 0), 0);
	pthread_rwlock_init(&race.gate, NULL);
	assert_int_equal(pdev_bar_map(*state, &race.m.map), 0);
	pthread_create(&model, NULL, race_model, NULL);
	pthread_create(&other, NULL, race_other, NULL);
	for (uint32_t i = 1; i <= STORES; i++) {
		race_store(i);
		while (i % 64 == 0 && atomic_load(&race.seen) != i)
			sched_yield();
	}
	while (atomic_load(&race.seen) != STORES)
		sched_yield();
	atomic_store(&race.stop, true);
	pthread_join(model, NULL);
	pthread_join(other, NULL);
	pdev_bar_unmap(*state, &race.m.map);
	pthread_rwlock_destroy(&race.gate);
	munmap(race.m.mem, BAR0_LEN);
}

/* A reset waits for the model's thread, while that thread exposes and sends interrupts. */
struct busy {
	pthread_t thread;
	_Atomic bool stop;
};

static void *busy_run(void *arg)
{
	struct busy *busy = arg;

	while (!atomic_load(&busy->stop)) {
		uiommu_pdev_doorbells_expose(counter.pdev, 0, true);
		uiommu_pdev_msi(counter.pdev, 3);
		uiommu_pdev_intx(counter.pdev, true);
		uiommu_pdev_doorbells_expose(counter.pdev, 0, false);
		uiommu_pdev_intx(counter.pdev, false);
		uiommu_pdev_irq_mode(counter.pdev, NULL);
	}
	uiommu_pdev_doorbells_expose(counter.pdev, 0, true);
	uiommu_pdev_msi(counter.pdev, 3);
	return NULL;
}

static void busy_stop(struct counter *c)
{
	struct busy *busy = c->arg;

	if (!busy)
		return;
	atomic_store(&busy->stop, true);
	pthread_join(busy->thread, NULL);
	c->arg = NULL;
}

static void test_reset_waits(void **state)
{
	struct mapping m = mapping_of(0, BAR0_LEN);

	counter.on_reset = busy_stop;
	assert_int_equal(pdev_bar_map(*state, &m.map), 0);
	for (unsigned int i = 0; i < 100; i++) {
		struct busy busy = { .stop = false };
		int fd = event_new();

		assert_int_equal(pdev_irq_set_eventfds(*state, PDEV_IRQ_MSIX, 3, 1, &fd), 0);
		assert_int_equal(pthread_create(&busy.thread, NULL, busy_run, &busy), 0);
		counter.arg = &busy;
		close(fd);
		pdev_reset(*state);
		assert_false(m.open);
	}
	pdev_bar_unmap(*state, &m.map);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_split),
		TEST(test_bounds),
		TEST(test_doorbells),
		TEST(test_doorbells_on_heap),
		TEST(test_memory),
		TEST(test_map_refused),
		TEST(test_expose),
		TEST(test_expose_refused),
		TEST(test_trap),
		TEST(test_expose_race),
		TEST(test_reset_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
