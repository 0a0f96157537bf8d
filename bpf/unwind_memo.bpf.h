/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Stacks that come again, not at once but among others. The record of the last walk (unwind_record.bpf.h) helps only as
 * far as that stack was the same; a program that goes through some hundred stacks in turn has few common frames from one to
 * the next. So what lies beyond a frame is looked up by its registers: an entry says where the words lie that a walk would read, and
 * what their sum was. When it still is, the walk would go the same way. That is done twice: at the first frame, for the whole
 * stack; and, where many stacks begin alike, so that one of them has the entry and most looks are in vain, beyond the
 * innermost MEMO_AFTER frames, which are walked.
 *
 * The sum is taken over everything that is in the entry, too, with a random seed: entries are written without a lock, and one that was
 * written by two at once fits nothing. A stack gets an entry when it was seen twice, so that programs that never repeat
 * themselves do not pay for making entries, and where looking brings nothing it is done more rarely: for whole stacks that
 * is noted for each place where they begin.
 */
#ifndef BPF_UNWIND_MEMO_H
#define BPF_UNWIND_MEMO_H

/* Sets of two: of a thousand stacks hardly any stand in each other's way. */
#define MEMO_SETS  8192
#define MEMO_SLOTS (2 * MEMO_SETS)
/* Misses less four times hits, at most: then only each MEMO_RARELY-th walk looks. */
#define MEMO_PATIENCE 64
#define MEMO_RARELY   16
/* In keys, beside FRAME_EXACT and FRAME_BP_UNKNOWN: of whole stacks. */
#define MEMO_WHOLE 128u

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to lines of cache */
	__uint(max_entries, MEMO_SLOTS);
	__type(key, __u32);
	__type(value, struct memo_entry);
} unwind_memo SEC(".maps");

/* Of whole stacks that begin at places with one hash: as memo_misses. Written by many at once: a hint. */
#define MEMO_DOUBTS 4096
__u8 memo_doubts[MEMO_DOUBTS] SEC(".data.doubts") = {};

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

/* One word more, of an address that is a multiple of 8: a polynomial in an odd number that belongs to the entry. */
static __always_inline __u64 memo_mix(__u64 sum, __u64 key, __u64 address, __u64 word)
{
	return (sum + (word ^ address << 45)) * (key | 1);
}

static __always_inline __u64 memo_mix_bp(const struct memo_entry *e, __u64 bp)
{
	return e->flags & MEMO_F_BP ? memo_mix(0, e->key, ~0ull, bp) : 0;
}

static __always_inline __u64 memo_begin(const struct memo_entry *e)
{
	__u64 sum = hash_mix((e->key + e->reach) ^ config.stack_seed, e->chain);

	return hash_mix(sum, e->check | (__u64)e->flags << 32 | (__u64)e->guessed << 48 |
				     (__u64)e->count << 56);
}

/* Of the entry with the words that are there now, from `sp` on; 0: one is not in the window. */
static __always_inline __u64 memo_sum(const struct unwind_walk *w, const struct memo_entry *e,
				      __u64 sp)
{
	const struct unwind_state *s = &w->state;
	__u64 from = sp - s->base, sum = memo_mix_bp(e, s->bp);
	__u32 count = e->count, i;

	if (from & 7 || from + e->reach * 8ull > s->bytes)
		return 0;
	from >>= 3;
	for (i = 0; i < MEMO_WORDS; i++) {
		if (i >= count)
			break;
		sum = memo_mix(sum, e->key, sp + e->offsets[i] * 8ull,
			       s->window[masked(from + e->offsets[i], UNWIND_WINDOW_WORDS - 1)]);
	}
	return memo_begin(e) + sum;
}

static __always_inline bool memo_is_off(const struct unwind_walk *w)
{
	return config.no_memo || w->no_memo || !w->state.list;
}

static __always_inline bool rest_wanted(struct unwind_walk *w)
{
	if (memo_is_off(w) || w->near || (w->whole.key && w->whole.key == w->wanted_key))
		return false;
	return w->memo_misses < MEMO_PATIENCE || !(w->memo_turn++ & (MEMO_RARELY - 1));
}

/* Of an entry that begins at a frame with these registers. */
static __always_inline __u64 memo_key(__u64 seed, __u64 list, __u64 pc, __u64 sp, __u8 kind)
{
	return hash_mix(hash_mix(seed ^ list, pc), sp ^ kind) ^ list_epoch;
}

static __always_inline bool memo_fits(const struct unwind_walk *w, const struct memo_entry *e,
				      const struct memo_look *look)
{
	__u64 sum = e->key == look->key ? memo_sum(w, e, look->sp) : 0;

	return sum && sum == e->sum;
}

/* The stack is the first `fresh` frames, at most MEMO_AFTER, and the entry. Sets id, check and flags. */
static __always_inline void memo_name(struct unwind_walk *w, const struct memo_entry *e,
				      const struct memo_look *look, __u32 fresh)
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
	w->top = look->sp + e->reach * 8ull;
	walk_name(w, id, check);
	w->sent = e->sent == w->id;
}

