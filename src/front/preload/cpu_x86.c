/* SPDX-License-Identifier: MIT */
/*
 * Vector registers are where XSAVE puts them (Intel SDM volume 1, chapter 13), in the standard
 * form, behind the 512 bytes of FXSAVE; the kernel says how much there is in the bytes that FXSAVE
 * leaves to software. A component whose bit in XSTATE_BV is clear is in its initial state, zero,
 * whatever the memory holds.
 */
#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include "front/preload/cpu_x86.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <string.h>

/* --- General registers and flags ------------------------------------------------------------- */

greg_t *cpu_gpr(ucontext_t *uc, unsigned int n)
{
	static const uint8_t at[CPU_GPRS] = {
		REG_RAX,
		REG_RCX,
		REG_RDX,
		REG_RBX,
		REG_RSP,
		REG_RBP,
		REG_RSI,
		REG_RDI,
		REG_R8,
		REG_R9,
		REG_R10,
		REG_R11,
		REG_R12,
		REG_R13,
		REG_R14,
		REG_R15,
	};

	return &uc->uc_mcontext.gregs[at[n % CPU_GPRS]];
}

bool cpu_condition(uint64_t flags, unsigned int cc)
{
	bool less = !(flags & CPU_SF) != !(flags & CPU_OF);
	bool is;

	switch (cc >> 1 & 7) {
	case 0:
		is = flags & CPU_OF;
		break;
	case 1:
		is = flags & CPU_CF;
		break;
	case 2:
		is = flags & CPU_ZF;
		break;
	case 3:
		is = flags & (CPU_CF | CPU_ZF);
		break;
	case 4:
		is = flags & CPU_SF;
		break;
	case 5:
		is = flags & CPU_PF;
		break;
	case 6:
		is = less;
		break;
	default:
		is = less || flags & CPU_ZF;
		break;
	}
	return is != (cc & 1);
}

/* --- Vector registers ------------------------------------------------------------------------ */

#define FXSAVE_XMM   160u
#define FXSAVE_SW    464u
#define XSAVE_HEADER 512u
#define XSAVE_MAGIC  0x46505853u

enum component {
	COMP_YMM = 2,	 /* bits 128-255 of 0-15 */
	COMP_ZMM = 6,	 /* bits 256-511 of 0-15 */
	COMP_HI_ZMM = 7, /* 16-31 */
};

/* Where a component begins in the standard form, from the processor; 0: unknown. */
static uint32_t component_at(enum component comp)
{
	static _Atomic uint32_t known[8];
	uint32_t at = atomic_load_explicit(&known[comp], memory_order_relaxed);
	unsigned int size, ecx, edx;

	if (!at) {
		__cpuid_count(0xd, (unsigned int)comp, size, at, ecx, edx);
		if (size)
			atomic_store_explicit(&known[comp], at, memory_order_relaxed);
	}
	return at;
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The component's memory if the frame has it, @len bytes long. */
static uint8_t *component(uint8_t *frame, enum component comp, uint32_t len)
{
	uint32_t at;

	if (load32(frame + FXSAVE_SW) != XSAVE_MAGIC ||
		!(load64(frame + FXSAVE_SW + 8) >> (unsigned int)comp & 1))
		return NULL;
	at = component_at(comp);
	/* The size of the XSAVE area, without the kernel's second magic number. */
	if (at < XSAVE_HEADER || at + len > load32(frame + FXSAVE_SW + 16))
		return NULL;
	return frame + at;
}

static bool in_use(const uint8_t *frame, enum component comp)
{
	return load64(frame + XSAVE_HEADER) >> (unsigned int)comp & 1;
}

/* A register's part in a component: @size bytes of register @n, at @out. */
static void part_get(
	uint8_t *frame, enum component comp, unsigned int n, unsigned int size, uint8_t *out)
{
	const uint8_t *mem = component(frame, comp, 16 * size);

	if (mem && in_use(frame, comp))
		memcpy(out, mem + n * size, size);
	else
		memset(out, 0, size);
}

static bool part_set(
	uint8_t *frame, enum component comp, unsigned int n, unsigned int size, const uint8_t *in)
{
	static const uint8_t zero[CPU_VECTOR];
	uint8_t *mem = component(frame, comp, 16 * size);
	uint64_t bits;

	if (!mem)
		return !memcmp(in, zero, size);
	if (!in_use(frame, comp)) {
		if (!memcmp(in, zero, size))
			return true;
		memset(mem, 0, 16 * size);
		bits = load64(frame + XSAVE_HEADER) | UINT64_C(1) << (unsigned int)comp;
		memcpy(frame + XSAVE_HEADER, &bits, sizeof(bits));
	}
	memcpy(mem + n * size, in, size);
	return true;
}

void cpu_vector_get(ucontext_t *uc, unsigned int n, uint8_t out[CPU_VECTOR])
{
	uint8_t *frame = (uint8_t *)uc->uc_mcontext.fpregs;

	if (n >= 16) {
		part_get(frame, COMP_HI_ZMM, n - 16, 64, out);
		return;
	}
	memcpy(out, frame + FXSAVE_XMM + 16 * n, 16);
	part_get(frame, COMP_YMM, n, 16, out + 16);
	part_get(frame, COMP_ZMM, n, 32, out + 32);
}

bool cpu_vector_set(ucontext_t *uc, unsigned int n, const uint8_t in[CPU_VECTOR])
{
	uint8_t *frame = (uint8_t *)uc->uc_mcontext.fpregs;

	if (n >= 16)
		return part_set(frame, COMP_HI_ZMM, n - 16, 64, in);
	if (!part_set(frame, COMP_YMM, n, 16, in + 16) ||
		!part_set(frame, COMP_ZMM, n, 32, in + 32))
		return false;
	memcpy(frame + FXSAVE_XMM + 16 * n, in, 16);
	return true;
}

#endif
