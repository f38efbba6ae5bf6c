/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/follow.h"
#include "dma/chan.h"
#include "mem/bus.h"
#include "mem/guard.h"
#include "rig.h"

#define PAGE 4096u
#define IOVA UINT64_C(0x10000000)

static struct rig rig;

static int setup(void **state)
{
	rig_init(&rig, *state ? *state : &pt_x86_64);
	return 0;
}

static int teardown(void **state)
{
	rig_fini(&rig);
	return 0;
}

static enum uiommu_dma_reason reason(void)
{
	struct uiommu_dma_fault fault;

	uiommu_dma_last_fault(rig.dma, &fault);
	return fault.reason;
}

static void every_length_and_offset(void **state)
{
	unsigned char *mem = rig_pages(3 * PAGE), local[700], back[700];

	assert_int_equal(rig_map(&rig, IOVA, mem, 3 * PAGE), 0);
	for (size_t i = 0; i < sizeof(local); i++)
		local[i] = (unsigned char)(i * 7 + 1);
	for (size_t len = 0; len < sizeof(local); len += len < 140 ? 1 : 93) {
		for (size_t off = PAGE - 20; off < PAGE + 20; off += 3) {
			memset(mem, 0xee, 3 * PAGE);
			assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + off,
						 local, len),
				0);
			assert_memory_equal(mem + off, local, len);
			assert_int_equal(mem[off - 1], 0xee);
			assert_int_equal(mem[off + len], 0xee);
			memset(back, 0, sizeof(back));
			assert_int_equal(
				uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + off, back, len),
				0);
			assert_memory_equal(back, local, len);
		}
	}
	munmap(mem, 3 * PAGE);
}

static void faults_say_why(void **state)
{
	char *mem = rig_pages(PAGE), byte = 1;
	struct ioas_map ro = {
		.flags = IOAS_FIXED_IOVA | IOAS_READABLE,
		.user_va = (uintptr_t)mem,
		.len = PAGE,
		.iova = IOVA,
	};
	struct uiommu_dma_fault fault;

	assert_int_equal(ioas_map(rig.ioas, &ro), 0);
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + 5, &byte, 1), -EFAULT);
	uiommu_dma_last_fault(rig.dma, &fault);
	assert_int_equal(fault.reason, UIOMMU_DMA_PERMISSION);
	assert_int_equal(fault.iova, IOVA + 5);
	assert_int_equal(fault.write, 1);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), 0);
	/* A translation that permits reading doesn't become a hit for writing. */
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), -EFAULT);
	assert_int_equal(
		uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE, &byte, 1), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_NOT_MAPPED);
	assert_int_equal(
		uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, UINT64_MAX, &byte, 2), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_RANGE);
	assert_int_equal(
		uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, UINT64_MAX, &byte, 1), -EFAULT);
	assert_int_equal(uiommu_dma_read(rig.dma, 7, IOVA, &byte, 1), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_BLOCKED);
	requester_set_bus_master(&rig.req, false);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_BLOCKED);
	requester_set_bus_master(&rig.req, true);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), 0);
	assert_int_equal(mem[5], 0);
	munmap(mem, PAGE);
}

static void unmapped_is_gone_at_once(void **state)
{
	char *mem = rig_pages(PAGE), byte = 1;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(rig_map(&rig, IOVA, mem, PAGE), 0);
		assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), 0);
		assert_int_equal(rig_unmap(&rig, IOVA, PAGE), 0);
		assert_int_equal(
			uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA, &byte, 1), -EFAULT);
	}
	munmap(mem, PAGE);
}

static void memory_that_vanished_faults(void **state)
{
	char *mem = rig_pages(2 * PAGE), buf[64] = { 0 };
	uint64_t old;

	rig_catch_faults();
	assert_int_equal(rig_map(&rig, IOVA, mem, 2 * PAGE), 0);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE - 32, buf, 64), 0);
	munmap(mem + PAGE, PAGE);
	assert_int_equal(
		uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE - 32, buf, 64), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_TARGET);
	assert_int_equal(
		uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE, buf, 1), -EFAULT);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE, 8,
				 UIOMMU_DMA_FETCH_ADD, 1, 0, &old),
		-EFAULT);
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA, buf, 64), 0);
	munmap(mem, PAGE);
}

