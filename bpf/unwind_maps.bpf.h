/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the unwinder reads (include/unwind_row.h) and remembers. Also compiled as plain C by
 * tests/unit/test_unwind.c.
 */
#ifndef BPF_UNWIND_MAPS_H
#define BPF_UNWIND_MAPS_H

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
	__uint(max_entries, RULE_CACHE_SLOTS);
	__type(key, __u32);
	__type(value, struct cached_rule);
} unwind_rules SEC(".maps");

/* One walk: registers of the frame that it has come to, and a copy of the stack around them. */
#define UNWIND_WINDOW_WORDS 512
#define UNWIND_WINDOW_BYTES (UNWIND_WINDOW_WORDS * 8)
struct unwind_state {
	__u64 pc, sp, bp;
	__u64 list;	  /* the mappings, as they are published */
	__u64 trampoline; /* what the kernel puts in place of return addresses that it probes; 0: none */
	__u64 base;	  /* address of window[0] */
	__u64 readable_end; /* the last read that failed had gone beyond this */
	__u32 bytes;	    /* of the window that are filled */
	__u32 exact;	    /* pc is an interrupted instruction, not a return address */
	__u32 guessed;	    /* frame pointers were believed */
	__u32 bp_unknown;   /* bp is not the frame's */
	__u64 window[UNWIND_WINDOW_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct unwind_state);
} unwind_states SEC(".maps");

#endif /* BPF_UNWIND_MAPS_H */
