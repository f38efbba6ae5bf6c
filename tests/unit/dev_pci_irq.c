/* SPDX-License-Identifier: MIT */
/* Interrupts: triggers, masks and pending bits of MSI-X and MSI, INTx with its automatic mask. */
#include "dev_pci_model.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define VCTRL(n) (TABLE + PCI_MSIX_ENTRY * (n) + PCI_MSIX_VCTRL)

static int fds[VECTORS];

static int setup(void **state)
{
	for (unsigned int i = 0; i < VECTORS; i++)
		fds[i] = event_new();
	return counter_setup(state);
}

static int teardown(void **state)
{
	for (unsigned int i = 0; i < VECTORS; i++)
		close(fds[i]);
	return counter_teardown(state);
}

static uint64_t pba(struct uiommu_pdev *pdev, unsigned int word)
{
	uint64_t val;

	assert_int_equal(pdev_bar_read(pdev, 0, PBA + 8 * word, &val, 8), 8);
	return val;
}

static void msix_ctrl(struct uiommu_pdev *pdev, uint32_t val)
{
	cfg_write(pdev, cfg_cap(pdev, PCI_CAP_MSIX) + PCI_MSIX_CTRL, 2, val);
}

static uint32_t msix_ctrl_bits(struct uiommu_pdev *pdev)
{
	return cfg_read(pdev, cfg_cap(pdev, PCI_CAP_MSIX) + PCI_MSIX_CTRL, 2) & 0xc000;
}

static void test_counts(void **state)
{
	static const unsigned int n[] = { 1, 8, VECTORS, 1, 1, 0 };

	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(pdev_irq_count(*state, i), n[i]);
	assert_int_equal(pdev_irq_enabled(*state, 17), 0);
}

static void test_msix_table(void **state)
{
	struct uiommu_pdev *pdev = *state;
	uint64_t addr = 0xfee0100f12345677;

	for (unsigned int i = 0; i < VECTORS; i++)
		assert_int_equal(bar_read32(pdev, 0, VCTRL(i)), 1);
	assert_int_equal(pdev_bar_write(pdev, 0, TABLE + 16, &addr, 8), 8);
	assert_int_equal(pdev_bar_read(pdev, 0, TABLE + 16, &addr, 8), 8);
	assert_true(addr == 0xfee0100f12345674);
	bar_write32(pdev, 0, TABLE + 16 + PCI_MSIX_DATA, 0xaabbccdd);
	assert_int_equal(bar_read32(pdev, 0, TABLE + 16 + PCI_MSIX_DATA), 0xaabbccdd);
	bar_write32(pdev, 0, VCTRL(1), ~0u);
	assert_int_equal(bar_read32(pdev, 0, VCTRL(1)), 1);
	bar_write32(pdev, 0, VCTRL(1), ~1u);
	assert_int_equal(bar_read32(pdev, 0, VCTRL(1)), 0);
	bar_write32(pdev, 0, TABLE + 16 * VECTORS, 5);
	assert_int_equal(bar_read32(pdev, 0, TABLE + 16 * VECTORS), 0);
	bar_write32(pdev, 0, PBA, ~0u);
	assert_int_equal(bar_read32(pdev, 0, PBA), 0);
	assert_int_equal(bar_read32(pdev, 0, PBA + 0xffc), 0);
}

