/* SPDX-License-Identifier: MIT */
/* Address spaces: maps and unmaps, IOVAs that we choose, memory per mapping, ten million mappings.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>

#include "abi/context.h"
#include "bench.h"
#include "rig.h"

#define PAGE	4096u
#define BATCH	256u
#define MILLION 1000000u

static struct rig rig;
static char *page;
static int pipe_fd;

/* What any kernel interface costs at least: a request that the kernel refuses at once. */
static void syscall_floor(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		ioctl(pipe_fd, 0xffff, 0);
}

/* --- Map and unmap of one page, by request -------------------------------------------------------
 */

static struct abi_file *file;
static uint32_t ioas_id;

static void map_request(uint64_t iova)
{
	struct uiommu_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = UIOMMU_ABI_MAP_FIXED_IOVA | UIOMMU_ABI_MAP_READABLE |
			 UIOMMU_ABI_MAP_WRITEABLE,
		.ioas_id = ioas_id,
		.user_va = (uintptr_t)page,
		.length = PAGE,
		.iova = iova,
	};

	if (abi_ioctl(file, &abi_self, UIOMMU_ABI_IOAS_MAP, (uintptr_t)&cmd, NULL))
		abort();
}

static void unmap_request(uint64_t iova, uint64_t len)
{
	struct uiommu_abi_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.iova = iova,
		.length = len,
	};

	if (abi_ioctl(file, &abi_self, UIOMMU_ABI_IOAS_UNMAP, (uintptr_t)&cmd, NULL))
		abort();
}

static void map_batch(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		map_request(0x1000000 + i * PAGE);
}

static void unmap_batch(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++)
		unmap_request(0x1000000 + i * PAGE, PAGE);
}

static void unmap_range(void *arg, uint64_t iterations)
{
	struct uiommu_abi_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas_id,
		.iova = 0x1000000,
		.length = iterations * PAGE,
	};

	abi_ioctl(file, &abi_self, UIOMMU_ABI_IOAS_UNMAP, (uintptr_t)&cmd, NULL);
}

static void requests(void)
{
	struct uiommu_abi_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct bench_row map = {
		.path = "ioas/map/4k/request/no-table",
		.subject = { .fn = map_batch, .before = unmap_range, .iterations = BATCH },
		.reference = { .name = "floor: one system call", .fn = syscall_floor },
	};
	struct bench_row unmap = {
		.path = "ioas/unmap/4k/request/no-table",
		.subject = { .fn = unmap_batch, .iterations = BATCH },
		.reference = { .name = "floor: one system call", .fn = syscall_floor },
	};

	if (abi_context_open(&rig.core, false, &file) ||
		abi_ioctl(file, &abi_self, UIOMMU_ABI_IOAS_ALLOC, (uintptr_t)&alloc, NULL))
		abort();
	ioas_id = alloc.out_ioas_id;
	bench_run(&map);
	unmap_range(NULL, BATCH);
	unmap.subject.before = map_batch;
	bench_run(&unmap);
	abi_file_put(file);
}

/* --- With a table --------------------------------------------------------------------------------
 */

static void table_map(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		if (rig_map(&rig, 0x1000000 + i * PAGE, page, PAGE))
			abort();
	}
}

static void table_unmap_range(void *arg, uint64_t iterations)
{
	uint64_t unmapped;

	ioas_unmap(rig.ioas, 0x1000000, iterations * PAGE, &unmapped);
}

static void with_table(void)
{
	struct bench_row row = {
		.path = "ioas/map/4k/one-table",
		.subject = { .fn = table_map, .before = table_unmap_range, .iterations = BATCH },
		.reference = { .name = "floor: one system call", .fn = syscall_floor },
	};

	bench_run(&row);
	table_unmap_range(NULL, BATCH);
}

/* --- A million mappings --------------------------------------------------------------------------
 */

static uint64_t chosen[BATCH];

static void auto_map(void *arg, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		struct ioas_map map = {
			.flags = IOAS_READABLE | IOAS_WRITEABLE,
			.user_va = (uintptr_t)page,
			.len = PAGE,
		};

		if (ioas_map(arg, &map))
			abort();
		chosen[i] = map.iova;
	}
}

