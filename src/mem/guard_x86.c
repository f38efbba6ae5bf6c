/* SPDX-License-Identifier: MIT */
#include "mem/guard_arch.h"

#if defined(__x86_64__)

#include <ucontext.h>

extern const char guard_arch_begin[], guard_arch_end[], guard_arch_exit[];

/*
 * System V calling convention. Copies of up to 128 bytes are two overlapping halves from registers,
 * so that an aligned copy of 4 or 8 bytes is one load and one store; longer ones are left to the
 * string instruction, which this decade's processors do in lines. Nothing is pushed: the exit can
 * return.
 */
__asm__(".pushsection .text\n"
	".p2align 6\n"
	"guard_arch_begin:\n"
	".globl guard_arch_copy\n.hidden guard_arch_copy\n.type guard_arch_copy, @function\n"
	"guard_arch_copy:\n"
	"	cmpq $16, %rdx\n"
	"	jb 2f\n"
	"	cmpq $32, %rdx\n"
	"	ja 1f\n"
	"	movups (%rsi), %xmm0\n"
	"	movups -16(%rsi,%rdx), %xmm1\n"
	"	movups %xmm0, (%rdi)\n"
	"	movups %xmm1, -16(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"1:	cmpq $64, %rdx\n"
	"	ja 5f\n"
	"	movups (%rsi), %xmm0\n"
	"	movups 16(%rsi), %xmm1\n"
	"	movups -32(%rsi,%rdx), %xmm2\n"
	"	movups -16(%rsi,%rdx), %xmm3\n"
	"	movups %xmm0, (%rdi)\n"
	"	movups %xmm1, 16(%rdi)\n"
	"	movups %xmm2, -32(%rdi,%rdx)\n"
	"	movups %xmm3, -16(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"5:	cmpq $128, %rdx\n"
	"	ja 6f\n"
	"	movups (%rsi), %xmm0\n"
	"	movups 16(%rsi), %xmm1\n"
	"	movups 32(%rsi), %xmm2\n"
	"	movups 48(%rsi), %xmm3\n"
	"	movups -64(%rsi,%rdx), %xmm4\n"
	"	movups -48(%rsi,%rdx), %xmm5\n"
	"	movups -32(%rsi,%rdx), %xmm6\n"
	"	movups -16(%rsi,%rdx), %xmm7\n"
	"	movups %xmm0, (%rdi)\n"
	"	movups %xmm1, 16(%rdi)\n"
	"	movups %xmm2, 32(%rdi)\n"
	"	movups %xmm3, 48(%rdi)\n"
	"	movups %xmm4, -64(%rdi,%rdx)\n"
	"	movups %xmm5, -48(%rdi,%rdx)\n"
	"	movups %xmm6, -32(%rdi,%rdx)\n"
	"	movups %xmm7, -16(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"6:	movq %rdx, %rcx\n"
	"	rep movsb\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"2:	cmpl $8, %edx\n"
	"	jb 3f\n"
	"	movq (%rsi), %rax\n"
	"	movq -8(%rsi,%rdx), %rcx\n"
	"	movq %rax, (%rdi)\n"
	"	movq %rcx, -8(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"3:	cmpl $4, %edx\n"
	"	jb 4f\n"
	"	movl (%rsi), %eax\n"
	"	movl -4(%rsi,%rdx), %ecx\n"
	"	movl %eax, (%rdi)\n"
	"	movl %ecx, -4(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"4:	testl %edx, %edx\n"
	"	jz 8f\n"
	"	cmpl $1, %edx\n"
	"	je 7f\n"
	"	movzwl (%rsi), %eax\n"
	"	movzwl -2(%rsi,%rdx), %ecx\n"
	"	movw %ax, (%rdi)\n"
	"	movw %cx, -2(%rdi,%rdx)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"
	"7:	movzbl (%rsi), %eax\n"
	"	movb %al, (%rdi)\n"
	"8:	xorl %eax, %eax\n"
	"	ret\n"
	".size guard_arch_copy, . - guard_arch_copy\n"

	".globl guard_arch_touch_write\n.hidden guard_arch_touch_write\n"
	".type guard_arch_touch_write, @function\n"
	"guard_arch_touch_write:\n"
	"	lock orb $0, (%rdi)\n"
	"	xorl %eax, %eax\n"
	"	ret\n"

#define GUARD_RMW(name, load, store, instruction)                                                  \
	".globl guard_arch_" name "\n.hidden guard_arch_" name "\n.type guard_arch_" name          \
	", @function\n"                                                                            \
	"guard_arch_" name ":\n"                                                                   \
	"	" load "\n"                                                                        \
	"	" instruction "\n"                                                                 \
	"	" store "\n"                                                                       \
	"	xorl %eax, %eax\n"                                                                       \
	"	ret\n"

	GUARD_RMW("add32", "movl (%rsi), %ecx", "movl %ecx, (%rsi)", "lock xaddl %ecx, (%rdi)")
		GUARD_RMW("add64", "movq (%rsi), %rcx", "movq %rcx, (%rsi)",
			"lock xaddq %rcx, (%rdi)") GUARD_RMW("swap32", "movl (%rsi), %ecx",
			"movl %ecx, (%rsi)", "xchgl %ecx, (%rdi)") GUARD_RMW("swap64",
			"movq (%rsi), %rcx", "movq %rcx, (%rsi)", "xchgq %rcx, (%rdi)")
	/* The third argument, %rdx, is what the memory is compared with. */
	GUARD_RMW("cas32", "movl (%rsi), %ecx\n	movl %edx, %eax", "movl %eax, (%rsi)",
		"lock cmpxchgl %ecx, (%rdi)")
		GUARD_RMW("cas64", "movq (%rsi), %rcx\n	movq %rdx, %rax", "movq %rax, (%rsi)",
			"lock cmpxchgq %rcx, (%rdi)")

			"guard_arch_end:\n"
			"guard_arch_exit:\n"
			"	movl $-14, %eax\n" /* -EFAULT */
			"	ret\n"
			".popsection\n");

bool guard_arch_fixup(void *ucontext)
{
	greg_t *rip = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];

	if ((uintptr_t)*rip < (uintptr_t)guard_arch_begin ||
		(uintptr_t)*rip >= (uintptr_t)guard_arch_end)
		return false;
	*rip = (greg_t)guard_arch_exit;
	return true;
}

#endif
