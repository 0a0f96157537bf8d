/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owns the decision where the probes of one function go. Input: the function's bytes, given by the
 * caller, and the CALLS table. Pure: the same bytes give the same plan.
 *
 * Invariants: the entry point is reached by every call of the function exactly once, with the
 * arguments that its kind needs still in their registers and, when there is a return side, with the
 * stack pointer still at the return address. It lies at most MOVE_MAX bytes behind the function's
 * start. When any of this is not certain, it is the start itself. A function with returns ==
 * RETURN_RETS has a point on every instruction with which it can return; when one may be missing,
 * the function is refused, because half of its results would be worse than none.
 *
 * Code is hostile: bodies, families of functions and decoding steps are all bounded.
 */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "insn.h"

#define MOVE_MAX	 64
#define BODY_MAX	 (64u * 1024)
#define FAMILY_MAX	 16
#define FAMILY_BYTES_MAX (128u * 1024)

static const char *const call_names[] = {
#define X(id, name, kind, flags) name,
	CALLS(X)
#undef X
};

static const struct {
	enum call_kind kind;
	uint32_t flags;
} calls[] = {
#define X(id, name, kind, flags) {kind, flags},
	CALLS(X)
#undef X
};

struct body {
	const uint8_t *bytes;
	uint64_t start;
	uint64_t end;
};

/* A walk over a whole body, instruction by instruction, that goes on behind undecodable bytes. */
struct sweep {
	struct decoder *decoder;
	const struct body *body;
	uint64_t at;
	bool clean; /* nothing undecodable so far */
};

/* Direct jumps out of a function: parts of it that live elsewhere, or tail calls. */
struct targets {
	uint64_t address[FAMILY_MAX];
	size_t count;
	bool overflow;
};

/* Functions that return on behalf of the first one. */
struct family {
	struct targets todo;
	struct body seen[FAMILY_MAX];
	size_t seen_count;
	uint64_t bytes;
};

struct planner {
	const struct plan_request *request;
	struct plan *plan;
	struct decoder *decoder;
	enum call_kind kind;
};

enum call_kind call_kind(enum call_id id)
{
	return (unsigned int)id < CALL_ID_COUNT ? calls[id].kind : CALL_NONE;
}

uint32_t call_flags(enum call_id id)
{
	return (unsigned int)id < CALL_ID_COUNT ? calls[id].flags : 0;
}

const char *call_name(enum call_id id)
{
	return (unsigned int)id < CALL_ID_COUNT ? call_names[id] : "";
}

