/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Most stacks are known as a whole (unwind_memo.bpf.h), and of those nothing need be copied: the words are read where they lie
 * (stack_page.bpf.h), and if their sum is that of the entry, the entry says what the stack is called. Whatever is not quite so, goes the
 * way of all others: memory is taken, the stack is copied and walked.
 */
#ifndef BPF_UNWIND_KNOWN_H
#define BPF_UNWIND_KNOWN_H

/* As memo_sum(), where the words lie; 0: one of them cannot be read there. */
static __always_inline __u64 known_sum(struct thread *t, const struct memo_entry *e, __u64 sp,
				       __u64 bp)
{
	__u64 sum = memo_mix_bp(e, bp), page = ~0ull, there = 0, address, at;
	__u64 key = e->key;
	__u32 count = e->count, i;

	for (i = 0; i < MEMO_WORDS; i++) {
		if (i >= count)
			break;
		address = sp + e->offsets[i] * 8ull;
		if (address >> 12 != page) {
			page = address >> 12;
			at = stack_page(&t->stack_table, address);
			if (!at)
				return 0;
			/* modulo 2^64 */
			there = at - (page << 12);
		}
		sum = memo_mix(sum, key, address, kernel_word((void *)(address + there)));
	}
	return memo_begin(e) + sum;
}

/*
 * The id of a stack whose frames user space has; 0: it has to be walked. The registers are those after the return of the allocator.
 * Entries that are looked for in vain are counted when the walk looks for them (whole_find()).
 */
__noinline __u64 stack_known(struct thread *t, __u64 pc, __u64 sp, __u64 bp)
{
	const struct memo_entry *e;
	__u64 list, key, sum, id;
	__u32 flags;
	__u8 *doubt;

	if (!t || !config.direct_base || config.no_memo || sp & 7)
		return 0;
	list = space_get(t);
	if (!list)
		return 0;
	key = memo_key(stack_seed(t), list, pc, sp, MEMO_WHOLE);
	doubt = memo_doubt(key);
	if (*doubt >= MEMO_PATIENCE)
		return 0;
	e = memo_get(key);
	if (!e || e->key != key)
		return 0;
	sum = known_sum(t, e, sp, bp);
	if (!sum || sum != e->sum) {
		t->stack_table = 0;
		return 0;
	}
	flags = (e->flags & ~MEMO_F_BP) | (e->guessed ? STACK_F_POINTERS : 0);
	id = stack_id(e->chain, flags);
	if (e->sent != id || !unwind_current(t, list))
		return 0;
	memo_trust(doubt);
	if (flags)
		count_flags(flags);
	return id;
}

#endif /* BPF_UNWIND_KNOWN_H */
