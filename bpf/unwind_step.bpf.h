/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * One step of a walk: from the registers of a frame to those of its caller. The stack is read from
 * a copy (one large read costs less than three small ones), which is renewed when a frame lies
 * beyond it. No knowledge of maps of processes or of events is here, so that this also compiles as
 * plain C for the unit tests.
 */
#ifndef BPF_UNWIND_STEP_H
#define BPF_UNWIND_STEP_H

enum unwind_result {
	UNWIND_WENT_ON = 0,
	UNWIND_AT_END = 1, /* this was the outermost frame */
	UNWIND_CUT_NO_INFO = 2,
	UNWIND_CUT_NO_MAPPING = 3,
	UNWIND_CUT_FAULT = 4,
	UNWIND_CUT_BROKEN = 5,
};

/* Registers in the ucontext that the kernel leaves for a signal handler, from its first byte. */
#define SIGNAL_RBP 120
#define SIGNAL_RSP 160
#define SIGNAL_RIP 168

/* Frame pointers of generated code are believed up to this distance. */
#define POINTER_REACH (1u << 20)

#define PAGE_BYTES (1u << UNWIND_PAGE_BITS)
#define WINDOW_MIN 512u

/* A read of [base, base + size) has failed: where does the first page begin that cannot be read? */
static __always_inline __u64 find_unreadable(__u64 base)
{
	__u64 at = (base & ~(__u64)(PAGE_BYTES - 1)) + PAGE_BYTES, word;
	__u32 i;

	for (i = 0; i < UNWIND_WINDOW_BYTES / PAGE_BYTES; i++) {
		if (bpf_probe_read_user(&word, sizeof(word), (void *)at))
			break;
		at += PAGE_BYTES;
	}
	return at;
}

/* Fills the window from s->base on. Older verifiers see the bound, if it is one of all 64 bits and on the very register. */
static __always_inline int window_read_here(struct unwind_state *s, __u64 size)
{
	__asm__ volatile("" : "+r"(size));
	if (size > UNWIND_WINDOW_BYTES)
		return -1;
	if (!bpf_probe_read_user(s->window, size, (void *)s->base)) {
		s->bytes = (__u32)size & ~7u;
		return 0;
	}
	s->bytes = 0;
	return -1;
}

__noinline int window_read(struct unwind_state *s, __u64 size)
{
	return s ? window_read_here(s, size) : -1;
}

static __always_inline __u32 readable_bytes(const struct unwind_state *s, __u32 size)
{
	__u64 room = s->readable_end - s->base;

	/* 0: that page is wanted itself, and may be there by now */
	return room && room < size ? (__u32)room : size;
}

/* How much to copy; the next time a page. */
static __always_inline __u32 window_bytes(struct unwind_state *s)
{
	__u32 size = s->want;

	s->want = PAGE_BYTES;
	if (size < WINDOW_MIN)
		size = WINDOW_MIN;
	return size < UNWIND_WINDOW_BYTES ? size : UNWIND_WINDOW_BYTES;
}

/* Copies the stack around `address`, from a little before it: registers lie below return addresses. */
__noinline int unwind_fill(struct unwind_state *s, __u64 address)
{
	__u64 before;
	__u32 size;

	if (!s)
		return -1;
	before = address & (PAGE_BYTES - 8);
	if (before > 64)
		before = 64;
	if (s->sp <= address && address - s->sp < before)
		before = (address - s->sp) & ~7ull;
	s->base = address - before;
	size = window_bytes(s);
	/* a read past the end of the stack's mapping is slow to fail: it is tried once */
	if (!window_read(s, readable_bytes(s, size)))
		return 0;
	s->readable_end = find_unreadable(s->base);
	return window_read(s, readable_bytes(s, size));
}

/* The first copy, from the top of the stack on. What must be looked into is left to unwind_fill(). */
static __always_inline int unwind_fill_first(struct unwind_state *s)
{
	__u32 want = s->want;

	s->base = s->sp;
	if (!window_read_here(s, readable_bytes(s, window_bytes(s))))
		return 0;
	s->want = want;
	return unwind_fill(s, s->sp);
}

static __always_inline bool in_window(const struct unwind_state *s, __u64 address)
{
	__u64 at = address - s->base;

	return !(at & 7) && at < s->bytes && s->bytes - at >= 8;
}

static __always_inline bool stack_word(struct unwind_state *s, __u64 address, __u64 *value)
{
	if (!in_window(s, address) && (unwind_fill(s, address) || !in_window(s, address)))
		return false;
	*value = s->window[masked((address - s->base) >> 3, UNWIND_WINDOW_WORDS - 1)];
	return true;
}

/* The kernel's frame: all registers as they were when the signal came. */
static __always_inline int step_signal(struct unwind_state *s)
{
	__u64 at = s->sp, ip, sp, bp;

	s->opaque = 1;
	if (!stack_word(s, at + SIGNAL_RBP, &bp) || !stack_word(s, at + SIGNAL_RSP, &sp) ||
	    !stack_word(s, at + SIGNAL_RIP, &ip))
		return UNWIND_CUT_FAULT;
	s->pc = ip;
	s->sp = sp;
	s->bp = bp;
	s->exact = 1;
	s->bp_unknown = 0;
	return UNWIND_WENT_ON;
}