__attribute__((format(printf, 2, 3))) static void say(struct plan *plan, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(plan->reason, sizeof(plan->reason), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void refuse(struct plan *plan, const char *format, ...)
{
	va_list args;

	plan->refused = true;
	va_start(args, format);
	vsnprintf(plan->reason, sizeof(plan->reason), format, args);
	va_end(args);
}

static bool has_return_side(enum call_kind kind)
{
	return kind != CALL_NONE && kind != CALL_FREE && kind != CALL_MODULES &&
	       kind < CALL_GO_REFILL;
}

static uint32_t argument_registers(enum call_kind kind)
{
	switch (kind) {
	case CALL_ALLOC_SIZE0:
	case CALL_FREE: return REG_RDI;
	case CALL_ALLOC_SIZE1: return REG_RSI;
	case CALL_POSIX_MEMALIGN: return REG_RDI | REG_RDX;
	case CALL_ALLOC_PRODUCT:
	case CALL_REALLOC:
	case CALL_RESIZE:
	case CALL_MUNMAP: return REG_RDI | REG_RSI;
	case CALL_REALLOC_PRODUCT:
	case CALL_MREMAP: return REG_RDI | REG_RSI | REG_RDX;
	case CALL_MMAP: return REG_RSI | REG_RCX;
	case CALL_GO_REFILL:
	case CALL_GO_LARGE:
	case CALL_GO_FLUSH:
	case CALL_STRING:
	case CALL_NONE:
	case CALL_MODULES: break;
	}
	return 0;
}

/* What must not change before the point. Stacks are walked from there: then the caller's registers
 * count, too. */
static uint32_t kept_registers(enum call_kind kind)
{
	uint32_t kept = argument_registers(kind);

	if (has_return_side(kind))
		kept |= REG_RSP | REG_RBP | REG_RBX | REG_R12_TO_R15;
	return kept;
}

/* False when nothing is known at the address. Bounds that make no sense are no bounds. */
static bool body_get(const struct planner *p, uint64_t address, struct body *body)
{
	body->start = 0;
	body->end = 0;
	body->bytes = p->request->code(p->request->context, address, &body->start, &body->end);
	return body->bytes && body->start < body->end;
}

static bool body_has(const struct body *body, uint64_t address)
{
	return address >= body->start && address < body->end;
}

static bool read_at(struct decoder *decoder, const struct body *body, uint64_t address,
		    struct insn *insn)
{
	uint64_t left;

	if (!body_has(body, address))
		return false;
	left = body->end - address;
	return decoder_read(decoder, body->bytes + (address - body->start), left < 16 ? left : 16,
			    address, insn);
}

static struct sweep sweep_start(struct decoder *decoder, const struct body *body)
{
	return (struct sweep){.decoder = decoder, .body = body, .at = body->start, .clean = true};
}

static bool sweep_next(struct sweep *s, struct insn *insn)
{
	while (s->at < s->body->end) {
		if (read_at(s->decoder, s->body, s->at, insn)) {
			s->at += insn->length;
			return true;
		}
		s->clean = false;
		s->at++;
	}
	return false;
}

static void targets_add(struct targets *t, uint64_t address)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->address[i] == address)
			return;
	if (t->count == FAMILY_MAX)
		t->overflow = true;
	else
		t->address[t->count++] = address;
}

static void point_set(struct planner *p, const struct insn *insn, struct plan_point *point)
{
	point->address = insn->address;
	point->cost = insn_is_emulated(insn) ? COST_EMULATED : COST_STEPPED;
	point->length = insn->length;
	memcpy(point->bytes, insn->bytes, insn->length);
	decoder_text(p->decoder, insn, point->instruction, sizeof(point->instruction));
}

/* A jump through a table of case labels, not a tail call through a pointer. */
static bool is_table_jump(const struct insn *insn, const struct insn *before)
{
	return insn->flow == FLOW_JUMP_FAR &&
	       (insn->indexed || before->indexed || before->add || insn->bytes[0] == 0x3e);
}

/*
 * The second opinion on branches: bytes that would be one, at any offset, whatever the decoder made
 * of them. Short ones count only when the decoder had trouble: a byte in ten looks like one.
 */
static bool pattern_into(const struct body *body, uint64_t low, uint64_t high, bool also_short)
{
	size_t size = body->end - body->start;

	for (size_t i = 0; i + 2 <= size; i++) {
		const uint8_t *b = body->bytes + i;
		uint64_t next = body->start + i + 2;
		bool is_short =
			(b[0] & 0xf0) == 0x70 || b[0] == 0xeb || (b[0] >= 0xe0 && b[0] <= 0xe3);
		bool is_near = b[0] == 0xe8 || b[0] == 0xe9;
		uint64_t target;
		int32_t distance;

		if (also_short && is_short) {
			target = next + (uint64_t)(int64_t)(int8_t)b[1];
			if (target > low && target <= high)
				return true;
		}
		/* a near jcc ends in the same five bytes as a jmp, with 80..8f in front */
		if ((is_near || (i > 0 && b[-1] == 0x0f && (b[0] & 0xf0) == 0x80)) &&
		    i + 5 <= size) {
			memcpy(&distance, b + 1, sizeof(distance));
			target = next + 3 + (uint64_t)(int64_t)distance;
			if (target > low && target <= high)
				return true;
		}
	}
	return false;
}

/*
 * NULL, or why something in this body may jump to (low, high]. Jumps that leave the body are added
 * to `out`; `whole`: the body is the planned function itself, whose jump tables and boundaries
 * count.
 */
