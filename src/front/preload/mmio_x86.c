/* SPDX-License-Identifier: MIT */
/*
 * Instructions with a memory operand, as compilers and drivers use them on registers of devices.
 *
 * An instruction is decoded, its operands are read (a memory operand through the bus, in one
 * access of its size), the operation is done, and results are written, the memory operand first: it
 * alone can fail. Kinds of instructions are few; a table says which mnemonic is of which kind.
 */
#include "front/preload/mmio.h"

#if MMIO_TRAPS

#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <Zydis/Zydis.h>

#include "front/preload/cpu_x86.h"
#include "front/preload/insn_x86.h"

/* --- Operands -------------------------------------------------------------------------------- */

static uint64_t segment_base(ZydisRegister segment)
{
	unsigned long base = 0;

	if (segment == ZYDIS_REGISTER_FS)
		syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
	else if (segment == ZYDIS_REGISTER_GS)
		syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return base;
}

/* AH, CH, DH, BH are bits 8-15; the others of a byte follow with the numbers of wide registers. */
static unsigned int gpr8_number(unsigned int id, unsigned int *shift)
{
	*shift = id >= 4 && id < 8 ? 8 : 0;
	return id < 4 ? id : id - 4;
}

uint64_t insn_reg(const struct insn *in, ZydisRegister reg)
{
	unsigned int id = (unsigned int)ZydisRegisterGetId(reg), shift;

	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
		id = gpr8_number(id, &shift);
		return (uint64_t)*cpu_gpr(in->uc, id) >> shift & 0xff;
	case ZYDIS_REGCLASS_GPR16:
		return (uint16_t)*cpu_gpr(in->uc, id);
	case ZYDIS_REGCLASS_GPR32:
		return (uint32_t)*cpu_gpr(in->uc, id);
	case ZYDIS_REGCLASS_GPR64:
		return (uint64_t)*cpu_gpr(in->uc, id);
	default:
		return 0;
	}
}

static void merge(greg_t *reg, uint64_t val, uint64_t mask, unsigned int shift)
{
	*reg = (greg_t)(((uint64_t)*reg & ~(mask << shift)) | (val & mask) << shift);
}

void insn_reg_set(const struct insn *in, ZydisRegister reg, uint64_t val)
{
	unsigned int id = (unsigned int)ZydisRegisterGetId(reg), shift;

	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
		id = gpr8_number(id, &shift);
		merge(cpu_gpr(in->uc, id), val, 0xff, shift);
		break;
	case ZYDIS_REGCLASS_GPR16:
		merge(cpu_gpr(in->uc, id), val, 0xffff, 0);
		break;
	case ZYDIS_REGCLASS_GPR32:
		*cpu_gpr(in->uc, id) = (greg_t)(uint32_t)val;
		break;
	default:
		*cpu_gpr(in->uc, id) = (greg_t)val;
		break;
	}
}

uintptr_t insn_address(const struct insn *in, const ZydisDecodedOperand *op)
{
	uint64_t addr = 0;

	if (op->mem.base == ZYDIS_REGISTER_RIP || op->mem.base == ZYDIS_REGISTER_EIP)
		addr = in->next;
	else if (op->mem.base != ZYDIS_REGISTER_NONE)
		addr = insn_reg(in, op->mem.base);
	if (op->mem.index != ZYDIS_REGISTER_NONE)
		addr += insn_reg(in, op->mem.index) * op->mem.scale;
	if (op->mem.disp.has_displacement)
		addr += (uint64_t)op->mem.disp.value;
	if (in->insn.address_width == 32)
		addr = (uint32_t)addr;
	return addr + segment_base(op->mem.segment);
}

unsigned int insn_size(const ZydisDecodedOperand *op)
{
	return op->size / 8u;
}

/* The value of an integer operand; immediates are sign-extended. */
static int get(const struct insn *in, const ZydisDecodedOperand *op, uint64_t *val)
{
	*val = 0;
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		*val = insn_reg(in, op->reg.value);
		return 0;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		*val = op->imm.value.u;
		return 0;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		if (insn_size(op) > sizeof(*val))
			return -EOPNOTSUPP;
		return in->bus->read(in->bus, insn_address(in, op), val, insn_size(op));
	default:
		return -EOPNOTSUPP;
	}
}

static int put(const struct insn *in, const ZydisDecodedOperand *op, uint64_t val)
{
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		if (insn_size(op) > sizeof(val))
			return -EOPNOTSUPP;
		return in->bus->write(in->bus, insn_address(in, op), &val, insn_size(op));
	}
	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return -EOPNOTSUPP;
	insn_reg_set(in, op->reg.value, val);
	return 0;
}

