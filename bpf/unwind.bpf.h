/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From registers to a stack id. A walk fills scratch memory: pcs holds return addresses (of an
 * interrupted instruction its address and one, so that pc - 1 is always inside the call or the
 * instruction), pcs[0] into the caller of the allocator, and flags STACK_F_*.
 *
 * At a probe the return address is on top of the stack, or has just been popped: the innermost step
 * needs no table. From there on include/unwind_row.h says how each frame is left.
 */
#ifndef BPF_UNWIND_H
#define BPF_UNWIND_H

#define ASK_AGAIN_NS 1000000000ull

/* ---- the kernel's walker, when there are to be no tables ---- */

static __always_inline __u32 unwind_pointers(struct pt_regs *ctx, struct scratch *s, bool at_return)
{
	__u32 n = 0;
	long bytes;

	s->walk.flags = STACK_F_POINTERS;
	if (at_return) {
		bytes = bpf_get_stack(ctx, s->frames.pcs, sizeof(s->frames.pcs), BPF_F_USER_STACK);
	} else {
		if (bpf_probe_read_user(&s->frames.pcs[0], sizeof(__u64), (void *)ctx->sp))
			s->frames.pcs[0] = 0;
		n = 1;
		bytes = bpf_get_stack(ctx, &s->frames.pcs[1], sizeof(s->frames.pcs) - sizeof(__u64),
				      BPF_F_USER_STACK | 1);
	}
	if (bytes < 0) {
		s->walk.flags |= STACK_F_FAILED;
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

static __always_inline __u32 stack_reason(int result)
{
	switch (result) {
	case UNWIND_WENT_ON: return STACK_F_CUT;
	case UNWIND_AT_END: return 0;
	case UNWIND_CUT_NO_INFO: return STACK_F_NO_INFO;
	case UNWIND_CUT_NO_MAPPING: return STACK_F_NO_MAPPING;
	case UNWIND_CUT_FAULT: return STACK_F_FAULT;
	default: return STACK_F_BROKEN;
	}
}

#define COUNT_FLAG(flags, flag, counter)                                                           \
	do {                                                                                       \
		if ((flags) & (flag))                                                              \
			count_current(counter);                                                    \
	} while (0)

/* What is wrong with the stack of an event. Global, so that the verifier looks at it once. */
__noinline int count_flags(__u32 flags)
{
	COUNT_FLAG(flags, STACK_F_CUT, COUNTER_STACK_CUT);
	COUNT_FLAG(flags, STACK_F_FAILED, COUNTER_STACK_FAILED);
	COUNT_FLAG(flags, STACK_F_NO_INFO, COUNTER_STACK_NO_INFO);
	COUNT_FLAG(flags, STACK_F_NO_MAPPING, COUNTER_STACK_NO_MAPPING);
	COUNT_FLAG(flags, STACK_F_FAULT, COUNTER_STACK_FAULT);
	COUNT_FLAG(flags, STACK_F_BROKEN, COUNTER_STACK_BROKEN);
	COUNT_FLAG(flags, STACK_F_CHANGED, COUNTER_STACK_CHANGED);
	if (config.unwind_tables)
		COUNT_FLAG(flags, STACK_F_POINTERS, COUNTER_STACK_GUESSED);
	return 0;
}

/* ---- the walk ---- */

/* The first return address: given, or still on the stack. */
static __always_inline bool stack_begin(struct unwind_walk *w, __u64 pc, __u64 sp, __u64 bp)
{
	struct unwind_state *s = &w->state;

	s->sp = sp;
	s->bp = bp;
	s->bytes = 0;
	s->want = record_bytes(w, sp);
	s->exact = s->guessed = s->bp_unknown = s->opaque = 0;
	s->trampoline = pc ? 0 : uprobe_trampoline();
	s->pc = pc;
	if (unwind_fill_first(s) || pc)
		return pc;
	if (!stack_word(s, sp, &s->pc))
		return false;
	if (s->pc && s->pc == s->trampoline)
		s->pc = uprobe_return_address(sp);
	s->sp = sp + 8;
	return s->pc;
}

static __always_inline __u64 stack_seed(const struct thread *t)
{
	return hash_mix(config.stack_seed, t->image);
}

/*
 * The stack from the caller of the allocator on; pc 0: its return address is on top of the stack.
 * w->id, check and flags are its result.
 */
__noinline int stack_walk(struct thread *t, struct unwind_walk *w, __u64 pc, __u64 sp, __u64 bp)
{
	struct unwind_state *s;
	int result;

	if (!t || !w)
		return 0;
	s = &w->state;
	s->list = space_get(t);
	s->readable_end = t->readable_end;
	if (!stack_begin(w, pc, sp, bp)) {
		w->flags = STACK_F_FAILED;
		w->met = w->fresh_count = w->record.count = 0;
		return walk_end(w, stack_seed(t));
	}
	result = walk_run(w, config.max_frames, stack_seed(t));
	t->readable_end = s->readable_end;
	if (result != WALK_KNOWN)
		w->flags = result == WALK_MET ? w->record.flags : stack_reason(result);
	if (result == UNWIND_CUT_NO_MAPPING)
		unwind_ask(t);
	if (s->list && !unwind_current(t, s->list)) {
		w->flags = STACK_F_CHANGED;
		walk_first_only(w);
		result = UNWIND_CUT_BROKEN;
	}
	walk_finish(w, result, stack_seed(t));
	return 0;
}

/* Its frames are needed, not only its id. */
static __always_inline __u32 stack_frames(struct thread *t, struct scratch *s, __u64 pc, __u64 sp,
					  __u64 bp)
{
	s->walk.no_memo = 1;
	stack_walk(t, &s->walk, pc, sp, bp);
	s->walk.no_memo = 0;
	s->walk.sent = 0;
	return walk_pcs(&s->walk, &s->frames);
}

static __always_inline int stack_none(struct unwind_walk *w)
{
	w->flags = STACK_F_FAILED;
	w->id = w->check = 1;
	return 0;
}

/* The id of the n frames in s->frames, with s->walk.flags. Not static: its loop is verified once, not at each place. */
__noinline int stack_name(struct thread *t, struct scratch *s, __u32 n)
{
	__u64 id;
	__u32 i;

	if (!t || !s)
		return 0;
	id = stack_seed(t);
	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		if (i >= n)
			break;
		id = hash_mix(id, s->frames.pcs[i]);
	}
	id = hash_mix(id, s->walk.flags);
	s->walk.id = id ? id : 1;
	s->walk.check = (__u32)id;
	return 0;
}

static __always_inline __u32 stack_by_pointers(struct pt_regs *ctx, struct thread *t,
					       struct scratch *s, bool at_return)
{
	__u32 n = unwind_pointers(ctx, s, at_return), max = config.max_frames;

	if (max > STACK_MAX_FRAMES)
		max = STACK_MAX_FRAMES;
	if (n > max) {
		n = max;
		s->walk.flags |= STACK_F_CUT;
	}
	stack_name(t, s, n);
	return n;
}

/*
 * Returns the stack's id, 0: not known (s is NULL); sends the frames when user space has not got them.
 * `at_return`: the registers are those after the return (ip is the return address already). Else the
 * probe is on an instruction at which the return address is on top of the stack and bp still (or
 * again) belongs to the caller.
 */
static __always_inline __u64 stack_of(struct pt_regs *ctx, struct thread *t, struct scratch *s,
				      bool at_return)
{
	__u32 n = 0;

	if (!s)
		return 0;
	if (config.unwind_tables)
		stack_walk(t, &s->walk, at_return ? ctx->ip : 0, ctx->sp, ctx->bp);
	else if (config.no_stacks)
		n = stack_none(&s->walk);
	else
		n = stack_by_pointers(ctx, t, s, at_return);
	if (s->walk.flags)
		count_flags(s->walk.flags);
	if (!s->walk.sent && !stack_is_sent(s->walk.id, s->walk.check)) {
		if (config.unwind_tables)
			n = stack_frames(t, s, at_return ? ctx->ip : 0, ctx->sp, ctx->bp);
		emit_stack(t, s, n);
	}
	return s->walk.id;
}

#endif /* BPF_UNWIND_H */
