/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the Capstone handle and everything that is known about a single x86-64 instruction. Input:
 * bytes of a file that may be hostile. Invariant: `known` is set only for instructions of a fixed
 * list, and `writes` is then never too small: it is what Capstone says joined with the destination
 * operand by position, because either alone has been wrong.
 *
 * What the kernel emulates and refuses is arch/x86/kernel/uprobes.c (branch_setup_xol_ops,
 * push_setup_xol_ops, is_prefix_bad, the instruction tables). It looks at bytes, so this does too.
 */
#include "insn.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
	csh handle;
	cs_insn *slot;
};

struct decoder *decoder_new(void)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &d->handle) != CS_ERR_OK)
		goto fail;
	if (cs_option(d->handle, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		goto fail;
	d->slot = cs_malloc(d->handle);
	if (!d->slot)
		goto fail;
	return d;
fail:
	decoder_free(d);
	errno = ENOMEM;
	return NULL;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	if (d->slot)
		cs_free(d->slot, 1);
	if (d->handle)
		cs_close(&d->handle);
	free(d);
}

static uint32_t register_bit(unsigned int reg)
{
	/* clang-format off */
	switch (reg) {
	case X86_REG_AL: case X86_REG_AH: case X86_REG_AX: case X86_REG_EAX: case X86_REG_RAX: return REG_RAX;
	case X86_REG_CL: case X86_REG_CH: case X86_REG_CX: case X86_REG_ECX: case X86_REG_RCX: return REG_RCX;
	case X86_REG_DL: case X86_REG_DH: case X86_REG_DX: case X86_REG_EDX: case X86_REG_RDX: return REG_RDX;
	case X86_REG_BL: case X86_REG_BH: case X86_REG_BX: case X86_REG_EBX: case X86_REG_RBX: return REG_RBX;
	case X86_REG_SPL: case X86_REG_SP: case X86_REG_ESP: case X86_REG_RSP: return REG_RSP;
	case X86_REG_BPL: case X86_REG_BP: case X86_REG_EBP: case X86_REG_RBP: return REG_RBP;
	case X86_REG_SIL: case X86_REG_SI: case X86_REG_ESI: case X86_REG_RSI: return REG_RSI;
	case X86_REG_DIL: case X86_REG_DI: case X86_REG_EDI: case X86_REG_RDI: return REG_RDI;
	default: break;
	}
	/* clang-format on */
	if (reg >= X86_REG_R8 && reg <= X86_REG_R15)
		return REG_R8 << (reg - X86_REG_R8);
	if (reg >= X86_REG_R8B && reg <= X86_REG_R15B)
		return REG_R8 << (reg - X86_REG_R8B);
	if (reg >= X86_REG_R8D && reg <= X86_REG_R15D)
		return REG_R8 << (reg - X86_REG_R8D);
	if (reg >= X86_REG_R8W && reg <= X86_REG_R15W)
		return REG_R8 << (reg - X86_REG_R8W);
	return 0;
}

/* The first operand is not a destination: compares, and multiplications into rdx:rax. */
static bool only_reads(const cs_insn *insn)
{
	unsigned int id = insn->id;

	return id == X86_INS_TEST || id == X86_INS_CMP || id == X86_INS_BT || id == X86_INS_NOP ||
	       id == X86_INS_PUSH || id == X86_INS_MUL ||
	       (id == X86_INS_IMUL && insn->detail->x86.op_count == 1);
}

static bool is_plain(unsigned int id)
{
	/* clang-format off */
	switch (id) {
	case X86_INS_MOV: case X86_INS_MOVABS: case X86_INS_MOVZX: case X86_INS_MOVSX: case X86_INS_MOVSXD:
	case X86_INS_LEA: case X86_INS_ADD: case X86_INS_SUB: case X86_INS_AND: case X86_INS_OR: case X86_INS_XOR:
	case X86_INS_NOT: case X86_INS_NEG: case X86_INS_INC: case X86_INS_DEC: case X86_INS_SHL: case X86_INS_SHR:
	case X86_INS_SAR: case X86_INS_ROL: case X86_INS_ROR: case X86_INS_ADC: case X86_INS_SBB: case X86_INS_IMUL:
	case X86_INS_MUL: case X86_INS_TEST: case X86_INS_CMP: case X86_INS_BT: case X86_INS_BSR: case X86_INS_BSF:
	case X86_INS_LZCNT: case X86_INS_TZCNT: case X86_INS_BSWAP: case X86_INS_NOP: case X86_INS_PUSH:
	case X86_INS_CDQ: case X86_INS_CQO: case X86_INS_CDQE: case X86_INS_CWDE:
	case X86_INS_SHLX: case X86_INS_SHRX: case X86_INS_SARX:
	case X86_INS_SETA: case X86_INS_SETAE: case X86_INS_SETB: case X86_INS_SETBE: case X86_INS_SETE:
	case X86_INS_SETNE: case X86_INS_SETG: case X86_INS_SETGE: case X86_INS_SETL: case X86_INS_SETLE:
	case X86_INS_SETS: case X86_INS_SETNS: case X86_INS_SETO: case X86_INS_SETNO:
	case X86_INS_CMOVA: case X86_INS_CMOVAE: case X86_INS_CMOVB: case X86_INS_CMOVBE: case X86_INS_CMOVE:
	case X86_INS_CMOVNE: case X86_INS_CMOVG: case X86_INS_CMOVGE: case X86_INS_CMOVL: case X86_INS_CMOVLE:
	case X86_INS_CMOVS: case X86_INS_CMOVNS: case X86_INS_CMOVO: case X86_INS_CMOVNO:
	case X86_INS_MOVAPS: case X86_INS_MOVUPS: case X86_INS_MOVDQA: case X86_INS_MOVDQU: case X86_INS_MOVD:
	case X86_INS_MOVQ: case X86_INS_PXOR: case X86_INS_XORPS: case X86_INS_PREFETCHT0: case X86_INS_PREFETCHW:
		return true;
	default:
		return false;
	}
	/* clang-format on */
}

static uint32_t written_registers(struct decoder *d)
{
	const cs_x86 *x86 = &d->slot->detail->x86;
	unsigned int id = d->slot->id;
	cs_regs reads, writes;
	uint8_t read_count, write_count;
	uint32_t set = 0;

	if (cs_regs_access(d->handle, d->slot, reads, &read_count, writes, &write_count) !=
	    CS_ERR_OK)
		return UINT32_MAX;
	for (uint8_t i = 0; i < write_count; i++)
		set |= register_bit(writes[i]);
	if (x86->op_count > 0 && x86->operands[0].type == X86_OP_REG && !only_reads(d->slot))
		set |= register_bit((unsigned int)x86->operands[0].reg);
	if (id == X86_INS_MUL || (id == X86_INS_IMUL && x86->op_count == 1))
		set |= REG_RAX | REG_RDX;
	if (id == X86_INS_CDQ || id == X86_INS_CQO)
		set |= REG_RDX;
	if (id == X86_INS_CDQE || id == X86_INS_CWDE)
		set |= REG_RAX;
	if (id == X86_INS_PUSH)
		set |= REG_RSP;
	return set;
}

/* A direct target; false for jumps through registers and memory. */
static bool direct_target(const struct decoder *d, uint64_t *target)
{
	const cs_x86 *x86 = &d->slot->detail->x86;

	if (x86->op_count != 1 || x86->operands[0].type != X86_OP_IMM)
		return false;
	*target = (uint64_t)x86->operands[0].imm;
	return true;
}

static enum insn_flow flow_of(const struct decoder *d, uint64_t *target)
{
	const cs_detail *detail = d->slot->detail;

	switch (d->slot->id) {
	case X86_INS_JMP: return direct_target(d, target) ? FLOW_JUMP : FLOW_JUMP_FAR;
	case X86_INS_CALL: return direct_target(d, target) ? FLOW_CALL : FLOW_CALL_FAR;
	case X86_INS_RET: return FLOW_RET;
	case X86_INS_XBEGIN:
	case X86_INS_LOOP:
	case X86_INS_LOOPE:
	case X86_INS_LOOPNE: return direct_target(d, target) ? FLOW_BRANCH : FLOW_STOP;
	case X86_INS_UD2:
	case X86_INS_HLT:
	case X86_INS_INT3:
	case X86_INS_SYSCALL:
	case X86_INS_LJMP:
	case X86_INS_LCALL: return FLOW_STOP;
	default: break;
	}
	for (uint8_t i = 0; i < detail->groups_count; i++) {
		uint8_t group = detail->groups[i];

		if (group == X86_GRP_JUMP || group == X86_GRP_BRANCH_RELATIVE)
			return direct_target(d, target) ? FLOW_BRANCH : FLOW_STOP;
		if (group == X86_GRP_CALL || group == X86_GRP_RET || group == X86_GRP_INT ||
		    group == X86_GRP_IRET || group == X86_GRP_PRIVILEGE)
			return FLOW_STOP;
	}
	return FLOW_NEXT;
}

static bool is_legacy_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0xf0 ||
	       byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 || byte == 0x64 ||
	       byte == 0x65;
}

