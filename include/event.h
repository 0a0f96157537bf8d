/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every record that the BPF programs send. Fixed width, explicit padding, sizes asserted; values
 * append-only, because recordings keep them. Times are CLOCK_MONOTONIC nanoseconds
 * (bpf_ktime_get_ns). `process` is the tracer's own number of a traced process (never a pid: pids
 * are reused), 0 is none.
 */
#ifndef INCLUDE_EVENT_H
#define INCLUDE_EVENT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum event_type {
	EVENT_NONE = 0,
	EVENT_ALLOC = 1,   /* struct event_alloc: a block was handed out */
	EVENT_FREE = 2,	   /* struct event_free: a block is given back (time of the entry) */
	EVENT_REALLOC = 3, /* struct event_realloc: succeeded; one or both addresses are set */
	EVENT_RESIZE =
		4, /* struct event_alloc: the block at `address` now has `size` bytes (in place) */
	EVENT_STACK = 5,     /* struct event_stack: the frames behind a stack id */
	EVENT_FORK = 6,	     /* struct event_fork */
	EVENT_EXEC = 7,	     /* struct event_process */
	EVENT_EXIT = 8,	     /* struct event_process: the last thread is gone */
	EVENT_MODULES = 9,   /* struct event_process: modules are being loaded or unloaded */
	EVENT_MMAP = 10,     /* struct event_alloc: a range was mapped */
	EVENT_MUNMAP = 11,   /* struct event_range: succeeded */
	EVENT_MREMAP = 12,   /* struct event_range: succeeded */
	EVENT_STRANGER = 13, /* struct event_fork: a child that is not followed; its number is 0 */
	EVENT_BULK = 14, /* struct event_bulk: figures of a site changed, its single blocks are not
				known; made in user space */
	EVENT_SAMPLE = 15,    /* struct event_sample: a block that stands for others */
	EVENT_COLLECTED = 16, /* struct event_process: a collection of the Go runtime has ended */
};

struct event_header {
	__u64 time_ns;
	__u32 process;
	__u32 tid;
	__u16 size;  /* of the whole record, bytes */
	__u8 type;   /* enum event_type */
	__u8 call;   /* enum call_id */
	__u32 flags; /* EVENT_F_* */
};

/*
 * EVENT_ALLOC and EVENT_FREE come in rings of slots, one for each CPU, two slots to a cache line; the rest, and what does not fit
 * into a slot, comes in the kernel's ring buffers. `what` is written last; a slot is complete when its lap is that of the ring, modulo
 * SLOT_LAPS. Slots of memory that was never written have lap 0, so laps are counted from 1.
 */
struct event_slot {
	__u64 what; /* address, process, EVENT_FREE or not, lap */
	__u64 when; /* time_ns, call */
	__u64 stack;
	__u64 size; /* bytes, tid */
};

#define SLOT_ADDRESS_BITS 47
#define SLOT_PROCESS_BITS 14
#define SLOT_FREE	  (1ull << 61)
#define SLOT_LAP_SHIFT	  62
#define SLOT_LAPS	  4
#define SLOT_TIME_BITS                                                                             \
	56 /* two years after the boot times begin again: nothing but ages would notice */
#define SLOT_BYTES_BITS 42

struct slot_ring {
	__u64 taken; /* slots so far: the kernel side writes it */
	__u64 pad[7];
	__u64 released; /* given back so far: user space writes it */
	__u64 pad2[7];
};

#define EVENT_F_FIXED	1u /* EVENT_MMAP: MAP_FIXED, replaces what was there */
#define EVENT_F_STARTED 2u /* EVENT_EXEC: not traced before, found by its name */
#define EVENT_F_UNWIND	4u /* EVENT_MODULES: a stack met code of no known mapping */
#define EVENT_F_BEFORE	8u /* EVENT_BULK: what is allocated was there before tracing began */