static void truncated_file_faults(void **state)
{
	int fd = memfd_create("test", 0);
	char *mem, buf[64] = { 0 };

	rig_catch_faults();
	assert_int_equal(ftruncate(fd, PAGE), 0);
	mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_int_equal(rig_map(&rig, IOVA, mem, PAGE), 0);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, buf, 64), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, buf, 64), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_TARGET);
	munmap(mem, PAGE);
	close(fd);
}

static void atomics_return_what_was_there(void **state)
{
	uint64_t *mem = rig_pages(PAGE), old;

	assert_int_equal(rig_map(&rig, IOVA, mem, PAGE), 0);
	mem[1] = 40;
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, 8,
				 UIOMMU_DMA_FETCH_ADD, 2, 0, &old),
		0);
	assert_int_equal(old, 40);
	assert_int_equal(mem[1], 42);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, 8, UIOMMU_DMA_CAS,
				 7, 41, &old),
		0);
	assert_int_equal(old, 42);
	assert_int_equal(mem[1], 42);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, 8, UIOMMU_DMA_CAS,
				 7, 42, &old),
		0);
	assert_int_equal(mem[1], 7);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, 4, UIOMMU_DMA_SWAP,
				 0xffffffff, 0, &old),
		0);
	assert_int_equal(old, 7);
	assert_int_equal(mem[1], 0xffffffff);
	/* 32 bits wrap in 32 bits. */
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, 4,
				 UIOMMU_DMA_FETCH_ADD, 1, 0, &old),
		0);
	assert_int_equal(mem[1], 0);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA + 4, 8,
				 UIOMMU_DMA_FETCH_ADD, 1, 0, &old),
		-EINVAL);
	assert_int_equal(uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA, 2,
				 UIOMMU_DMA_FETCH_ADD, 1, 0, &old),
		-EINVAL);
	munmap(mem, PAGE);
}

static void vectors_gather_and_scatter(void **state)
{
	char *mem = rig_pages(2 * PAGE), out[10] = "abcdefghi", in[10] = { 0 };
	const struct uiommu_dma_seg seg[] = {
		{ .iova = IOVA + PAGE - 2, .len = 4 },
		{ .iova = IOVA + 100, .len = 0 },
		{ .iova = IOVA + 7, .len = 6 },
	};

	assert_int_equal(rig_map(&rig, IOVA, mem, 2 * PAGE), 0);
	assert_int_equal(uiommu_dma_writev(rig.dma, UIOMMU_PASID_NONE, seg, 3, out, 10), 0);
	assert_memory_equal(mem + PAGE - 2, "abcd", 4);
	assert_memory_equal(mem + 7, "efghi", 6);
	assert_int_equal(uiommu_dma_readv(rig.dma, UIOMMU_PASID_NONE, seg, 3, in, 10), 0);
	assert_memory_equal(in, out, 10);
	assert_int_equal(uiommu_dma_readv(rig.dma, UIOMMU_PASID_NONE, seg, 3, in, 9), -EINVAL);
	munmap(mem, 2 * PAGE);
}

/* A window on the bus, reached by an output address: 0x55 is read, what is written is counted. */
struct probe {
	struct bus_window win;
	size_t written;
};

static int probe_read(struct bus_window *win, uint64_t off, void *buf, size_t len)
{
	memset(buf, 0x55, len);
	return off + len > PAGE ? -EFAULT : 0;
}

static int probe_write(struct bus_window *win, uint64_t off, const void *buf, size_t len)
{
	((struct probe *)win)->written += len;
	return 0;
}