static void test_msix(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned int n;

	uiommu_pdev_msi(pdev, 0);
	assert_int_equal(uiommu_pdev_irq_mode(pdev, &n), UIOMMU_IRQ_NONE);
	assert_int_equal(n, 0);
	msix_ctrl(pdev, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(msix_ctrl_bits(pdev), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 66, fds), 0);
	assert_int_equal(uiommu_pdev_irq_mode(pdev, &n), UIOMMU_IRQ_MSIX);
	assert_int_equal(n, 66);
	assert_int_equal(msix_ctrl_bits(pdev), PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(bar_read32(pdev, 0, VCTRL(65)), 0);
	assert_int_equal(bar_read32(pdev, 0, VCTRL(66)), 1);
	for (unsigned int i = 0; i < VECTORS; i++) {
		uiommu_pdev_msi(pdev, i);
		assert_int_equal(event_take(fds[i]), i < 66);
	}
	uiommu_pdev_msi(pdev, ~0u);
	assert_int_equal(pdev_irq_sent(pdev), 66);
	assert_int_equal(pba(pdev, 0) | pba(pdev, 1), 0);
	pdev_irq_disable(pdev, PDEV_IRQ_MSIX);
	assert_int_equal(msix_ctrl_bits(pdev), 0);
	uiommu_pdev_msi(pdev, 1);
	assert_int_equal(event_take(fds[1]), 0);
}

static void test_msix_masks(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 70, fds), 0);
	bar_write32(pdev, 0, VCTRL(69), 1);
	uiommu_pdev_msi(pdev, 69);
	uiommu_pdev_msi(pdev, 69);
	assert_int_equal(event_take(fds[69]), 0);
	assert_true(pba(pdev, 0) == 0 && pba(pdev, 1) == 1ull << 5);
	assert_int_equal(bar_read32(pdev, 0, PBA + 8), 1u << 5);
	bar_write32(pdev, 0, VCTRL(69), 0);
	assert_int_equal(event_take(fds[69]), 1);
	assert_int_equal(pba(pdev, 1), 0);

	msix_ctrl(pdev, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_FMASK);
	bar_write32(pdev, 0, VCTRL(3), 1);
	uiommu_pdev_msi(pdev, 2);
	uiommu_pdev_msi(pdev, 3);
	assert_int_equal(pba(pdev, 0), 0xc);
	msix_ctrl(pdev, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(event_take(fds[2]), 1);
	assert_int_equal(event_take(fds[3]), 0);
	msix_ctrl(pdev, 0);
	assert_int_equal(uiommu_pdev_irq_mode(pdev, NULL), UIOMMU_IRQ_NONE);
	bar_write32(pdev, 0, VCTRL(3), 0);
	assert_int_equal(event_take(fds[3]), 0);
	msix_ctrl(pdev, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(event_take(fds[3]), 1);
}

static void test_msix_trigger_removed(void **state)
{
	struct uiommu_pdev *pdev = *state;
	int none[] = { -1, -1 };

	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 1, none), 0);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_MSIX), 1);
	uiommu_pdev_msi(pdev, 0);
	uiommu_pdev_msi(pdev, 1);
	assert_int_equal(pba(pdev, 0), 1);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 4, fds), 0);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_MSIX), 4);
	assert_int_equal(event_take(fds[0]), 1);
	assert_int_equal(event_take(fds[1]), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 1, 2, none), 0);
	uiommu_pdev_msi(pdev, 2);
	uiommu_pdev_msi(pdev, 3);
	assert_int_equal(event_take(fds[2]), 0);
	assert_int_equal(event_take(fds[3]), 1);
}

static void test_msi(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned int cap = cfg_cap(pdev, PCI_CAP_MSI), n;

	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSI, 0, 5, fds), 0);
	assert_int_equal(uiommu_pdev_irq_mode(pdev, &n), UIOMMU_IRQ_MSI);
	assert_int_equal(n, 5);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_CTRL, 2), 0x01b7);
	uiommu_pdev_msi(pdev, 4);
	uiommu_pdev_msi(pdev, 5);
	assert_int_equal(event_take(fds[4]), 1);
	cfg_write(pdev, cap + PCI_MSI_MASK, 4, ~0u);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_MASK, 4), 0xff);
	uiommu_pdev_msi(pdev, 1);
	uiommu_pdev_msi(pdev, 4);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_PENDING, 4), 0x12);
	cfg_write(pdev, cap + PCI_MSI_MASK, 4, 0x10);
	assert_int_equal(event_take(fds[1]), 1);
	assert_int_equal(event_take(fds[4]), 0);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_PENDING, 4), 0x10);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSI, 0, 6, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSI, 3, 2, fds + 6), 0);
	cfg_write(pdev, cap + PCI_MSI_MASK, 1, 0);
	assert_int_equal(event_take(fds[7]), 1);
	pdev_irq_disable(pdev, PDEV_IRQ_MSI);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_CTRL, 2), 0x0186);
	assert_int_equal(cfg_read(pdev, cap + PCI_MSI_PENDING, 4), 0);
}

