/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A walk that uses the one before. A program allocates again and again below the same outer frames:
 * only the inner ones have changed. So a walk first finds out how many of the frames that were
 * recorded last time still are as they were, from the outermost on, by comparing what it would read
 * there. Then it steps out of the innermost frames until it has come to one of those, with the same
 * registers: from there on it would go the same way, and does not.
 *
 * A step is a function of the registers, of the list of mappings and of the words that it reads, so
 * the result is the same as that of a walk to the end. What hangs on anything else is not recorded.
 * No knowledge of threads or events is here: this also compiles as plain C for the unit tests.
 *
 * Loops with much in them call one global function for each turn and keep their counts in memory: the
 * verifier looks at the function once, and does not follow the counts from turn to turn.
 */
#ifndef BPF_UNWIND_RECORD_H
#define BPF_UNWIND_RECORD_H

static __always_inline __u64 hash_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

static __always_inline __u32 check_mix(__u32 check, __u64 v)
{
	__u64 h = (check + v) * 0xc2b2ae3d27d4eb4full;

	return (__u32)(h >> 32);
}

/* The word is in the window and has this value. */
static __always_inline bool window_has(const struct unwind_state *s, __u64 address, __u64 value)
{
	__u64 at = address - s->base;

	return !(at & 7) && at < s->bytes && s->bytes - at >= 8 &&
	       s->window[masked(at >> 3, UNWIND_WINDOW_WORDS - 1)] == value;
}

/* Would the step from `inner` to `outer` still read the same? */
static __always_inline bool frame_stands(const struct unwind_state *s,
					 const struct recorded_frame *inner,
					 const struct recorded_frame *outer)
{
	if (inner->kind & FRAME_OPAQUE || !window_has(s, outer->sp - 8, outer->pc))
		return false;
	return !inner->bp_at || !(outer->kind & FRAME_BP_LIVE) ||
	       window_has(s, outer->sp - 8ull * inner->bp_at, outer->bp);
}

/* How much of the stack to copy: as much as the last walk read. */
static __always_inline __u32 record_bytes(const struct unwind_walk *w, __u64 sp)
{
	__u64 bytes = w->top - sp;

	return bytes > UNWIND_WINDOW_BYTES ? PAGE_BYTES : (__u32)bytes;
}

/* The window is filled around the first frame. Sets w->valid. */
__noinline int record_check(struct unwind_walk *w)
{
	const struct unwind_record *r;
	__u32 i, count;

	if (!w)
		return 0;
	r = &w->record;
	count = r->count;
	if (!count || r->list != w->state.list || !r->list || r->epoch != list_epoch)
		return 0;
	if (r->end && !window_has(&w->state, r->end - 8, 0))
		return 0;
	for (i = 1; i < RECORD_FRAMES; i++) {
		if (i >= count || !frame_stands(&w->state, &r->frames[i + 1], &r->frames[i]))
			break;
	}
	w->valid = i;
	return 0;
}

static __always_inline __u8 frame_kind(const struct unwind_state *s)
{
	return (s->exact ? FRAME_EXACT : 0) | (s->bp_unknown ? FRAME_BP_UNKNOWN : 0);
}

static __always_inline bool frame_is_here(const struct recorded_frame *f,
					  const struct unwind_state *s)
{
	return f->sp == s->sp && f->pc == s->pc && (f->bp == s->bp || !(f->kind & FRAME_BP_LIVE)) &&
	       (f->kind & (FRAME_EXACT | FRAME_BP_UNKNOWN)) == frame_kind(s);
}

enum walk_result {
	WALK_ON = -1,
	WALK_MET = -2,	 /* the rest is in the record */
	WALK_KNOWN = -3, /* the rest is in the memo (unwind_memo.bpf.h) */
			 /* else enum unwind_result: the walk has ended */
};

/* One step of a walk, or one look at the record. */
__noinline int walk_step(struct unwind_walk *w, __u32 max)
{
	struct unwind_state *s;
	struct fresh_frame *fresh;
	__u32 n, valid;
	int result;

	if (!w)
		return UNWIND_CUT_BROKEN;
	s = &w->state;
	valid = w->valid;
	n = w->fresh_count;
	if (valid) {
		const struct recorded_frame *f = &w->record.frames[masked(valid, RECORD_FRAMES)];

		if (f->sp < s->sp) {
			w->valid = valid - 1;
			return WALK_ON;
		}
		if (n + valid <= max && frame_is_here(f, s)) {
			w->met = valid;
			return WALK_MET;
		}
	}
	if (n >= STACK_MAX_FRAMES || n >= max)
		return UNWIND_WENT_ON;
	fresh = &w->fresh[masked(n, STACK_MAX_FRAMES - 1)];
	fresh->pc = s->pc;
	fresh->sp = s->sp;
	fresh->bp = s->bp;
	fresh->kind = frame_kind(s);
	result = unwind_step(s);
	fresh->bp_at = (__u16)s->bp_at;
	fresh->kind |= s->opaque || s->bp_at >> 16 ? FRAME_OPAQUE : 0;
	fresh->kind |= s->bp_used ? FRAME_BP_USED : 0;
	fresh->guessed = s->guessed != 0;
	s->guessed = 0;
	w->fresh_count = n + 1;
	return result == UNWIND_WENT_ON ? WALK_ON : result;
}

/* An address that pc - 1 is right for: inside the call, or inside the interrupted instruction. */
static __always_inline __u64 frame_pc(__u64 pc, __u8 kind)
{
	return pc + !!(kind & FRAME_EXACT);
}

#define WALK_STEPS (STACK_MAX_FRAMES + RECORD_FRAMES + 1)