static const char *enters(struct planner *p, const struct body *body, uint64_t low, uint64_t high,
			  bool whole, struct targets *out)
{
	struct sweep s = sweep_start(p->decoder, body);
	struct insn insn, before = {0};
	bool aligned = false;

	while (sweep_next(&s, &insn)) {
		bool direct = insn.flow == FLOW_JUMP || insn.flow == FLOW_BRANCH ||
			      insn.flow == FLOW_CALL;

		aligned |= insn.address == low;
		if (direct && insn.target > low && insn.target <= high)
			return "a branch leads behind its start";
		if (direct && insn.flow != FLOW_CALL && !body_has(body, insn.target))
			targets_add(out, insn.target);
		if (whole && is_table_jump(&insn, &before))
			return "it has a jump table";
		before = insn;
	}
	if (pattern_into(body, low, high, !s.clean || (whole && !aligned)))
		return "bytes in it look like a branch behind its start";
	return NULL;
}

/* NULL, or why nothing is certain about the range that a moved probe would skip. */
static const char *skip_refusal(struct planner *p, const struct body *body, uint64_t point)
{
	const struct plan_request *r = p->request;
	struct targets parts = {.count = 0}, ignored = {.count = 0};
	const char *why;

	if (body->end - body->start > BODY_MAX)
		return "it is too large to look for branches";
	if (r->size > body->end - r->address)
		return "its end is not known";
	why = enters(p, body, r->address, point, true, &parts);
	if (why)
		return why;
	/* a cold part elsewhere may jump back; after this the code of `body` is no longer ours */
	for (size_t i = 0; i < parts.count; i++) {
		struct body part;

		if (!body_get(p, parts.address[i], &part) || part.end - part.start > BODY_MAX)
			continue;
		why = enters(p, &part, r->address, point, false, &ignored);
		if (why)
			return why;
	}
	return NULL;
}

/* Walks from the start to the first emulated instruction. False, with the reason said, when
 * something is in the way. */
static bool find_emulated(struct planner *p, const struct body *body, struct insn *insn)
{
	uint64_t start = p->request->address;
	uint32_t kept = kept_registers(p->kind);
	char text[48];

	for (uint64_t at = start; at - start <= MOVE_MAX; at += insn->length) {
		if (!read_at(p->decoder, body, at, insn)) {
			say(p->plan, "cannot decode the instruction at +%u",
			    (unsigned int)(at - start));
			return false;
		}
		if (insn_is_emulated(insn))
			return true;
		if (insn->known && !(insn->writes & kept))
			continue;
		decoder_text(p->decoder, insn, text, sizeof(text));
		say(p->plan, "%s: %s at +%u",
		    !insn->known				 ? "not stepped over"
		    : insn->writes & kept & REG_RSP		 ? "moves the stack"
		    : insn->writes & argument_registers(p->kind) ? "changes an argument"
								 : "changes a caller's register",
		    text, (unsigned int)(at - start));
		return false;
	}
	say(p->plan, "no emulated instruction in the first %d bytes", MOVE_MAX);
	return false;
}

static void choose_entry(struct planner *p, const struct body *body)
{
	struct plan *plan = p->plan;
	uint64_t start = p->request->address;
	struct insn first, found;
	const char *why;

	if (!read_at(p->decoder, body, start, &first)) {
		refuse(plan, "its first instruction cannot be decoded");
		return;
	}
	point_set(p, &first, &plan->entry);
	if (plan->entry.cost == COST_EMULATED)
		return;
	if (find_emulated(p, body, &found)) {
		struct plan_point moved = {0};

		point_set(p, &found, &moved);
		why = skip_refusal(p, body, found.address);
		if (!why) {
			plan->entry = moved;
			plan->entry_offset = found.address - start;
			return;
		}
		say(plan, "%s", why);
	}
	why = insn_refusal(&first);
	if (why)
		refuse(plan, "the kernel takes no probe on %s", why);
}