static void test_set_refused(void **state)
{
	struct uiommu_pdev *pdev = *state;
	int bad[3], pipefd[2];

	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, 5, 0, 1, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 0, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 70, 1, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 69, 2, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 1, ~0u, fds), -EINVAL);
	memcpy(bad, fds, sizeof(bad));
	bad[2] = 9999;
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 3, bad), -EBADF);
	bad[2] = -2;
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 3, bad), -EBADF);
	bad[2] = pipefd[1];
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 3, bad), -EINVAL);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_MSIX), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 1, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSI, 0, 1, fds), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_ERR, 0, 1, fds), 0);
	pdev_irq_disable(pdev, PDEV_IRQ_INTX);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 1, fds), 0);
	pdev_irq_disable(pdev, 99);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void test_loopback(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 2, fds), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_REQ, 0, 1, fds + 2), 0);
	bar_write32(pdev, 0, VCTRL(1), 1);
	pdev_irq_trigger(pdev, PDEV_IRQ_MSIX, 1);
	pdev_irq_trigger(pdev, PDEV_IRQ_MSIX, 5);
	pdev_irq_trigger(pdev, PDEV_IRQ_MSIX, VECTORS);
	pdev_irq_trigger(pdev, PDEV_IRQ_REQ, 0);
	pdev_irq_trigger(pdev, PDEV_IRQ_ERR, 0);
	pdev_irq_trigger(pdev, 77, 0);
	assert_int_equal(event_take(fds[1]), 1);
	assert_int_equal(event_take(fds[2]), 1);
	assert_int_equal(pdev_irq_sent(pdev), 2);
}

/* A client's blocking eventfd that is full must not stop the device. */
static void test_full_eventfd(void **state)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	eventfd_t n;

	assert_int_equal(eventfd_write(fd, UINT64_MAX - 1), 0);
	assert_int_equal(pdev_irq_set_eventfds(*state, PDEV_IRQ_MSIX, 0, 1, &fd), 0);
	uiommu_pdev_msi(*state, 0);
	assert_int_equal(eventfd_read(fd, &n), 0);
	assert_true(n == UINT64_MAX - 1);
	uiommu_pdev_msi(*state, 0);
	assert_int_equal(eventfd_read(fd, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}

static void test_intx(void **state)
{
	struct uiommu_pdev *pdev = *state;

	uiommu_pdev_intx(pdev, true);
	assert_true(cfg_read(pdev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds), 0);
	assert_int_equal(uiommu_pdev_irq_mode(pdev, NULL), UIOMMU_IRQ_INTX);
	assert_int_equal(event_take(fds[0]), 1);
	uiommu_pdev_intx(pdev, true);
	assert_int_equal(event_take(fds[0]), 0);
	pdev_intx_mask(pdev, false);
	assert_int_equal(event_take(fds[0]), 1);
	uiommu_pdev_intx(pdev, false);
	assert_false(cfg_read(pdev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	pdev_intx_mask(pdev, false);
	assert_int_equal(event_take(fds[0]), 0);
	pdev_intx_mask(pdev, true);
	uiommu_pdev_intx(pdev, true);
	assert_int_equal(event_take(fds[0]), 0);
	pdev_intx_mask(pdev, false);
	assert_int_equal(event_take(fds[0]), 1);
}

static void test_intx_disable_bit(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds), 0);
	cfg_write(pdev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	uiommu_pdev_intx(pdev, true);
	assert_int_equal(event_take(fds[0]), 0);
	assert_true(cfg_read(pdev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	cfg_write(pdev, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(event_take(fds[0]), 1);
	pdev_irq_disable(pdev, PDEV_IRQ_INTX);
	pdev_intx_mask(pdev, true);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds + 1), 0);
	assert_int_equal(event_take(fds[1]), 1);
}

static void wait_for(int fd)
{
	while (!event_take(fd))
		sched_yield();
}

static void test_intx_unmask_fd(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(pdev_intx_unmask_fd(pdev, fds[1]), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds), 0);
	assert_int_equal(pdev_intx_unmask_fd(pdev, 9999), -EBADF);
	assert_int_equal(pdev_intx_unmask_fd(pdev, fds[1]), 0);
	uiommu_pdev_intx(pdev, true);
	for (unsigned int i = 0; i < 20; i++) {
		wait_for(fds[0]);
		assert_int_equal(event_take(fds[0]), 0);
		eventfd_write(fds[1], 1);
	}
	wait_for(fds[0]);
	assert_int_equal(pdev_intx_unmask_fd(pdev, fds[2]), 0);
	eventfd_write(fds[2], 1);
	wait_for(fds[0]);
	assert_int_equal(pdev_intx_unmask_fd(pdev, -1), 0);
	eventfd_write(fds[2], 1);
	assert_int_equal(pdev_intx_unmask_fd(pdev, fds[2]), 0);
	wait_for(fds[0]);
	pdev_reset(pdev);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_INTX), 0);
	assert_int_equal(pdev_intx_unmask_fd(pdev, -1), 0);
}

