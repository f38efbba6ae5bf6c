/* SPDX-License-Identifier: MIT */
/* The interrupted processor: registers in a signal frame, and its arithmetic. */
#ifndef UIOMMU_FRONT_PRELOAD_CPU_X86_H
#define UIOMMU_FRONT_PRELOAD_CPU_X86_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/* General registers by their number in instructions: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ..
 */
enum cpu_gpr {
	CPU_RAX,
	CPU_RCX,
	CPU_RDX,
	CPU_RBX,
	CPU_RSP,
	CPU_RBP,
	CPU_RSI,
	CPU_RDI,
	CPU_GPRS = 16,
};
greg_t *cpu_gpr(ucontext_t *uc, unsigned int n);

#define CPU_CF	  0x001u
#define CPU_PF	  0x004u
#define CPU_AF	  0x010u
#define CPU_ZF	  0x040u
#define CPU_SF	  0x080u
#define CPU_DF	  0x400u
#define CPU_OF	  0x800u
#define CPU_ARITH (CPU_CF | CPU_PF | CPU_AF | CPU_ZF | CPU_SF | CPU_OF)

/* A condition as in the low 4 bits of Jcc, SETcc, CMOVcc. */
bool cpu_condition(uint64_t flags, unsigned int cc);

/* Vector registers, all 64 bytes: what the frame doesn't have reads as zero. */
#define CPU_VECTOR 64u
void cpu_vector_get(ucontext_t *uc, unsigned int n, uint8_t out[CPU_VECTOR]);
/* Return: false if the frame has no place for what isn't zero. */
bool cpu_vector_set(ucontext_t *uc, unsigned int n, const uint8_t in[CPU_VECTOR]);

/*
 * Arithmetic done by the processor itself: *dst = *dst op src, with the flags (CPU_ARITH) before
 * and after. Comparisons leave *dst alone; shifts take the count from @src. Only the low bits that
 * the size has are used and changed.
 */
enum cpu_alu {
	CPU_ADD,
	CPU_ADC,
	CPU_SUB,
	CPU_SBB,
	CPU_AND,
	CPU_OR,
	CPU_XOR,
	CPU_CMP,
	CPU_TEST,
	CPU_INC,
	CPU_DEC,
	CPU_NEG,
	CPU_NOT,
	CPU_SHL,
	CPU_SHR,
	CPU_SAR,
	CPU_ROL,
	CPU_ROR,
	CPU_RCL,
	CPU_RCR,
	CPU_BT, /* from here on not with bytes */
	CPU_BTS,
	CPU_BTR,
	CPU_BTC,
	CPU_IMUL,
	CPU_ALUS,
};
/* @size: 1, 2, 4, 8. Return: false if there's no such operation. */
bool cpu_alu(enum cpu_alu op, unsigned int size, uint64_t *dst, uint64_t src, uint64_t *flags);

#endif