struct event_alloc {
	struct event_header h;
	__u64 address;
	__u64 bytes; /* asked for */
	__u64 stack;
};

/* One object of a Go program, drawn among `count` of its size. */
struct event_sample {
	struct event_header h;
	__u64 address;
	__u64 bytes; /* of the object: its size class */
	__u64 stack;
	__u64 count; /* so many objects it stands for, itself included */
	__u64 span;  /* address of the runtime's mspan */
	__u32 cycle; /* the runtime's sweepgen when it was made */
	__u32 pad;
};

struct event_free {
	struct event_header h;
	__u64 address;
};

/* old_address 0: a plain allocation; address 0: the old block was released and nothing returned
 * (realloc(p, 0)). */
struct event_realloc {
	struct event_header h;
	__u64 address;
	__u64 bytes;
	__u64 stack;
	__u64 old_address;
	__u64 entry_ns; /* the release of the old block takes effect then, on a block born before */
};

struct event_range {
	struct event_header h;
	__u64 address; /* EVENT_MREMAP: where the range is now */
	__u64 bytes;
	__u64 stack;
	__u64 old_address; /* EVENT_MUNMAP: the range that went */
	__u64 old_bytes;
	__u64 entry_ns;
};

/* Since the last one of this site. What was allocated and freed in between is in both. */
struct event_bulk {
	struct event_header h;
	__u64 stack;
	__u64 alloc_bytes, alloc_count;
	__u64 free_bytes, free_count;
};

struct event_fork {
	struct event_header h; /* process: the parent */
	__u32 child;	       /* the tracer's number of the new process */
	__u32 child_pid;       /* tgid in the initial pid namespace */
};

struct event_process {
	struct event_header h;
	__u32 pid;
	__u32 exit_code; /* as wait() gives it; EVENT_EXIT only */
	char comm[16];
};

#define STACK_MAX_FRAMES 256
#define STACK_F_CUT	 1u /* deeper than STACK_MAX_FRAMES */
#define STACK_F_FAILED	 2u /* the walk failed: what is there may be a part */
#define STACK_F_POINTERS 4u /* walked by frame pointers: may skip frames that keep none */
/* Why the walk ended before the outermost frame; pcs before that are right. */
#define STACK_F_NO_INFO	   8u	/* code without unwind information */
#define STACK_F_NO_MAPPING 16u	/* an address in no known mapping */
#define STACK_F_FAULT	   32u	/* the stack's memory could not be read */
#define STACK_F_BROKEN	   64u	/* the frames make no sense */
#define STACK_F_CHANGED	   128u /* mappings changed during the walk: only pcs[0] is kept */
#define STACK_F_LOGICAL	   256u /* inlined functions have pcs of their own (runtime.Callers of Go) */

/* pcs[0] is the return address into the caller of the allocator; all pcs are return addresses. */
struct event_stack {
	struct event_header h; /* flags: STACK_F_* */
	__u64 id;
	__u32 frame_count;
	__u32 pad;
	__u64 pcs[];
};

_Static_assert(sizeof(struct event_header) == 24, "event_header");
_Static_assert(sizeof(struct slot_ring) == 128, "slot_ring");
_Static_assert(sizeof(struct event_slot) == 32, "event_slot");
_Static_assert(sizeof(struct event_alloc) == 48, "event_alloc");
_Static_assert(sizeof(struct event_free) == 32, "event_free");
_Static_assert(sizeof(struct event_sample) == 72, "event_sample");
_Static_assert(sizeof(struct event_realloc) == 64, "event_realloc");
_Static_assert(sizeof(struct event_range) == 72, "event_range");
_Static_assert(sizeof(struct event_bulk) == 64, "event_bulk");
_Static_assert(sizeof(struct event_fork) == 32, "event_fork");
_Static_assert(sizeof(struct event_process) == 48, "event_process");
_Static_assert(sizeof(struct event_stack) == 40, "event_stack");

#endif /* INCLUDE_EVENT_H */
