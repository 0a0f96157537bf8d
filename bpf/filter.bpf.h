/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Is this thread, is this size wanted. */
#ifndef BPF_FILTER_H
#define BPF_FILTER_H

/* The thread's state, with its process looked up anew when the set of traced processes has changed.
 * NULL: not traced. */
static __always_inline struct thread *thread_get(void)
{
	struct thread *t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL,
						BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u32 now = *(volatile __u32 *)&generation;

	if (!t) {
		count_current(COUNTER_NO_STORAGE);
		return NULL;
	}
	if (t->generation != now) {
		__u64 ids = bpf_get_current_pid_tgid();
		__u32 tgid = ids >> 32;
		struct process *process = bpf_map_lookup_elem(&processes, &tgid);

		t->number = process ? process->number : 0;
		t->image = process ? process->image : 0;
		t->space_owner = 0;
		t->tid = (__u32)ids;
		t->generation = now;
	}
	return t->number ? t : NULL;
}

static __always_inline bool size_wanted(__u64 bytes)
{
	return bytes >= config.min_bytes && bytes <= config.max_bytes;
}

/* Is an allocation of that size to be recorded? To be asked once for each: it may be drawn. */
static __always_inline bool bytes_wanted(__u64 bytes)
{
	return size_wanted(bytes) && sample_wanted(&hits_here()->sample_left, bytes);
}

#endif /* BPF_FILTER_H */
