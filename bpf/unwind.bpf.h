/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From registers to a stack id. The contract of unwind_user(): t->pcs holds return addresses (of an
 * interrupted instruction its address and one, so that pc - 1 is always inside the call or the
 * instruction), pcs[0] into the caller of the allocator, and t->stack.pad the STACK_F_* flags.
 *
 * At a probe the return address is on top of the stack, or has just been popped: the innermost step
 * needs no table. From there on include/unwind_row.h says how each frame is left.
 */
#ifndef BPF_UNWIND_H
#define BPF_UNWIND_H

#define ASK_AGAIN_NS 1000000000ull

static __always_inline __u64 hash_mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ (h >> 29);
}

/* ---- the kernel's walker, when there are to be no tables ---- */

static __always_inline __u32 unwind_pointers(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	__u32 n = 0;
	long bytes;

	t->stack.pad = STACK_F_POINTERS;
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
	return n + (__u32)bytes / sizeof(__u64);
}

/* ---- by tables ---- */

static __always_inline bool space_find(struct thread *t, __u64 owner)
{
	__u32 *slot = bpf_map_lookup_elem(&unwind_owners, &owner);

	if (!slot)
		return false;
	t->space = *slot;
	t->space_owner = owner;
	return true;
}

/* The list that is published for this thread's address space; 0: none. */
static __always_inline __u64 space_list(struct thread *t)
{
	__u32 key =
		t->space; /* a copy: older verifiers take no map key from a function's argument */
	struct unwind_space *space = bpf_map_lookup_elem(&unwind_spaces, &key);
	__u64 list;

	if (!space)
		return 0;
	/*
	 * The list before the owner: who takes a space over clears the list, writes the owner and
	 * then the new list, and x86 keeps the order of stores and of loads.
	 */
	list = *(volatile __u64 *)&space->list;
	return *(volatile __u64 *)&space->owner == t->space_owner ? list : 0;
}

static __always_inline __u64 space_get(struct thread *t)
{
	__u64 list = t->space_owner ? space_list(t) : 0;

	if (list)
		return list;
	t->space_owner = 0;
	if (!space_find(t, UNWIND_OWNER_PROCESS(t->number)) && !space_find(t, t->image))
		return 0;
	return space_list(t);
}

static __always_inline struct unwind_gone *gone_of(struct thread *t)
{
	__u32 slot = t->number & (UNWIND_GONE_SLOTS - 1);

	return bpf_map_lookup_elem(&unwind_gone, &slot);
}

/* The dynamic linker has changed its list. It says so after it has unmapped a library, too, and
 * before it maps another one. */
static __always_inline void unwind_notice(struct thread *t)
{
	struct mm_struct *mm = bpf_get_current_task_btf()->mm;
	struct unwind_gone *gone = gone_of(t);
	__u64 pages;

	if (!gone || !mm || !bpf_core_field_exists(mm->exec_vm))
		return;
	pages = mm->exec_vm;
	if (pages < gone->pages)
		__sync_fetch_and_add(&gone->times, 1);
	gone->pages = pages;
}

/* Were the mappings that the walk has used still those of the process? */
static __always_inline bool unwind_current(struct thread *t, __u64 list)
{
	struct unwind_gone *gone = gone_of(t);

	if (gone && *(volatile __u32 *)&gone->times != *(volatile __u32 *)&gone->seen)
		return false;
	return space_list(t) == list;
}

/* A pc in no known mapping: user space must look again. Once for each list, and each second. */
__noinline int unwind_ask(struct thread *t)
{
	struct unwind_space *space;
	__u32 key;
	__u64 now;

	if (!t)
		return 0;
	key = t->space;
	space = bpf_map_lookup_elem(&unwind_spaces, &key);
	if (!space || !t->space_owner)
		return 0;
	now = bpf_ktime_get_ns();
	if (space->asked_list == space->list && now - space->asked_ns < ASK_AGAIN_NS)
		return 0;
	space->asked_list = space->list;
	space->asked_ns = now;
	return emit_process(EVENT_MODULES, t->number, bpf_get_current_task_btf(), 0,
			    EVENT_F_UNWIND);
}

