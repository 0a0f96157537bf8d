/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Stacks that come again, not at once but among others. The record of the last walk (unwind_record.bpf.h) helps only as
 * far as that stack was the same; a program that goes through some hundred stacks in turn has few common frames from one to
 * the next. So the innermost MEMO_AFTER frames are walked, and what lies beyond is looked up by the registers there: an entry
 * says where the words lie that a walk would read, and what their sum was. When it still is, the walk would go the same way.
 *
 * The sum is taken over everything that is in the entry, too, with a random seed: entries are written without a lock, and one that was
 * written by two at once fits nothing. A stack gets an entry when it was seen twice, so that programs that never repeat
 * themselves do not pay for making entries, and where looking brings nothing it is done more rarely.
 */
#ifndef BPF_UNWIND_MEMO_H
#define BPF_UNWIND_MEMO_H

/* Sets of two: of a thousand stacks hardly any stand in each other's way. */
#define MEMO_SETS  8192
#define MEMO_SLOTS (2 * MEMO_SETS)
/* Misses less four times hits, at most: then only each MEMO_RARELY-th walk looks. */
#define MEMO_PATIENCE 64
#define MEMO_RARELY   16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to lines of cache */
	__uint(max_entries, MEMO_SLOTS);
	__type(key, __u32);
	__type(value, struct memo_entry);
} unwind_memo SEC(".maps");

static __always_inline struct memo_entry *memo_slot(__u64 key, __u32 way)
{
	__u32 slot = ((key >> 40) & (MEMO_SETS - 1)) * 2 + way;

	return bpf_map_lookup_elem(&unwind_memo, &slot);
}

/* The entry with this key, or the one that would get it. */
static __always_inline struct memo_entry *memo_get(__u64 key)
{
	struct memo_entry *e = memo_slot(key, 0);

	return !e || !e->key || e->key == key ? e : memo_slot(key, 1);
}

/* Multilinear: each word times an odd number that belongs to its place. */
static __always_inline __u64 memo_term(__u64 key, __u64 offset, __u64 word)
{
	return word * ((key ^ offset * 0x9e3779b97f4a7c15ull) | 1);
}

static __always_inline __u64 memo_begin(const struct memo_entry *e)
{
	__u64 sum = hash_mix(e->key ^ config.stack_seed, e->chain);

	return hash_mix(sum, e->check | (__u64)e->flags << 32 | (__u64)e->guessed << 48 |
				     (__u64)e->count << 56);
}

/* `sum` and that of the words that are there now; 0: one is not in the window. */
static __always_inline __u64 memo_sum(const struct unwind_walk *w, const struct memo_entry *e,
				      __u64 sum)
{
	const struct unwind_state *s = &w->state;
	__u64 from = w->memo_sp - s->base, filled = s->bytes >> 3, at;
	__u32 count = e->count, i;

	if (from & 7)
		return 0;
	from >>= 3;
	if (e->flags & MEMO_F_BP)
		sum += memo_term(e->key, MEMO_BP_OFFSET, s->bp);
	for (i = 0; i < MEMO_WORDS; i++) {
		if (i >= count)
			break;
		at = from + e->offsets[i];
		if (at >= filled)
			return 0;
		sum += memo_term(e->key, e->offsets[i],
				 s->window[masked(at, UNWIND_WINDOW_WORDS - 1)]);
	}
	return sum;
}

static __always_inline bool memo_wanted(struct unwind_walk *w)
{
	if (config.no_memo || w->no_memo || w->near || !w->state.list)
		return false;
	return w->memo_misses < MEMO_PATIENCE || !(w->memo_turn++ & (MEMO_RARELY - 1));
}

/* Of an entry that begins at a frame with these registers. */
static __always_inline __u64 memo_key(__u64 seed, __u64 list, __u64 pc, __u64 sp, __u8 kind)
{
	return hash_mix(hash_mix(seed ^ list, pc), sp ^ kind) ^ list_epoch;
}

