/* SPDX-License-Identifier: MIT */
/*
 * What an unmodified program pays for IOAS_MAP and IOAS_UNMAP of a page: plain ioctls on
 * /dev/iommu, by way of the preload library, with a device attached. The program runs itself under
 * `uiommu run`. A system call that does nothing stands beside it.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#include "bench.h"

#define PAGE  4096u
#define IOVA  UINT64_C(0x1000000)
#define BATCH 256u
#define GOAL  250.0

static int iommufd;
static uint32_t ioas;
static void *page;

static void must(int rc, const char *what)
{
	if (rc >= 0)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/* --- Operations ------------------------------------------------------------------------------ */

static void map_each(void *arg, uint64_t iterations)
{
	struct uiommu_abi_ioas_map map = {
		.size = sizeof(map),
		.flags = UIOMMU_ABI_MAP_FIXED_IOVA | UIOMMU_ABI_MAP_WRITEABLE |
			 UIOMMU_ABI_MAP_READABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)page,
		.length = PAGE,
	};

	for (uint64_t i = 0; i < iterations; i++) {
		map.iova = IOVA + i * PAGE;
		must(ioctl(iommufd, UIOMMU_ABI_IOAS_MAP, &map), "IOAS_MAP");
	}
}

static void unmap_each(void *arg, uint64_t iterations)
{
	struct uiommu_abi_ioas_unmap unmap = { .size = sizeof(unmap), .ioas_id = ioas };

	for (uint64_t i = 0; i < iterations; i++) {
		unmap.iova = IOVA + i * PAGE;
		unmap.length = PAGE;
		must(ioctl(iommufd, UIOMMU_ABI_IOAS_UNMAP, &unmap), "IOAS_UNMAP");
	}
}

/* Rows leave everything unmapped or everything mapped; a batch may begin with either. */
static void unmap_all(void *arg, uint64_t iterations)
{
	struct uiommu_abi_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = ioas, .length = UINT64_MAX
	};

	must(ioctl(iommufd, UIOMMU_ABI_IOAS_UNMAP, &unmap), "IOAS_UNMAP");
}

static void map_all(void *arg, uint64_t iterations)
{
	unmap_all(arg, iterations);
	map_each(arg, iterations);
}

static void nothing(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		bench_use((uint64_t)getppid());
}

/* --- The run --------------------------------------------------------------------------------- */

/* Beside this program in the build directory. Return: if it fails. */
static int run_self(void)
{
	char self[PATH_MAX], command[PATH_MAX + 16], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return EXIT_FAILURE;
	self[n] = '\0';
	strcpy(command, self);
	slash = strrchr(command, '/');
	strcpy(slash, "/../uiommu");
	execl(command, command, "run", "--device", "dmatest", "--", self, (char *)NULL);
	perror(command);
	return EXIT_FAILURE;
}

static void set_up(void)
{
	struct uiommu_abi_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct uiommu_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct uiommu_vfio_device_attach_iommufd_pt attach = {
		.argsz = UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN
	};
	int device = open("/dev/vfio/devices/vfio0", O_RDWR | O_CLOEXEC);

	must(device, "/dev/vfio/devices/vfio0");
	iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	must(iommufd, "/dev/iommu");
	bind.iommufd = iommufd;
	must(ioctl(device, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &bind), "BIND_IOMMUFD");
	must(ioctl(iommufd, UIOMMU_ABI_IOAS_ALLOC, &alloc), "IOAS_ALLOC");
	ioas = attach.pt_id = alloc.out_ioas_id;
	must(ioctl(device, UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach), "ATTACH_IOMMUFD_PT");
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page == MAP_FAILED ? -1 : 0, "mmap");
	memset(page, 1, PAGE);
}

static int row(const char *path, void (*fn)(void *, uint64_t), void (*before)(void *, uint64_t))
{
	struct bench_row r = {
		.path = path,
		.subject = { .fn = fn, .before = before, .iterations = BATCH },
		.reference = { .name = "floor: a system call", .fn = nothing },
		.goal = { BENCH_AT_MOST, GOAL, "at most 250 ns" },
	};

	return bench_run(&r);
}

int main(void)
{
	int rc;

	if (!getenv("UIOMMU_RUN_DIR"))
		return run_self();
	set_up();
	rc = row("shim/ioas/map/4 KiB", map_each, unmap_all);
	rc |= row("shim/ioas/unmap/4 KiB", unmap_each, map_all);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
