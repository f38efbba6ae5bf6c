/* SPDX-License-Identifier: MIT */
/* The client API: handles, explanations, systems of one's own. What requests mean is tested in
 * tests/conformance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/uiommu.h>

#include "base/mem.h"
#include "dev/dmatest.h"

#define PAGE UINT64_C(4096)

static const char topology[] = "device dmatest,bdf=0000:01:00.0,group=5\n"
			       "# a comment\n"
			       "device dmatest,bdf=0000:02:00.0,group=6\n";

static _Alignas(4096) char memory[4 * 4096];

static struct uiommu_system *system_new(void)
{
	struct uiommu_system *sys;
	char err[64] = "stale";

	assert_int_equal(0, uiommu_system_new(topology, NULL, err, sizeof(err), &sys));
	assert_string_equal("", err);
	return sys;
}

static void test_description(void **state)
{
	struct uiommu_system *sys;
	struct uiommu_system_device dev;
	char err[128], little[4];

	assert_int_equal(-EINVAL, uiommu_system_new("device nvmee", NULL, err, sizeof(err), &sys));
	assert_non_null(strstr(err, "nvme"));
	assert_int_equal(-EINVAL, uiommu_system_new("gibberish", NULL, little, 4, &sys));
	assert_int_equal(3, strlen(little));
	assert_int_equal(-EINVAL, uiommu_system_new("gibberish", NULL, NULL, 0, &sys));
	sys = system_new();
	assert_int_equal(0, uiommu_system_device_get(sys, 0, &dev));
	assert_string_equal("0000:01:00.0", dev.name);
	assert_string_equal("dmatest", dev.kind);
	assert_int_equal(5, dev.group);
	assert_int_equal(0, uiommu_system_device_get(sys, 1, &dev));
	assert_int_equal(-ENOENT, uiommu_system_device_get(sys, 2, &dev));
	uiommu_system_free(sys);
	uiommu_system_free(NULL);
}

static void test_models_of_ones_own(void **state)
{
	struct uiommu_model mine = dmatest_model, hidden = dmatest_model;
	const struct uiommu_model *const models[] = { &mine, &hidden, NULL };
	struct uiommu_system *sys;
	struct uiommu_system_device dev;
	char err[256];

	mine.name = "mine";
	hidden.summary = "goes before the library's";
	assert_int_equal(-EINVAL, uiommu_system_new("device mine", NULL, err, sizeof(err), &sys));
	assert_int_equal(0,
		uiommu_system_new("device mine\ndevice dmatest", models, err, sizeof(err), &sys));
	assert_int_equal(0, uiommu_system_device_get(sys, 0, &dev));
	assert_ptr_equal(mine.name, dev.kind);
	assert_int_equal(0, uiommu_system_device_get(sys, 1, &dev));
	assert_string_equal("dmatest", dev.kind);
	uiommu_system_free(sys);
}

/* What is open keeps the system. */
static void test_lifetimes(void **state)
{
	struct uiommu_system *sys = system_new();
	struct uiommu_device *dev;
	struct uiommu *ctx, *other;
	uint32_t ioas;

	assert_int_equal(-ENODEV, uiommu_device_open(sys, "0000:09:00.0", &dev));
	assert_int_equal(0, uiommu_open(sys, &ctx));
	assert_int_equal(0, uiommu_device_open(sys, "0000:01:00.0", &dev));
	uiommu_system_free(sys);
	assert_int_equal(0, uiommu_ioas_alloc(ctx, &ioas));
	assert_int_equal(0, uiommu_dup(ctx, &other));
	uiommu_close(ctx);
	/* The same objects. */
	assert_int_equal(0, uiommu_destroy(other, ioas));
	assert_int_equal(0, uiommu_device_bind(dev, other, NULL));
	uiommu_close(other);
	assert_int_equal(0, uiommu_device_reset(dev));
	uiommu_device_close(dev);
	uiommu_close(NULL);
	uiommu_device_close(NULL);
}

