/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The state of a thread. It has a place by the low bits of its tid. Who finds it taken, by a thread that is alive or one whose end
 * was not seen, has its state in the kernel's storage of tasks, from then on and as long as it lives: a call that is in flight there
 * must be found there. Nobody but the thread itself touches its state, so only the taking of a place is atomic.
 *
 * Tid and start tell a thread from all others that ever were, so that what an earlier one has left behind is never taken for
 * that of a later one.
 */
#ifndef BPF_THREAD_H
#define BPF_THREAD_H

static __always_inline struct thread *thread_place(const struct task_struct *task)
{
	__u32 place = task->pid & (THREAD_PLACES - 1);

	return bpf_map_lookup_elem(&thread_places, &place);
}

static __always_inline bool thread_is_of(const struct thread *t, const struct task_struct *task)
{
	return t->tid == (__u32)task->pid && t->started_ns == task->start_time;
}

/* The first time, or each time when its place is taken. */
static __noinline struct thread *thread_find(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = bpf_task_storage_get(&threads, task, NULL, 0), *place;

	if (t)
		return t;
	place = thread_place(task);
	if (place && !__sync_val_compare_and_swap(&place->tid, 0, task->pid)) {
		place->generation = place->pending.slot = 0;
		place->readable_end = place->moment = place->stack_table = 0;
		place->started_ns = task->start_time;
		return place;
	}
	return bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The thread's state, with its process looked up anew when the set of traced processes has changed.
 * NULL: not traced. `task` is the current one. */
static __always_inline struct thread *thread_of(const struct task_struct *task)
{
	struct thread *t = thread_place(task);
	__u32 now = *(volatile __u32 *)&generation;

	if (!t || !thread_is_of(t, task))
		t = thread_find();
	if (!t) {
		count_current(COUNTER_NO_STORAGE);
		return NULL;
	}
	if (t->generation != now) {
		__u32 tgid = task->tgid;
		struct process *process = bpf_map_lookup_elem(&processes, &tgid);

		t->number = process ? process->number : 0;
		t->image = process ? process->image : 0;
		t->space_owner = t->stack_table = 0;
		t->tid = task->pid;
		t->generation = now;
	}
	return t->number ? t : NULL;
}

static __always_inline struct thread *thread_get(void)
{
	return thread_of(bpf_get_current_task_btf());
}

/* Its end. */
static __always_inline void thread_forget(const struct task_struct *task)
{
	struct thread *t = thread_place(task);

	if (t && thread_is_of(t, task))
		t->tid = 0;
}

#endif /* BPF_THREAD_H */