static void auto_unmap(void *arg, uint64_t iterations)
{
	uint64_t unmapped;

	for (uint64_t i = 0; i < iterations && chosen[i]; i++) {
		if (ioas_unmap(arg, chosen[i], PAGE, &unmapped))
			abort();
		chosen[i] = 0;
	}
}

/* Every second page: holes that fit everywhere, or nowhere if the client asks for more. */
static void fill(struct ioas *ioas, uint64_t from, uint64_t n, uint64_t stride)
{
	for (uint64_t i = 0; i < n; i++) {
		struct ioas_map map = {
			.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
			.user_va = (uintptr_t)page,
			.len = PAGE,
			.iova = (from + i) * stride,
		};

		if (ioas_map(ioas, &map))
			abort();
	}
}

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void million(void)
{
	struct bench_row row = {
		.path = "ioas/map/4k/chosen-iova/1M",
		.subject = { .fn = auto_map, .before = auto_unmap, .iterations = BATCH },
		.reference = { .name = "floor: one system call", .fn = syscall_floor },
		.goal = { BENCH_AT_MOST, 400, "at most 400 ns" },
	};
	struct bench_row memory = {
		.path = "ioas/memory-per-mapping/1M",
		.unit = "bytes",
		.reference = { .name = "floor: two addresses, a pointer and flags" },
		.goal = { BENCH_AT_MOST, 96, "at most 96 bytes beyond page-table entries" },
	};
	double bytes, floor = 32;
	struct ioas *ioas;
	size_t before;

	if (ioas_new(rig.ctx, &ioas))
		abort();
	before = heap_bytes();
	/* 4 KiB mappings from the second page on, without a hole: the next one goes to the end. */
	fill(ioas, 1, MILLION, PAGE);
	bytes = (double)(heap_bytes() - before) / MILLION;
	bench_report(&memory, &bytes, 1, &floor, 1);
	row.subject.arg = ioas;
	bench_run(&row);
	obj_put(&ioas->obj);
	obj_destroy_id(rig.ctx, ioas->obj.id);
}

/* --- Ten million ---------------------------------------------------------------------------------
 */

/* Cost of a map while the address space grows to @n mappings, in the order of a random permutation.
 */
static double grow(uint64_t n)
{
	struct ioas *ioas;
	uint64_t at = 1, start, unmapped;
	double ns;

	if (ioas_new(rig.ctx, &ioas))
		abort();
	start = bench_now();
	for (uint64_t i = 0; i < n; i++) {
		struct ioas_map map = {
			.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
			.user_va = (uintptr_t)page,
			.len = PAGE,
			/* An odd multiplier permutes the numbers below 2^24. */
			.iova = ((at * 0x9e3779b1u) & 0xffffff) * PAGE,
		};

		if (ioas_map(ioas, &map))
			abort();
		at++;
	}
	ns = (double)(bench_now() - start) / (double)n;
	ioas_unmap_all(ioas, &unmapped);
	obj_put(&ioas->obj);
	obj_destroy_id(rig.ctx, ioas->obj.id);
	return ns;
}

static void ten_million(void)
{
	struct bench_row row = {
		.path = "ioas/map/4k/random/10M",
		.reference = { .name = "the same up to 100,000 mappings" },
		/* log(10M) / log(100k) is 1.4; caches that no longer hold the tree come on top. */
		.goal = { BENCH_NO_GOAL, 0, NULL },
	};
	double few = grow(100000), many;

	many = grow(getenv("UIOMMU_BENCH_SAMPLES") ? 200000 : 10000000);
	bench_report(&row, &many, 1, &few, 1);
}

int main(void)
{
	int fds[2];

	rig_init(&rig, &pt_x86_64);
	page = rig_pages(PAGE);
	page[0] = 1;
	if (pipe(fds))
		return EXIT_FAILURE;
	pipe_fd = fds[0];
	requests();
	with_table();
	million();
	ten_million();
	rig_fini(&rig);
	return EXIT_SUCCESS;
}