/* Each handle has its own explanation. */
static void test_explanations(void **state)
{
	struct uiommu_system *sys = system_new();
	struct uiommu_device *dev;
	struct uiommu *ctx, *other;
	uint32_t ioas;

	assert_int_equal(0, uiommu_open(sys, &ctx));
	assert_int_equal(0, uiommu_dup(ctx, &other));
	assert_int_equal(0, uiommu_device_open(sys, "0000:01:00.0", &dev));
	assert_int_equal(0, uiommu_why(ctx)->err);
	assert_int_equal(-ENOENT, uiommu_destroy(ctx, 5));
	assert_int_equal(ENOENT, uiommu_why(ctx)->err);
	assert_string_equal("IOMMU_DESTROY", uiommu_why(ctx)->asked);
	assert_non_null(strstr(uiommu_why(ctx)->object, "5"));
	assert_int_equal(0, uiommu_why(other)->err);
	assert_int_equal(0, uiommu_ioas_alloc(other, &ioas));
	assert_int_equal(ENOENT, uiommu_why(ctx)->err);
	assert_int_equal(0, uiommu_destroy(ctx, ioas));
	assert_int_equal(0, uiommu_why(ctx)->err);
	assert_string_equal("", uiommu_why(ctx)->rule);
	assert_int_equal(-EINVAL, uiommu_device_reset(dev));
	assert_int_equal(EINVAL, uiommu_device_why(dev)->err);
	assert_int_equal(0, uiommu_why(ctx)->err);
	uiommu_device_close(dev);
	uiommu_close(other);
	uiommu_close(ctx);
	uiommu_system_free(sys);
}

static void test_systems_are_apart(void **state)
{
	struct uiommu_system *one = system_new(), *two = system_new();
	struct uiommu_device *dev;
	struct uiommu *ctx;

	assert_int_equal(0, uiommu_open(one, &ctx));
	assert_int_equal(0, uiommu_device_open(two, "0000:01:00.0", &dev));
	assert_int_equal(-EXDEV, uiommu_device_bind(dev, ctx, NULL));
	assert_int_equal(EXDEV, uiommu_device_why(dev)->err);
	uiommu_device_close(dev);
	uiommu_close(ctx);
	uiommu_system_free(two);
	uiommu_system_free(one);
}

static void test_address_spaces(void **state)
{
	const struct uiommu_iova_range allowed = { 0x100000, 0x1fffff };
	struct uiommu_system *sys = system_new();
	struct uiommu_iova_range range;
	struct uiommu *ctx;
	uint64_t iova, copy, n, alignment, value;
	uint32_t ioas, count = 0;

	assert_int_equal(0, uiommu_open(sys, &ctx));
	assert_int_equal(0, uiommu_ioas_alloc(ctx, &ioas));
	assert_int_equal(-EMSGSIZE, uiommu_ioas_ranges(ctx, ioas, NULL, &count, NULL));
	assert_int_equal(1, count);
	assert_int_equal(0, uiommu_ioas_ranges(ctx, ioas, &range, &count, &alignment));
	assert_int_equal(UINT64_MAX, range.last);
	assert_int_equal(1, alignment);
	assert_int_equal(0, uiommu_ioas_allow(ctx, ioas, &allowed, 1));
	assert_int_equal(0, uiommu_ioas_map(ctx, ioas, memory, 2 * PAGE, UIOMMU_MAP_READ, &iova));
	assert_int_equal(0x100000, iova);
	copy = 0x40000000;
	assert_int_equal(0, uiommu_ioas_copy(ctx, ioas, &copy, ioas, iova, PAGE,
				    UIOMMU_MAP_READ | UIOMMU_MAP_FIXED));
	assert_int_equal(
		-EPERM, uiommu_ioas_copy(ctx, ioas, &copy, ioas, iova, PAGE, UIOMMU_MAP_WRITE));
	assert_int_equal(0, uiommu_ioas_unmap(ctx, ioas, iova, 2 * PAGE, &n));
	assert_int_equal(2 * PAGE, n);
	assert_int_equal(0, uiommu_ioas_unmap_all(ctx, ioas, &n));
	assert_int_equal(PAGE, n);
	assert_int_equal(0, uiommu_option_set(ctx, UIOMMU_OPTION_HUGE_PAGES, ioas, 0));
	assert_int_equal(0, uiommu_option_get(ctx, UIOMMU_OPTION_HUGE_PAGES, ioas, &value));
	assert_int_equal(0, value);
	assert_int_equal(-ENODEV, uiommu_vfio_ioas_get(ctx, &count));
	assert_int_equal(0, uiommu_vfio_ioas_set(ctx, ioas));
	assert_int_equal(0, uiommu_vfio_ioas_get(ctx, &count));
	assert_int_equal(ioas, count);
	assert_int_equal(0, uiommu_vfio_ioas_clear(ctx));
	uiommu_close(ctx);
	uiommu_system_free(sys);
}

