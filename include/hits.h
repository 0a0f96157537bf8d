/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often probes were hit, by what a hit costs: bpf/hits.bpf.h counts, user/probe/loader.c reads. One entry for each
 * processor, a cache line of its own or more, so that counting costs a nanosecond. What else a hit needs of its processor is beside
 * the counts, in a line that is there already.
 */
#ifndef INCLUDE_HITS_H
#define INCLUDE_HITS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum hit_kind {
	HIT_EMULATED = 0, /* a breakpoint whose instruction the kernel emulates */
	HIT_STEPPED = 1,  /* a breakpoint whose instruction it single-steps */
	HIT_RETURN = 2,	  /* a return that a return probe has taken over */
	HIT_KINDS = 3,
};

/* Processors beyond share entries, and lose a count now and then. */
#define HIT_CPUS 256
/* One hit in so many, a power of two, is timed. */
#define HIT_TIMED_SHARE 64
/* Above this a program was interrupted in between. */
#define HIT_TIMED_MOST_NS 20000

struct hits {
	__u64 count[HIT_KINDS];
	__u64 sample_left;	  /* bytes until the next sample (bpf/sample.bpf.h) */
	__u64 timed[HIT_KINDS];	  /* of them were timed */
	__u64 time_ns[HIT_KINDS]; /* and took this long, in the programs themselves */
	__u64 pad[6];
};

_Static_assert(sizeof(struct hits) == 128, "hits");

#endif /* INCLUDE_HITS_H */
