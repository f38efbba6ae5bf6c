/* SPDX-License-Identifier: MIT */
/* The dmatest device behind the PCI core, on a window of memory in place of an IOMMU. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "core/requester.h"
#include "dev/dmatest.h"
#include "dev/pci.h"
#include "dev/pci_spec.h"
#include "dma/chan.h"

#define BASE 0x100000ull
#define SIZE (256u << 10)

static struct requester requester;
static uint8_t memory[SIZE];
static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
static struct uiommu_dma_fault fault;
static uint32_t pasid_seen;
static _Atomic bool master;
static int done_fd, failed_fd;

/* Weak: nothing of the library that defines these is linked in. */
__attribute__((weak)) void requester_set_bus_master(struct requester *req, bool on)
{
	atomic_store(&master, on);
}

__attribute__((weak)) int dma_chan_new(struct requester *req, struct uiommu_dma **out)
{
	*out = base_alloc(1);
	return *out ? 0 : -ENOMEM;
}

__attribute__((weak)) void dma_chan_free(struct uiommu_dma *dma)
{
	base_free(dma);
}

static uint8_t *reach(uint32_t pasid, uint64_t iova, size_t len, int write)
{
	pasid_seen = pasid;
	if (!atomic_load(&master))
		fault = (struct uiommu_dma_fault){ iova, pasid, write, UIOMMU_DMA_BLOCKED };
	else if (iova < BASE || iova - BASE > SIZE || len > SIZE - (iova - BASE))
		fault = (struct uiommu_dma_fault){ iova, pasid, write, UIOMMU_DMA_NOT_MAPPED };
	else
		return memory + (iova - BASE);
	return NULL;
}

__attribute__((weak)) int uiommu_dma_read(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, void *buf, size_t len)
{
	uint8_t *p = reach(pasid, iova, len, 0);

	if (!p)
		return -EFAULT;
	pthread_mutex_lock(&memory_lock);
	memcpy(buf, p, len);
	pthread_mutex_unlock(&memory_lock);
	return 0;
}

__attribute__((weak)) int uiommu_dma_write(
	struct uiommu_dma *dma, uint32_t pasid, uint64_t iova, const void *buf, size_t len)
{
	uint8_t *p = reach(pasid, iova, len, 1);

	if (!p)
		return -EFAULT;
	pthread_mutex_lock(&memory_lock);
	memcpy(p, buf, len);
	pthread_mutex_unlock(&memory_lock);
	return 0;
}

__attribute__((weak)) int uiommu_dma_atomic(struct uiommu_dma *dma, uint32_t pasid, uint64_t iova,
	unsigned int size, enum uiommu_dma_atomic_op op, uint64_t operand, uint64_t compare,
	uint64_t *old)
{
	uint8_t *p = reach(pasid, iova, size, 1);

	if (size != 4 && size != 8)
		return -EINVAL;
	if (!p)
		return -EFAULT;
	*old = 0;
	memcpy(old, p, size);
	operand += *old;
	memcpy(p, &operand, size);
	return 0;
}

__attribute__((weak)) void uiommu_dma_last_fault(
	const struct uiommu_dma *dma, struct uiommu_dma_fault *out)
{
	*out = fault;
}

static int setup(void **state)
{
	struct pdev_cfg cfg = { .bdf = "0000:00:05.0", .requester = &requester };
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct uiommu_pdev *pdev;
	char err[128];
	int fds[2];

	memset(memory, 0, sizeof(memory));
	if (pdev_new(&dmatest_model, &cfg, &pdev, err, sizeof(err)) || pdev_open(pdev))
		return -1;
	done_fd = fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed_fd = fds[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*state = pdev;
	pdev_config_write(pdev, PCI_COMMAND, &command, 2);
	return pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 2, fds);
}

static int teardown(void **state)
{
	pdev_close(*state);
	pdev_free(*state);
	close(done_fd);
	close(failed_fd);
	return 0;
}

static uint64_t get(struct uiommu_pdev *pdev, uint64_t off, size_t size)
{
	uint64_t val = 0;

	assert_int_equal(pdev_bar_read(pdev, 0, off, &val, size), size);
	return val;
}

static void put(struct uiommu_pdev *pdev, uint64_t off, size_t size, uint64_t val)
{
	assert_int_equal(pdev_bar_write(pdev, 0, off, &val, size), size);
}

static void command(
	struct uiommu_pdev *pdev, uint64_t src, uint64_t dst, uint32_t len, enum dmatest_cmd cmd)
{
	put(pdev, DMATEST_SRC, 8, src);
	put(pdev, DMATEST_DST, 8, dst);
	put(pdev, DMATEST_LEN, 4, len);
	put(pdev, DMATEST_CMD, 4, cmd);
}