static void test_device(void **state)
{
	struct uiommu_system *sys = system_new();
	struct uiommu_device_info info;
	struct uiommu_hw_info hw;
	struct uiommu_device *dev;
	struct uiommu *ctx;
	uint32_t ioas, id, hwpt, used, val32;
	uint64_t val64;
	uint16_t vendor;
	int fd = eventfd(0, EFD_NONBLOCK);

	assert_int_equal(0, uiommu_open(sys, &ctx));
	assert_int_equal(0, uiommu_ioas_alloc(ctx, &ioas));
	assert_int_equal(0, uiommu_device_open(sys, "0000:02:00.0", &dev));
	assert_int_equal(-EINVAL, uiommu_device_info_get(dev, &info));
	assert_int_equal(0, uiommu_device_bind(dev, ctx, &id));
	assert_int_equal(0, uiommu_hw_info_get(ctx, id, NULL, 0, &hw));
	assert_int_equal(0, hw.len);
	assert_int_equal(0, uiommu_hwpt_alloc(ctx, id, ioas, 0, &hwpt));
	assert_int_equal(0, uiommu_device_attach(dev, hwpt, &used));
	assert_int_equal(hwpt, used);
	assert_int_equal(0, uiommu_device_detach(dev));

	assert_int_equal(0, uiommu_device_info_get(dev, &info));
	assert_string_equal("0000:02:00.0", info.name);
	assert_int_equal(6, info.group);
	assert_int_equal(16384, info.bar_size[0]);
	assert_int_equal(DMATEST_VECTORS, info.vectors[UIOMMU_IRQ_INDEX_MSIX]);

	assert_int_equal(0, uiommu_device_read(dev, UIOMMU_REGION_CONFIG, 0, &vendor, 2));
	assert_int_equal(0x1234, vendor);
	assert_int_equal(-EINVAL, uiommu_device_read32(dev, UIOMMU_REGION_CONFIG, 4094, &val32));
	assert_int_equal(EINVAL, uiommu_device_why(dev)->err);
	assert_int_equal(-EINVAL, uiommu_device_read32(dev, UIOMMU_REGION_ROM, 0, &val32));
	assert_int_equal(
		-EINVAL, uiommu_device_read32(dev, UIOMMU_REGION_BAR0, UINT64_C(7) << 40, &val32));
	assert_int_equal(
		0, uiommu_device_write64(dev, UIOMMU_REGION_BAR0, DMATEST_SRC, 1ull << 40));
	assert_int_equal(0, uiommu_device_read64(dev, UIOMMU_REGION_BAR0, DMATEST_SRC, &val64));
	assert_int_equal(1ull << 40, val64);
	assert_int_equal(0, uiommu_device_bus_master(dev, true));
	assert_int_equal(0, uiommu_device_read32(dev, UIOMMU_REGION_CONFIG, 4, &val32));
	assert_true(val32 & 4);
	assert_int_equal(0, uiommu_device_bus_master(dev, false));
	assert_int_equal(0, uiommu_device_read32(dev, UIOMMU_REGION_CONFIG, 4, &val32));
	assert_false(val32 & 4);

	assert_int_equal(0, uiommu_device_irq_set(dev, UIOMMU_IRQ_INDEX_MSIX, 1, &fd, 1));
	assert_int_equal(-EINVAL, uiommu_device_irq_set(dev, UIOMMU_IRQ_INDEX_MSIX, 2, &fd, 1));
	assert_int_equal(
		-EINVAL, uiommu_device_irq_set(dev, UIOMMU_IRQ_INDEX_MSIX, 0, &fd, 1u << 20));
	assert_int_equal(0, uiommu_device_irq_off(dev, UIOMMU_IRQ_INDEX_MSIX));
	uiommu_device_close(dev);
	uiommu_close(ctx);
	uiommu_system_free(sys);
	close(fd);
}