static uint8_t opcode_index(const struct insn *insn)
{
	uint8_t at = 0;

	while (at + 1 < insn->length && is_legacy_prefix(insn->bytes[at]))
		at++;
	if (at + 1 < insn->length && (insn->bytes[at] & 0xf0) == 0x40)
		at++;
	return at;
}

static bool read_endbr(const uint8_t *code, size_t size, struct insn *insn)
{
	static const uint8_t endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

	if (size < sizeof(endbr64) || memcmp(code, endbr64, sizeof(endbr64)) != 0)
		return false;
	memcpy(insn->bytes, endbr64, sizeof(endbr64));
	insn->length = sizeof(endbr64);
	insn->opcode = 1;
	insn->known = true;
	return true;
}

bool decoder_read(struct decoder *d, const uint8_t *code, size_t size, uint64_t address,
		  struct insn *insn)
{
	uint64_t next = address;
	const cs_x86 *x86;

	memset(insn, 0, sizeof(*insn));
	insn->address = address;
	/* Capstone before 4.0 does not know it, and nothing is more frequent. */
	if (read_endbr(code, size, insn))
		return true;
	cs_option(d->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_INTEL); /* the destination is operand 0 */
	if (!cs_disasm_iter(d->handle, &code, &size, &next, d->slot))
		return false;
	if (d->slot->size == 0 || d->slot->size > 15 || !d->slot->detail)
		return false;
	x86 = &d->slot->detail->x86;
	insn->length = (uint8_t)d->slot->size;
	memcpy(insn->bytes, d->slot->bytes, insn->length);
	insn->opcode = opcode_index(insn);
	insn->flow = flow_of(d, &insn->target);
	insn->writes = written_registers(d);
	insn->nop = d->slot->id == X86_INS_NOP;
	insn->add = d->slot->id == X86_INS_ADD;
	for (uint8_t i = 0; i < x86->op_count; i++)
		insn->indexed |= x86->operands[i].type == X86_OP_MEM &&
				 x86->operands[i].mem.index != X86_REG_INVALID;
	insn->known = insn->flow == FLOW_NEXT && is_plain(d->slot->id) &&
		      x86->prefix[0] != X86_PREFIX_LOCK;
	return true;
}

