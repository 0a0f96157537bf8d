/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Return probes that have not fired yet stand on the stack as the address of a trampoline, in place
 * of the return address. The kernel remembers what it replaced, and where: the stack address tells
 * which entry belongs to a frame, whatever order the entries are in.
 */
#ifndef BPF_UPROBE_RETURN_H
#define BPF_UPROBE_RETURN_H

#define RETURNS_MAX 64 /* the kernel's own limit on nested return probes */

/* 0: no return probe is pending in this thread. */
static __always_inline __u64 uprobe_trampoline(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct uprobe_task *utask;
	struct mm_struct *mm = NULL;
	struct xol_area *area;

	if (!bpf_core_field_exists(task->utask) || !bpf_core_field_exists(mm->uprobes_state))
		return 0;
	utask = task->utask;
	if (!utask || !utask->return_instances)
		return 0;
	mm = task->mm;
	if (!mm)
		return 0;
	area = mm->uprobes_state.xol_area;
	return area ? area->vaddr : 0;
}

/* The return address that belongs into the stack word at `slot`; 0: not known. */
__noinline __u64 uprobe_return_address(__u64 slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct return_instance *r;
	struct uprobe_task *utask;
	int i;

	if (!bpf_core_field_exists(task->utask))
		return 0;
	utask = task->utask;
	if (!utask)
		return 0;
	r = utask->return_instances;
	for (i = 0; i < RETURNS_MAX; i++) {
		if (!r)
			return 0;
		if (r->stack == slot)
			return r->orig_ret_vaddr;
		r = r->next;
	}
	return 0;
}

#endif /* BPF_UPROBE_RETURN_H */