static void count_fault(void *arg, const char *text)
{
	assert_non_null(strstr(text, "0000:01:00.0"));
	++*(unsigned int *)arg;
}

/* Memory that the client has taken away since: a fault, with system calls and with signals. */
static void dma_to_absent_memory(struct uiommu_system *sys)
{
	unsigned int faults = 0;
	struct uiommu_device *dev;
	struct uiommu *ctx;
	uint64_t iova;
	uint32_t ioas, status = DMATEST_BUSY;
	char *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	uiommu_system_on_fault(sys, count_fault, &faults);
	assert_int_equal(0, uiommu_open(sys, &ctx));
	assert_int_equal(0, uiommu_device_open(sys, "0000:01:00.0", &dev));
	assert_int_equal(0, uiommu_device_bind(dev, ctx, NULL));
	assert_int_equal(0, uiommu_ioas_alloc(ctx, &ioas));
	assert_int_equal(0, uiommu_device_attach(dev, ioas, NULL));
	assert_int_equal(0, uiommu_device_bus_master(dev, true));
	assert_int_equal(0, uiommu_ioas_map(ctx, ioas, mem, PAGE, UIOMMU_MAP_WRITE, &iova));
	/* Not munmap(): the device's thread might get its stack there. */
	assert_int_equal(0, mprotect(mem, PAGE, PROT_NONE));
	assert_int_equal(0, uiommu_device_write64(dev, UIOMMU_REGION_BAR0, DMATEST_DST, iova));
	assert_int_equal(0, uiommu_device_write32(dev, UIOMMU_REGION_BAR0, DMATEST_LEN, 64));
	assert_int_equal(
		0, uiommu_device_write32(dev, UIOMMU_REGION_BAR0, DMATEST_CMD, DMATEST_FILL));
	while (status == DMATEST_BUSY)
		assert_int_equal(
			0, uiommu_device_read32(dev, UIOMMU_REGION_BAR0, DMATEST_STATUS, &status));
	assert_int_equal(DMATEST_FAILED, status);
	uiommu_device_close(dev);
	uiommu_system_on_fault(sys, NULL, NULL);
	assert_int_equal(1, faults);
	uiommu_close(ctx);
	munmap(mem, PAGE);
}

static void test_absent_memory(void **state)
{
	struct uiommu_system *sys = system_new();

	dma_to_absent_memory(sys);
	assert_int_equal(0, uiommu_use_signals());
	assert_int_equal(0, uiommu_use_signals());
	dma_to_absent_memory(sys);
	uiommu_system_free(sys);
}

/* Everything up to an attached device, with each allocation failing once. */
static int build(void)
{
	struct uiommu_system *sys;
	struct uiommu_device *dev = NULL;
	struct uiommu *ctx = NULL;
	uint64_t iova;
	uint32_t ioas;
	int ret = uiommu_system_new(topology, NULL, NULL, 0, &sys);

	if (ret)
		return ret;
	ret = uiommu_open(sys, &ctx);
	if (!ret)
		ret = uiommu_ioas_alloc(ctx, &ioas);
	if (!ret)
		ret = uiommu_ioas_map(ctx, ioas, memory, PAGE, UIOMMU_MAP_READ, &iova);
	if (!ret)
		ret = uiommu_device_open(sys, "0000:01:00.0", &dev);
	if (!ret)
		ret = uiommu_device_bind(dev, ctx, NULL);
	if (!ret)
		ret = uiommu_device_attach(dev, ioas, NULL);
	uiommu_device_close(dev);
	uiommu_close(ctx);
	uiommu_system_free(sys);
	return ret;
}

static void test_every_allocation_fails(void **state)
{
	unsigned long total;

	base_fail_nth(0);
	assert_int_equal(0, build());
	total = base_fail_count();
	assert_true(total > 20);
	for (unsigned long n = 1; n <= total; n++) {
		int ret;

		base_fail_nth(n);
		ret = build();
		assert_true(!ret || ret == -ENOMEM || ret == -EMFILE);
	}
	base_fail_nth(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_description),
		cmocka_unit_test(test_models_of_ones_own),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_explanations),
		cmocka_unit_test(test_systems_are_apart),
		cmocka_unit_test(test_address_spaces),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_absent_memory),
		cmocka_unit_test(test_every_allocation_fails),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