/*
 * True when every call that matters ends in another probed function with the same block: the first
 * control transfer is a jump (or, for free, a call) there, and only the test for NULL of free
 * stands before it.
 */
static bool is_covered(struct planner *p, const struct body *body)
{
	const struct plan_request *r = p->request;
	bool is_free = p->kind == CALL_FREE, null_tested = false;
	uint32_t kept = is_free ? argument_registers(p->kind) : kept_registers(p->kind);
	uint64_t at = r->address;
	struct insn insn;

	for (int steps = 0; steps < MOVE_MAX / 2 && read_at(p->decoder, body, at, &insn); steps++) {
		int condition = insn_condition(&insn);

		if (insn.flow == FLOW_JUMP || (insn.flow == FLOW_CALL && is_free))
			return r->covers(r->context, insn.target, p->kind);
		if (insn.flow == FLOW_BRANCH && is_free && null_tested && condition >= 0)
			at = condition == 0x5 ? insn.target : at + insn.length;
		else if (insn.flow == FLOW_NEXT && insn.known && !(insn.writes & kept))
			at += insn.length;
		else
			return false;
		null_tested = insn_tests_rdi(&insn);
	}
	return false;
}

/* Does it call a plain allocation that has a probe of its own? */
static bool passes_on(struct planner *p, const struct body *body)
{
	const struct plan_request *r = p->request;
	struct sweep s = sweep_start(p->decoder, body);
	struct insn insn;

	while (sweep_next(&s, &insn)) {
		if ((insn.flow == FLOW_CALL || insn.flow == FLOW_JUMP) &&
		    !body_has(body, insn.target) &&
		    r->covers(r->context, insn.target, CALL_ALLOC_SIZE0))
			return true;
	}
	return false;
}

static bool family_saw(const struct family *f, uint64_t address)
{
	for (size_t i = 0; i < f->seen_count; i++)
		if (body_has(&f->seen[i], address))
			return true;
	return false;
}

static void add_ret(struct planner *p, const struct insn *insn)
{
	struct plan *plan = p->plan;

	for (size_t i = 0; i < plan->ret_count; i++)
		if (plan->rets[i].address == insn->address)
			return;
	if (plan->ret_count == PLAN_MAX_RETS)
		refuse(plan, "it has more than %d return instructions", PLAN_MAX_RETS);
	else
		point_set(p, insn, &plan->rets[plan->ret_count++]);
}

/* Whether control cannot run on behind this instruction; a call may be of a function that never
 * returns. */
static bool ends_flow(const struct insn *insn)
{
	return insn->flow != FLOW_NEXT && insn->flow != FLOW_BRANCH;
}

/* One function of the family: its rets become points, its jumps to elsewhere are queued. */
static void collect_exits(struct planner *p, const struct body *body, struct family *f)
{
	struct sweep s = sweep_start(p->decoder, body);
	struct insn insn, last = {0};

	while (!p->plan->refused && sweep_next(&s, &insn)) {
		if (insn.flow == FLOW_RET)
			add_ret(p, &insn);
		else if (insn.flow == FLOW_JUMP_FAR)
			refuse(p->plan, "it may return through the indirect jump at 0x%llx",
			       (unsigned long long)insn.address);
		else if ((insn.flow == FLOW_JUMP || insn.flow == FLOW_BRANCH) &&
			 !body_has(body, insn.target))
			targets_add(&f->todo, insn.target);
		if (!insn.nop)
			last = insn;
	}
	if (p->plan->refused)
		return;
	if (!s.clean)
		refuse(p->plan, "its returns are not certain: some bytes cannot be decoded");
	else if (!ends_flow(&last))
		refuse(p->plan, "its returns are not certain: it runs on behind its end");
}

/* An indirect jump at once: a PLT stub whose function nobody could name. */
static bool is_stub(struct planner *p, const struct body *body, uint64_t address)
{
	struct insn insn;

	if (!read_at(p->decoder, body, address, &insn))
		return false;
	if (insn_is_endbr(&insn) && !read_at(p->decoder, body, address + insn.length, &insn))
		return false;
	return insn.flow == FLOW_JUMP_FAR;
}