/* Of the frame that the walk has come to, which becomes that of w->memo_sp. */
static __always_inline __u64 memo_key_here(struct unwind_walk *w, __u64 seed)
{
	const struct unwind_state *s = &w->state;

	w->memo_sp = s->sp;
	return memo_key(seed, s->list, s->pc, s->sp, frame_kind(s));
}

static __always_inline bool memo_fits(const struct unwind_walk *w, const struct memo_entry *e,
				      __u64 key, __u64 begin)
{
	__u64 sum = e->key == key ? memo_sum(w, e, begin) : 0;

	return sum && sum == e->sum;
}

/* The stack is the first `fresh` frames, at most MEMO_AFTER, and the entry. Sets id, check and flags. */
static __always_inline void memo_name(struct unwind_walk *w, const struct memo_entry *e,
				      __u32 fresh)
{
	__u64 id = e->chain, pc;
	__u32 check = e->check, i;

	w->guessed = e->guessed;
	w->flags = e->flags & ~MEMO_F_BP;
	for (i = 0; i < fresh; i++) {
		const struct fresh_frame *f = &w->fresh[fresh - 1 - i];

		pc = frame_pc(f->pc, f->kind);
		id = hash_mix(id, pc);
		check = check_mix(check, pc);
		w->guessed |= f->guessed;
	}
	walk_name(w, id, check);
	w->sent = e->sent == w->id;
}

/* The whole stack is that of the last two walks? Then it has its name. Nobody else writes that entry. */
__noinline int memo_same(struct unwind_walk *w, __u64 seed)
{
	if (!w || !memo_fits(w, &w->same, memo_key_here(w, seed), 1))
		return 0;
	memo_name(w, &w->same, 0);
	return 1;
}

/* w->state is MEMO_AFTER frames from the first: what follows is known? Then the stack has its name. */
__noinline int memo_find(struct unwind_walk *w, __u64 seed)
{
	const struct memo_entry *e;

	if (!w)
		return 0;
	w->memo_key = memo_key_here(w, seed);
	e = memo_get(w->memo_key);
	if (!e)
		return 0;
	if (!memo_fits(w, e, w->memo_key, memo_begin(e))) {
		w->memo_misses += w->memo_misses < MEMO_PATIENCE;
		return 0;
	}
	w->memo_misses -= w->memo_misses < 4 ? w->memo_misses : 4;
	w->top = w->memo_sp + e->reach * 8ull;
	memo_name(w, e, MEMO_AFTER);
	return 1;
}

/* One word more of the entry that is being made. */
static __always_inline bool memo_add(struct unwind_walk *w, __u64 address, __u64 word)
{
	struct memo_entry *e = &w->memo;
	__u64 offset = (address - w->memo_sp) >> 3;
	__u32 n = e->count;

	if (address < w->memo_sp || ((address - w->memo_sp) & 7) || offset >= MEMO_BP_OFFSET ||
	    n >= MEMO_WORDS)
		return false;
	e->offsets[masked(n, 63) < MEMO_WORDS ? masked(n, 63) : 0] = (__u16)offset;
	e->count = n + 1;
	if (offset >= e->reach)
		e->reach = offset + 1;
	e->sum += memo_term(e->key, offset, word);
	return true;
}

/* What the step from frame m of the record to the next outer one has read. */
__noinline int memo_frame(struct unwind_walk *w, __u32 m)
{
	const struct recorded_frame *inner, *outer;

	if (!w || m < 2)
		return 0;
	inner = &w->record.frames[masked(m, RECORD_FRAMES)];
	outer = &w->record.frames[masked(m - 1, RECORD_FRAMES)];
	if (inner->kind & FRAME_OPAQUE || !memo_add(w, outer->sp - 8, outer->pc))
		return 0;
	if (inner->bp_at && outer->kind & FRAME_BP_LIVE)
		return memo_add(w, outer->sp - 8ull * inner->bp_at, outer->bp);
	return 1;
}

