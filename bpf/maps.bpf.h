/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Every map and setting of the BPF side. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

const volatile struct config config = {};

/*
 * One switch for all programs, thrown when every probe stands, so that arming is one moment; and a
 * number that grows whenever the set of traced processes changes, so that threads may remember what
 * they belong to.
 */
__u32 armed = 0;
/* Between two time windows: calls that begin are not seen. Those under way are, and notices. */
__u32 paused = 0;
__u32 generation = 1;
/* The tracer's number of the process that comes next. User space starts with 1 and takes numbers
 * here, too. */
__u32 next_number = 1;
__u64 counters[COUNTER_BPF_COUNT] = {};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

/* One ring for each CPU; the loader sets the number and puts them in. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

#define PROCESS_BORROWED                                                                           \
	1u		  /* a vfork child: runs in its parent's memory under the parent's number */
#define PROCESS_PROBED 2u /* a vfork child that has links of its own */

struct process {
	__u32 number;
	__u32 flags;
	/* Goes into stack ids: the same for processes with the same addresses (fork), another one
	 * after exec. */
	__u64 image;
	__u64 cpu_ns; /* at its end: processor time of all of its threads */
	__u64 counters[COUNTER_BPF_COUNT];
};

/* Traced processes by tgid in the initial pid namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 18);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

/*
 * Children that are not followed, until they exec: number of the traced process whose breakpoints
 * their memory has inherited.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16);
	__type(key, __u32);
	__type(value, __u32);
} strangers SEC(".maps");

/* The outermost allocator call that the thread is inside of. What a plain allocation needs comes first. */
struct pending {
	__u64 slot; /* stack address of the return address; 0: none */
	__u64 bytes;
	__u32 id;	/* enum call_id */
	__u16 unwanted; /* realloc: the new block is not recorded, the old one may be released */
	__u16 fixed;	/* mmap: replaces what was there */
	__u64 return_address; /* what the slot holds while the call is under way; 0: the trampoline of return probes */
	__u64 entry_ns;
	__u64 pointer; /* old block, range, or where posix_memalign stores */
	__u64 old_bytes;
};

/* What belongs to a thread: first the line of cache that every event needs. */
struct thread {
	__u64 started_ns; /* with the tid: whose this is */
	__u32 tid;
	__u32 generation;
	__u32 number; /* of the traced process, 0: not traced */
	__u32 space;
	__u64 space_owner; /* whose mappings unwind_spaces[space] describes; 0: look it up */
	struct pending pending;
	__u64 image;
	__u64 readable_end; /* the last read of its stack that failed had gone beyond this */
	__u64 stack_table;  /* where the pages of its stack are to be found (stack_page.bpf.h) */
	__u64 moment; /* the clock as it was last read for an event of this thread (moment.bpf.h) */
	__u64 run;    /* and what moment_run() said then */
};
_Static_assert(sizeof(struct thread) == 128, "thread: two cache lines");

/*
 * Threads by the low bits of their tid, so that finding one takes no call into the kernel's storage of tasks. Those whose place is
 * taken when they come have their state there (thread.bpf.h).
 */
#define THREAD_PLACES 4096
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to lines of cache */
	__uint(max_entries, THREAD_PLACES);
	__type(key, __u32);
	__type(value, struct thread);
} thread_places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

/*
 * Stacks whose frames are in a ring already, in sets of two. A conflict only means that frames are
 * sent again, so the number of distinct stacks has no limit. `check` is a second hash of the frames:
 * of two stacks with one id both are sent, and user space sees that they differ.
 */
#define SENT_SETS (1 << 17)
struct sent_stack {
	__u64 id, check;
};
struct sent_set {
	struct sent_stack newer, older;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* aligned to lines of cache */
	__uint(max_entries, SENT_SETS);
	__type(key, __u32);
	__type(value, struct sent_set);
} sent SEC(".maps");

static __always_inline void count(struct process *process, __u32 id)
{
	if (id >= COUNTER_BPF_COUNT)
		return;
	__sync_fetch_and_add(&counters[id], 1);
	if (process)
		__sync_fetch_and_add(&process->counters[id], 1);
}

/* Rare path: finds the process only to charge a loss to it. Global: the verifier looks at it once. */
__noinline int count_current(__u32 id)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	count(bpf_map_lookup_elem(&processes, &tgid), id);
	return 0;
}

#endif /* BPF_MAPS_H */
