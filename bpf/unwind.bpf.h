/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From registers to a stack id. This version asks the kernel's frame-pointer walker; whatever
 * replaces it keeps unwind_user()'s contract: t->pcs holds return addresses, pcs[0] into the caller
 * of the allocator, and t->stack.pad the STACK_F_* flags.
 */
#ifndef BPF_UNWIND_H
#define BPF_UNWIND_H

static __always_inline __u64 hash_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

/*
 * `at_return`: the registers are those after the return (ip is the return address already). Else
 * the probe is on an instruction at which the return address is on top of the stack and bp still
 * (or again) belongs to the caller.
 */
static __always_inline __u32 unwind_user(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	long bytes;
	__u32 n = 0, max = config.max_frames;

	t->stack.pad = STACK_F_POINTERS;
	if (max > STACK_MAX_FRAMES || max < 2)
		max = STACK_MAX_FRAMES;
	if (at_return) {
		bytes = bpf_get_stack(ctx, t->pcs, sizeof(t->pcs), BPF_F_USER_STACK);
	} else {
		if (bpf_probe_read_user(&t->pcs[0], sizeof(__u64), (void *)ctx->sp))
			t->pcs[0] = 0;
		n = 1;
		bytes = bpf_get_stack(ctx, &t->pcs[1], sizeof(t->pcs) - sizeof(__u64),
				      BPF_F_USER_STACK | 1);
	}
	if (bytes < 0) {
		count_current(COUNTER_STACK_FAILED);
		t->stack.pad |= STACK_F_FAILED;
		bytes = 0;
	}
	n += (__u32)bytes / sizeof(__u64);
	if (n > max) {
		n = max;
		t->stack.pad |= STACK_F_CUT;
		count_current(COUNTER_STACK_CUT);
	}
	return n;
}

/* Returns the stack's id, never 0; sends the frames when user space has not got them. */
static __always_inline __u64 stack_of(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	__u32 n = unwind_user(ctx, t, at_return);
	__u64 h = hash_mix(0x5bd1e9955bd1e995ull, t->image);
	__u32 i;

	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		if (i >= n)
			break;
		h = hash_mix(h, t->pcs[i]);
	}
	h ^= h >> 32;
	t->stack.id = h ? h : 1;
	emit_stack(t, n);
	return t->stack.id;
}

#endif /* BPF_UNWIND_H */
