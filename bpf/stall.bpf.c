// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * How long threads of traced processes are kept waiting in the kernel: the longest wait in each phase
 * of a session. What counts is a wait for a lock that sleeps (memory map, probes, fork), without the
 * time in which the thread could have run but had no processor. Kernels that do not tell of such
 * locks (before Linux 5.19): any uninterruptible sleep.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "stall.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* linux/lock.h, trace/events/lock.h */
#define LOCK_SPINS 1u
#define LOCK_MUTEX 32u
/* linux/sched.h */
#define UNINTERRUPTIBLE 2u
#define NOT_LOAD	0x400u /* an idle kernel thread */

const volatile bool any_sleep = false;

__u32 phase = STALL_ATTACHING;
__u64 longest_ns[STALL_PHASES] = {};
__u64 untold = 0; /* waits that found no room */

/* The tracer's own map. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} processes SEC(".maps");

struct wait {
	__u64 begun_ns;
	__u64 off_ns;	    /* left its processor; 0: it runs */
	__u64 runnable_ns;  /* could run again; 0: not yet */
	__u64 processor_ns; /* waited for a processor so far */
	__u32 phase;
	__u32 pad;
};

/* Threads that wait, by tid. Preallocated, since the scheduler is no place to allocate. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct wait);
} waits SEC(".maps");

static __always_inline bool is_traced(__u32 tgid)
{
	return bpf_map_lookup_elem(&processes, &tgid) != NULL;
}

static __always_inline void keep_longest(__u32 at, __u64 ns)
{
	if (at < STALL_PHASES && ns > longest_ns[at])
		longest_ns[at] = ns;
}

static __always_inline void begin(__u32 tid, struct wait *wait)
{
	wait->phase = *(volatile __u32 *)&phase;
	if (bpf_map_update_elem(&waits, &tid, wait, BPF_ANY))
		__sync_fetch_and_add(&untold, 1);
}

/* A wait that reaches into another phase counts for both. */
static __always_inline void end(__u32 tid, struct wait *wait, __u64 now)
{
	__u64 total = now - wait->begun_ns, processor = wait->processor_ns;
	__u64 stall = total > processor ? total - processor : 0;

	keep_longest(wait->phase, stall);
	keep_longest(*(volatile __u32 *)&phase, stall);
	bpf_map_delete_elem(&waits, &tid);
}

SEC("tp_btf/contention_begin")
int BPF_PROG(lock_begin, void *lock, unsigned int flags)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct wait wait = {};

	if (flags & (LOCK_SPINS | LOCK_MUTEX) || !is_traced(id >> 32))
		return 0;
	wait.begun_ns = bpf_ktime_get_ns();
	begin((__u32)id, &wait);
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(lock_end, void *lock, int ret)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct wait *wait = bpf_map_lookup_elem(&waits, &tid);

	if (wait)
		end(tid, wait, bpf_ktime_get_ns());
	return 0;
}

static __always_inline void leave(struct task_struct *task)
{
	__u32 tid = task->pid, state = task->__state;
	struct wait *wait = bpf_map_lookup_elem(&waits, &tid), fresh = {};

	if (wait) {
		wait->off_ns = bpf_ktime_get_ns();
		wait->runnable_ns = state ? 0 : wait->off_ns;
		return;
	}
	if (!any_sleep || !(state & UNINTERRUPTIBLE) || state & NOT_LOAD || !is_traced(task->tgid))
		return;
	fresh.begun_ns = fresh.off_ns = bpf_ktime_get_ns();
	begin(tid, &fresh);
}

static __always_inline void come_back(struct task_struct *task)
{
	__u32 tid = task->pid;
	struct wait *wait = bpf_map_lookup_elem(&waits, &tid);
	__u64 now;

	if (!wait || !wait->off_ns)
		return;
	now = bpf_ktime_get_ns();
	if (wait->runnable_ns)
		wait->processor_ns += now - wait->runnable_ns;
	wait->off_ns = 0;
	if (any_sleep)
		end(tid, wait, now);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(processor_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	leave(prev);
	come_back(next);
	return 0;
}

/* Not sched_waking, which can come before the switch that it ends. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(processor_wakeup, struct task_struct *task)
{
	__u32 tid = task->pid;
	struct wait *wait = bpf_map_lookup_elem(&waits, &tid);

	if (wait && wait->off_ns && !wait->runnable_ns)
		wait->runnable_ns = bpf_ktime_get_ns();
	return 0;
}
