/* SPDX-License-Identifier: MIT */
/*
 * Every instruction form is executed twice from the same random registers, flags and memory: on
 * ordinary memory, and on memory that traps and whose accesses the emulator does. Registers, flags
 * and memory must come out equal.
 */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include <cpuid.h>

#define PAGE   4096u
#define ROUNDS 50

struct cpu {
	uint64_t gpr[16]; /* rax rcx rdx rbx - rbp rsi rdi r8 .. r15; rsp is not set */
	uint64_t flags;
	uint64_t vec_mode;				 /* 0: xmm, 1: ymm, 2: zmm */
	uint8_t vec[5][64] __attribute__((aligned(64))); /* 0-3, and 17 with zmm */
};

void cpu_run(struct cpu *cpu, const void *code);

/* rbx is the registers' page + 64, rsi and rdi are as the form says. */
__asm__(".text\n.globl cpu_run\n.type cpu_run, @function\n"
	"cpu_run:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	"
	"pushq %r15\n"
	"	pushq %rdi\n	pushq %rsi\n"
	"	cmpq $1, 136(%rdi)\n	jb 1f\n	je 2f\n"
	"	vmovdqa64 192(%rdi), %zmm0\n	vmovdqa64 256(%rdi), %zmm1\n"
	"	vmovdqa64 320(%rdi), %zmm2\n	vmovdqa64 384(%rdi), %zmm3\n"
	"	vmovdqa64 448(%rdi), %zmm17\n	jmp 3f\n"
	"2:	vmovdqa 192(%rdi), %ymm0\n	vmovdqa 256(%rdi), %ymm1\n"
	"	vmovdqa 320(%rdi), %ymm2\n	vmovdqa 384(%rdi), %ymm3\n	jmp 3f\n"
	"1:	movdqa 192(%rdi), %xmm0\n	movdqa 256(%rdi), %xmm1\n"
	"	movdqa 320(%rdi), %xmm2\n	movdqa 384(%rdi), %xmm3\n"
	"3:	pushq 128(%rdi)\n"
	"	movq 0(%rdi), %rax\n	movq 8(%rdi), %rcx\n	movq 16(%rdi), %rdx\n"
	"	movq 24(%rdi), %rbx\n	movq 40(%rdi), %rbp\n	movq 48(%rdi), %rsi\n"
	"	movq 64(%rdi), %r8\n	movq 72(%rdi), %r9\n	movq 80(%rdi), %r10\n"
	"	movq 88(%rdi), %r11\n	movq 96(%rdi), %r12\n	movq 104(%rdi), %r13\n"
	"	movq 112(%rdi), %r14\n	movq 120(%rdi), %r15\n	movq 56(%rdi), %rdi\n"
	"	popfq\n"
	"	call *(%rsp)\n"
	"	pushfq\n	pushq %rdi\n"
	"	movq 24(%rsp), %rdi\n"
	"	movq %rax, 0(%rdi)\n	movq %rcx, 8(%rdi)\n	movq %rdx, 16(%rdi)\n"
	"	movq %rbx, 24(%rdi)\n	movq %rbp, 40(%rdi)\n	movq %rsi, 48(%rdi)\n"
	"	movq %r8, 64(%rdi)\n	movq %r9, 72(%rdi)\n	movq %r10, 80(%rdi)\n"
	"	movq %r11, 88(%rdi)\n	movq %r12, 96(%rdi)\n	movq %r13, 104(%rdi)\n"
	"	movq %r14, 112(%rdi)\n	movq %r15, 120(%rdi)\n"
	"	popq 56(%rdi)\n	popq 128(%rdi)\n	cld\n"
	"	cmpq $1, 136(%rdi)\n	jb 1f\n	je 2f\n"
	"	vmovdqa64 %zmm0, 192(%rdi)\n	vmovdqa64 %zmm1, 256(%rdi)\n"
	"	vmovdqa64 %zmm2, 320(%rdi)\n	vmovdqa64 %zmm3, 384(%rdi)\n"
	"	vmovdqa64 %zmm17, 448(%rdi)\n	vzeroupper\n	jmp 3f\n"
	"2:	vmovdqa %ymm0, 192(%rdi)\n	vmovdqa %ymm1, 256(%rdi)\n"
	"	vmovdqa %ymm2, 320(%rdi)\n	vmovdqa %ymm3, 384(%rdi)\n	vzeroupper\n	"
	"jmp 3f\n"
	"1:	movdqa %xmm0, 192(%rdi)\n	movdqa %xmm1, 256(%rdi)\n"
	"	movdqa %xmm2, 320(%rdi)\n	movdqa %xmm3, 384(%rdi)\n"
	"3:	popq %rsi\n	popq %rdi\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbx\n	"
	"popq %rbp\n"
	"	ret\n.size cpu_run, . - cpu_run\n");