static void test_no_pin(void **state)
{
	struct uiommu_pdev *pdev;

	counter_desc.intx = false;
	counter_desc.msi_vectors = 0;
	counter_desc.msix_vectors = 0;
	pdev = counter_new(PDEV_BAR_AUTO);
	assert_int_equal(pdev_open(pdev), 0);
	uiommu_pdev_intx(pdev, true);
	uiommu_pdev_msi(pdev, 0);
	assert_false(cfg_read(pdev, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	assert_int_equal(pdev_intx_unmask_fd(pdev, -1), -EINVAL);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_INTX, 0, 1, fds), -EINVAL);
	assert_int_equal(cfg_cap(pdev, PCI_CAP_MSIX) | cfg_cap(pdev, PCI_CAP_MSI), 0);
	pdev_reset(pdev);
	pdev_close(pdev);
	pdev_free(pdev);
}

/* Senders against clients that replace triggers, mask, reset, and close what they passed in. */
static _Atomic bool stop;

static void *sender(void *arg)
{
	struct uiommu_pdev *pdev = arg;

	for (unsigned int i = 0; !atomic_load(&stop); i++) {
		uiommu_pdev_msi(pdev, i % 8);
		uiommu_pdev_intx(pdev, i & 16);
	}
	return NULL;
}

static void client_round(struct uiommu_pdev *pdev, unsigned int i)
{
	enum pdev_irq index = (enum pdev_irq)(i % 3);
	int fd[4] = { event_new(), event_new(), event_new(), -1 };
	unsigned int count = index == PDEV_IRQ_INTX ? 1 : 4;

	assert_int_equal(pdev_irq_set_eventfds(pdev, index, 0, count, fd), 0);
	for (unsigned int j = 0; j < 4; j++)
		if (fd[j] >= 0)
			close(fd[j]);
	if (index == PDEV_IRQ_INTX)
		pdev_intx_unmask_fd(pdev, fds[0]);
	eventfd_write(fds[0], 1);
	bar_write32(pdev, 0, VCTRL(1), i & 1);
	cfg_write(pdev, cfg_cap(pdev, PCI_CAP_MSI) + PCI_MSI_MASK, 4, i);
	cfg_write(pdev, PCI_COMMAND, 2, 2 | (i & 1 ? PCI_COMMAND_INTX_DISABLE : 0));
	sched_yield();
	if (i % 5 == 0)
		pdev_reset(pdev);
	else
		pdev_irq_disable(pdev, index);
}

static void test_races(void **state)
{
	pthread_t thread[2];

	atomic_store(&stop, false);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, sender, *state), 0);
	for (unsigned int i = 0; i < 200; i++)
		client_round(*state, i);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counts),
		TEST(test_msix_table),
		TEST(test_msix),
		TEST(test_msix_masks),
		TEST(test_msix_trigger_removed),
		TEST(test_msi),
		TEST(test_set_refused),
		TEST(test_loopback),
		TEST(test_full_eventfd),
		TEST(test_intx),
		TEST(test_intx_disable_bit),
		TEST(test_intx_unmask_fd),
		TEST(test_no_pin),
		TEST(test_races),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
