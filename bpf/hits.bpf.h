/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Counts hits of probes, and times the programs at one hit in HIT_TIMED_SHARE. Not atomic: an entry belongs to a
 * processor, and a thread that is preempted in the middle of an addition loses one count. A thread does not change its
 * processor within a program.
 */
#ifndef BPF_HITS_H
#define BPF_HITS_H

struct hits hits[HIT_CPUS] SEC(".data.hits") = {};

struct hit {
	struct hits *at;
	enum hit_kind kind;
	__u64 begun_ns; /* 0: not timed */
};

static __always_inline struct hits *hits_here(void)
{
	return &hits[bpf_get_smp_processor_id() & (HIT_CPUS - 1)];
}

static __always_inline struct hit hit_begin(enum hit_kind kind)
{
	struct hit hit = {.at = hits_here(), .kind = kind};

	if (!(++hit.at->count[kind] & (HIT_TIMED_SHARE - 1)))
		hit.begun_ns = bpf_ktime_get_ns();
	return hit;
}

static __always_inline void hit_end(const struct hit *hit)
{
	__u32 kind = hit->kind;
	__u64 took;

	if (!hit->begun_ns)
		return;
	/* older verifiers forget the bounds of what lay on the stack */
	barrier_var(kind);
	if (kind >= HIT_KINDS)
		return;
	took = bpf_ktime_get_ns() - hit->begun_ns;
	if (took > HIT_TIMED_MOST_NS)
		return;
	hit->at->timed[kind]++;
	hit->at->time_ns[kind] += took;
}

#endif /* BPF_HITS_H */