/* Generated code: a frame is believed when it looks like one and its caller is code. */
static __always_inline int step_pointer(struct unwind_state *s)
{
	__u64 bp = s->bp, pc, caller_bp;

	s->opaque = s->bp_used = 1;
	if (s->bp_unknown || bp < s->sp || bp - s->sp > POINTER_REACH || (bp & 7))
		return UNWIND_CUT_NO_INFO;
	if (!stack_word(s, bp, &caller_bp) || !stack_word(s, bp + 8, &pc))
		return UNWIND_CUT_NO_INFO;
	if (pc == s->trampoline && pc)
		pc = uprobe_return_address(bp + 8);
	else
		s->opaque = 0;
	if (!pc || !unwind_find_mapping(s->list, pc - 1)) {
		s->opaque = 1;
		return UNWIND_CUT_NO_INFO;
	}
	s->bp_at = 2;
	s->pc = pc;
	s->sp = bp + 16;
	s->bp = caller_bp;
	s->exact = 0;
	s->guessed = 1;
	return UNWIND_WENT_ON;
}

static __always_inline int step_special(struct unwind_state *s, __u32 rule, __u64 *cfa)
{
	switch (UNWIND_SPECIAL_KIND(rule)) {
	case UNWIND_STOP: return UNWIND_AT_END;
	case UNWIND_SIGNAL: return step_signal(s);
	case UNWIND_POINTER: return step_pointer(s);
	case UNWIND_NO_MAPPING: return UNWIND_CUT_NO_MAPPING;
	case UNWIND_PLT:
		*cfa = s->sp + 8 + ((s->pc & 15) >= UNWIND_SPECIAL_ARGUMENT(rule)) * 8;
		return UNWIND_WENT_ON;
	default: return UNWIND_CUT_NO_INFO;
	}
}

/* The frame's CFA; a frame that needs none has been left already, then *cfa is 0. */
static __always_inline int step_cfa(struct unwind_state *s, __u32 rule, __u64 *cfa)
{
	__u64 value;

	*cfa = 0;
	switch (UNWIND_RULE_BASE(rule)) {
	case UNWIND_RSP: *cfa = s->sp + UNWIND_RULE_CFA(rule) * 8; return UNWIND_WENT_ON;
	case UNWIND_RBP:
		s->bp_used = 1;
		if (s->bp_unknown)
			return UNWIND_CUT_NO_INFO;
		*cfa = s->bp + UNWIND_RULE_CFA(rule) * 8;
		return UNWIND_WENT_ON;
	case UNWIND_DEREF:
		s->opaque = 1;
		if (UNWIND_DEREF_ON_RBP(rule) && s->bp_unknown)
			return UNWIND_CUT_NO_INFO;
		value = UNWIND_DEREF_ON_RBP(rule) ? s->bp : s->sp;
		if (!stack_word(s, value + UNWIND_DEREF_INNER(rule), &value))
			return UNWIND_CUT_FAULT;
		*cfa = value + UNWIND_DEREF_OUTER(rule);
		return UNWIND_WENT_ON;
	default: return step_special(s, rule, cfa);
	}
}

static __always_inline bool step_bp(struct unwind_state *s, __u32 rule, __u64 cfa)
{
	__s64 offset = UNWIND_RULE_RBP_OFFSET(rule);

	switch (UNWIND_RULE_RBP(rule)) {
	case UNWIND_RBP_SAME: return true;
	case UNWIND_RBP_UNKNOWN: s->bp_unknown = 1; return true;
	case UNWIND_RBP_AT_CFA:
		s->bp_unknown = 0;
		s->bp_at = (__u32)(offset >> 3);
		if (offset <= 0)
			s->opaque = 1;
		return stack_word(s, cfa - offset, &s->bp);
	default: s->opaque = 1; return s->bp_unknown || stack_word(s, s->bp - offset, &s->bp);
	}
}

/* Leaves the frame of s->pc. Anything but UNWIND_WENT_ON ends the walk. */
static __always_inline int unwind_step(struct unwind_state *s)
{
	__u64 cfa, pc;
	__u32 rule;
	int result;

	s->bp_at = s->opaque = s->bp_used = 0;
	rule = unwind_rule(s->list, s->pc - !s->exact);
	result = step_cfa(s, rule, &cfa);
	if (result != UNWIND_WENT_ON || !cfa)
		return result;
	if (cfa <= s->sp)
		return UNWIND_CUT_BROKEN;
	if (!stack_word(s, cfa - 8, &pc))
		return UNWIND_CUT_FAULT;
	if (pc == s->trampoline && pc) {
		pc = uprobe_return_address(cfa - 8);
		s->opaque = 1;
	}
	if (!step_bp(s, rule, cfa))
		return UNWIND_CUT_FAULT;
	s->pc = pc;
	s->sp = cfa;
	s->exact = 0;
	/* the outermost function of a thread may have been given no return address */
	return pc ? UNWIND_WENT_ON : UNWIND_AT_END;
}

#endif /* BPF_UNWIND_STEP_H */
