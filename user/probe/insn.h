/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts about one x86-64 instruction: how the kernel runs it under a probe, where it goes, which
 * registers it changes. */
#ifndef PROBE_INSN_H
#define PROBE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Register sets: one bit per general register, numbered as the hardware does. */
#define REG_RAX	       (1u << 0)
#define REG_RCX	       (1u << 1)
#define REG_RDX	       (1u << 2)
#define REG_RBX	       (1u << 3)
#define REG_RSP	       (1u << 4)
#define REG_RBP	       (1u << 5)
#define REG_RSI	       (1u << 6)
#define REG_RDI	       (1u << 7)
#define REG_R8	       (1u << 8)
#define REG_R12_TO_R15 (0xfu << 12)

enum insn_flow {
	FLOW_NEXT = 0,
	FLOW_JUMP = 1,	   /* direct, target is set */
	FLOW_BRANCH = 2,   /* conditional and direct, target is set */
	FLOW_CALL = 3,	   /* direct, target is set */
	FLOW_JUMP_FAR = 4, /* through a register or memory */
	FLOW_CALL_FAR = 5, /* through a register or memory */
	FLOW_RET = 6,
	FLOW_STOP = 7, /* trap, system call, ...: not a thing to step over in thought */
};

struct insn {
	uint64_t address;
	uint64_t target;
	uint32_t writes; /* register set; meaningful when known */
	enum insn_flow flow;
	bool known;   /* one of the plain instructions whose effects are certain */
	bool add;     /* add: what precedes the jump of a relative jump table */
	bool indexed; /* has a memory operand with an index register */
	bool nop;
	uint8_t opcode; /* index of the first opcode byte */
	uint8_t length;
	uint8_t bytes[16];
};

struct decoder;

/* NULL with errno when Capstone cannot be started. */
struct decoder *decoder_new(void);
void decoder_free(struct decoder *d);
/* False when the bytes are no instruction, or not a whole one. */
bool decoder_read(struct decoder *d, const uint8_t *code, size_t size, uint64_t address,
		  struct insn *insn);
/* AT&T text of an instruction that decoder_read gave. */
void decoder_text(struct decoder *d, const struct insn *insn, char *out, size_t size);

bool insn_is_endbr(const struct insn *insn);
/* `test %rdi,%rdi` or `cmp $0,%rdi`. */
bool insn_tests_rdi(const struct insn *insn);
/* A conditional branch taken on "equal" (0x4) or "not equal" (0x5); else -1. */
int insn_condition(const struct insn *insn);
/* The kernel carries it out itself, without a single step. */
bool insn_is_emulated(const struct insn *insn);
/* NULL, or why the kernel takes no probe there. */
const char *insn_refusal(const struct insn *insn);

#endif /* PROBE_INSN_H */
