/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the operator new that is only a wrapper of malloc: that of libstdc++ and libc++ linked into
 * a program which has malloc too. A probe there would see every block twice and, as the function
 * may throw, cost the most. The code is decoded from its first byte; a direct call or jump to
 * malloc (or to another wrapper) decides. Invariant: one pass over at most WRAPPER_CODE_MAX bytes a
 * function, a round for each that was dropped.
 */
#include "candidates.h"

#include <capstone/capstone.h>
#include <string.h>
#include "../base/log.h"
#include "elf.h"

#define WRAPPER_CODE_MAX 1024

static bool is_new(const struct candidate *candidate)
{
	return candidate->meaning.call >= CALL_ID_NEW &&
	       candidate->meaning.call <= CALL_ID_NEW_ARRAY_ALIGNED_NOTHROW;
}

/* A function of this file: memory comes from malloc there, or from an operator new that was dropped
 * for it. */
static bool address_wraps(const struct candidates *c, uint64_t address)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct candidate *other = &c->data[i];

		if (other->entry == address && allocators_allocates(other->meaning.call) &&
		    is_new(other) != other->chosen)
			return true;
	}
	return false;
}

static bool symbol_wraps(const struct candidates *c, const char *symbol)
{
	struct allocator_name meaning;
	const struct candidate *own;

	if (!symbol || !allocators_find(symbol, &meaning) || !allocators_allocates(meaning.call))
		return false;
	own = candidates_named(c, symbol);
	return !own || !is_new(own) || !own->chosen;
}

/* Direct (rel32), by a stub, or through a word with a relocation. */
static bool branch_wraps(const struct candidates *c, struct elf_file *elf, const cs_insn *insn)
{
	const cs_x86_op *operand = &insn->detail->x86.operands[0];
	uint64_t target;

	if ((insn->id != X86_INS_CALL && insn->id != X86_INS_JMP) ||
	    insn->detail->x86.op_count != 1)
		return false;
	if (operand->type == X86_OP_IMM) {
		target = (uint64_t)operand->imm;
		return address_wraps(c, target) || symbol_wraps(c, elf_file_stub(elf, target));
	}
	if (operand->type == X86_OP_MEM && operand->mem.base == X86_REG_RIP) {
		target = insn->address + insn->size + (uint64_t)operand->mem.disp;
		return symbol_wraps(c, elf_file_slot(elf, target));
	}
	return false;
}

static bool is_wrapper(const struct candidates *c, struct elf_file *elf, csh capstone,
		       const struct candidate *candidate)
{
	uint8_t code[WRAPPER_CODE_MAX];
	uint64_t start, end, address = candidate->entry;
	const uint8_t *at = code;
	bool found = false;
	cs_insn *insn;
	size_t size;
	ssize_t n;

	if (!elf_file_function(elf, address, &start, &end))
		return false;
	size = end - address < sizeof(code) ? (size_t)(end - address) : sizeof(code);
	n = elf_file_read(elf, address, code, size);
	insn = n > 0 ? cs_malloc(capstone) : NULL;
	if (!insn)
		return false;
	size = (size_t)n;
	while (!found && cs_disasm_iter(capstone, &at, &size, &address, insn))
		found = branch_wraps(c, elf, insn);
	cs_free(insn, 1);
	return found;
}

void candidates_drop_wrappers(struct candidates *c, struct elf_file *elf)
{
	bool changed = true;
	csh capstone;

	if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) != CS_ERR_OK)
		return;
	cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
	for (size_t round = 0; changed && round < 16; round++) {
		changed = false;
		for (size_t i = 0; i < c->count; i++) {
			struct candidate *candidate = &c->data[i];

			if (!candidate->chosen || !is_new(candidate) ||
			    !is_wrapper(c, elf, capstone, candidate))
				continue;
			log_verbose("'%s' only calls malloc: no probe", candidate->symbol);
			candidate->chosen = false;
			changed = true;
		}
	}
	cs_close(&capstone);
}