static_assert(offsetof(struct cpu, flags) == 128, "as cpu_run has it");
static_assert(offsetof(struct cpu, vec_mode) == 136, "as cpu_run has it");
static_assert(offsetof(struct cpu, vec) == 192, "as cpu_run has it");

/* What rsi and rdi are; rcx is a small count for the last four. */
enum layout {
	PLAIN,	   /* random */
	INDEX,	   /* rcx and rsi are small numbers */
	TO_REGS,   /* rsi: memory, rdi: registers */
	FROM_REGS, /* rsi: registers, rdi: memory */
	REGS_REGS, /* both */
	EDGE,	   /* rdi: the last registers, memory behind them */
};

enum needs {
	ANY,
	AVX,
	AVX2,
	AVX512,
	MOVBE,
};

struct form {
	const char *text;
	enum layout layout;
	enum needs needs;
};

#include "preload_mmio_forms.h"

static uint8_t *plain, *trapped, *behind; /* each two pages; `behind` shows what is in `trapped` */
static volatile unsigned int traps, accesses;

/* --- The emulator's side --------------------------------------------------------------------- */

static bool in_trapped(const struct mmio_bus *bus, uintptr_t addr)
{
	return addr - (uintptr_t)trapped < PAGE;
}

static int bus_read(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len)
{
	accesses++;
	if (in_trapped(bus, addr))
		addr += (uintptr_t)behind - (uintptr_t)trapped;
	memcpy(buf, (void *)addr, len);
	return 0;
}

static int bus_write(const struct mmio_bus *bus, uintptr_t addr, const void *buf, size_t len)
{
	accesses++;
	if (in_trapped(bus, addr))
		addr += (uintptr_t)behind - (uintptr_t)trapped;
	memcpy((void *)addr, buf, len);
	return 0;
}

static size_t bus_fetch(const struct mmio_bus *bus, uintptr_t addr, void *buf, size_t len)
{
	memcpy(buf, (void *)addr, len);
	return len;
}

static const struct mmio_bus bus = {
	.read = bus_read, .write = bus_write, .trapped = in_trapped, .fetch = bus_fetch
};

static void on_segv(int sig, siginfo_t *info, void *uc)
{
	const char *name;
	int err = mmio_emulate(uc, &bus, &name);

	traps++;
	if (err) {
		static const char text[] = "not emulated: ";

		(void)!write(2, text, sizeof(text) - 1);
		(void)!write(2, name, strlen(name));
		(void)!write(2, "\n", 1);
		_exit(1);
	}
}

/* --- Both ways ------------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void fill(void *to, size_t len)
{
	uint8_t *p = to;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(random64() >> 24);
}

static unsigned int vec_mode(void)
{
	return __builtin_cpu_supports("avx512vl") ? 2 : __builtin_cpu_supports("avx2") ? 1 : 0;
}

/* Registers at @regs, ordinary memory of the instruction at @mem. */
static void set_pointers(struct cpu *cpu, enum layout layout, uint8_t *regs, uint8_t *mem)
{
	cpu->gpr[3] = (uintptr_t)regs + 64;
	if (layout == INDEX) {
		cpu->gpr[1] %= 64;
		cpu->gpr[6] %= 16;
	}
	if (layout < TO_REGS)
		return;
	cpu->gpr[1] %= 32;
	cpu->gpr[6] = (uintptr_t)(layout == TO_REGS || layout == EDGE ? mem : regs) + 512;
	cpu->gpr[7] = (uintptr_t)(layout == FROM_REGS ? mem : regs) + 1024;
	if (layout == EDGE)
		cpu->gpr[7] = (uintptr_t)regs + PAGE - 64;
}

static int same_pointer(
	const struct cpu *a, const struct cpu *b, unsigned int n, uint8_t *mem_a, uint8_t *mem_b)
{
	uint64_t by = b->gpr[n] - a->gpr[n];

	return !by || by == (uintptr_t)trapped - (uintptr_t)plain ||
	       by == (uintptr_t)mem_b - (uintptr_t)mem_a;
}

