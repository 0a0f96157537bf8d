/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory for walks of stacks. It belongs to no thread (10,000 threads would have 200 MB of it) and to
 * no CPU: since Linux 6.0 uprobe programs run with migration disabled but preemption on, so several
 * threads of one CPU may be in the middle of a walk. So there is a number of pieces that follows the
 * number of CPUs; a thread takes the same one each time when it can, because what the last walk left
 * there helps the next one (unwind_record.bpf.h), and gives it back before the program ends.
 */
#ifndef BPF_SCRATCH_H
#define BPF_SCRATCH_H

#define SCRATCH_TRIES 8

struct scratch {
	__u32 taken;
	__u32 pad;
	struct unwind_walk walk;
	/* the record as it is sent: its frames follow it */
	struct event_stack stack;
	struct walk_pcs frames;
};

/* The loader sets the number: a power of two. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCRATCH_TRIES);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* NULL (counted): all that were tried are in use. */
static __always_inline struct scratch *scratch_take(const struct thread *t)
{
	__u32 tid = t->tid, key, i;
	struct scratch *s;

	for (i = 0; i < SCRATCH_TRIES; i++) {
		key = (tid + i) & (config.scratch_count - 1);
		s = bpf_map_lookup_elem(&scratches, &key);
		if (s && !__sync_val_compare_and_swap(&s->taken, 0, 1))
			return s;
	}
	count_current(COUNTER_NO_SCRATCH);
	return NULL;
}

/* x86 keeps the order of stores: what was written before is seen before. */
static __always_inline void scratch_give(struct scratch *s)
{
	*(volatile __u32 *)&s->taken = 0;
}

#endif /* BPF_SCRATCH_H */