/* Puts the words of the recorded stack from a frame on into w->memo; w->memo_sp is sp there. */
__noinline int memo_make(struct unwind_walk *w, __u64 key, __u32 first)
{
	const struct recorded_frame *f;
	struct memo_entry *e;
	__u32 i;

	if (!w)
		return 0;
	f = &w->record.frames[masked(first, RECORD_FRAMES)];
	e = &w->memo;
	e->key = key;
	e->chain = f->chain;
	e->check = f->check;
	e->guessed = f->guessed;
	e->flags = w->record.flags | (f->kind & FRAME_BP_LIVE ? MEMO_F_BP : 0);
	e->reach = 1;
	e->count = 0;
	e->sum = f->kind & FRAME_BP_LIVE ? memo_term(e->key, MEMO_BP_OFFSET, f->bp) : 0;
	for (i = 0; i < MEMO_WORDS; i++) {
		if (first - i < 2)
			break;
		if (!memo_frame(w, first - i))
			return 0;
	}
	if (first - i >= 2 || (w->record.end && !memo_add(w, w->record.end - 8, 0)))
		return 0;
	e->seen = w->id;
	e->sent = stack_is_sent(w->id, w->check) ? w->id : 0;
	return 1;
}

/* After a walk that has met the record: when the stack was the same twice, it will be again. */
__noinline int memo_repeat(struct unwind_walk *w, __u64 seed)
{
	__u32 frames;

	if (!w)
		return 0;
	frames = w->met + w->fresh_count;
	if (w->last_id == w->id && w->no_entry_id != w->id && w->record.count == frames &&
	    frames > 1 && frames < RECORD_FRAMES) {
		const struct recorded_frame *f = &w->record.frames[masked(frames, RECORD_FRAMES)];
		__u64 key = memo_key(seed, w->record.list, f->pc, f->sp,
				     f->kind & (FRAME_EXACT | FRAME_BP_UNKNOWN));

		w->memo_sp = f->sp;
		if (memo_make(w, key, frames)) {
			w->same = w->memo;
			w->same.sum += 1;
		} else {
			w->no_entry_id = w->id;
		}
	}
	w->last_id = w->id;
	return 0;
}

/* After a walk that has looked in vain and whose stack is recorded. */
__noinline int memo_keep(struct unwind_walk *w)
{
	struct memo_entry *e;
	__u32 frames;

	if (!w || !w->memo_key)
		return 0;
	frames = w->met + w->fresh_count;
	if (w->record.count != frames || frames <= MEMO_AFTER + 1 || frames >= RECORD_FRAMES)
		return 0;
	e = memo_get(w->memo_key);
	if (!e)
		return 0;
	if (e->seen != w->id) {
		e->seen = w->id;
		return 0;
	}
	if (!memo_make(w, w->memo_key, frames - MEMO_AFTER))
		return 0;
	w->memo.sum += memo_begin(&w->memo);
	*e = w->memo;
	return 0;
}

/* From the first frame on, whose registers and window are in w->state. Returns how it ended. */
static __always_inline int walk_run(struct unwind_walk *w, __u32 max, __u64 seed)
{
	int result = WALK_ON;
	__u32 i;

	walk_begin(w);
	if (w->near && !config.no_memo && !w->no_memo && memo_same(w, seed))
		return WALK_KNOWN;
	/* words in its place are in no entry */
	if (!w->state.trampoline)
		w->state.trampoline = uprobe_trampoline();
	if (memo_wanted(w)) {
		for (i = 0; i < MEMO_AFTER && result == WALK_ON; i++)
			result = walk_step(w, max);
		if (result != WALK_ON)
			return result;
		if (memo_find(w, seed))
			return WALK_KNOWN;
	}
	return walk_on(w, max);
}

/* w->flags is how it ended. Gives the stack its id, and keeps of it what helps the next walks. */
static __always_inline void walk_finish(struct unwind_walk *w, int result, __u64 seed)
{
	if (result == WALK_KNOWN)
		return;
	/* nearly the same stack again and again: the record is faster */
	w->near = result == WALK_MET && w->fresh_count <= MEMO_AFTER;
	walk_end(w, seed);
	record_keep(w, result);
	if (config.no_memo)
		return;
	if (w->near)
		memo_repeat(w, seed);
	else
		memo_keep(w);
}

#endif /* BPF_UNWIND_MEMO_H */
