/* SPDX-License-Identifier: MIT */
/*
 * A device moves data through an address space that this program has made.
 *
 * The system has one device, dmatest: it copies what it is told to, wherever it is told to
 * (src/dev/dmatest.c describes its registers). Everything happens in this process.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <uiommu/uiommu.h>

#define PAGE 4096u

/* Registers of dmatest, in BAR 0. */
static const uint32_t SRC = 0x00, DST = 0x08, LEN = 0x10, STATUS = 0x44, CMD = 0x48;
static const uint32_t CMD_COPY = 1;
static const uint32_t BUSY = 1, DONE = 2, FAILED = 3;

static void check(const char *what, int ret, const struct uiommu_why *why)
{
	if (!ret)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-ret));
	if (why && why->rule[0])
		fprintf(stderr, "  asked: %s\n  rule: %s\n  %s\n", why->asked, why->rule,
			why->object);
	exit(1);
}

/* The device copies; returns DONE or FAILED. */
static uint32_t copy(struct uiommu_device *dev, uint64_t src, uint64_t dst, uint32_t len)
{
	uint32_t status = FAILED;
	int ret = uiommu_device_write64(dev, UIOMMU_REGION_BAR0, SRC, src);

	if (!ret)
		ret = uiommu_device_write64(dev, UIOMMU_REGION_BAR0, DST, dst);
	if (!ret)
		ret = uiommu_device_write32(dev, UIOMMU_REGION_BAR0, LEN, len);
	if (!ret)
		ret = uiommu_device_write32(dev, UIOMMU_REGION_BAR0, CMD, CMD_COPY);
	check("registers", ret, uiommu_device_why(dev));
	for (;;) {
		check("status", uiommu_device_read32(dev, UIOMMU_REGION_BAR0, STATUS, &status),
			uiommu_device_why(dev));
		if (status != BUSY)
			return status;
		nanosleep(&(struct timespec){ .tv_nsec = 10000 }, NULL);
	}
}

/* Whoever wants to know why a device's access was refused asks for it. */
static void on_fault(void *arg, const char *text)
{
	printf("  fault: %s\n", text);
}

int main(void)
{
	static _Alignas(PAGE) char memory[2 * PAGE];
	struct uiommu_system *sys;
	struct uiommu_device *dev;
	struct uiommu *ctx;
	uint64_t from = 0, to = 0x40000000;
	uint32_t ioas;
	char err[256];
	int ret;

	/* A system, as text describes it. */
	ret = uiommu_system_new("device dmatest,bdf=0000:01:00.0", NULL, err, sizeof(err), &sys);
	if (ret) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	uiommu_system_on_fault(sys, on_fault, NULL);

	/* A context, as open("/dev/iommu") gives one, and in it an address space. */
	check("open", uiommu_open(sys, &ctx), NULL);
	check("ioas", uiommu_ioas_alloc(ctx, &ioas), uiommu_why(ctx));

	/* Two pages: one that devices may read, wherever there is room, one that they may write,
	 * where we say. */
	check("map", uiommu_ioas_map(ctx, ioas, memory, PAGE, UIOMMU_MAP_READ, &from),
		uiommu_why(ctx));
	check("map",
		uiommu_ioas_map(
			ctx, ioas, memory + PAGE, PAGE, UIOMMU_MAP_WRITE | UIOMMU_MAP_FIXED, &to),
		uiommu_why(ctx));
	printf("mapped for reading at %#llx, for writing at %#llx\n", (unsigned long long)from,
		(unsigned long long)to);

	/* The device: bound to the context, attached to the address space, allowed to do DMA. */
	check("device", uiommu_device_open(sys, "0000:01:00.0", &dev), NULL);
	check("bind", uiommu_device_bind(dev, ctx, NULL), uiommu_device_why(dev));
	check("attach", uiommu_device_attach(dev, ioas, NULL), uiommu_device_why(dev));
	check("bus master", uiommu_device_bus_master(dev, true), uiommu_device_why(dev));

	strcpy(memory, "moved by a device");
	if (copy(dev, from, to, PAGE) != DONE || memcmp(memory, memory + PAGE, PAGE)) {
		fprintf(stderr, "the copy is wrong\n");
		return 1;
	}
	printf("copied: %s\n", memory + PAGE);

	/* What isn't mapped for it can't be reached. */
	if (copy(dev, from, from, 64) != FAILED || strcmp(memory, "moved by a device"))
		return 1;

	/* After unmap has returned, no device touches the memory. */
	check("unmap", uiommu_ioas_unmap(ctx, ioas, to, PAGE, NULL), uiommu_why(ctx));
	if (copy(dev, from, to, 64) != FAILED)
		return 1;

	/* A refusal explains itself. */
	ret = uiommu_ioas_map(ctx, ioas, memory, PAGE, UIOMMU_MAP_READ | UIOMMU_MAP_FIXED, &from);
	printf("mapping there again: %s: %s (%s)\n", strerror(-ret), uiommu_why(ctx)->rule,
		uiommu_why(ctx)->object);

	uiommu_device_close(dev);
	uiommu_close(ctx);
	uiommu_system_free(sys);
	return ret == -EEXIST ? 0 : 1;
}