/* Capstone writes `pushq %rbp` where every disassembler listing has `push %rbp`. */
static void drop_suffix(char *mnemonic)
{
	static const char *const names[] = {"pushq", "popq", "callq", "jmpq", "retq", "leaveq"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(mnemonic, names[i]) == 0)
			mnemonic[strlen(mnemonic) - 1] = '\0';
}

void decoder_text(struct decoder *d, const struct insn *insn, char *out, size_t size)
{
	const uint8_t *code = insn->bytes;
	size_t left = insn->length;
	uint64_t address = insn->address;
	char mnemonic[CS_MNEMONIC_SIZE];

	if (insn_is_endbr(insn)) {
		snprintf(out, size, "endbr64");
		return;
	}
	cs_option(d->handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
	if (!cs_disasm_iter(d->handle, &code, &left, &address, d->slot)) {
		snprintf(out, size, "(bad)");
		return;
	}
	snprintf(mnemonic, sizeof(mnemonic), "%s", d->slot->mnemonic);
	drop_suffix(mnemonic);
	snprintf(out, size, "%s%s%s", mnemonic, d->slot->op_str[0] ? " " : "", d->slot->op_str);
}

bool insn_is_endbr(const struct insn *insn)
{
	return insn->length == 4 && insn->bytes[0] == 0xf3 && insn->bytes[1] == 0x0f &&
	       insn->bytes[2] == 0x1e && insn->bytes[3] == 0xfa;
}

bool insn_tests_rdi(const struct insn *insn)
{
	static const uint8_t test[3] = {0x48, 0x85, 0xff}, compare[4] = {0x48, 0x83, 0xff, 0x00};

	return (insn->length == 3 && memcmp(insn->bytes, test, 3) == 0) ||
	       (insn->length == 4 && memcmp(insn->bytes, compare, 4) == 0);
}

static bool is_jcc(const struct insn *insn)
{
	uint8_t first = insn->bytes[insn->opcode];

	if (first == 0x0f && insn->opcode + 1 < insn->length)
		return (insn->bytes[insn->opcode + 1] & 0xf0) == 0x80;
	return (first & 0xf0) == 0x70;
}

int insn_condition(const struct insn *insn)
{
	uint8_t first = insn->bytes[insn->opcode];
	int condition;

	if (insn->flow != FLOW_BRANCH || !is_jcc(insn))
		return -1;
	condition = first == 0x0f ? insn->bytes[insn->opcode + 1] & 0xf : first & 0xf;
	return condition == 0x4 || condition == 0x5 ? condition : -1;
}

static bool has_prefix(const struct insn *insn, uint8_t prefix)
{
	for (uint8_t i = 0; i < insn->opcode; i++)
		if (insn->bytes[i] == prefix)
			return true;
	return false;
}

/* No prefix at all, or only BND, which the kernel ignores on branches. */
static bool branch_prefix_ok(const struct insn *insn)
{
	return insn->opcode == 0 || (insn->opcode == 1 && insn->bytes[0] == 0xf2);
}

bool insn_is_emulated(const struct insn *insn)
{
	uint8_t first = insn->bytes[insn->opcode];

	if (first >= 0x50 && first <= 0x57)
		return insn->length == 1 || (insn->length == 2 && insn->bytes[0] == 0x41);
	if (first == 0x90) {
		for (uint8_t i = 0; i < insn->opcode; i++)
			if (insn->bytes[i] != 0x66)
				return false;
		return true;
	}
	if (first == 0xeb || first == 0xe9 || first == 0xe8 || is_jcc(insn))
		return branch_prefix_ok(insn);
	return false;
}

const char *insn_refusal(const struct insn *insn)
{
	static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0xf0};
	uint8_t first = insn->bytes[insn->opcode];
	bool branch = first == 0xe8 || first == 0xe9 || first == 0xeb || is_jcc(insn);

	for (size_t i = 0; i < sizeof(prefixes); i++)
		if (has_prefix(insn, prefixes[i]))
			return prefixes[i] == 0xf0 ? "a locked instruction"
						   : "a segment-prefixed instruction";
	if (branch && has_prefix(insn, 0x66))
		return "a 16-bit branch";
	if ((first >= 0x6c && first <= 0x6f) || (first >= 0xe4 && first <= 0xe7) ||
	    (first >= 0xec && first <= 0xef))
		return "port input or output";
	if (first == 0xcc || first == 0xcd || first == 0xcf || first == 0xf1 || first == 0xf4)
		return "a trap instruction";
	if (first == 0xfa || first == 0xfb || first == 0x8e)
		return "an instruction that changes how interrupts are taken";
	if (first == 0x0f && insn->flow == FLOW_STOP)
		return "a system call or a trap instruction";
	return NULL;
}