uint64_t insn_flags(const struct insn *in)
{
	return (uint64_t)in->uc->uc_mcontext.gregs[REG_EFL];
}

void insn_flags_set(const struct insn *in, uint64_t flags)
{
	in->uc->uc_mcontext.gregs[REG_EFL] = (greg_t)flags;
}

static uint64_t sign_extend(uint64_t val, unsigned int size)
{
	unsigned int unused = 64 - 8 * size;

	return (uint64_t)((int64_t)(val << unused) >> unused);
}

static uint64_t swap_bytes(uint64_t val, unsigned int size)
{
	return __builtin_bswap64(val) >> (64 - 8 * size);
}

/* --- Integer instructions -------------------------------------------------------------------- */

static int do_move(struct insn *in, unsigned int how)
{
	uint64_t val;
	int err = get(in, &in->op[1], &val);

	if (err)
		return err;
	if (how == MOVE_SIGNED)
		val = sign_extend(val, insn_size(&in->op[1]));
	else if (how == MOVE_SWAPPED)
		val = swap_bytes(val, insn_size(&in->op[1]));
	return put(in, &in->op[0], val);
}

static int do_cmov(struct insn *in, unsigned int cc)
{
	uint64_t val, old;
	int err = get(in, &in->op[1], &val);

	if (err)
		return err;
	/* The destination is written in either case: of 32 bits it is extended with zeros. */
	old = insn_reg(in, in->op[0].reg.value);
	return put(in, &in->op[0], cpu_condition(insn_flags(in), cc) ? val : old);
}

static int do_setcc(struct insn *in, unsigned int cc)
{
	return put(in, &in->op[0], cpu_condition(insn_flags(in), cc));
}

/* op0 = op0 op op1, flags; op1 is absent where there's one operand. */
static int do_alu(struct insn *in, unsigned int op)
{
	bool unary = op == CPU_INC || op == CPU_DEC || op == CPU_NEG || op == CPU_NOT;
	uint64_t dst, src = 0, flags = insn_flags(in);
	int err = get(in, &in->op[0], &dst);

	if (!err && !unary)
		err = get(in, &in->op[1], &src);
	if (err)
		return err;
	if (!cpu_alu(op, insn_size(&in->op[0]), &dst, src, &flags))
		return -EOPNOTSUPP;
	if (op != CPU_CMP && op != CPU_TEST)
		err = put(in, &in->op[0], dst);
	if (!err)
		insn_flags_set(in, flags);
	return err;
}

/* Two operands, or three of which the last is an immediate. */
static int do_imul(struct insn *in, unsigned int unused)
{
	bool three = in->insn.operand_count_visible == 3;
	uint64_t dst, src, flags = insn_flags(in);
	int err;

	if (in->insn.operand_count_visible < 2)
		return -EOPNOTSUPP;
	err = get(in, &in->op[three ? 1 : 0], &dst);
	if (!err)
		err = get(in, &in->op[three ? 2 : 1], &src);
	if (err)
		return err;
	if (!cpu_alu(CPU_IMUL, insn_size(&in->op[0]), &dst, src, &flags))
		return -EOPNOTSUPP;
	insn_flags_set(in, flags);
	return put(in, &in->op[0], dst);
}