static void wait_event(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof(n)) != sizeof(n))
		sched_yield();
	assert_int_equal(n, 1);
}

static void wait_status(struct uiommu_pdev *pdev, enum dmatest_status status)
{
	while (get(pdev, DMATEST_STATUS, 4) != status)
		sched_yield();
}

static void test_registers(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(get(pdev, DMATEST_PASID, 4), UIOMMU_PASID_NONE);
	put(pdev, DMATEST_SRC, 4, 0x11111111);
	put(pdev, DMATEST_SRC + 4, 4, 0x22222222);
	assert_true(get(pdev, DMATEST_SRC, 8) == 0x2222222211111111);
	assert_int_equal(get(pdev, DMATEST_SRC + 4, 4), 0x22222222);
	put(pdev, DMATEST_LEN, 8, 0x0000000700000100);
	assert_int_equal(get(pdev, DMATEST_LEN, 4), 0x100);
	assert_int_equal(get(pdev, DMATEST_PASID, 4), 7);
	assert_true(get(pdev, DMATEST_LEN, 8) == 0x0000000700000100);
	put(pdev, DMATEST_LEN, 1, 9);
	assert_int_equal(get(pdev, DMATEST_LEN, 2), 0);
	put(pdev, DMATEST_STATUS, 4, 3);
	put(pdev, DMATEST_COUNT, 8, 3);
	assert_int_equal(get(pdev, DMATEST_STATUS, 4), DMATEST_IDLE);
	assert_int_equal(get(pdev, DMATEST_COUNT, 8), 0);
	assert_int_equal(get(pdev, 0xff8, 8), 0);
}

static void test_copy(void **state)
{
	struct uiommu_pdev *pdev = *state;

	for (unsigned int i = 0; i < SIZE / 2; i++)
		memory[i] = (uint8_t)(i * 31 + i / 256);
	put(pdev, DMATEST_PASID, 4, 5);
	command(pdev, BASE + 3, BASE + SIZE / 2 + 1, SIZE / 2 - 100, DMATEST_COPY);
	wait_event(done_fd);
	assert_int_equal(get(pdev, DMATEST_STATUS, 4), DMATEST_DONE);
	assert_int_equal(get(pdev, DMATEST_COUNT, 8), SIZE / 2 - 100);
	assert_int_equal(get(pdev, DMATEST_IRQ_STATUS, 4), 1);
	assert_memory_equal(memory + 3, memory + SIZE / 2 + 1, SIZE / 2 - 100);
	assert_int_equal(memory[SIZE - 99], 0);
	assert_int_equal(pasid_seen, 5);
}

static void test_fill_and_add(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint64_t pattern = 0x0123456789abcdef;

	put(pdev, DMATEST_PATTERN, 8, pattern);
	command(pdev, 0, BASE + 64, 100, DMATEST_FILL);
	wait_event(done_fd);
	for (unsigned int i = 64; i < 160; i += 8)
		assert_memory_equal(memory + i, &pattern, 8);
	assert_memory_equal(memory + 160, &pattern, 4);
	assert_int_equal(memory[63] | memory[164], 0);
	put(pdev, DMATEST_PATTERN, 8, 1);
	command(pdev, BASE + 64, 0, 8, DMATEST_ADD);
	wait_event(done_fd);
	assert_true(get(pdev, DMATEST_RESULT, 8) == pattern);
	pattern++;
	assert_memory_equal(memory + 64, &pattern, 8);
}

static void check_failed(
	struct uiommu_pdev *pdev, uint64_t iova, enum uiommu_dma_reason reason, uint64_t count)
{
	wait_event(failed_fd);
	assert_int_equal(get(pdev, DMATEST_STATUS, 4), DMATEST_FAILED);
	assert_true(get(pdev, DMATEST_FAULT_IOVA, 8) == iova);
	assert_int_equal(get(pdev, DMATEST_FAULT_REASON, 4), reason);
	assert_int_equal(get(pdev, DMATEST_COUNT, 8), count);
}