static __always_inline void walk_begin(struct unwind_walk *w)
{
	w->first_pc = w->state.pc;
	w->valid = w->met = w->fresh_count = 0;
	w->whole.key = w->rest.key = 0;
	w->sent = 0;
}

/* From the frame in w->state to the end, or to one that is recorded. Returns how it ended. */
__noinline int walk_on(struct unwind_walk *w, __u32 max)
{
	int result = WALK_ON;
	__u32 i;

	if (!w)
		return UNWIND_CUT_BROKEN;
	record_check(w);
	for (i = 0; i < WALK_STEPS; i++) {
		result = walk_step(w, max);
		if (result != WALK_ON)
			break;
	}
	return result;
}

/*
 * Of a walk that has ended nothing but its first frame is kept, also when the record was met there. That is another stack, which user
 * space may not have.
 */
static __always_inline void walk_first_only(struct unwind_walk *w)
{
	w->fresh[0].pc = w->first_pc;
	w->fresh[0].kind = w->fresh[0].guessed = 0;
	w->fresh_count = 1;
	w->met = 0;
	w->sent = 0;
}

/* What a whole stack is called, never 0. */
static __always_inline __u64 stack_id(__u64 chain, __u32 flags)
{
	__u64 id = hash_mix(chain, flags);

	id ^= id >> 32;
	return id ? id : 1;
}

/* w->flags and w->guessed are set: the rest of what a stack is. */
static __always_inline void walk_name(struct unwind_walk *w, __u64 chain, __u32 check)
{
	w->flags |= w->guessed ? STACK_F_POINTERS : 0;
	w->id = stack_id(chain, w->flags);
	w->check = check;
}

/* Does it matter for the walk from here on what bp is? `outer`: does it at the next frame? */
static __always_inline __u8 bp_live(const struct fresh_frame *f, __u8 outer)
{
	if (f->kind & (FRAME_BP_USED | FRAME_OPAQUE))
		return FRAME_BP_LIVE;
	return f->bp_at ? 0 : outer;
}

/*
 * The walk has ended: w->flags is how. Joins the fresh frames to those that were met, records them and
 * sets w->id, never 0. `seed` goes into the id. The outermost RECORD_FRAMES are recorded: what comes
 * after them falls on the place that is not used.
 */
__noinline int walk_end(struct unwind_walk *w, __u64 seed)
{
	__u32 n, met, check, i;
	__u8 guessed = 0, live = 0;
	__u64 id = seed;

	if (!w)
		return 0;
	n = w->fresh_count;
	met = w->met;
	check = (__u32)(seed >> 32);
	if (met) {
		const struct recorded_frame *f = &w->record.frames[masked(met, RECORD_FRAMES)];

		id = f->chain;
		check = f->check;
		guessed = f->guessed;
		live = f->kind & FRAME_BP_LIVE;
	}
	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		const struct fresh_frame *from = &w->fresh[masked(n - 1 - i, STACK_MAX_FRAMES - 1)];
		struct recorded_frame *to = &w->record.frames[masked(met + 1 + i, RECORD_FRAMES)];

		if (i >= n)
			break;
		id = hash_mix(id, frame_pc(from->pc, from->kind));
		check = check_mix(check, frame_pc(from->pc, from->kind));
		guessed |= from->guessed;
		to->pc = from->pc;
		to->sp = from->sp;
		to->bp = from->bp;
		to->chain = id;
		to->check = check;
		to->bp_at = from->bp_at;
		live = bp_live(from, live);
		to->kind = from->kind | live;
		to->guessed = guessed;
	}
	n += met;
	w->record.count = n < RECORD_FRAMES ? n : RECORD_FRAMES;
	w->guessed = guessed;
	walk_name(w, id, check);
	return 0;
}

/*
 * What a record stands for from now on; after walk_end(). A walk that hung on more than what is
 * recorded is forgotten.
 */
static __always_inline void record_keep(struct unwind_walk *w, int result)
{
	const struct unwind_state *s = &w->state;
	struct unwind_record *r = &w->record;

	if (result == WALK_MET)
		return;
	r->list = s->list;
	r->epoch = list_epoch;
	r->flags = w->flags & ~STACK_F_POINTERS;
	r->end = result == UNWIND_AT_END && !s->pc ? s->sp : 0;
	r->top = r->count ? r->frames[1].sp : 0;
	if (r->end > r->top)
		r->top = r->end;
	w->top = r->top;
	if (!s->list || (result != UNWIND_AT_END && result != UNWIND_CUT_NO_INFO) || s->opaque)
		r->count = w->top = 0;
}

/* The frame behind the first `n`, 0: there is none. */
__noinline __u64 walk_pc(const struct unwind_walk *w, __u32 n)
{
	const struct recorded_frame *f;
	__u32 met, fresh;

	if (!w)
		return 0;
	fresh = w->fresh_count;
	if (n < fresh) {
		const struct fresh_frame *from = &w->fresh[masked(n, STACK_MAX_FRAMES - 1)];

		return frame_pc(from->pc, from->kind);
	}
	met = w->met;
	if (n - fresh >= met)
		return 0;
	f = &w->record.frames[masked(met - (n - fresh), RECORD_FRAMES)];
	return frame_pc(f->pc, f->kind);
}

/* All frames, innermost first, as they are sent. Returns how many. */
__noinline __u32 walk_pcs(const struct unwind_walk *w, struct walk_pcs *out)
{
	__u64 pc;
	__u32 i;

	if (!w || !out)
		return 0;
	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		pc = walk_pc(w, i);
		if (!pc)
			break;
		out->pcs[i] = pc;
	}
	return i;
}

#endif /* BPF_UNWIND_RECORD_H */
