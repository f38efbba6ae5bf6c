/* SPDX-License-Identifier: MIT */
/* A decoded instruction on its way through mmio_emulate(); only for the files that do its parts. */
#ifndef UIOMMU_FRONT_PRELOAD_INSN_X86_H
#define UIOMMU_FRONT_PRELOAD_INSN_X86_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include <Zydis/Zydis.h>

#include "front/preload/mmio.h"

struct insn {
	ucontext_t *uc;
	const struct mmio_bus *bus;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	uintptr_t next; /* address of the instruction behind it */
};

enum insn_kind {
	KIND_NONE,
	KIND_MOVE, /* arg: enum insn_move */
	KIND_CMOV, /* arg: condition */
	KIND_SETCC,
	KIND_ALU, /* arg: enum cpu_alu */
	KIND_IMUL,
	KIND_BIT, /* arg: enum cpu_alu */
	KIND_XCHG,
	KIND_XADD,
	KIND_CMPXCHG,
	KIND_NOTHING,
	KIND_STRING,	/* arg: enum insn_string */
	KIND_VECTOR,	/* arg: enum insn_vector */
	KIND_BROADCAST, /* arg: bytes of an element */
	KIND_INSERT,	/* arg: bytes of an element */
	KIND_EXTRACT,	/* arg: bytes of an element */
};

enum insn_move {
	MOVE_PLAIN, /* extended with zeros */
	MOVE_SIGNED,
	MOVE_SWAPPED,
};

enum insn_string {
	STRING_MOVS,
	STRING_STOS,
	STRING_LODS,
	STRING_CMPS,
	STRING_SCAS,
};

enum insn_vector {
	VECTOR_WHOLE, /* the rest of a register is cleared by a load */
	VECTOR_LOW,   /* the low 8 bytes, beside what is there */
	VECTOR_HIGH,  /* bytes 8-15, beside what is there */
};

struct insn_row {
	uint8_t kind, arg;
};

/* The way to do an instruction, or NULL. */
const struct insn_row *insn_row(const ZydisDecodedInstruction *insn);

/* A repeated string instruction has come some way, and is to be executed again. */
#define INSN_AGAIN 1

uint64_t insn_reg(const struct insn *in, ZydisRegister reg);
uint64_t insn_flags(const struct insn *in);
void insn_flags_set(const struct insn *in, uint64_t flags);
void insn_reg_set(const struct insn *in, ZydisRegister reg, uint64_t val);
uintptr_t insn_address(const struct insn *in, const ZydisDecodedOperand *op);
unsigned int insn_size(const ZydisDecodedOperand *op);

int insn_string(struct insn *in, unsigned int what);
int insn_vector(struct insn *in, unsigned int what);
int insn_broadcast(struct insn *in, unsigned int size);
int insn_insert(struct insn *in, unsigned int size);
int insn_extract(struct insn *in, unsigned int size);

#endif
