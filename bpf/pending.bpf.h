/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Calls in flight. A thread can be inside several allocator calls (malloc calls mmap, realloc calls malloc, operator new
 * calls malloc): the outermost one owns the block, the inner ones are not reported. So one entry per thread is enough: while
 * it stands, every deeper call is an inner one.
 *
 * An entry that never returned (longjmp out of a handler, a C++ exception, a cancelled call) must not swallow the calls that
 * follow. It is found in two ways: a call whose return slot lies above it cannot be inside it; and while a call is under
 * way its slot holds its return address, or the trampoline where a return probe has taken it over.
 */
#ifndef BPF_PENDING_H
#define BPF_PENDING_H

static __always_inline bool on_signal_stack(struct task_struct *task, __u64 sp)
{
	__u64 base = task->sas_ss_sp;

	return base && sp > base && sp - base <= task->sas_ss_size;
}

enum where {
	WHERE_OUTSIDE = 0,   /* of any other call */
	WHERE_INSIDE = 1,    /* of the pending one */
	WHERE_ELSEWHERE = 2, /* the pending one may be in flight on another stack */
};

static __always_inline __u64 trampoline(struct task_struct *task)
{
	if (!bpf_core_field_exists(struct xol_area, vaddr))
		return 0;
	return BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
}

static __always_inline enum where pending_drop(struct pending *p)
{
	p->slot = 0;
	count_current(COUNTER_PENDING_STALE);
	return WHERE_OUTSIDE;
}

/* Where is the thread, with its return address at `slot`? Drops the pending entry when it is outside. */
static __always_inline enum where pending_where(struct thread *t, __u64 slot, __u32 id)
{
	struct pending *p = &t->pending;
	struct task_struct *task;
	__u64 there = 0;
	bool hijacked;

	if (!p->slot)
		return WHERE_OUTSIDE;
	/* the same call again: the one before never returned */
	if (slot == p->slot && id == p->id)
		return pending_drop(p);
	if (bpf_probe_read_user(&there, sizeof(there), (void *)p->slot))
		return pending_drop(p);
	task = bpf_get_current_task_btf();
	/* another tracer's return probe may have taken it over, too */
	hijacked = there && there == trampoline(task);
	if (!hijacked && (!there || there != p->return_address))
		return pending_drop(p);
	/* the same slot: a tail call, in which the inner function has taken over the outer one's return address */
	if (slot <= p->slot)
		return WHERE_INSIDE;
	if (on_signal_stack(task, slot) && !on_signal_stack(task, p->slot))
		return WHERE_INSIDE;
	if (!hijacked)
		return pending_drop(p);
	/*
	 * Left by longjmp, or alive on another stack (a handler that switched contexts). A return probe now would make the
	 * kernel forget that one, and its return would end the process.
	 */
	return WHERE_ELSEWHERE;
}

/* The call at `slot` is under way. Without a return probe its return address stays where it is. */
static __always_inline void pending_begin(struct pending *p, __u64 slot, __u32 id,
					  bool return_probe)
{
	p->return_address = 0;
	if (!return_probe && bpf_probe_read_user(&p->return_address, sizeof(__u64), (void *)slot))
		return;
	p->id = id;
	p->slot = slot;
}

#endif /* BPF_PENDING_H */
