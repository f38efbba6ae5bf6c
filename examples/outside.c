/* SPDX-License-Identifier: MIT */
/*
 * A plain VFIO program that knows nothing of uiommu. It maps a buffer for a device, has the device
 * write inside of it and outside of it, and looks at what became of memory. Exit status 0: only
 * what was mapped was reached. uiommu run --device dmatest,bdf=0000:02:00.0 -- outside 0000:02:00.0
 */
#include <err.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

/* Registers of the device in BAR 0, a command and what STATUS says. */
static const unsigned int DST = 0x08, LEN = 0x10, PATTERN = 0x18;
static const unsigned int FAULT_IOVA = 0x38, STATUS = 0x44, CMD = 0x48;
static const unsigned int CMD_FILL = 2, BUSY = 1, DONE = 2;

/* Pages of memory: the buffer between two canaries, one for reading, one that isn't mapped. */
static const unsigned int BEFORE = 0, BUFFER = 1, AFTER = 3, READ_ONLY = 4, UNMAPPED = 5, PAGES = 6;
#define CANARY	       0xca
#define BUFFER_IOVA    0x100000u
#define READ_ONLY_IOVA 0x200000u

static int container, device, failed;
static uint64_t registers;
static unsigned char *memory;

static void need(int ok, const char *what)
{
	if (!ok)
		err(1, "%s", what);
}

/* /dev/vfio/N, N from sysfs. */
static int open_group(const char *bdf)
{
	char path[256], link[256] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	need(readlink(path, link, sizeof(link) - 1) > 0, path);
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	return open(path, O_RDWR);
}

static uint64_t region(unsigned int index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	need(!ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "GET_REGION_INFO");
	return info.offset;
}

static void open_device(const char *bdf)
{
	int group = open_group(bdf);
	uint16_t command = 6; /* memory decoding, and bus master: the device may do DMA */

	container = open("/dev/vfio/vfio", O_RDWR);
	need(group >= 0 && container >= 0, "group and container");
	need(!ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "SET_CONTAINER");
	need(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "SET_IOMMU");
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	need(device >= 0, "GET_DEVICE_FD");
	registers = region(VFIO_PCI_BAR0_REGION_INDEX);
	need(pwrite(device, &command, 2, (off_t)region(VFIO_PCI_CONFIG_REGION_INDEX) + 4) == 2,
		"command register");
}

static void map(unsigned int page, unsigned int n, uint64_t iova, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map cmd = { sizeof(cmd), flags, (uintptr_t)memory + page * PAGE,
		iova, n * PAGE };

	need(!ioctl(container, VFIO_IOMMU_MAP_DMA, &cmd), "MAP_DMA");
}

static void set(unsigned int reg, uint64_t val, size_t size)
{
	need(pwrite(device, &val, size, (off_t)(registers + reg)) == (ssize_t)size, "register");
}

static uint64_t get(unsigned int reg, size_t size)
{
	uint64_t val = 0;

	need(pread(device, &val, size, (off_t)(registers + reg)) == (ssize_t)size, "register");
	return val;
}

/* The device fills [iova, iova + len) with that byte. Return: whether it says that it did. */
static int fill(uint64_t iova, uint32_t len, unsigned char byte)
{
	set(DST, iova, 8);
	set(LEN, len, 4);
	set(PATTERN, byte * UINT64_C(0x0101010101010101), 8);
	set(CMD, CMD_FILL, 4);
	while (get(STATUS, 4) == BUSY)
		usleep(10);
	if (get(STATUS, 4) != DONE)
		printf("  device: fault at %#llx\n", (unsigned long long)get(FAULT_IOVA, 8));
	return get(STATUS, 4) == DONE;
}

/* The device did what it should, and @n pages from @page on are as they should be. */
static void check(int as_expected, unsigned int page, unsigned int n, unsigned char byte)
{
	for (unsigned int i = page * PAGE; i < (page + n) * PAGE; i++)
		as_expected &= memory[i] == byte;
	printf("  memory: %s\n", as_expected ? "as it should be" : "WRONG");
	failed |= !as_expected;
}

int main(int argc, char **argv)
{
	struct vfio_iommu_type1_dma_unmap unmap = { sizeof(unmap), 0, BUFFER_IOVA, 2 * PAGE };

	need(argc == 2, "usage: outside PCI-ADDRESS");
	setlinebuf(stdout);
	memory = mmap(
		NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(memory != MAP_FAILED, "mmap");
	memset(memory, CANARY, PAGES * PAGE);
	open_device(argv[1]);
	map(BUFFER, 2, BUFFER_IOVA, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	map(READ_ONLY, 1, READ_ONLY_IOVA, VFIO_DMA_MAP_FLAG_READ);

	printf("inside: all of the buffer\n");
	check(fill(BUFFER_IOVA, 2 * PAGE, 0x11), BUFFER, 2, 0x11);
	printf("outside: across the end of the buffer, where a canary is\n");
	check(!fill(BUFFER_IOVA + 2 * PAGE - 64, 128, 0x22), AFTER, 1, CANARY);
	printf("outside: across its beginning\n");
	check(!fill(BUFFER_IOVA - 64, 128, 0x22), BEFORE, 1, CANARY);
	printf("outside: the address of a page of ours that isn't mapped\n");
	check(!fill((uintptr_t)memory + UNMAPPED * PAGE, PAGE, 0x33), UNMAPPED, 1, CANARY);
	printf("outside: a mapping that may only be read\n");
	check(!fill(READ_ONLY_IOVA, PAGE, 0x44), READ_ONLY, 1, CANARY);
	need(!ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap), "UNMAP_DMA");
	memset(memory + BUFFER * PAGE, 0x55, 2 * PAGE);
	printf("outside: the buffer, after it was unmapped\n");
	check(!fill(BUFFER_IOVA, 2 * PAGE, 0x66), BUFFER, 2, 0x55);

	printf("outside: %s\n", failed ? "FAILED" : "PASSED, only what was mapped was reached");
	return failed;
}