/* A bit's number in a register may lead out of the operand, in either direction. */
static int do_bit(struct insn *in, unsigned int op)
{
	unsigned int size = insn_size(&in->op[0]);
	uint64_t val = 0, bit, flags = insn_flags(in);
	uintptr_t addr;
	int err;

	if (in->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return -EOPNOTSUPP;
	addr = insn_address(in, &in->op[0]);
	err = get(in, &in->op[1], &bit);
	if (err)
		return err;
	if (in->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER) {
		int64_t far = (int64_t)sign_extend(bit, size);

		addr += (uint64_t)(far >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
	}
	bit &= 8 * size - 1;
	err = in->bus->read(in->bus, addr, &val, size);
	if (err)
		return err;
	if (!cpu_alu(op, size, &val, bit, &flags))
		return -EOPNOTSUPP;
	if (op != CPU_BT)
		err = in->bus->write(in->bus, addr, &val, size);
	if (!err)
		insn_flags_set(in, flags);
	return err;
}

/* One of the two is memory, and is written first. */
static int exchange(struct insn *in, uint64_t to0, uint64_t to1)
{
	unsigned int mem = in->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY;
	int err = put(in, &in->op[mem], mem ? to1 : to0);

	return err ? err : put(in, &in->op[!mem], mem ? to0 : to1);
}

static int do_xchg(struct insn *in, unsigned int unused)
{
	uint64_t a, b;
	int err = get(in, &in->op[0], &a);

	if (!err)
		err = get(in, &in->op[1], &b);
	return err ? err : exchange(in, b, a);
}

static int do_xadd(struct insn *in, unsigned int unused)
{
	uint64_t a, b, sum, flags = insn_flags(in);
	int err = get(in, &in->op[0], &a);

	if (!err)
		err = get(in, &in->op[1], &b);
	if (err)
		return err;
	sum = a;
	(void)cpu_alu(CPU_ADD, insn_size(&in->op[0]), &sum, b, &flags);
	err = exchange(in, sum, a);
	if (!err)
		insn_flags_set(in, flags);
	return err;
}

static ZydisRegister accumulator(unsigned int size)
{
	return size == 1   ? ZYDIS_REGISTER_AL
	       : size == 2 ? ZYDIS_REGISTER_AX
	       : size == 4 ? ZYDIS_REGISTER_EAX
			   : ZYDIS_REGISTER_RAX;
}

static int do_cmpxchg(struct insn *in, unsigned int unused)
{
	unsigned int size = insn_size(&in->op[0]);
	uint64_t mem, src, acc, flags = insn_flags(in);
	int err = get(in, &in->op[0], &mem);

	if (!err)
		err = get(in, &in->op[1], &src);
	if (err)
		return err;
	acc = insn_reg(in, accumulator(size));
	(void)cpu_alu(CPU_CMP, size, &acc, mem, &flags);
	if (flags & CPU_ZF)
		err = put(in, &in->op[0], src);
	else
		insn_reg_set(in, accumulator(size), mem);
	if (!err)
		insn_flags_set(in, flags);
	return err;
}

/* Hints and cache control: nothing that registers would notice. */
static int do_nothing(struct insn *in, unsigned int unused)
{
	return 0;
}

/* --- Dispatch -------------------------------------------------------------------------------- */

static int do_kind(struct insn *in, const struct insn_row *row)
{
	static int (*const kinds[])(struct insn *, unsigned int) = {
		[KIND_MOVE] = do_move,
		[KIND_CMOV] = do_cmov,
		[KIND_SETCC] = do_setcc,
		[KIND_ALU] = do_alu,
		[KIND_IMUL] = do_imul,
		[KIND_BIT] = do_bit,
		[KIND_XCHG] = do_xchg,
		[KIND_XADD] = do_xadd,
		[KIND_CMPXCHG] = do_cmpxchg,
		[KIND_NOTHING] = do_nothing,
		[KIND_STRING] = insn_string,
		[KIND_VECTOR] = insn_vector,
		[KIND_BROADCAST] = insn_broadcast,
		[KIND_INSERT] = insn_insert,
		[KIND_EXTRACT] = insn_extract,
	};

	return kinds[row->kind](in, row->arg);
}

static bool decode(struct insn *in)
{
	ZydisDecoder decoder;
	uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];
	uintptr_t at = (uintptr_t)in->uc->uc_mcontext.gregs[REG_RIP];
	size_t len = in->bus->fetch(in->bus, at, code, sizeof(code));

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, len, &in->insn, in->op)))
		return false;
	in->next = at + in->insn.length;
	return true;
}

int mmio_emulate(void *ucontext, const struct mmio_bus *bus, const char **name)
{
	struct insn in = { .uc = ucontext, .bus = bus };
	const struct insn_row *row;
	int err;

	*name = "undecodable";
	if (!decode(&in))
		return -EOPNOTSUPP;
	*name = ZydisMnemonicGetString(in.insn.mnemonic);
	row = insn_row(&in.insn);
	if (!row)
		return -EOPNOTSUPP;
	err = do_kind(&in, row);
	if (!err)
		in.uc->uc_mcontext.gregs[REG_RIP] = (greg_t)in.next;
	return err == INSN_AGAIN ? 0 : err;
}

bool mmio_is_store(const void *ucontext)
{
	const ucontext_t *uc = ucontext;

	return uc->uc_mcontext.gregs[REG_ERR] & 2;
}

uintptr_t mmio_stack(const void *ucontext)
{
	const ucontext_t *uc = ucontext;

	return (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
}

#else

#include <errno.h>

int mmio_emulate(void *ucontext, const struct mmio_bus *bus, const char **name)
{
	*name = "an instruction of this processor";
	return -EOPNOTSUPP;
}

bool mmio_is_store(const void *ucontext)
{
	return false;
}

uintptr_t mmio_stack(const void *ucontext)
{
	return 0;
}

#endif
