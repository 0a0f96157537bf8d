/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go's compiler makes the address of a type, a constant, anew for each call that wants it:
 *
 *	lea TYPE(%rip),%rax
 *	...			other arguments
 *	call runtime.newobject
 *
 * Instructions are read from the beginning of the function on, since backwards they could be anything. Between the LEA and the call
 * there may only be instructions of which it is certain that they leave the register alone, and no direct jump of the function may
 * lead there. (Where a jump table leads is not looked at: who came that way would have to bring the argument along.)
 *
 * Code is hostile: whatever is not exactly this is no argument.
 */
#include "go_argument.h"

#include "../probe/insn.h"

/* lea disp32(%rip),REG */
static bool is_lea(const struct insn *insn, unsigned int reg, uint64_t *address)
{
	const uint8_t *b = insn->bytes;
	int32_t distance;

	if (insn->length != 7 || (b[0] & 0xfb) != 0x48 || b[1] != 0x8d || (b[2] & 0xc7) != 0x05 ||
	    ((b[0] & 4u) << 1 | (b[2] >> 3 & 7u)) != reg)
		return false;
	distance = (int32_t)((uint32_t)b[3] | (uint32_t)b[4] << 8 | (uint32_t)b[5] << 16 |
			     (uint32_t)b[6] << 24);
	*address = insn->address + insn->length + (uint64_t)(int64_t)distance;
	return true;
}

static bool leaves_alone(const struct insn *insn, unsigned int reg)
{
	if (insn->flow == FLOW_BRANCH)
		return true;
	return insn->flow == FLOW_NEXT && insn->known && !(insn->writes & 1u << reg);
}

struct found {
	uint64_t value, lea, call;
};

/* Reads up to the call. */
static bool find_call(struct decoder *d, const struct go_body *body, uint64_t returns_to,
		      unsigned int reg, struct found *f)
{
	bool loaded = false;
	struct insn insn;
	size_t at;

	for (at = 0; at < body->size; at += insn.length) {
		if (!decoder_read(d, body->bytes + at, body->size - at, body->start + at, &insn))
			return false;
		if (insn.address + insn.length >= returns_to) {
			f->call = insn.address;
			return loaded && insn.flow == FLOW_CALL &&
			       insn.address + insn.length == returns_to;
		}
		if (is_lea(&insn, reg, &f->value)) {
			f->lea = insn.address;
			loaded = true;
		} else {
			loaded = loaded && leaves_alone(&insn, reg);
		}
	}
	return false;
}

/* All of the function: jumps lead backwards, too. */
static bool is_entered_between(struct decoder *d, const struct go_body *body, const struct found *f)
{
	struct insn insn;
	size_t at;

	for (at = 0; at < body->size; at += insn.length) {
		if (!decoder_read(d, body->bytes + at, body->size - at, body->start + at, &insn))
			return true;
		if ((insn.flow == FLOW_JUMP || insn.flow == FLOW_BRANCH) && insn.target > f->lea &&
		    insn.target <= f->call)
			return true;
	}
	return false;
}

bool go_argument(struct decoder *d, const struct go_body *body, uint64_t returns_to,
		 unsigned int reg, uint64_t *address)
{
	struct found f = {0};

	if (returns_to <= body->start || returns_to - body->start > body->size ||
	    !find_call(d, body, returns_to, reg, &f) || is_entered_between(d, body, &f))
		return false;
	*address = f.value;
	return true;
}
