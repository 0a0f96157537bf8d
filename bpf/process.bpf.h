/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The life of traced processes. A followed child gets its number here, before it runs, so that none
 * of its events comes from an unknown process. A vfork child runs in its parent's memory: what it
 * allocates belongs to the parent until it execs.
 */
#ifndef BPF_PROCESS_H
#define BPF_PROCESS_H

static __always_inline void generation_bump(void)
{
	__sync_fetch_and_add(&generation, 1);
}

static __always_inline int emit_fork(__u32 type, __u32 parent, __u32 child, __u32 child_pid)
{
	struct event_fork *e;

	if (!EMIT_RESERVE(e, type, parent, 0, moment_now()))
		return 0;
	e->child = child;
	e->child_pid = child_pid;
	emit_submit(e);
	return 0;
}

/* User space frees it of the breakpoints that it has inherited. */
static __always_inline int on_stranger(__u32 number, __u32 child_pid)
{
	bpf_map_update_elem(&strangers, &child_pid, &number, BPF_ANY);
	return emit_fork(EVENT_STRANGER, number, 0, child_pid);
}

static __always_inline int on_fork(struct task_struct *parent, struct task_struct *child)
{
	__u32 parent_pid = parent->tgid, child_pid = child->tgid;
	struct process *known, fresh = {};
	__u32 *stranger;

	if (parent_pid == child_pid)
		return 0;
	known = bpf_map_lookup_elem(&processes, &parent_pid);
	if (!known) {
		stranger = bpf_map_lookup_elem(&strangers, &parent_pid);
		return stranger && parent->mm != child->mm ? on_stranger(*stranger, child_pid) : 0;
	}
	fresh.image = known->image;
	if (parent->mm == child->mm) {
		fresh.number = known->number;
		fresh.flags = PROCESS_BORROWED;
	} else if (config.follow) {
		fresh.number = __sync_fetch_and_add(&next_number, 1);
	} else {
		return on_stranger(known->number, child_pid);
	}
	if (bpf_map_update_elem(&processes, &child_pid, &fresh, BPF_ANY)) {
		count(known, COUNTER_NO_STORAGE);
		return 0;
	}
	generation_bump();
	if (!fresh.flags)
		emit_fork(EVENT_FORK, known->number, fresh.number, child_pid);
	return 0;
}

/* -n NAME: a process that has just become what is looked for. */
static __always_inline int on_start(struct task_struct *task, __u32 pid)
{
	struct process fresh = {};
	char comm[16] = {};
	__u32 i;

	if (!config.name[0] || bpf_core_read_str(comm, sizeof(comm), &task->comm) < 0)
		return 0;
	for (i = 0; i < sizeof(comm); i++) {
		if (comm[i] != config.name[i])
			return 0;
		if (!comm[i])
			break;
	}
	fresh.number = __sync_fetch_and_add(&next_number, 1);
	fresh.image = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&processes, &pid, &fresh, BPF_ANY)) {
		count(NULL, COUNTER_NO_STORAGE);
		return 0;
	}
	generation_bump();
	return emit_process(EVENT_EXEC, fresh.number, task, 0, EVENT_F_STARTED);
}

/* It leaves the memory of its parent. Only perf events see it there without links of its own. */
static __always_inline void end_borrowing(struct task_struct *task, const struct process *child)
{
	__u32 parent = task->real_parent->tgid;

	if (config.vfork_blind && !(child->flags & PROCESS_PROBED))
		count(bpf_map_lookup_elem(&processes, &parent), COUNTER_VFORK_UNSEEN);
}

static __always_inline int on_exec(struct task_struct *task)
{
	__u32 pid = task->tgid;
	struct process *known = bpf_map_lookup_elem(&processes, &pid);
	__u32 parent;

	if (!known) {
		bpf_map_delete_elem(&strangers, &pid);
		return on_start(task, pid);
	}
	if (known->flags & PROCESS_BORROWED) {
		end_borrowing(task, known);
		if (!config.follow) {
			bpf_map_delete_elem(&processes, &pid);
			generation_bump();
			return 0;
		}
		parent = known->number;
		known->number = __sync_fetch_and_add(&next_number, 1);
		known->flags = 0;
		emit_fork(EVENT_FORK, parent, known->number, pid);
	}
	known->image = bpf_ktime_get_ns();
	generation_bump();
	emit_process(EVENT_EXEC, known->number, task, 0, 0);
	return 0;
}

/* Of the whole process, when this is its last thread. The leader may have gone before, but it is kept. */
static __always_inline __u64 cpu_of(struct task_struct *last)
{
	__u64 ns = last->signal->sum_sched_runtime + last->se.sum_exec_runtime;

	return last->pid == last->tgid ? ns : ns + last->group_leader->se.sum_exec_runtime;
}

static __always_inline int on_exit(struct task_struct *task)
{
	__u32 pid = task->tgid;
	struct process *known = bpf_map_lookup_elem(&processes, &pid);
	int code;

	thread_forget(task);
	if (task->signal->live.counter > 0)
		return 0;
	if (!known) {
		bpf_map_delete_elem(&strangers, &pid);
		return 0;
	}
	if (known->flags & PROCESS_BORROWED) {
		end_borrowing(task, known);
		bpf_map_delete_elem(&processes, &pid);
		return 0;
	}
	known->cpu_ns = cpu_of(task);
	code = task->signal->group_exit_code;
	emit_process(EVENT_EXIT, known->number, task, code ? code : task->exit_code, 0);
	return 0;
}

#endif /* BPF_PROCESS_H */
