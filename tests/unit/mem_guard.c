/* SPDX-License-Identifier: MIT */
/* Guarded access: every length and alignment beside pages that aren't there, in both ways. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arch.h"
#include "mem/guard.h"
#include "rig.h"

#define PAGE 4096u
#define MOST 300u

/* What lies beside the page that a copy works on. */
enum neighbour {
	UNMAPPED,
	FORBIDDEN,
	TRUNCATED,
	NEIGHBOURS
};

static unsigned char pattern[MOST], *guarded;

static void ways_begin(bool signals)
{
	rig_catch_faults();
	guard_use_signals(signals);
}

static void each_way(void (*test)(void))
{
	for (int signals = 0; signals < 2; signals++) {
		ways_begin(signals);
		test();
	}
	ways_begin(true);
}

/* Three pages, of which the middle one is there. */
static unsigned char *one_page_between(enum neighbour neighbour)
{
	unsigned char *at = rig_pages(3 * PAGE);
	int fd;

	switch (neighbour) {
	case UNMAPPED:
		munmap(at, PAGE);
		munmap(at + 2 * PAGE, PAGE);
		break;
	case FORBIDDEN:
		mprotect(at, PAGE, PROT_NONE);
		mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
		break;
	default:
		fd = memfd_create("guard", 0);
		for (unsigned int i = 0; i < 3; i += 2)
			mmap(at + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				fd, 0);
		close(fd);
	}
	return at + PAGE;
}

static void page_free(unsigned char *page)
{
	munmap(page - PAGE, 3 * PAGE);
}

static void copies_inside(unsigned char *page)
{
	unsigned char local[MOST + 64];

	for (size_t len = 0; len <= MOST; len++) {
		for (size_t off = 0; off < 16; off++) {
			unsigned char *at = off % 2 ? page + off : page + PAGE - len - off;

			memset(local, 0xee, sizeof(local));
			memset(page, 0, PAGE);
			assert_int_equal(guard_copy(at, pattern, len), 0);
			assert_memory_equal(at, pattern, len);
			assert_int_equal(at == page ? 0 : at[-1], 0);
			assert_int_equal(at + len == page + PAGE ? 0 : at[len], 0);
			assert_int_equal(guard_copy(local + 16 + off, at, len), 0);
			assert_memory_equal(local + 16 + off, pattern, len);
			assert_int_equal(local[15 + off], 0xee);
			assert_int_equal(local[16 + off + len], 0xee);
		}
	}
}

/* By one byte and more over each edge, as the source and as the destination. */
static void copies_over_the_edges(unsigned char *page)
{
	unsigned char local[MOST];

	for (size_t len = 1; len <= MOST; len++) {
		for (size_t over = 1; over <= len; over += over < 20 ? 1 : 37) {
			assert_int_equal(
				guard_copy(page + PAGE + over - len, pattern, len), -EFAULT);
			assert_int_equal(guard_copy(local, page + PAGE + over - len, len), -EFAULT);
			assert_int_equal(guard_copy(page - over, pattern, len), -EFAULT);
			assert_int_equal(guard_copy(local, page - over, len), -EFAULT);
		}
	}
}

static void edges(void)
{
	for (enum neighbour n = 0; n < NEIGHBOURS; n++) {
		unsigned char *page = one_page_between(n);

		copies_inside(page);
		copies_over_the_edges(page);
		page_free(page);
	}
}

static void every_length_at_page_edges(void **state)
{
	each_way(edges);
}

static void read_only(void)
{
	unsigned char *page = rig_pages(PAGE), local[MOST];

	memset(page, 0x42, PAGE);
	mprotect(page, PAGE, PROT_READ);
	for (size_t len = 1; len <= MOST; len++) {
		assert_int_equal(guard_copy(page + 3, pattern, len), -EFAULT);
		assert_int_equal(guard_copy(local, page + 3, len), 0);
	}
	for (size_t i = 0; i < PAGE; i++)
		assert_int_equal(page[i], 0x42);
	assert_int_equal(guard_touch((uintptr_t)page + 8, false), 0);
	assert_int_equal(guard_touch((uintptr_t)page + 8, true), -EFAULT);
	assert_int_equal(guard_populate((uintptr_t)page, PAGE, true), -EFAULT);
	assert_int_equal(guard_populate((uintptr_t)page, PAGE, false), 0);
	munmap(page, PAGE);
}

static void read_only_memory_is_read(void **state)
{
	each_way(read_only);
}

static uint64_t atomic(void *at, unsigned int size, enum uiommu_dma_atomic_op op, uint64_t operand,
	uint64_t compare)
{
	uint64_t old = 0xbad;

	assert_int_equal(guard_atomic(at, size, op, operand, compare, &old), 0);
	return old;
}

