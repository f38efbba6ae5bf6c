/* SPDX-License-Identifier: MIT */
/*
 * String instructions, repeated or not. Either side may be registers of a device; the loop ends
 * where neither is any more, and the processor goes on by itself.
 */
#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include <errno.h>

#include "front/preload/cpu_x86.h"
#include "front/preload/insn_x86.h"

struct string {
	struct insn *in;
	unsigned int what, size;
	uint64_t mask; /* of addresses and the counter */
	uint64_t si, di, cx, step;
	bool repeated, uses_si, uses_di;
};

static int load(const struct string *s, uint64_t addr, uint64_t *val)
{
	*val = 0;
	return s->in->bus->read(s->in->bus, addr, val, s->size);
}

static int store(const struct string *s, uint64_t addr, uint64_t val)
{
	return s->in->bus->write(s->in->bus, addr, &val, s->size);
}

static void accumulate(const struct string *s, uint64_t val)
{
	greg_t *rax = cpu_gpr(s->in->uc, CPU_RAX);
	uint64_t mask = s->size < 4 ? (UINT64_C(1) << 8 * s->size) - 1 : UINT64_MAX;

	*rax = (greg_t)(((uint64_t)*rax & ~mask) | (val & mask));
}

static int compare(const struct string *s)
{
	uint64_t a = (uint64_t)*cpu_gpr(s->in->uc, CPU_RAX), b, flags = insn_flags(s->in);
	int err = s->what == STRING_CMPS ? load(s, s->si, &a) : 0;

	if (!err)
		err = load(s, s->di, &b);
	if (err)
		return err;
	(void)cpu_alu(CPU_CMP, s->size, &a, b, &flags);
	insn_flags_set(s->in, flags);
	return 0;
}

static int once(const struct string *s)
{
	uint64_t val;
	int err;

	switch (s->what) {
	case STRING_MOVS:
		err = load(s, s->si, &val);
		return err ? err : store(s, s->di, val);
	case STRING_STOS:
		return store(s, s->di, (uint64_t)*cpu_gpr(s->in->uc, CPU_RAX));
	case STRING_LODS:
		err = load(s, s->si, &val);
		if (!err)
			accumulate(s, val);
		return err;
	default:
		return compare(s);
	}
}

static void advance(struct string *s)
{
	if (s->uses_si)
		s->si = (s->si + s->step) & s->mask;
	if (s->uses_di)
		s->di = (s->di + s->step) & s->mask;
	if (s->repeated)
		s->cx = (s->cx - 1) & s->mask;
}

static void settle(const struct string *s)
{
	ucontext_t *uc = s->in->uc;

	if (s->uses_si)
		*cpu_gpr(uc, CPU_RSI) = (greg_t)s->si;
	if (s->uses_di)
		*cpu_gpr(uc, CPU_RDI) = (greg_t)s->di;
	if (s->repeated)
		*cpu_gpr(uc, CPU_RCX) = (greg_t)s->cx;
}

/* Comparisons end early; the prefixes for that differ by a bit. */
static bool finished(const struct string *s)
{
	bool equal = insn_flags(s->in) & CPU_ZF;

	if (!s->repeated || !s->cx)
		return true;
	if (s->what < STRING_CMPS)
		return false;
	return equal == !!(s->in->insn.attributes & ZYDIS_ATTRIB_HAS_REPNE);
}

static bool still_trapped(const struct string *s)
{
	const struct mmio_bus *bus = s->in->bus;

	return (s->uses_si && bus->trapped(bus, s->si)) || (s->uses_di && bus->trapped(bus, s->di));
}

static int repeat(struct string *s)
{
	for (;;) {
		int err = once(s);

		if (err)
			return err;
		advance(s);
		settle(s);
		if (finished(s))
			return 0;
		if (!still_trapped(s))
			return INSN_AGAIN;
	}
}

/* The first memory operand; a segment register isn't followed. */
static const ZydisDecodedOperand *memory_operand(const struct insn *in)
{
	for (unsigned int i = 0; i < in->insn.operand_count; i++)
		if (in->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return &in->op[i];
	return NULL;
}

static uint64_t pointer(const struct string *s, enum cpu_gpr n)
{
	return (uint64_t)*cpu_gpr(s->in->uc, n) & s->mask;
}

int insn_string(struct insn *in, unsigned int what)
{
	const ZydisDecodedOperand *mem = memory_operand(in);
	struct string s = { .in = in, .what = what };

	if (!mem ||
		in->insn.attributes & (ZYDIS_ATTRIB_HAS_SEGMENT_FS | ZYDIS_ATTRIB_HAS_SEGMENT_GS))
		return -EOPNOTSUPP;
	s.size = insn_size(mem);
	s.mask = in->insn.address_width == 32 ? UINT32_MAX : UINT64_MAX;
	s.step = insn_flags(in) & CPU_DF ? -(uint64_t)s.size : s.size;
	s.uses_si = what == STRING_MOVS || what == STRING_LODS || what == STRING_CMPS;
	s.uses_di = what != STRING_LODS;
	s.repeated = in->insn.attributes &
		     (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
	s.si = pointer(&s, CPU_RSI);
	s.di = pointer(&s, CPU_RDI);
	s.cx = pointer(&s, CPU_RCX);
	if (s.repeated && !s.cx)
		return 0;
	return repeat(&s);
}

#endif
