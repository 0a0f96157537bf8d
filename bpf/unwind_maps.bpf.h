/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the unwinder reads (include/unwind_row.h) and remembers. Also compiled as plain C by
 * tests/unit/test_unwind.c.
 */
#ifndef BPF_UNWIND_MAPS_H
#define BPF_UNWIND_MAPS_H

/*
 * `value` & `mask`, also where the compiler believes that it knows a bound: verifiers know it only when
 * it is on the very register that is used, and see this one.
 */
static __always_inline __u64 masked(__u64 value, __u64 mask)
{
	__asm__ volatile("" : "+r"(value));
	return value & mask;
}

struct unwind_words {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_CHUNK_WORDS);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNWIND_CHUNKS);
	__type(key, __u32);
	__array(values, struct unwind_words);
} unwind_chunks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_SPACES);
	__type(key, __u32);
	__type(value, struct unwind_space);
} unwind_spaces SEC(".maps");

/* Which space belongs to an image or a process (UNWIND_OWNER_PROCESS). A hint: the space itself says
 * whose it is. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, UNWIND_SPACES * 2);
	__type(key, __u64);
	__type(value, __u32);
} unwind_owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_GONE_SLOTS);
	__type(key, __u32);
	__type(value, struct unwind_gone);
} unwind_gone SEC(".maps");

/*
 * Rules that were looked up before, of all processes. The key is exact: a list number and an address
 * of 47 bits fill 64 bits. Two CPUs may write one entry at once; `check` is the key XOR a mix of the
 * rule, so that halves of two writes fit no key.
 */
#define RULE_CACHE_SLOTS (1 << 16)
struct cached_rule {
	__u64 check;
	__u64 rule;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to lines of cache */
	__uint(max_entries, RULE_CACHE_SLOTS);
	__type(key, __u32);
	__type(value, struct cached_rule);
} unwind_rules SEC(".maps");

/* One walk: registers of the frame that it has come to, and a copy of the stack around them. */
#define UNWIND_WINDOW_WORDS 2048
#define UNWIND_WINDOW_BYTES (UNWIND_WINDOW_WORDS * 8)
struct unwind_state {
	__u64 pc, sp, bp;
	__u64 list;	  /* the mappings, as they are published */
	__u64 trampoline; /* what the kernel puts in place of return addresses that it probes; 0: none */
	__u64 base;	  /* address of window[0] */
	__u64 readable_end; /* a page that cannot be read was seen to begin here */
	__u32 bytes;	    /* of the window that are filled */
	__u32 want;	    /* how many to fill */
	__u32 exact;	    /* pc is an interrupted instruction, not a return address */
	__u32 guessed;	    /* frame pointers were believed */
	__u32 bp_unknown;   /* bp is not the frame's */
	/* what the last step read, beside the return address below the new sp: */
	__u32 bp_at;   /* the new bp, so many words below the new sp; 0: nothing */
	__u32 opaque;  /* something else */
	__u32 bp_used; /* it went by bp */
	__u64 window[UNWIND_WINDOW_WORDS];
};

/*
 * The outer frames of the last walk in this memory, outermost first. What was read between two of
 * them is the return address and maybe bp, which are both in the outer one; so the next walk can see
 * whether it would go the same way.
 */
#define RECORD_FRAMES (STACK_MAX_FRAMES - 1)
struct recorded_frame {
	__u64 pc, sp, bp;
	__u64 chain;  /* hash of this and all outer pcs */
	__u32 check;  /* another one */
	__u16 bp_at;  /* of the step to the next outer frame, as in unwind_state */
	__u8 kind;    /* FRAME_* */
	__u8 guessed; /* here or further out */
};

#define FRAME_EXACT	 1u
#define FRAME_BP_UNKNOWN 2u
#define FRAME_OPAQUE	 4u
#define FRAME_BP_USED	 8u /* by the step to the next outer frame */
#define FRAME_BP_LIVE                                                                              \
	16u /* or further out, before it is another one: else its value does not matter */

/* Grows when numbers of lists are used again: what was recorded before is not believed. */
__u32 list_epoch = 0;

struct unwind_record {
	__u64 list;
	__u64 top;   /* the words that were read lie below */
	__u64 end;   /* the word below is the 0 at which the walk ended; 0: it ended by a rule */
	__u32 epoch; /* list_epoch then */
	__u32 flags; /* STACK_F_*: how it ended */
	__u32 count;
	__u32 pad;
	struct recorded_frame frames[RECORD_FRAMES + 1]; /* from 1 on */
};

/* Frames that were walked this time, innermost first. */
struct fresh_frame {
	__u64 pc, sp, bp;
	__u16 bp_at;
	__u8 kind, guessed;
	__u32 pad;
};

/* What lies beyond the first frames of a stack: none, or MEMO_AFTER (unwind_memo.bpf.h). */
#define MEMO_AFTER     2
#define MEMO_WORDS     39
#define MEMO_F_BP      0x8000u /* in flags: bp is one of the words */
#define MEMO_BP_OFFSET 2047

struct memo_entry {
	__u64 key;   /* of the registers there */
	__u64 sum;   /* over the words at the offsets and the rest of the entry */
	__u64 chain; /* as in recorded_frame */
	__u64 seen;  /* the last stack that began there and was walked */
	__u64 sent;  /* a stack with this entry whose frames user space has */
	__u32 check;
	__u16 flags; /* STACK_F_* */
	__u16 reach; /* words from there on that a walk reads in */
	__u8 guessed;
	__u8 count;
	__u16 offsets[MEMO_WORDS]; /* in words from sp there */
};
_Static_assert(sizeof(struct memo_entry) == 128, "memo_entry: two cache lines");

/* An entry that was looked for. */
struct memo_look {
	__u64 key; /* 0: it was not */
	__u64 sp;  /* of the frame where it begins */
};

struct unwind_walk {
	struct unwind_state state;
	__u32 valid; /* frames of the record that still are as they were, outermost first */
	__u32 met;   /* frames of the record that follow the fresh ones */
	__u32 fresh_count;
	__u32 flags; /* STACK_F_*, of the whole stack */
	__u64 first_pc;
	__u64 id; /* of the whole stack */
	__u32 check;
	__u32 left; /* while fresh frames are joined to the record */
	__u32 guessed;
	__u32 no_memo;		/* walk, even if the stack is known */
	__u32 sent;		/* user space is known to have its frames */
	__u32 near;		/* the last walk met the record at once */
	__u64 top;		/* the words that the last walk read lie below */
	struct memo_look whole; /* for the whole stack, by this walk */
	struct memo_look rest;	/* for what lies beyond MEMO_AFTER frames */
	__u64 wanted_key; /* of a whole stack that is to be walked to its end, to get an entry */
	__u32 memo_misses, memo_turn, whole_turn;
	struct memo_entry memo; /* being made */
	__u64 memo_sp;
	struct fresh_frame fresh[STACK_MAX_FRAMES];
	struct unwind_record record;
};

struct walk_pcs {
	__u64 pcs[STACK_MAX_FRAMES];
};

#endif /* BPF_UNWIND_MAPS_H */
