/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of vector registers. Instructions of the VEX and EVEX encodings clear what they
 * don't load, up to the whole register; the older ones leave everything above 128 bits alone.
 */
#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include <errno.h>
#include <string.h>

#include "front/preload/cpu_x86.h"
#include "front/preload/insn_x86.h"

static bool is_vector(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass class;

	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	class = ZydisRegisterGetClass(op->reg.value);
	return class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM ||
	       class == ZYDIS_REGCLASS_ZMM;
}

static unsigned int number(const ZydisDecodedOperand *op)
{
	return (unsigned int)ZydisRegisterGetId(op->reg.value);
}

static bool is_legacy(const struct insn *in)
{
	return in->insn.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

/* An opmask other than k0 leaves elements out. */
static bool is_masked(const struct insn *in)
{
	ZydisRegister mask = in->insn.avx.mask.reg;

	return !is_legacy(in) && mask != ZYDIS_REGISTER_NONE && mask != ZYDIS_REGISTER_K0;
}

/* The operand that memory is merged with: the one in the middle of three, or the destination. */
static const ZydisDecodedOperand *other(const struct insn *in)
{
	return in->insn.operand_count_visible >= 3 && is_vector(&in->op[1]) ? &in->op[1]
									    : &in->op[0];
}

/* Writes the low 128 bits; what is above stays, or is cleared. */
static int set_low(struct insn *in, const uint8_t low[16])
{
	uint8_t reg[CPU_VECTOR] = { 0 };

	if (is_legacy(in))
		cpu_vector_get(in->uc, number(&in->op[0]), reg);
	memcpy(reg, low, 16);
	return cpu_vector_set(in->uc, number(&in->op[0]), reg) ? 0 : -EOPNOTSUPP;
}

static int load_whole(struct insn *in, const uint8_t *mem, unsigned int size)
{
	uint8_t reg[CPU_VECTOR] = { 0 };

	memcpy(reg, mem, size);
	if (size <= 16)
		return set_low(in, reg);
	return cpu_vector_set(in->uc, number(&in->op[0]), reg) ? 0 : -EOPNOTSUPP;
}

static int load_half(struct insn *in, const uint8_t *mem, unsigned int at)
{
	uint8_t reg[CPU_VECTOR];

	cpu_vector_get(in->uc, number(other(in)), reg);
	memcpy(reg + at, mem, 8);
	return set_low(in, reg);
}

static int load(struct insn *in, const ZydisDecodedOperand *mem, unsigned int what)
{
	uint8_t buf[CPU_VECTOR];
	unsigned int size = insn_size(mem);
	int err = in->bus->read(in->bus, insn_address(in, mem), buf, size);

	if (err)
		return err;
	if (what == VECTOR_WHOLE)
		return load_whole(in, buf, size);
	return load_half(in, buf, what == VECTOR_HIGH ? 8 : 0);
}

int insn_vector(struct insn *in, unsigned int what)
{
	const ZydisDecodedOperand *last = &in->op[in->insn.operand_count_visible - 1];
	uint8_t reg[CPU_VECTOR];

	if (is_masked(in))
		return -EOPNOTSUPP;
	if (is_vector(&in->op[0]) && last->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		insn_size(last) <= CPU_VECTOR)
		return load(in, last, what);
	if (in->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY || !is_vector(last) ||
		insn_size(&in->op[0]) > CPU_VECTOR)
		return -EOPNOTSUPP;
	cpu_vector_get(in->uc, number(last), reg);
	return in->bus->write(in->bus, insn_address(in, &in->op[0]),
		reg + (what == VECTOR_HIGH ? 8 : 0), insn_size(&in->op[0]));
}

int insn_broadcast(struct insn *in, unsigned int size)
{
	const ZydisDecodedOperand *mem = &in->op[in->insn.operand_count_visible - 1];
	uint8_t reg[CPU_VECTOR] = { 0 };
	unsigned int width = insn_size(&in->op[0]);
	int err;

	if (is_masked(in) || !is_vector(&in->op[0]) || mem->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		width > CPU_VECTOR)
		return -EOPNOTSUPP;
	err = in->bus->read(in->bus, insn_address(in, mem), reg, size);
	if (err)
		return err;
	for (unsigned int at = size; at < width; at += size)
		memcpy(reg + at, reg, size);
	return cpu_vector_set(in->uc, number(&in->op[0]), reg) ? 0 : -EOPNOTSUPP;
}

/* The element's number is the last operand. */
static unsigned int element_at(const struct insn *in, unsigned int size)
{
	const ZydisDecodedOperand *imm = &in->op[in->insn.operand_count_visible - 1];

	return ((unsigned int)imm->imm.value.u & (16 / size - 1)) * size;
}

int insn_insert(struct insn *in, unsigned int size)
{
	const ZydisDecodedOperand *mem = &in->op[in->insn.operand_count_visible - 2];
	uint8_t reg[CPU_VECTOR];
	int err;

	if (!is_vector(&in->op[0]) || mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return -EOPNOTSUPP;
	cpu_vector_get(in->uc, number(other(in)), reg);
	err = in->bus->read(in->bus, insn_address(in, mem), reg + element_at(in, size), size);
	return err ? err : set_low(in, reg);
}

int insn_extract(struct insn *in, unsigned int size)
{
	uint8_t reg[CPU_VECTOR];

	if (in->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY || !is_vector(&in->op[1]))
		return -EOPNOTSUPP;
	cpu_vector_get(in->uc, number(&in->op[1]), reg);
	return in->bus->write(
		in->bus, insn_address(in, &in->op[0]), reg + element_at(in, size), size);
}

#endif
