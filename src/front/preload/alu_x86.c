/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic with flags: each operation is the instruction itself, on a copy of its operands.
 *
 * A function for each operation and size: (%rdi) op= %rsi, flags at (%rdx). All of it is assembly,
 * since pushf in the middle of compiled code would overwrite what a leaf function keeps below its
 * stack.
 */
#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include "front/preload/cpu_x86.h"

#include <stddef.h>

typedef void alu_fn(uint64_t *dst, uint64_t src, uint64_t *flags);

#define ALU_FN(name, insn)                                                                         \
	".hidden alu_" name "\n.type alu_" name ", @function\n.globl alu_" name "\nalu_" name      \
	":\n"                                                                                      \
	"	endbr64\n"                                                                               \
	"	movq %rsi, %rcx\n"                                                                       \
	"	pushq (%rdx)\n"                                                                          \
	"	popfq\n"                                                                                 \
	"	" insn "\n"                                                                        \
	"	pushfq\n"                                                                                \
	"	popq (%rdx)\n"                                                                           \
	"	ret\n"                                                                                   \
	".size alu_" name ", . - alu_" name "\n"

#define ALU_BINARY(op)                                                                             \
	ALU_FN(#op "1", #op "b %sil, (%rdi)")                                                      \
	ALU_FN(#op "2", #op "w %si, (%rdi)")                                                       \
	ALU_FN(#op "4", #op "l %esi, (%rdi)") ALU_FN(#op "8", #op "q %rsi, (%rdi)")
#define ALU_UNARY(op)                                                                              \
	ALU_FN(#op "1", #op "b (%rdi)")                                                            \
	ALU_FN(#op "2", #op "w (%rdi)")                                                            \
	ALU_FN(#op "4", #op "l (%rdi)") ALU_FN(#op "8", #op "q (%rdi)")
#define ALU_SHIFT(op)                                                                              \
	ALU_FN(#op "1", #op "b %cl, (%rdi)")                                                       \
	ALU_FN(#op "2", #op "w %cl, (%rdi)")                                                       \
	ALU_FN(#op "4", #op "l %cl, (%rdi)") ALU_FN(#op "8", #op "q %cl, (%rdi)")
#define ALU_BIT(op)                                                                                \
	ALU_FN(#op "2", #op "w %si, (%rdi)")                                                       \
	ALU_FN(#op "4", #op "l %esi, (%rdi)") ALU_FN(#op "8", #op "q %rsi, (%rdi)")
/* The product goes to a register first. */
#define ALU_PRODUCT(size, suffix, a)                                                               \
	ALU_FN("imul" size, "imul" suffix " (%rdi), " a "\n	mov" suffix " " a ", (%rdi)")

/* clang-format off */
__asm__(".pushsection .text\n"
	ALU_BINARY(add) ALU_BINARY(adc) ALU_BINARY(sub) ALU_BINARY(sbb)
	ALU_BINARY(and) ALU_BINARY(or) ALU_BINARY(xor) ALU_BINARY(cmp) ALU_BINARY(test)
	ALU_UNARY(inc) ALU_UNARY(dec) ALU_UNARY(neg) ALU_UNARY(not)
	ALU_SHIFT(shl) ALU_SHIFT(shr) ALU_SHIFT(sar)
	ALU_SHIFT(rol) ALU_SHIFT(ror) ALU_SHIFT(rcl) ALU_SHIFT(rcr)
	ALU_BIT(bt) ALU_BIT(bts) ALU_BIT(btr) ALU_BIT(btc)
	ALU_PRODUCT("2", "w", "%si") ALU_PRODUCT("4", "l", "%esi") ALU_PRODUCT("8", "q", "%rsi")
	".popsection\n");

#define ALU_WIDE(op) extern alu_fn alu_##op##2, alu_##op##4, alu_##op##8;
#define ALU_ALL(op)  extern alu_fn alu_##op##1; ALU_WIDE(op)
ALU_ALL(add) ALU_ALL(adc) ALU_ALL(sub) ALU_ALL(sbb) ALU_ALL(and) ALU_ALL(or) ALU_ALL(xor)
ALU_ALL(cmp) ALU_ALL(test) ALU_ALL(inc) ALU_ALL(dec) ALU_ALL(neg) ALU_ALL(not)
ALU_ALL(shl) ALU_ALL(shr) ALU_ALL(sar) ALU_ALL(rol) ALU_ALL(ror) ALU_ALL(rcl) ALU_ALL(rcr)
ALU_WIDE(bt) ALU_WIDE(bts) ALU_WIDE(btr) ALU_WIDE(btc) ALU_WIDE(imul)

#define ROW(op)	     { alu_##op##1, alu_##op##2, alu_##op##4, alu_##op##8 }
#define ROW_WIDE(op) { NULL, alu_##op##2, alu_##op##4, alu_##op##8 }
static alu_fn *const alu[CPU_ALUS][4] = {
	[CPU_ADD] = ROW(add), [CPU_ADC] = ROW(adc), [CPU_SUB] = ROW(sub), [CPU_SBB] = ROW(sbb),
	[CPU_AND] = ROW(and), [CPU_OR] = ROW(or), [CPU_XOR] = ROW(xor),
	[CPU_CMP] = ROW(cmp), [CPU_TEST] = ROW(test),
	[CPU_INC] = ROW(inc), [CPU_DEC] = ROW(dec), [CPU_NEG] = ROW(neg), [CPU_NOT] = ROW(not),
	[CPU_SHL] = ROW(shl), [CPU_SHR] = ROW(shr), [CPU_SAR] = ROW(sar),
	[CPU_ROL] = ROW(rol), [CPU_ROR] = ROW(ror), [CPU_RCL] = ROW(rcl), [CPU_RCR] = ROW(rcr),
	[CPU_BT] = ROW_WIDE(bt), [CPU_BTS] = ROW_WIDE(bts), [CPU_BTR] = ROW_WIDE(btr),
	[CPU_BTC] = ROW_WIDE(btc), [CPU_IMUL] = ROW_WIDE(imul),
};
/* clang-format on */

bool cpu_alu(enum cpu_alu op, unsigned int size, uint64_t *dst, uint64_t src, uint64_t *flags)
{
	unsigned int row = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
	/* Only arithmetic flags: no trap flag, no direction. Bit 1 is always set. */
	uint64_t now = (*flags & CPU_ARITH) | 2;
	alu_fn *fn = alu[op][row];

	if (!fn)
		return false;
	fn(dst, src, &now);
	*flags = (*flags & ~(uint64_t)CPU_ARITH) | (now & CPU_ARITH);
	return true;
}

#endif
