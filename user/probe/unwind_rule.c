// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owns the way from DWARF expressions to a rule (include/unwind_row.h). The forms that compilers and
 * linkers write have one; whatever else is said about a frame is UNWIND_NO_INFO. A return address
 * that is undefined marks the outermost frame.
 */
#include "unwind_rule.h"

#include <dwarf.h>
#include <stddef.h>

#include "../../include/unwind_row.h"

#define REGISTER_RBP 6
#define REGISTER_RSP 7
#define REGISTER_RA  16

static uint32_t special(uint32_t kind)
{
	return UNWIND_RULE_SPECIAL(kind);
}

/* Saved at CFA + *offset? */
static bool at_cfa(const Dwarf_Op *ops, size_t count, int64_t *offset)
{
	if (!count || ops[0].atom != DW_OP_call_frame_cfa || count > 2)
		return false;
	*offset = 0;
	if (count == 2 && ops[1].atom != DW_OP_plus_uconst)
		return false;
	if (count == 2)
		*offset = (int64_t)ops[1].number;
	return true;
}

static bool multiple_within(int64_t value, int64_t min, int64_t max)
{
	return value % 8 == 0 && value >= min && value <= max;
}

/* Register and offset of the address that an operation pushes. */
static bool base_register(const Dwarf_Op *op, uint64_t *number, int64_t *offset)
{
	if (op->atom == DW_OP_bregx) {
		*number = op->number;
		*offset = (int64_t)op->number2;
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*number = op->atom - DW_OP_breg0;
		*offset = (int64_t)op->number;
	} else {
		return false;
	}
	return *number == REGISTER_RBP || *number == REGISTER_RSP;
}

/* The linkers' expression for lazy binding stubs: from some byte of 16 on, one word is pushed. */
static uint32_t plt_from(const Dwarf_Op *ops, size_t count)
{
	static const uint8_t form[] = {DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, 0,
				       DW_OP_ge,    DW_OP_lit3,	  DW_OP_shl,   DW_OP_plus};
	size_t i;

	if (count != sizeof(form) || ops[0].number != 8 || ops[1].number != 0)
		return 0;
	for (i = 0; i < sizeof(form); i++) {
		if (form[i] && ops[i].atom != form[i])
			return 0;
	}
	if (ops[4].atom <= DW_OP_lit0 || ops[4].atom > DW_OP_lit15)
		return 0;
	return ops[4].atom - DW_OP_lit0;
}

/* Base and cfa field; UNWIND_NO_INFO when the form is none of ours. */
static uint32_t cfa_rule(const Dwarf_Op *ops, size_t count)
{
	int64_t offset, outer = 0;
	uint64_t number;
	bool on_rbp;

	if (count && plt_from(ops, count))
		return UNWIND_RULE_PLT(plt_from(ops, count));
	if (!count || count > 3 || !base_register(&ops[0], &number, &offset))
		return special(UNWIND_NO_INFO);
	on_rbp = number == REGISTER_RBP;
	if (count == 1)
		return multiple_within(offset, 0, UNWIND_CFA_MAX)
			       ? UNWIND_RULE(on_rbp ? UNWIND_RBP : UNWIND_RSP, offset / 8, 0, 0)
			       : special(UNWIND_NO_INFO);
	if (ops[1].atom != DW_OP_deref || (count == 3 && ops[2].atom != DW_OP_plus_uconst))
		return special(UNWIND_NO_INFO);
	if (count == 3)
		outer = (int64_t)ops[2].number;
	if (!multiple_within(offset, UNWIND_DEREF_INNER_MIN, UNWIND_DEREF_INNER_MAX) ||
	    !multiple_within(outer, 0, UNWIND_DEREF_OUTER_MAX))
		return special(UNWIND_NO_INFO);
	return UNWIND_RULE(UNWIND_DEREF, UNWIND_DEREF_CFA(on_rbp, offset / 8, outer / 8), 0, 0);
}

static uint32_t rbp_rule(const Dwarf_Op *ops, size_t count)
{
	int64_t offset;
	uint64_t number;

	if (!count)
		return UNWIND_RULE(0, 0, ops ? UNWIND_RBP_UNKNOWN : UNWIND_RBP_SAME, 0);
	if (at_cfa(ops, count, &offset) &&
	    multiple_within(-offset, UNWIND_RBP_OFFSET_MIN, UNWIND_RBP_OFFSET_MAX))
		return UNWIND_RULE(0, 0, UNWIND_RBP_AT_CFA, -offset / 8);
	/* an expression begins with the CFA on its stack, which this one does not use */
	if (count == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
	    base_register(&ops[1], &number, &offset) && number == REGISTER_RBP &&
	    multiple_within(-offset, UNWIND_RBP_OFFSET_MIN, UNWIND_RBP_OFFSET_MAX))
		return UNWIND_RULE(0, 0, UNWIND_RBP_AT_RBP, -offset / 8);
	return UNWIND_RULE(0, 0, UNWIND_RBP_UNKNOWN, 0);
}

uint32_t unwind_frame_rule(Dwarf_Frame *frame, bool signal)
{
	Dwarf_Op space[3], *ops;
	int64_t offset;
	uint32_t rule;
	size_t count;

	if (signal)
		return special(UNWIND_SIGNAL);
	if (dwarf_frame_register(frame, REGISTER_RA, space, &ops, &count))
		return special(UNWIND_NO_INFO);
	if (!count)
		return special(ops ? UNWIND_STOP : UNWIND_NO_INFO);
	if (!at_cfa(ops, count, &offset) || offset != -8)
		return special(UNWIND_NO_INFO);
	if (dwarf_frame_cfa(frame, &ops, &count))
		return special(UNWIND_NO_INFO);
	rule = cfa_rule(ops, count);
	if (rule == special(UNWIND_NO_INFO))
		return rule;
	if (UNWIND_RULE_BASE(rule) == UNWIND_SPECIAL)
		return rule;
	if (dwarf_frame_register(frame, REGISTER_RBP, space, &ops, &count))
		return special(UNWIND_NO_INFO);
	return rule | rbp_rule(ops, count);
}
