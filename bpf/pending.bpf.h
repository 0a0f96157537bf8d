/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Calls in flight. A thread can be inside several allocator calls (malloc calls mmap, realloc calls
 * malloc, operator new calls malloc): the outermost one owns the block, the inner ones are not
 * reported. So one entry per thread is enough: while it stands, every deeper call is an inner one.
 *
 * An entry that never returned (longjmp out of a handler, a C++ exception, a cancelled call) must
 * not stay: everything deeper would look like a part of it. Its return address tells: while the call
 * is in flight, the stack holds it (or the kernel's trampoline, where there is a return probe);
 * afterwards the next calls of that frame write over it.
 */
#ifndef BPF_PENDING_H
#define BPF_PENDING_H

/* Parts of the kernel's types, found by name: where its return probes return to. */
struct xol_area___tracer {
	unsigned long vaddr;
} __attribute__((preserve_access_index));
struct uprobes_state___tracer {
	struct xol_area___tracer *xol_area;
} __attribute__((preserve_access_index));
struct mm_struct___tracer {
	struct uprobes_state___tracer uprobes_state;
} __attribute__((preserve_access_index));

static __always_inline __u64 trampoline_of(struct task_struct *task)
{
	struct mm_struct___tracer *mm = (void *)task->mm;
	struct xol_area___tracer *area = NULL;

	if (!mm || !bpf_core_field_exists(area->vaddr))
		return 0;
	area = BPF_CORE_READ(mm, uprobes_state.xol_area);
	return area ? BPF_CORE_READ(area, vaddr) : 0;
}

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

static __always_inline enum where pending_drop(struct pending *p)
{
	p->slot = 0;
	count_current(COUNTER_PENDING_STALE);
	return WHERE_OUTSIDE;
}

static __always_inline void pending_begin(struct thread *t, struct pt_regs *ctx, __u32 id)
{
	t->pending.id = id;
	t->pending.slot = ctx->sp;
	if (bpf_probe_read_user(&t->pending.return_address, sizeof(__u64), (void *)ctx->sp))
		t->pending.return_address = 0;
}

/* Where is the thread, with its stack pointer at `slot`? Drops the pending entry when it is
 * outside. */
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
	hijacked = there && there == trampoline_of(task);
	if (!hijacked && there != p->return_address)
		return pending_drop(p);
	/* deeper; or a tail call: the inner function has taken over the return address */
	if (slot <= p->slot)
		return WHERE_INSIDE;
	if (on_signal_stack(task, slot) && !on_signal_stack(task, p->slot))
		return WHERE_INSIDE;
	if (!hijacked)
		return pending_drop(p);
	/*
	 * Left by longjmp, or alive on another stack (a handler that switched contexts). A return
	 * probe now would make the kernel forget that one, and its return would end the process.
	 */
	return WHERE_ELSEWHERE;
}

#endif /* BPF_PENDING_H */