static __always_inline void cut(struct thread *t, __u32 flag, __u32 counter)
{
	t->stack.pad |= flag;
	count_current(counter);
}

static __always_inline void stack_reason(struct thread *t, int result)
{
	switch (result) {
	case UNWIND_WENT_ON: cut(t, STACK_F_CUT, COUNTER_STACK_CUT); break;
	case UNWIND_AT_END: break;
	case UNWIND_CUT_NO_INFO: cut(t, STACK_F_NO_INFO, COUNTER_STACK_NO_INFO); break;
	case UNWIND_CUT_NO_MAPPING:
		cut(t, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
		unwind_ask(t);
		break;
	case UNWIND_CUT_FAULT: cut(t, STACK_F_FAULT, COUNTER_STACK_FAULT); break;
	default: cut(t, STACK_F_BROKEN, COUNTER_STACK_BROKEN);
	}
}

/* The first return address: given, or still on the stack. */
static __always_inline bool stack_begin(struct unwind_state *s, __u64 pc, __u64 sp, __u64 bp)
{
	s->sp = sp;
	s->bp = bp;
	s->bytes = 0;
	s->exact = s->guessed = s->bp_unknown = 0;
	s->trampoline = uprobe_trampoline();
	s->pc = pc;
	if (pc)
		return true;
	if (!stack_word(s, sp, &s->pc))
		return false;
	if (s->pc == s->trampoline)
		s->pc = uprobe_return_address(sp);
	s->sp = sp + 8;
	return s->pc;
}

/* Walks from the caller of the allocator; pc 0: its return address is on top of the stack. Returns
 * the number of t->pcs. */
__noinline int stack_walk(struct thread *t, __u64 pc, __u64 sp, __u64 bp)
{
	__u32 n, max = config.max_frames;
	struct unwind_state *s;
	int result = UNWIND_WENT_ON;

	if (!t)
		return 0;
	t->stack.pad = 0;
	s = bpf_task_storage_get(&unwind_states, bpf_get_current_task_btf(), NULL,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s || !stack_begin(s, pc, sp, bp)) {
		cut(t, STACK_F_FAILED, COUNTER_STACK_FAILED);
		return 0;
	}
	s->list = space_get(t);
	for (n = 0; n < STACK_MAX_FRAMES; n++) {
		t->pcs[n] = s->pc + s->exact;
		result = unwind_step(s);
		if (result != UNWIND_WENT_ON || n + 1 >= max)
			break;
	}
	n += n < STACK_MAX_FRAMES;
	stack_reason(t, result);
	if (s->guessed)
		cut(t, STACK_F_POINTERS, COUNTER_STACK_GUESSED);
	if (s->list && !unwind_current(t, s->list)) {
		cut(t, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
		return 1;
	}
	return n;
}

/*
 * `at_return`: the registers are those after the return (ip is the return address already). Else
 * the probe is on an instruction at which the return address is on top of the stack and bp still
 * (or again) belongs to the caller.
 */
static __always_inline __u32 unwind_user(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	__u32 n, max = config.max_frames;

	if (config.no_stacks) {
		t->stack.pad = STACK_F_FAILED;
		return 0;
	}
	if (config.unwind_tables)
		return stack_walk(t, at_return ? ctx->ip : 0, ctx->sp, ctx->bp);
	if (max > STACK_MAX_FRAMES)
		max = STACK_MAX_FRAMES;
	n = unwind_pointers(ctx, t, at_return);
	if (n <= max)
		return n;
	cut(t, STACK_F_CUT, COUNTER_STACK_CUT);
	return max;
}

/* Returns the stack's id, never 0; sends the frames when user space has not got them. */
static __always_inline __u64 stack_of(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	__u32 n = unwind_user(ctx, t, at_return);
	__u64 h = hash_mix(0x5bd1e9955bd1e995ull ^ t->stack.pad, t->image);
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