static void atomics(void)
{
	uint64_t *at = rig_pages(2 * PAGE), old = 7;
	uint32_t *half = (uint32_t *)at;

	at[0] = UINT64_MAX;
	assert_true(atomic(at, 8, UIOMMU_DMA_FETCH_ADD, 2, 0) == UINT64_MAX);
	assert_true(at[0] == 1);
	assert_true(atomic(at, 8, UIOMMU_DMA_SWAP, UINT64_C(1) << 63, 0) == 1);
	assert_true(atomic(at, 8, UIOMMU_DMA_CAS, 5, 4) == UINT64_C(1) << 63);
	assert_true(at[0] == UINT64_C(1) << 63);
	assert_true(atomic(at, 8, UIOMMU_DMA_CAS, 5, UINT64_C(1) << 63) == UINT64_C(1) << 63);
	assert_true(at[0] == 5);
	/* Halves don't touch each other, and what is above 32 bits of an operand is nothing. */
	assert_true(atomic(half + 1, 4, UIOMMU_DMA_FETCH_ADD, UINT64_C(0x9ffffffff), 0) == 0);
	assert_true(half[0] == 5 && half[1] == 0xffffffff);
	assert_true(atomic(half + 1, 4, UIOMMU_DMA_CAS, 3, UINT64_C(0x1ffffffff)) == 0xffffffff);
	assert_true(atomic(half, 4, UIOMMU_DMA_SWAP, 9, 0) == 5);
	assert_true(half[0] == 9 && half[1] == 3);
	munmap((char *)at + PAGE, PAGE);
	for (int op = UIOMMU_DMA_FETCH_ADD; op <= UIOMMU_DMA_CAS; op++) {
		assert_int_equal(guard_atomic(at + PAGE / 8, 8, op, 1, 1, &old), -EFAULT);
		assert_int_equal(guard_atomic(at + PAGE / 8, 4, op, 1, 1, &old), -EFAULT);
	}
	assert_true(old == 7);
	munmap(at, PAGE);
}

static void atomics_wrap_and_fault(void **state)
{
	each_way(atomics);
}

static void populate(void)
{
	const size_t lens[] = { 1, PAGE, 16 * PAGE, 16 * PAGE + 1, 64 * PAGE };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		size_t len = lens[i], pages = (len + PAGE - 1) / PAGE;
		unsigned char *at = rig_pages((pages + 1) * PAGE), there[65];

		at[0] = 0x5a;
		assert_int_equal(guard_populate((uintptr_t)at, len, true), 0);
		assert_int_equal(mincore(at, pages * PAGE, there), 0);
		for (size_t p = 0; p < pages; p++)
			assert_true(there[p] & 1);
		assert_int_equal(at[0], 0x5a);
		munmap(at + pages * PAGE, PAGE);
		assert_int_equal(guard_populate((uintptr_t)at, pages * PAGE + 1, true), -EFAULT);
		assert_int_equal(guard_populate((uintptr_t)at, pages * PAGE + 1, false), -EFAULT);
		assert_int_equal(
			guard_populate((uintptr_t)at + pages * PAGE - 1, 2, false), -EFAULT);
		munmap(at, pages * PAGE);
	}
	assert_int_equal(guard_populate(UINTPTR_MAX - 10, 100, false), -EFAULT);
	assert_int_equal(guard_populate(UINT64_C(1) << 63, 64 * PAGE, false), -EFAULT);
	assert_int_equal(guard_touch(UINT64_C(1) << 63, true), -EFAULT);
#ifndef ARCH_TSAN /* it looks at what is read */
	assert_int_equal(guard_copy(pattern, (void *)(UINT64_C(1) << 63), 4), -EFAULT);
	assert_int_equal(guard_touch(UINT64_C(1) << 63, false), -EFAULT);
#endif
}

static void populated_memory_is_there(void **state)
{
	each_way(populate);
}

/* --- The handler that is installed on request, in children that it may kill ------------------- */

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled++;
}

static void on_fault_repair(int sig, siginfo_t *info, void *context)
{
	handled++;
	mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
}

static int in_child(void (*before)(void), int (*child)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		if (before)
			before();
		_exit(guard_install() ? 99 : child());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int copies_then_repairs(void)
{
	char byte;

	guarded = rig_pages(PAGE);
	mprotect(guarded, PAGE, PROT_NONE);
	if (guard_copy(&byte, guarded, 1) != -EFAULT || handled)
		return 1;
	*(volatile unsigned char *)guarded = 1; /* not ours: the program's handler mends it */
	return handled == 1 && !guard_install() ? 0 : 2;
}

static void repair_install(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault_repair, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
}

static int faults_plainly(void)
{
	guarded = rig_pages(PAGE);
	mprotect(guarded, PAGE, PROT_NONE);
	*(volatile unsigned char *)guarded = 1;
	return 0;
}

static int is_sent_one(void)
{
	kill(getpid(), SIGSEGV);
	return handled ? 3 : 0;
}

static void ignore(void)
{
	signal(SIGSEGV, SIG_IGN);
}

static void plain_install(void)
{
	signal(SIGSEGV, on_signal);
}

static void handler_chains(void **state)
{
	int status;

#if defined(__SANITIZE_ADDRESS__) || defined(ARCH_TSAN)
	skip(); /* they report a fatal signal in their own way */
#endif
	assert_int_equal(in_child(repair_install, copies_then_repairs), 0);
	status = in_child(NULL, faults_plainly);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	status = in_child(ignore, faults_plainly);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	/* One that was sent: ends the process, is ignored, or is handled, as it would be without
	 * us. */
	status = in_child(NULL, is_sent_one);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_int_equal(in_child(ignore, is_sent_one), 0);
	status = in_child(plain_install, is_sent_one);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static int setup(void **state)
{
	for (size_t i = 0; i < MOST; i++)
		pattern[i] = (unsigned char)(i * 7 + 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_at_page_edges),
		cmocka_unit_test(read_only_memory_is_read),
		cmocka_unit_test(atomics_wrap_and_fault),
		cmocka_unit_test(populated_memory_is_there),
		cmocka_unit_test(handler_chains),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
