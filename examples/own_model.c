/* SPDX-License-Identifier: MIT */
/* Uses a device model that this program brings along: own_model_device.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <uiommu/uiommu.h>

static const uint32_t ADDR = 0x00, LEN = 0x08, GO = 0x0c, SUM = 0x10;

extern const struct uiommu_model summer_model;

static void check(const char *what, int ret)
{
	if (!ret)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-ret));
	exit(1);
}

/* Starts the device and sleeps until its interrupt comes. */
static uint64_t sum_up(struct uiommu_device *dev, int event, uint64_t iova, uint32_t len)
{
	uint64_t sum, count;

	check("ADDR", uiommu_device_write64(dev, UIOMMU_REGION_BAR0, ADDR, iova));
	check("LEN", uiommu_device_write32(dev, UIOMMU_REGION_BAR0, LEN, len));
	check("GO", uiommu_device_write32(dev, UIOMMU_REGION_BAR0, GO, 1));
	if (read(event, &count, sizeof(count)) != sizeof(count))
		exit(1);
	check("SUM", uiommu_device_read64(dev, UIOMMU_REGION_BAR0, SUM, &sum));
	return sum;
}

int main(void)
{
	const struct uiommu_model *const models[] = { &summer_model, NULL };
	static _Alignas(4096) uint8_t memory[8192];
	struct uiommu_system *sys;
	struct uiommu_device *dev;
	struct uiommu *ctx;
	uint64_t iova, sum, expected = 0;
	uint32_t ioas;
	char err[256];
	int event = eventfd(0, EFD_CLOEXEC);

	for (unsigned int i = 0; i < sizeof(memory); i++)
		expected += memory[i] = (uint8_t)(i * 7);

	/* The model is named like those of the library. */
	if (uiommu_system_new("device summer,bdf=0000:05:00.0", models, err, sizeof(err), &sys)) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	check("open", uiommu_open(sys, &ctx));
	check("device", uiommu_device_open(sys, "0000:05:00.0", &dev));
	check("bind", uiommu_device_bind(dev, ctx, NULL));
	check("interrupt", uiommu_device_irq_set(dev, UIOMMU_IRQ_INDEX_MSIX, 0, &event, 1));
	check("ioas", uiommu_ioas_alloc(ctx, &ioas));
	check("map", uiommu_ioas_map(ctx, ioas, memory, sizeof(memory), UIOMMU_MAP_READ, &iova));
	check("attach", uiommu_device_attach(dev, ioas, NULL));
	check("bus master", uiommu_device_bus_master(dev, true));

	sum = sum_up(dev, event, iova, sizeof(memory));
	printf("the device's sum is %llu, ours %llu\n", (unsigned long long)sum,
		(unsigned long long)expected);
	if (sum != expected)
		return 1;

	/* One byte too many, and one buffer too late. */
	if (sum_up(dev, event, iova, sizeof(memory) + 1) != UINT64_MAX)
		return 1;
	check("unmap", uiommu_ioas_unmap(ctx, ioas, iova, sizeof(memory), NULL));
	if (sum_up(dev, event, iova, sizeof(memory)) != UINT64_MAX)
		return 1;
	printf("what isn't mapped can't be read\n");

	uiommu_device_close(dev);
	uiommu_close(ctx);
	uiommu_system_free(sys);
	close(event);
	return 0;
}