/* The frame that the walk has come to is where the entry begins. */
static __always_inline void memo_look_here(struct unwind_walk *w, struct memo_look *look,
					   __u64 seed, __u8 what)
{
	const struct unwind_state *s = &w->state;

	look->sp = s->sp;
	look->key = memo_key(seed, s->list, s->pc, s->sp, frame_kind(s) | what);
}

static __always_inline __u8 *memo_doubt(__u64 key)
{
	return &memo_doubts[(key >> 20) & (MEMO_DOUBTS - 1)];
}

/* An entry was there. Mostly there is no doubt, and nothing to be written. */
static __always_inline void memo_trust(__u8 *doubt)
{
	if (*doubt)
		*doubt -= *doubt < 4 ? *doubt : 4;
}

/* w->state is the first frame: the whole stack is known? Then it has its name. */
static __always_inline bool whole_find(struct unwind_walk *w, __u64 seed)
{
	const struct memo_entry *e;
	__u8 *doubt;

	memo_look_here(w, &w->whole, seed, MEMO_WHOLE);
	doubt = memo_doubt(w->whole.key);
	if (*doubt >= MEMO_PATIENCE && (w->whole_turn++ & (MEMO_RARELY - 1))) {
		w->whole.key = 0;
		return false;
	}
	e = memo_get(w->whole.key);
	if (!e || !memo_fits(w, e, &w->whole)) {
		*doubt += *doubt < MEMO_PATIENCE;
		return false;
	}
	memo_trust(doubt);
	memo_name(w, e, &w->whole, 0);
	return true;
}

/* w->state is MEMO_AFTER frames from the first: what follows is known? Then the stack has its name. */
__noinline int rest_find(struct unwind_walk *w, __u64 seed)
{
	const struct memo_entry *e;

	if (!w)
		return 0;
	memo_look_here(w, &w->rest, seed, 0);
	e = memo_get(w->rest.key);
	if (!e)
		return 0;
	if (!memo_fits(w, e, &w->rest)) {
		w->memo_misses += w->memo_misses < MEMO_PATIENCE;
		return 0;
	}
	w->memo_misses -= w->memo_misses < 4 ? w->memo_misses : 4;
	memo_name(w, e, &w->rest, MEMO_AFTER);
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
	e->sum = memo_mix(e->sum, e->key, address, word);
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
	e->sum = memo_mix_bp(e, f->bp);
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

/* The stack was seen the last time, too, when this entry was looked for in vain? */
static __always_inline struct memo_entry *seen_again(const struct unwind_walk *w, __u64 key)
{
	struct memo_entry *e = key ? memo_get(key) : NULL;

	if (!e || e->seen == w->id)
		return e;
	e->seen = w->id;
	return NULL;
}

/*
 * After a walk that has looked in vain for an entry that begins `after` frames from the first, and whose stack is recorded.
 * False: it can have none.
 */
static __always_inline bool memo_keep(struct unwind_walk *w, const struct memo_look *look,
				      __u32 after)
{
	struct memo_entry *e = seen_again(w, look->key);
	__u32 frames = w->met + w->fresh_count;

	if (!e)
		return true;
	if (w->record.count != frames || frames <= after + 1 || frames >= RECORD_FRAMES)
		return false;
	w->memo_sp = look->sp;
	if (!memo_make(w, look->key, frames - after))
		return false;
	w->memo.sum += memo_begin(&w->memo);
	*e = w->memo;
	return true;
}

__noinline int memo_keep_both(struct unwind_walk *w)
{
	if (!w)
		return 0;
	w->wanted_key = 0;
	if (!memo_keep(w, &w->whole, 0))
		*memo_doubt(w->whole.key) = MEMO_PATIENCE;
	memo_keep(w, &w->rest, MEMO_AFTER);
	return 0;
}

/* What lies beyond was known, the whole was not: when it comes again, let it be walked to its end. */
static __always_inline void whole_want(struct unwind_walk *w)
{
	if (seen_again(w, w->whole.key))
		w->wanted_key = w->whole.key;
}

/* From the first frame on, whose registers and window are in w->state. Returns how it ended. */
static __always_inline int walk_run(struct unwind_walk *w, __u32 max, __u64 seed)
{
	int result = WALK_ON;
	__u32 i;

	walk_begin(w);
	if (!memo_is_off(w) && whole_find(w, seed))
		return WALK_KNOWN;
	/* words in its place are in no entry */
	if (!w->state.trampoline)
		w->state.trampoline = uprobe_trampoline();
	if (rest_wanted(w)) {
		for (i = 0; i < MEMO_AFTER && result == WALK_ON; i++)
			result = walk_step(w, max);
		if (result != WALK_ON)
			return result;
		if (rest_find(w, seed)) {
			whole_want(w);
			return WALK_KNOWN;
		}
	}
	return walk_on(w, max);
}

/* w->flags is how it ended. Gives the stack its id, and keeps of it what helps the next walks. */
static __always_inline void walk_finish(struct unwind_walk *w, int result, __u64 seed)
{
	if (result == WALK_KNOWN)
		return;
	/* nearly the same stack again and again: the record is faster than looking beyond */
	w->near = result == WALK_MET && w->fresh_count <= MEMO_AFTER;
	walk_end(w, seed);
	record_keep(w, result);
	if (!config.no_memo)
		memo_keep_both(w);
}

#endif /* BPF_UNWIND_MEMO_H */