static void follow_exit(struct planner *p, struct family *f, uint64_t target)
{
	const struct plan_request *r = p->request;
	struct body body;

	if (!body_get(p, target, &body)) {
		refuse(p->plan, "one way out is a jump to unknown code at 0x%llx",
		       (unsigned long long)target);
		return;
	}
	/* Through the PLT it may be another module's function whose rets are not ours to see. */
	if (!body_has(&body, target) && r->covers && r->covers(r->context, target, p->kind)) {
		refuse(p->plan, "one way out is a jump through the PLT to a probed function");
		return;
	}
	if (is_stub(p, &body, target)) {
		refuse(p->plan, "one way out is a jump to another module at 0x%llx",
		       (unsigned long long)target);
		return;
	}
	if (body.end - body.start > FAMILY_BYTES_MAX - f->bytes || f->seen_count == FAMILY_MAX) {
		refuse(p->plan, "its ways out are too much code to follow");
		return;
	}
	/* the same function again, by way of its PLT stub */
	if (!body_has(&body, target) && family_saw(f, body.start))
		return;
	f->bytes += body.end - body.start;
	f->seen[f->seen_count++] = body;
	collect_exits(p, &body, f);
}

static void find_rets(struct planner *p)
{
	struct family f = {.bytes = 0};
	struct plan *plan = p->plan;

	plan->returns = RETURN_RETS;
	targets_add(&f.todo, p->request->address);
	for (size_t i = 0; i < f.todo.count && !plan->refused; i++)
		if (!family_saw(&f, f.todo.address[i]))
			follow_exit(p, &f, f.todo.address[i]);
	if (!plan->refused && f.todo.overflow)
		refuse(plan, "it leaves to more than %d other functions", FAMILY_MAX);
	if (!plan->refused && plan->ret_count == 0)
		refuse(plan, "it has no return instruction");
}

static void plan_with(struct planner *p)
{
	uint32_t flags = call_flags(p->request->call);
	bool may_throw = flags & CALL_MAY_THROW;
	struct body body;

	if (!body_get(p, p->request->address, &body) || !body_has(&body, p->request->address)) {
		refuse(p->plan, "no code");
		return;
	}
	if (p->request->covers && (p->kind == CALL_FREE || may_throw) && is_covered(p, &body)) {
		p->plan->covered = true;
		return;
	}
	if (p->request->covers && p->kind == CALL_ALLOC_PRODUCT)
		p->plan->passes = passes_on(p, &body);
	choose_entry(p, &body);
	if (p->plan->refused || !has_return_side(p->kind))
		return;
	if (may_throw || p->request->no_return_probe)
		find_rets(p);
	else
		p->plan->returns = RETURN_PROBE;
}

void plan_function(const struct plan_request *request, struct plan *plan)
{
	struct planner p = {.request = request, .plan = plan, .kind = call_kind(request->call)};

	memset(plan, 0, sizeof(*plan));
	if (p.kind == CALL_NONE || !request->code) {
		refuse(plan, "not a traced function");
		return;
	}
	p.decoder = decoder_new();
	if (!p.decoder) {
		refuse(plan, "the disassembler cannot be started");
		return;
	}
	plan_with(&p);
	decoder_free(p.decoder);
}

void plan_exactly(uint64_t address, const uint8_t *code, size_t length, struct plan *plan)
{
	struct planner p = {.plan = plan, .decoder = decoder_new()};
	struct insn insn;

	memset(plan, 0, sizeof(*plan));
	if (!p.decoder) {
		refuse(plan, "the disassembler cannot be started");
		return;
	}
	if (!decoder_read(p.decoder, code, length, address, &insn) || insn.length != length)
		refuse(plan, "the instruction cannot be decoded");
	else if (!insn_is_emulated(&insn))
		refuse(plan, "the kernel does not emulate the instruction");
	else
		point_set(&p, &insn, &plan->entry);
	decoder_free(p.decoder);
}