static void test_faults(void **state)
{
	uint16_t off = PCI_COMMAND_MEMORY;
	struct uiommu_pdev *pdev = *state;

	command(pdev, 0, BASE + SIZE - 65536, 65537, DMATEST_FILL);
	check_failed(pdev, BASE + SIZE, UIOMMU_DMA_NOT_MAPPED, 65536);
	command(pdev, UINT64_MAX - 3, BASE, 64, DMATEST_COPY);
	check_failed(pdev, UINT64_MAX - 3, UIOMMU_DMA_NOT_MAPPED, 0);
	command(pdev, 0, BASE, DMATEST_LEN_MAX + 1, DMATEST_FILL);
	check_failed(pdev, 0, UIOMMU_DMA_OK, 0);
	command(pdev, BASE, 0, 5, DMATEST_ADD);
	check_failed(pdev, 0, UIOMMU_DMA_OK, 0);
	command(pdev, BASE, BASE, 0, DMATEST_FILL_LOOP);
	check_failed(pdev, 0, UIOMMU_DMA_OK, 0);
	command(pdev, BASE, BASE, 8, 99);
	check_failed(pdev, 0, UIOMMU_DMA_OK, 0);
	pdev_config_write(pdev, PCI_COMMAND, &off, 2);
	command(pdev, BASE, 0, 8, DMATEST_ADD);
	check_failed(pdev, BASE, UIOMMU_DMA_BLOCKED, 0);
}

static void test_loops(void **state)
{
	struct uiommu_pdev *pdev = *state;

	put(pdev, DMATEST_PATTERN, 8, ~0ull);
	command(pdev, 0, BASE, 4096, DMATEST_FILL_LOOP);
	while (get(pdev, DMATEST_COUNT, 8) < 100 * 4096)
		sched_yield();
	assert_int_equal(get(pdev, DMATEST_STATUS, 4), DMATEST_BUSY);
	put(pdev, DMATEST_CMD, 4, DMATEST_COPY);
	put(pdev, DMATEST_CMD, 4, DMATEST_STOP);
	wait_status(pdev, DMATEST_IDLE);
	assert_int_equal(get(pdev, DMATEST_IRQ_STATUS, 4), 0);
	command(pdev, BASE, 0, 4096 + 12, DMATEST_CHECK_LOOP);
	while (get(pdev, DMATEST_RESULT, 8) < 20)
		sched_yield();
	put(pdev, DMATEST_CMD, 4, DMATEST_STOP);
	wait_status(pdev, DMATEST_IDLE);
	assert_int_equal(
		get(pdev, DMATEST_RESULT, 8), 2 * get(pdev, DMATEST_COUNT, 8) / (4096 + 12));
}

static void test_reset(void **state)
{
	struct uiommu_pdev *pdev = *state;

	for (unsigned int i = 0; i < 50; i++) {
		put(pdev, DMATEST_PATTERN, 8, i + 1);
		command(pdev, 0, BASE, 4096, DMATEST_FILL_LOOP);
		while (i % 2 && !get(pdev, DMATEST_COUNT, 8))
			sched_yield();
		pdev_reset(pdev);
		memset(memory, 0, 4096);
		assert_int_equal(get(pdev, DMATEST_STATUS, 4), DMATEST_IDLE);
		assert_int_equal(get(pdev, DMATEST_COUNT, 8), 0);
		sched_yield();
		assert_int_equal(memory[0], 0);
	}
}

static void test_intx(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint16_t status;

	pdev_irq_disable(pdev, PDEV_IRQ_MSIX);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, &done_fd), 0);
	command(pdev, 0, BASE, 8, DMATEST_FILL);
	wait_event(done_fd);
	pdev_config_read(pdev, PCI_STATUS, &status, 2);
	assert_true(status & PCI_STATUS_INTERRUPT);
	put(pdev, DMATEST_IRQ_STATUS, 4, 1);
	pdev_config_read(pdev, PCI_STATUS, &status, 2);
	assert_false(status & PCI_STATUS_INTERRUPT);
	pdev_intx_mask(pdev, false);
	command(pdev, 0, 0, 8, DMATEST_FILL);
	wait_event(done_fd);
	assert_int_equal(get(pdev, DMATEST_IRQ_STATUS, 4), 2);
}

/* Each allocation that a command makes fails once: the command fails, the next one works. */
static void test_nth_allocation(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned long n;

	for (n = 1;; n++) {
		base_fail_nth(n);
		command(pdev, 0, BASE, 8, DMATEST_FILL);
		if (base_fail_count() < n)
			break;
		check_failed(pdev, 0, UIOMMU_DMA_OK, 0);
	}
	base_fail_nth(0);
	wait_event(done_fd);
	assert_int_equal(n, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers),
		TEST(test_copy),
		TEST(test_fill_and_add),
		TEST(test_faults),
		TEST(test_loops),
		TEST(test_reset),
		TEST(test_intx),
		TEST(test_nth_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
