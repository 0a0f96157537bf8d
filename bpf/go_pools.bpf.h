/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Counts calls of sync.Pool, by pool and processor. Registers are those of Go's calling convention (from Go 1.17 on). Atomic, though
 * each processor has counts of its own: a thread can be preempted in the middle of an addition.
 */
#ifndef BPF_GO_POOLS_H
#define BPF_GO_POOLS_H

#define FLAG_CARRY 1u
#define FLAG_ZERO  0x40u

/* Between two slices of time probes may stand that count no more, or not yet. */
__u32 go_pools_counted = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GO_POOLS_MAX);
	__type(key, struct go_pool_key);
	__type(value, struct go_pool_counts);
} go_pools SEC(".maps");

/* Processors beyond share entries. */
struct go_pool_sums go_pool_sums[HIT_CPUS] SEC(".data.go_pool_sums") = {};

static __always_inline struct go_pool_counts *go_pool_find(__u64 pool, __u32 number)
{
	struct go_pool_key key = {.pool = pool, .number = number};
	struct go_pool_counts *counts = bpf_map_lookup_elem(&go_pools, &key), none = {};

	if (counts)
		return counts;
	bpf_map_update_elem(&go_pools, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&go_pools, &key);
}

static __always_inline void go_pool_count(struct go_pool_sums *sums, __u64 pool, __u64 cookie,
					  __u64 flags)
{
	struct go_pool_counts *counts = go_pool_find(pool, GO_POOL_COOKIE_NUMBER(cookie));

	if (!counts) {
		__sync_fetch_and_add(&sums->lost, 1);
		return;
	}
	switch (GO_POOL_COOKIE_PLACE(cookie)) {
	case GO_POOL_GET: __sync_fetch_and_add(&counts->gets, 1); break;
	case GO_POOL_PUT: __sync_fetch_and_add(&counts->puts, 1); break;
	case GO_POOL_MISS:
		__sync_fetch_and_add(&counts->misses, 1);
		if (!(flags & FLAG_ZERO))
			__sync_fetch_and_add(&counts->made, 1);
		break;
	}
}

static __always_inline void on_go_pool(struct pt_regs *ctx, __u64 cookie)
{
	volatile __u64 ax = ctx->ax, bx = ctx->bx, cx = ctx->cx;
	__u32 place = GO_POOL_COOKIE_PLACE(cookie);
	__u64 flags = ctx->flags;
	struct go_pool_sums *sums = &go_pool_sums[bpf_get_smp_processor_id() & (HIT_CPUS - 1)];

	__sync_fetch_and_add(&sums->hits, 1);
	if (!*(volatile __u32 *)&go_pools_counted)
		return;
	if (cookie & GO_POOL_COOKIE_BRANCH && flags & (FLAG_CARRY | FLAG_ZERO))
		return;
	if (place == GO_POOL_PUT && !bx)
		return;
	go_pool_count(sums, place == GO_POOL_MISS ? cx : ax, cookie, flags);
}

#endif /* BPF_GO_POOLS_H */
