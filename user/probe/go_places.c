/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prologues of Go, in all versions from 1.17 on (cmd/internal/obj/x86/obj6.go, stacksplit()):
 *
 *	cmp 0x10(%r14),%rsp		or, with a larger frame,	lea -N(%rsp),%r12
 *	jbe MORE								cmp 0x10(%r14),%r12
 *	push %rbp	(Go 1.21)						jbe MORE
 *
 * At MORE the stack grows and the function begins again. Code is hostile: nothing is taken that is not exactly this.
 */
#include "go_places.h"

#include <string.h>

#include "insn.h"

#define PUSH_RBP 0x55
/* Of Get, in all versions some 0xc0. */
#define GET_MOST 4096

struct walk {
	struct decoder *decoder;
	const struct go_code *code;
	size_t at;
};

static bool next(struct walk *w, struct insn *insn)
{
	if (w->at >= w->code->size ||
	    !decoder_read(w->decoder, w->code->bytes + w->at, w->code->size - w->at,
			  w->code->start + w->at, insn))
		return false;
	w->at += insn->length;
	return true;
}

static bool is_bytes(const struct insn *insn, const char *bytes, size_t length)
{
	return insn->length == length && !memcmp(insn->bytes, bytes, length);
}

/* To the branch of the check. */
static bool pass_check(struct walk *w, struct insn *insn)
{
	if (!next(w, insn))
		return false;
	if (insn->length >= 4 && !memcmp(insn->bytes, "\x4c\x8d", 2) && insn->bytes[3] == 0x24) {
		/* lea -N(%rsp),%r12 */
		if (!next(w, insn) || !is_bytes(insn, "\x4d\x3b\x66\x10", 4))
			return false;
	} else if (!is_bytes(insn, "\x49\x3b\x66\x10", 4)) {
		return false;
	}
	return next(w, insn) && insn->flow == FLOW_BRANCH &&
	       (insn->bytes[0] == 0x76 || (insn->bytes[0] == 0x0f && insn->bytes[1] == 0x86));
}

static void set(struct go_point *point, const struct insn *insn, bool branch)
{
	*point = (struct go_point){
		.address = insn->address, .branch = branch, .length = insn->length};
	memcpy(point->bytes, insn->bytes, insn->length);
}

static bool find_entry(struct walk *w, struct go_point *point)
{
	struct insn branch, after;

	if (!pass_check(w, &branch))
		return false;
	if (next(w, &after) && after.length == 1 && after.bytes[0] == PUSH_RBP)
		set(point, &after, false);
	else
		set(point, &branch, true);
	return true;
}

bool go_place_entry(const struct go_code *code, struct go_point *point)
{
	struct walk w = {.decoder = decoder_new(), .code = code};
	bool found = w.decoder && find_entry(&w, point);

	decoder_free(w.decoder);
	return found;
}

/* ---- the miss of a pool ---- */

/* mov 0x20(%rcx),%rdx: Pool.New. */
static bool loads_new(const struct insn *insn)
{
	return is_bytes(insn, "\x48\x8b\x51\x20", 4);
}

/* The branch behind it: what it does when New is there is a call by it. */
static bool calls_new(const struct walk *from, const struct insn *branch)
{
	struct walk w = *from;
	struct insn insn;

	switch (insn_condition(branch)) {
	case 0x4: break; /* equal: it jumps over the call */
	case 0x5: w.at = (size_t)(branch->target - w.code->start); break;
	default: return false;
	}
	/* mov (%rdx),%rax; call *%rax */
	return next(&w, &insn) && is_bytes(&insn, "\x48\x8b\x02", 3) && next(&w, &insn) &&
	       is_bytes(&insn, "\xff\xd0", 2);
}

/* Behind loads_new(): test %rdx,%rdx and the branch. */
static bool is_miss(struct walk w, struct go_point *point)
{
	struct insn insn;

	do {
		if (!next(&w, &insn))
			return false;
	} while (insn.nop);
	if (!is_bytes(&insn, "\x48\x85\xd2", 3) || !next(&w, &insn) || insn.flow != FLOW_BRANCH ||
	    !insn_is_emulated(&insn) || !calls_new(&w, &insn))
		return false;
	set(point, &insn, false);
	return true;
}

static bool find_miss(struct walk *w, struct go_point *point)
{
	size_t found = 0, calls = 0;
	struct insn insn;

	while (next(w, &insn)) {
		calls += insn.flow == FLOW_CALL_FAR;
		found += loads_new(&insn) && is_miss(*w, point);
	}
	return found == 1 && calls == 1;
}

bool go_place_pool_miss(const struct go_code *code, struct go_point *point)
{
	struct walk w = {.code = code};
	bool found;

	if (code->size > GET_MOST)
		return false;
	w.decoder = decoder_new();
	found = w.decoder && find_miss(&w, point);
	decoder_free(w.decoder);
	return found;
}
