/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go's compiler makes the address of a type, a constant, anew for each call that wants it:
 *
 *	lea TYPE(%rip),%rax		or, seldom,	lea TYPE(%rip),%rdx
 *	...			other arguments		mov %rdx,%rax
 *	call runtime.newobject				call runtime.newobject
 *
 * Instructions are read from the beginning of the function on, since backwards they could be anything. Between the LEA and the call
 * there may only be instructions of which it is certain which registers they change, and no direct jump of the function may
 * lead there. (Where a jump table leads is not looked at: who came that way would have to bring the argument along.)
 *
 * Code is hostile: whatever is not exactly this is no argument.
 */
#include "go_argument.h"

#include <string.h>

#include "../probe/insn.h"

#define REGISTERS 16

struct constant {
	uint64_t value, lea;
	bool known;
};

/* lea disp32(%rip),REG */
static bool is_lea(const struct insn *insn, struct constant *c, unsigned int *reg)
{
	const uint8_t *b = insn->bytes;
	int32_t distance;

	if (insn->length != 7 || (b[0] & 0xfb) != 0x48 || b[1] != 0x8d || (b[2] & 0xc7) != 0x05)
		return false;
	memcpy(&distance, b + 3, sizeof(distance));
	*reg = (b[0] & 4u) << 1 | (b[2] >> 3 & 7u);
	c->value = insn->address + insn->length + (uint64_t)(int64_t)distance;
	c->lea = insn->address;
	c->known = true;
	return true;
}

/* mov FROM,TO of 64 bits */
static bool is_move(const struct insn *insn, unsigned int *from, unsigned int *to)
{
	const uint8_t *b = insn->bytes;

	if (insn->length != 3 || (b[0] & 0xfa) != 0x48 || b[1] != 0x89 || (b[2] & 0xc0) != 0xc0)
		return false;
	*from = (b[0] & 4u) << 1 | (b[2] >> 3 & 7u);
	*to = (b[0] & 1u) << 3 | (b[2] & 7u);
	return true;
}

static void forget(struct constant v[REGISTERS], uint32_t registers)
{
	unsigned int i;

	for (i = 0; i < REGISTERS; i++)
		v[i].known = v[i].known && !(registers & 1u << i);
}

static void step(struct constant v[REGISTERS], const struct insn *insn)
{
	unsigned int from, to;
	struct constant c;

	if (insn->flow == FLOW_BRANCH)
		return;
	if (insn->flow != FLOW_NEXT || !insn->known) {
		forget(v, UINT32_MAX);
		return;
	}
	if (is_lea(insn, &c, &to)) {
		v[to] = c;
	} else if (is_move(insn, &from, &to)) {
		v[to] = v[from];
	} else {
		forget(v, insn->writes);
	}
}

struct found {
	struct constant argument;
	uint64_t call;
};

/* Reads up to the call. */
static bool find_call(struct decoder *d, const struct go_body *body, uint64_t returns_to,
		      unsigned int reg, struct found *f)
{
	struct constant v[REGISTERS] = {0};
	struct insn insn;
	size_t at;

	for (at = 0; at < body->size; at += insn.length) {
		if (!decoder_read(d, body->bytes + at, body->size - at, body->start + at, &insn))
			return false;
		if (insn.address + insn.length >= returns_to) {
			f->call = insn.address;
			f->argument = v[reg];
			return f->argument.known && insn.flow == FLOW_CALL &&
			       insn.address + insn.length == returns_to;
		}
		step(v, &insn);
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
		if ((insn.flow == FLOW_JUMP || insn.flow == FLOW_BRANCH) &&
		    insn.target > f->argument.lea && insn.target <= f->call)
			return true;
	}
	return false;
}

bool go_argument(struct decoder *d, const struct go_body *body, uint64_t returns_to,
		 unsigned int reg, uint64_t *address)
{
	struct found f = {0};

	if (reg >= REGISTERS || returns_to <= body->start ||
	    returns_to - body->start > body->size || !find_call(d, body, returns_to, reg, &f) ||
	    is_entered_between(d, body, &f))
		return false;
	*address = f.argument.value;
	return true;
}
