/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that user code writes into the BPF object before it is loaded. */
#ifndef INCLUDE_CONFIG_H
#define INCLUDE_CONFIG_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

struct config {
	__u64 min_bytes; /* allocations outside [min_bytes, max_bytes] are not recorded */
	__u64 max_bytes;
	__u64 sample_bytes;    /* mean of the Poisson process, 0: record every allocation */
	__u32 selective;       /* 1: by one of these some allocations are not recorded */
	__u32 ring_wake_bytes; /* wake the consumer when a ring holds this much; 0: it polls */
	__u32 slot_count;      /* of each CPU's slots, a power of two */
	__u32 slot_bits;       /* log2 of it */
	__u32 slot_wake;  /* the same for slots: each time so many more are used, a power of two */
	__u32 follow;	  /* 1: children of fork are traced */
	__u32 ranges;	  /* 1: mmap, munmap and mremap are traced */
	__u32 max_frames; /* depth of stacks, at most STACK_MAX_FRAMES */
	char name[16];	  /* also trace processes that take this comm by exec; "": none */
	__u32 unwind_tables; /* 1: stacks by unwind tables; 0: by the kernel's frame-pointer walker */
	__u32 scratch_count; /* pieces of memory for walks, a power of two */
	__u64 stack_seed;  /* of stack ids: random, so that no target can choose ids that collide */
	__u32 vfork_blind; /* 1: links of a process do not see its vfork children */
	__u32 no_stacks;   /* 1: none at all, for benches */
	__u32 no_memo;	   /* 1: stacks are walked each time, for benches */
	__u64 direct_base; /* where the kernel has all memory mapped; 0: stacks are copied, and nothing is read there */
	__u64 direct_end;    /* of memory: physical addresses from there on are none */
	__u32 direct_levels; /* of page tables: 4 or 5 */
	__u32 pad;
};

#endif /* INCLUDE_CONFIG_H */
