/* SPDX-License-Identifier: MIT */
/* The PCI core: life cycle, configuration space, resets. */
#include "dev_pci_model.h"

#include <errno.h>
#include <unistd.h>
#include <string.h>

#include "base/mem.h"

#define MEMORY_MASTER (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static void test_identity(void **state)
{
	struct uiommu_pdev *pdev = *state;

	assert_int_equal(cfg_read(pdev, PCI_VENDOR, 4), 0x56781234);
	assert_int_equal(cfg_read(pdev, PCI_REVISION, 4), 0x01080203);
	assert_int_equal(cfg_read(pdev, PCI_SUBSYS_VENDOR, 4), 0xdef09abc);
	assert_int_equal(cfg_read(pdev, PCI_INT_PIN, 1), 1);
	assert_int_equal(cfg_read(pdev, 0x0e, 1), 0);
	assert_int_equal(cfg_read(pdev, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	cfg_write(pdev, PCI_VENDOR, 4, 0);
	assert_int_equal(cfg_read(pdev, PCI_VENDOR, 4), 0x56781234);
	assert_int_equal(pdev_desc(pdev)->device, 0x5678);
	assert_non_null(pdev_requester(pdev));
}

static void test_capabilities(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned int msix = cfg_cap(pdev, PCI_CAP_MSIX), msi = cfg_cap(pdev, PCI_CAP_MSI);
	unsigned int exp = cfg_cap(pdev, PCI_CAP_PCIE);

	assert_true(msix && msi && exp && cfg_cap(pdev, PCI_CAP_PM));
	assert_int_equal(cfg_read(pdev, msix + PCI_MSIX_CTRL, 2), VECTORS - 1);
	assert_int_equal(cfg_read(pdev, msix + PCI_MSIX_TABLE, 4), TABLE);
	assert_int_equal(cfg_read(pdev, msix + PCI_MSIX_PBA, 4), PBA);
	assert_int_equal(cfg_read(pdev, msi + PCI_MSI_CTRL, 2), 0x0186);
	assert_int_equal(cfg_read(pdev, exp + PCI_EXP_FLAGS, 2), PCI_EXP_FLAGS_V2);
	assert_true(cfg_read(pdev, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	for (unsigned int off = PCI_CONFIG_OLD_SIZE; off < PCI_CONFIG_SIZE; off += 4)
		assert_int_equal(cfg_read(pdev, off, 4), 0);
}

static void test_bar_sizing(void **state)
{
	static const uint32_t ones[UIOMMU_PCI_BARS] = { ~(BAR0_LEN - 1u) | PCI_BAR_MEM64, ~0u,
		~(BAR2_LEN - 1u) | PCI_BAR_PREFETCH, ~(BAR3_LEN - 1u) | PCI_BAR_MEM64, ~0u, 0 };
	struct uiommu_pdev *pdev = *state;

	for (unsigned int i = 0; i < UIOMMU_PCI_BARS; i++) {
		uint32_t flags = cfg_read(pdev, PCI_BAR(i), 4);

		cfg_write(pdev, PCI_BAR(i), 4, ~0u);
		assert_int_equal(cfg_read(pdev, PCI_BAR(i), 4), ones[i]);
		cfg_write(pdev, PCI_BAR(i), 4, 0xfe000000);
		assert_int_equal(cfg_read(pdev, PCI_BAR(i), 4), ones[i] ? 0xfe000000 | flags : 0);
	}
	cfg_write(pdev, PCI_ROM, 4, ~0u);
	assert_int_equal(cfg_read(pdev, PCI_ROM, 4), 0);
}

static void test_config_bounds(void **state)
{
	uint8_t buf[8192];

	assert_int_equal(pdev_config_read(*state, 0, buf, sizeof(buf)), PCI_CONFIG_SIZE);
	assert_int_equal(pdev_config_read(*state, 0xffd, buf, 8), 3);
	assert_int_equal(pdev_config_read(*state, 0x1000, buf, 1), -EINVAL);
	assert_int_equal(pdev_config_write(*state, UINT64_MAX, buf, 8), -EINVAL);
	assert_int_equal(pdev_config_write(*state, 0, buf, 0), 0);
}

static void test_command(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned int changes = counter.changes;
	uint32_t val;

	assert_int_equal(cfg_read(pdev, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	cfg_write(pdev, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(cfg_read(pdev, PCI_COMMAND, 2), 0x0546);
	assert_true(counter.bus_master);
	assert_true(counter.changes > changes);
	cfg_write(pdev, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(pdev_bar_read(pdev, 0, R_COUNT, &val, 4), -EIO);
	assert_int_equal(pdev_bar_write(pdev, 0, R_ADD, &val, 4), -EIO);
	assert_int_equal(pdev_bar_write(pdev, 0, WINDOW, &val, 4), -EIO);
	assert_int_equal(pdev_bar_read(pdev, 0, WINDOW, &val, 4), -EIO);
	cfg_write(pdev, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_false(counter.bus_master);
	assert_int_equal(counter.masterings, 2);
	bar_read32(pdev, 0, R_COUNT);
}

static void test_power(void **state)
{
	struct uiommu_pdev *pdev = *state;
	unsigned int ctrl = cfg_cap(pdev, PCI_CAP_PM) + PCI_PM_CTRL;
	uint32_t val;

	cfg_write(pdev, PCI_COMMAND, 2, MEMORY_MASTER);
	cfg_write(pdev, ctrl, 2, 1);
	assert_int_equal(cfg_read(pdev, ctrl, 2), PCI_PM_CTRL_NO_RESET);
	cfg_write(pdev, ctrl, 2, PCI_PM_D3HOT);
	assert_int_equal(pdev_bar_read(pdev, 2, 0, &val, 4), -EIO);
	assert_false(counter.bus_master);
	cfg_write(pdev, ctrl, 2, 2);
	assert_int_equal(cfg_read(pdev, ctrl, 2), PCI_PM_CTRL_NO_RESET | PCI_PM_D3HOT);
	cfg_write(pdev, ctrl, 2, 0);
	assert_true(counter.bus_master);
	bar_read32(pdev, 2, 0);
}

static void check_reset(struct uiommu_pdev *pdev, void (*reset)(struct uiommu_pdev *pdev))
{
	unsigned int msix = cfg_cap(pdev, PCI_CAP_MSIX) + PCI_MSIX_CTRL;
	int fd = event_new();

	cfg_write(pdev, PCI_COMMAND, 2, MEMORY_MASTER);
	cfg_write(pdev, PCI_BAR(0), 4, 0xfe000000);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 1, &fd), 0);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_REQ, 0, 1, &fd), 0);
	bar_write32(pdev, 0, R_ADD, 5);
	bar_write32(pdev, 0, WINDOW + 8, 7);
	reset(pdev);
	assert_int_equal(counter.resets, 1);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_MSIX), 0);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_REQ), 1);
	assert_int_equal(cfg_read(pdev, msix, 2), VECTORS - 1);
	assert_int_equal(cfg_read(pdev, PCI_COMMAND, 2), MEMORY_MASTER);
	assert_int_equal(cfg_read(pdev, PCI_BAR(0), 4), 0xfe000000 | PCI_BAR_MEM64);
	assert_true(counter.bus_master);
	assert_int_equal(bar_read32(pdev, 0, R_COUNT), 0);
	assert_int_equal(bar_read32(pdev, 0, WINDOW + 8), 0);
	assert_int_equal(bar_read32(pdev, 0, TABLE + PCI_MSIX_VCTRL), PCI_MSIX_VCTRL_MASK);
	uiommu_pdev_msi(pdev, 0);
	assert_int_equal(event_take(fd), 0);
	close(fd);
}

static void flr(struct uiommu_pdev *pdev)
{
	unsigned int ctl = cfg_cap(pdev, PCI_CAP_PCIE) + PCI_EXP_DEVCTL;

	cfg_write(pdev, ctl, 2, 0x2810 | PCI_EXP_DEVCTL_FLR);
	assert_int_equal(cfg_read(pdev, ctl, 2), 0x2810);
}

static void flr_upper_byte(struct uiommu_pdev *pdev)
{
	cfg_write(pdev, cfg_cap(pdev, PCI_CAP_PCIE) + PCI_EXP_DEVCTL + 1, 1, 0x80);
}

static void test_reset(void **state)
{
	check_reset(*state, pdev_reset);
}

static void test_flr(void **state)
{
	check_reset(*state, flr);
}

static void test_flr_byte(void **state)
{
	check_reset(*state, flr_upper_byte);
}

static void test_open_close(void **state)
{
	struct uiommu_pdev *pdev = *state;
	struct uiommu_dma *dma;
	int fd = event_new();

	assert_int_equal(pdev_open(pdev), -EBUSY);
	assert_int_equal(uiommu_pdev_dma_new(pdev, &dma), 0);
	uiommu_pdev_dma_free(dma);
	cfg_write(pdev, PCI_COMMAND, 2, MEMORY_MASTER);
	cfg_write(pdev, PCI_INT_LINE, 1, 9);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_REQ, 0, 1, &fd), 0);
	pdev_close(pdev);
	pdev_close(pdev);
	assert_int_equal(counter.closes, 1);
	assert_false(counter.bus_master);
	assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_REQ), 0);
	assert_int_equal(cfg_read(pdev, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	assert_int_equal(cfg_read(pdev, PCI_INT_LINE, 1), 0);
	assert_int_equal(pdev_bar_read(pdev, 0, 0, &fd, 4), -EIO);
	assert_int_equal(pdev_irq_set_eventfds(pdev, PDEV_IRQ_REQ, 0, 1, &fd), -ENODEV);
	pdev_reset(pdev);
	assert_int_equal(counter.resets, 0);
	counter.busy = true;
	assert_int_equal(pdev_open(pdev), -EBUSY);
	counter.busy = false;
	assert_int_equal(pdev_open(pdev), 0);
	close(fd);
}

static void assert_refused(enum pdev_bar_mode mode)
{
	assert_null(counter_new(mode));
	assert_int_equal(counter.created, 1); /* the fixture's */
}

#define REFUSED(change)                                                                            \
	do {                                                                                       \
		struct uiommu_pci_desc saved = counter_desc;                                       \
                                                                                                   \
		change;                                                                            \
		assert_refused(PDEV_BAR_AUTO);                                                     \
		counter_desc = saved;                                                              \
	} while (0)

static void test_descriptions(void **state)
{
	REFUSED(counter_desc.bar[0].size = 0x3000);
	REFUSED(counter_desc.bar[2].size = 8);
	REFUSED(counter_desc.bar[2].size = 1ull << 32);
	REFUSED(counter_desc.bar[2].mem64 = true);
	REFUSED((counter_desc.bar[2].mmap = true));
	REFUSED(counter_desc.bar[5] = counter_desc.bar[0]);
	REFUSED(counter_desc.bar[0].db_off = 0x1004);
	REFUSED(counter_desc.bar[0].db_len = 0x1800);
	REFUSED(counter_desc.bar[0].db_len = 0x8000);
	REFUSED(counter_desc.bar[0].db_off = TABLE);
	REFUSED(counter_desc.bar[0].db_off = PBA);
	REFUSED(counter_desc.bar[5].db_len = 0x1000);
	REFUSED(counter_desc.msi_vectors = 3);
	REFUSED(counter_desc.msi_vectors = 64);
	REFUSED(counter_desc.msix_vectors = 2049);
	REFUSED(counter_desc.msix_vectors = 1024);
	REFUSED(counter_desc.msix_bar = 6);
	REFUSED(counter_desc.msix_bar = 2);
	REFUSED(counter_desc.msix_off = 0x4000);
	REFUSED(counter_desc.pba_off = 0x3008);
	REFUSED(counter_desc.pba_off = TABLE);
	REFUSED(counter_desc.class_code = 1u << 24);
	REFUSED(counter_desc.bar[0].mmap = false);
	counter_desc.poll_regs = NULL;
	assert_refused(PDEV_BAR_POLL);
}

static void test_bad_poll_regs(void **state)
{
	static const struct uiommu_poll_reg bad[][1] = { { { 2, 4 } }, { { 4, 8 } }, { { 0, 2 } },
		{ { BAR0_LEN, 4 } }, { { UINT32_MAX - 3, 4 } } };

	counter_desc.npoll_regs = 1;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(counter_desc.poll_regs = bad[i]);
}

static void test_create_fails(void **state)
{
	static const struct uiommu_option opt = { "speed", "9" };
	struct pdev_cfg cfg = { .bdf = "0000:01:00.0", .opt = &opt, .nopt = 1 };
	struct uiommu_pdev *pdev;
	char err[128];

	assert_int_equal(pdev_new(&counter_model, &cfg, &pdev, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "refuses speed");
}

/* Every function that allocates, with each of its allocations failing once. */
static bool run_all(enum pdev_bar_mode mode)
{
	struct uiommu_pdev *pdev = counter_new(mode);
	int fd[2] = { event_new(), -1 };
	bool done = false;

	if (!pdev)
		goto out;
	if (!pdev_open(pdev)) {
		done = !pdev_irq_set_eventfds(pdev, PDEV_IRQ_MSIX, 0, 2, fd);
		assert_int_equal(pdev_irq_enabled(pdev, PDEV_IRQ_MSIX), done ? 2 : 0);
		pdev_close(pdev);
	}
	pdev_free(pdev);
out:
	close(fd[0]);
	return done;
}

static void test_nth_allocation(void **state)
{
	for (enum pdev_bar_mode mode = PDEV_BAR_AUTO; mode <= PDEV_BAR_POLL; mode++) {
		unsigned long n = 0;
		bool done;

		do {
			base_fail_nth(++n);
			done = run_all(mode);
			assert_int_equal(counter.created, 1);
		} while (!done);
		assert_true(n > 6);
		assert_true(base_fail_count() < n);
	}
	base_fail_nth(0);
}

static uint32_t rnd(void)
{
	static uint64_t seed = 0x9e3779b97f4a7c15;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

/* Whatever is written: identity stays, the list of capabilities stays, nothing crashes. */
static void test_random_accesses(void **state)
{
	static const uint64_t edge[] = { 0, BAR0_LEN, BAR2_LEN, PCI_CONFIG_SIZE, UINT64_MAX };
	struct uiommu_pdev *pdev = *state;
	uint8_t buf[96];

	for (unsigned int i = 0; i < 40000; i++) {
		unsigned int bar = rnd() % 8;
		uint64_t off = rnd() % 8 ? rnd() % (BAR0_LEN + 64) : edge[rnd() % 5] - rnd() % 64;
		size_t len = rnd() % sizeof(buf);
		ssize_t n;

		for (unsigned int j = 0; j < len; j++)
			buf[j] = (uint8_t)rnd();
		if (bar >= 6)
			off %= PCI_CONFIG_SIZE + 64;
		if (bar == 6)
			n = pdev_config_write(pdev, off, buf, len);
		else if (bar == 7)
			n = pdev_config_read(pdev, off, buf, len);
		else if (rnd() % 2)
			n = pdev_bar_write(pdev, bar, off, buf, len);
		else
			n = pdev_bar_read(pdev, bar, off, buf, len);
		assert_true(n == -EIO || n == -EINVAL || (n >= 0 && n <= (ssize_t)len));
		if (i % 16 == 0) {
			cfg_write(pdev, cfg_cap(pdev, PCI_CAP_PM) + PCI_PM_CTRL, 1, 0);
			cfg_write(pdev, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
		}
	}
	assert_int_equal(cfg_read(pdev, PCI_VENDOR, 4), 0x56781234);
	assert_true(cfg_cap(pdev, PCI_CAP_MSIX));
	assert_true(counter.resets > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_capabilities),
		TEST(test_bar_sizing),
		TEST(test_config_bounds),
		TEST(test_command),
		TEST(test_power),
		TEST(test_reset),
		TEST(test_flr),
		TEST(test_flr_byte),
		TEST(test_open_close),
		TEST(test_descriptions),
		TEST(test_bad_poll_regs),
		TEST(test_create_fails),
		TEST(test_nth_allocation),
		TEST(test_random_accesses),
		cmocka_unit_test_setup_teardown(
			test_random_accesses, counter_setup_poll, counter_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