static void windows_answer_on_the_bus(void **state)
{
	static const struct bus_window_ops ops = { .read = probe_read, .write = probe_write };
	struct probe probe = { .win.ops = &ops };
	struct domain *dom = rig.req.attached;
	unsigned char buf[4] = { 0 };
	uint64_t old;

	assert_int_equal(bus_window_add(&rig.core.bus, &probe.win, 100), 0);
	assert_int_equal(probe.win.len, PAGE);
	assert_false(bus_is_ram(probe.win.base));
	assert_int_equal(domain_map(dom, IOVA, probe.win.base, PAGE, PT_READ | PT_WRITE), 0);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, buf, 4), 0);
	assert_int_equal(buf[3], 0x55);
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + 8, buf, 4), 0);
	assert_int_equal(probe.written, 4);
	assert_int_equal(
		uiommu_dma_atomic(rig.dma, UIOMMU_PASID_NONE, IOVA, 8, UIOMMU_DMA_SWAP, 1, 0, &old),
		-EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_TARGET);
	bus_window_remove(&rig.core.bus, &probe.win);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA, buf, 4), -EFAULT);
	assert_int_equal(reason(), UIOMMU_DMA_TARGET);
	domain_unmap(dom, IOVA, PAGE);
	domain_sync(dom);
}

static void mappings_follow_their_pages(void **state)
{
	char *mem = rig_pages(4 * PAGE), *to, buf[16];

	memcpy(mem + PAGE, "one", 4);
	memcpy(mem + 2 * PAGE, "two", 4);
	assert_int_equal(rig_map(&rig, IOVA, mem, 4 * PAGE), 0);
	/* The program takes page 2 away: the device goes on with the page as it was. */
	assert_int_equal(follow_vacate(&rig.core, (uintptr_t)mem + 2 * PAGE, PAGE), 0);
	assert_int_equal(mem[2 * PAGE], 0);
	munmap(mem + 2 * PAGE, PAGE);
	assert_int_equal(uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, IOVA + 2 * PAGE, buf, 4), 0);
	assert_string_equal(buf, "two");
	/* It moves page 1: both see the same page at its new address. */
	to = follow_mremap(&rig.core, mem + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL);
	assert_ptr_not_equal(to, MAP_FAILED);
	assert_string_equal(to, "one");
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + PAGE, "ONE", 4), 0);
	assert_string_equal(to, "ONE");
	/* The edges stayed where they were. */
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA, "zero", 5), 0);
	assert_int_equal(uiommu_dma_write(rig.dma, UIOMMU_PASID_NONE, IOVA + 3 * PAGE, "3", 2), 0);
	assert_string_equal(mem, "zero");
	assert_string_equal(mem + 3 * PAGE, "3");
	assert_int_equal(rig.counters.areas_now, 4);
	assert_int_equal(rig.counters.vacated, 1);
	assert_int_equal(rig_unmap(&rig, IOVA, 4 * PAGE), 0);
	munmap(mem, PAGE);
	munmap(mem + 3 * PAGE, PAGE);
	munmap(to, 2 * PAGE);
}

static void large_mapping_is_cut_for_one_page(void **state)
{
	const size_t big = 4u << 20;
	char *raw = rig_pages(2 * big), *mem, buf[8];

	mem = (char *)(((uintptr_t)raw + big - 1) & ~(big - 1));
	for (size_t i = 0; i < big; i += PAGE)
		memcpy(mem + i, &i, sizeof(i));
	assert_int_equal(rig_map(&rig, 1u << 30, mem, big), 0);
	assert_int_equal(follow_vacate(&rig.core, (uintptr_t)mem + 5 * PAGE, 3 * PAGE), 0);
	for (size_t i = 0; i < big; i += PAGE) {
		assert_int_equal(
			uiommu_dma_read(rig.dma, UIOMMU_PASID_NONE, (1u << 30) + i, buf, 8), 0);
		assert_memory_equal(buf, &i, 8);
	}
	munmap(raw, 2 * big);
}

#define TEST(fn)                                                                                   \
	{ #fn " (x86-64)", fn, setup, teardown, NULL },                                            \
	{                                                                                          \
#fn " (armv8)", fn, setup, teardown, (void *)(uintptr_t)&pt_armv8_4k               \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_length_and_offset),
		TEST(faults_say_why),
		TEST(unmapped_is_gone_at_once),
		TEST(memory_that_vanished_faults),
		TEST(truncated_file_faults),
		TEST(atomics_return_what_was_there),
		TEST(vectors_gather_and_scatter),
		TEST(windows_answer_on_the_bus),
		TEST(mappings_follow_their_pages),
		TEST(large_mapping_is_cut_for_one_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
