/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Calls in flight. A thread can be inside several allocator calls (malloc calls mmap, realloc calls
 * malloc, operator new calls malloc): the outermost one owns the block, the inner ones are not
 * reported. So one entry per thread is enough: while it stands, every deeper call is an inner one.
 *
 * An entry that never returned (longjmp out of a handler, a C++ exception, a cancelled call) is
 * found by its stack address: a call whose return slot lies above it cannot be inside it.
 */
#ifndef BPF_PENDING_H
#define BPF_PENDING_H

static __always_inline bool on_signal_stack(struct task_struct *task, __u64 sp)
{
	__u64 base = task->sas_ss_sp;

	return base && sp > base && sp - base <= task->sas_ss_size;
}

/* Is the thread, with its stack pointer at `slot`, inside the pending call? Drops the entry when it
 * is not. */
static __always_inline bool pending_inside(struct thread *t, __u64 slot, __u32 id)
{
	struct pending *p = &t->pending;
	struct task_struct *task;

	if (!p->slot)
		return false;
	if (slot < p->slot)
		return true;
	/* a tail call: the inner function has taken over the outer one's return address */
	if (slot == p->slot && id != p->id)
		return true;
	task = bpf_get_current_task_btf();
	if (slot > p->slot && on_signal_stack(task, slot) && !on_signal_stack(task, p->slot))
		return true;
	p->slot = 0;
	count_current(COUNTER_PENDING_STALE);
	return false;
}

#endif /* BPF_PENDING_H */