static void check_round(const struct form *form)
{
	static uint8_t mem_a[2 * PAGE], mem_b[2 * PAGE];
	struct cpu a, b;

	fill(&a, sizeof(a));
	a.flags = (a.flags & (form->layout == PLAIN ? 0x8d5 : 0xcd5)) | 0x202;
	if (form->layout == EDGE)
		a.flags &= ~UINT64_C(0x400);
	a.vec_mode = vec_mode();
	fill(plain, 2 * PAGE);
	fill(mem_a, sizeof(mem_a));
	memcpy(mem_b, mem_a, sizeof(mem_b));
	memcpy(behind, plain, PAGE);
	memcpy(trapped + PAGE, plain + PAGE, PAGE);
	/* Sometimes what is compared is equal. */
	if (random64() & 1)
		memcpy(&a.gpr[0], plain + 64, 8);
	if (random64() & 1)
		memset(a.vec, 0, sizeof(a.vec));
	b = a;
	set_pointers(&a, form->layout, plain, mem_a);
	set_pointers(&b, form->layout, trapped, mem_b);
	cpu_run(&a, code_of(form));
	traps = 0;
	cpu_run(&b, code_of(form));
	if (form->layout < TO_REGS && traps != 1)
		fail_msg("%s: %u traps", form->text, traps);
	for (unsigned int i = 0; i < 16; i++) {
		bool pointer = i == 3 || (form->layout >= TO_REGS && (i == 6 || i == 7));

		if (i != 4 &&
			(pointer ? !same_pointer(&a, &b, i, mem_a, mem_b) : a.gpr[i] != b.gpr[i]))
			fail_msg("%s: register %u is %llx, not %llx", form->text, i,
				(unsigned long long)b.gpr[i], (unsigned long long)a.gpr[i]);
	}
	if (a.flags != b.flags)
		fail_msg("%s: flags are %llx, not %llx", form->text, (unsigned long long)b.flags,
			(unsigned long long)a.flags);
	if (memcmp(a.vec, b.vec, sizeof(a.vec)))
		fail_msg("%s: vector registers differ", form->text);
	if (memcmp(plain, behind, PAGE) || memcmp(plain + PAGE, trapped + PAGE, PAGE) ||
		memcmp(mem_a, mem_b, sizeof(mem_a)))
		fail_msg("%s: memory differs", form->text);
}

static bool supported(enum needs needs)
{
	unsigned int eax, ebx, ecx, edx;

	switch (needs) {
	case AVX:
		return __builtin_cpu_supports("avx");
	case AVX2:
		return __builtin_cpu_supports("avx2");
	case AVX512:
		return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
	case MOVBE:
		return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & bit_MOVBE;
	default:
		return true;
	}
}

/* cmocka has a handler of its own around each test. */
static void catch_traps(void)
{
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };

	assert_return_code(sigaction(SIGSEGV, &sa, NULL), errno);
}

static void same_as_native(void **state)
{
	unsigned int done = 0;

	catch_traps();

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!supported(forms[i].needs))
			continue;
		for (unsigned int n = 0; n < ROUNDS; n++)
			check_round(&forms[i]);
		done++;
	}
	print_message("%u of %zu forms\n", done, sizeof(forms) / sizeof(forms[0]));
}

/* An access of 8 bytes is one of 8, whatever register it goes to. */
static void one_access(void **state)
{
	uint64_t val;

	catch_traps();
	accesses = 0;
	val = *(volatile uint64_t *)(trapped + 8);
	assert_int_equal(accesses, 1);
	*(volatile uint32_t *)(trapped + 16) = (uint32_t)val;
	assert_int_equal(accesses, 2);
	assert_memory_equal(behind + 16, &val, 4);
}

static int refuse_io(const struct mmio_bus *unused, uintptr_t addr, void *buf, size_t len)
{
	return -EIO;
}

static int last_error;

static void on_segv_refused(int sig, siginfo_t *info, void *uc)
{
	static const struct mmio_bus refusing = {
		.read = refuse_io, .write = bus_write, .trapped = in_trapped, .fetch = bus_fetch
	};
	ucontext_t before = *(ucontext_t *)uc, *now = uc;
	const char *name;

	last_error = mmio_emulate(uc, &refusing, &name);
	if (memcmp(before.uc_mcontext.gregs, now->uc_mcontext.gregs, sizeof(gregset_t)))
		last_error = 1;
	mprotect(trapped, PAGE, PROT_READ | PROT_WRITE);
}

/* A refused access changes nothing, so that the signal can be passed on. */
static void errors_change_nothing(void **state)
{
	struct sigaction sa = { .sa_sigaction = on_segv_refused, .sa_flags = SA_SIGINFO }, old;

	sigaction(SIGSEGV, &sa, &old);
	__asm__ volatile("addl $5, (%0)" : : "r"(trapped) : "memory", "cc");
	assert_int_equal(last_error, -EIO);
	mprotect(trapped, PAGE, PROT_NONE);
	__asm__ volatile("fldl (%0)\n	fstp %%st(0)" : : "r"(trapped) : "memory");
	assert_int_equal(last_error, -EOPNOTSUPP);
	mprotect(trapped, PAGE, PROT_NONE);
	sigaction(SIGSEGV, &old, NULL);
}

static int setup(void **state)
{
	int fd = memfd_create("registers", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAGE))
		return -1;
	plain = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	trapped = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	behind = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (plain == MAP_FAILED || trapped == MAP_FAILED || behind == MAP_FAILED)
		return -1;
	return mmap(trapped, PAGE, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == trapped ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_native),
		cmocka_unit_test(one_access),
		cmocka_unit_test(errors_change_nothing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

#else

int main(void)
{
	return 77;
}

#endif
