/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of sync.Pool in Go programs: bpf/go_pools.bpf.h counts them, user/probe/go_pool_probes.c attaches and reads. */
#ifndef INCLUDE_GO_POOLS_H
#define INCLUDE_GO_POOLS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* Where a probe stands. */
enum go_pool_place {
	GO_POOL_GET = 0,  /* behind the prologue of (*Pool).Get: the pool in ax */
	GO_POOL_PUT = 1,  /* the same of Put: the value's type in bx */
	GO_POOL_MISS = 2, /* at the branch behind `test New,New` in Get: the pool in cx */
	GO_POOL_PLACES = 3,
};

/* Cookie of such a probe: the number of its process, and where it stands. */
#define GO_POOL_COOKIE(number, place) ((__u64)(number) << 8 | (place))
#define GO_POOL_COOKIE_NUMBER(cookie) ((__u32)((cookie) >> 8))
#define GO_POOL_COOKIE_PLACE(cookie)  ((__u32)((cookie)&3))
/* At the conditional branch of a prologue: if it is taken the stack grows, and the function begins again. */
#define GO_POOL_COOKIE_BRANCH 4u

/* In the kernel, of all processes together, until user space takes them out. */
#define GO_POOLS_MAX 1024

struct go_pool_key {
	__u64 pool; /* its address */
	__u32 number;
	__u32 pad;
};

struct go_pool_counts {
	__u64 gets;
	__u64 puts;   /* of values that are not nil: others do nothing */
	__u64 misses; /* of the gets: the pool had nothing */
	__u64 made;   /* of the misses: it has a New, which was called */
};

/* Of one processor. */
struct go_pool_sums {
	__u64 hits; /* of all probes */
	__u64 lost; /* not counted: no room for another pool */
	__u64 pad[6];
};

_Static_assert(sizeof(struct go_pool_key) == 16, "go_pool_key");
_Static_assert(sizeof(struct go_pool_sums) == 64, "go_pool_sums");

#endif /* INCLUDE_GO_POOLS_H */
