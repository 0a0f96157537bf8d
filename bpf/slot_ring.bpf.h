/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Most events are allocations and frees. They go through rings of slots (include/event.h), one for each CPU, in memory
 * that user space has mapped: a slot is taken by one compare-and-exchange, filled, and completed by its last word. A record
 * of the kernel's own ring buffer, which all other events go through, takes a lock, two more atomic operations and twice as
 * many cache lines. Those lines come from the CPU of the consumer, which has read them, and the return from the trap waits for
 * them: that is most of what an event costs here.
 *
 * The word that completes a slot has the lap around the ring in it, so that user space needs not clear slots; it is
 * always at the same places, so nothing that a target chooses (sizes, addresses) can look like it.
 *
 * Programs may be preempted between taking and completing, by programs on the same CPU: user space waits
 * for the slot. Programs run to their end, so it waits for a time slice at most.
 */
#ifndef BPF_SLOT_RING_H
#define BPF_SLOT_RING_H

/* Each failure is another program of this CPU that has taken a slot in between. */
#define SLOT_TRIES 8

/* The loader sets the numbers of both: CPUs, and CPUs * config.slot_count. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot_ring);
} slot_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_slot);
} slots SEC(".maps");

/* Wakes the consumer by a record that holds nothing: there is nothing else that it can wait for. */
__noinline int slot_ring_wake(__u32 cpu)
{
	void *ring = bpf_map_lookup_elem(&rings, &cpu), *nothing;

	nothing = ring ? bpf_ringbuf_reserve(ring, sizeof(__u64), 0) : NULL;
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Else the event goes as a record. */
static __always_inline bool slot_fits(const struct thread *t, __u64 address, __u64 bytes)
{
	return !(address >> SLOT_ADDRESS_BITS) && !(bytes >> SLOT_BYTES_BITS) &&
	       !(t->number >> SLOT_PROCESS_BITS);
}

/* A slot of this CPU, NULL (counted) when all are full. *lap: what slot_submit() wants. */
static __always_inline struct event_slot *slot_take(__u64 *lap)
{
	__u32 cpu = bpf_get_smp_processor_id(), count = config.slot_count, key, i;
	struct slot_ring *ring = bpf_map_lookup_elem(&slot_rings, &cpu);
	__u64 taken, used;

	for (i = 0; ring && i < SLOT_TRIES; i++) {
		taken = *(volatile __u64 *)&ring->taken;
		used = taken - *(volatile __u64 *)&ring->released;
		if (used >= count)
			break;
		if (__sync_val_compare_and_swap(&ring->taken, taken, taken + 1) != taken)
			continue;
		if (config.slot_wake && !((used + 1) & (config.slot_wake - 1)))
			slot_ring_wake(cpu);
		*lap = (taken >> config.slot_bits) + 1;
		key = cpu * count + ((__u32)taken & (count - 1));
		return bpf_map_lookup_elem(&slots, &key);
	}
	count_current(COUNTER_RING_FULL);
	return NULL;
}

/* Written at once: the cache line comes while there is other work to do. */
static __always_inline void slot_begin(struct event_slot *e, const struct thread *t, __u64 bytes)
{
	*(volatile __u64 *)&e->size = bytes | (__u64)t->tid << SLOT_BYTES_BITS;
}

/* x86 keeps the order of stores. */
static __always_inline void slot_submit(struct event_slot *e, struct thread *t,
					const struct task_struct *task, __u32 call, __u64 address,
					__u64 lap)
{
	__u64 what = address | (__u64)t->number << SLOT_ADDRESS_BITS | lap << SLOT_LAP_SHIFT;

	*(volatile __u64 *)&e->when = moment_of(t, task) | (__u64)call << SLOT_TIME_BITS;
	*(volatile __u64 *)&e->what = what;
}

static __always_inline int slot_free(struct thread *t, const struct task_struct *task, __u32 call,
				     __u64 address)
{
	struct event_slot *e;
	__u64 lap;

	if (!slot_fits(t, address, 0))
		return emit_free(t->number, call, address);
	e = slot_take(&lap);
	if (!e)
		return 0;
	slot_begin(e, t, 0);
	slot_submit(e, t, task, call, address | SLOT_FREE, lap);
	return 0;
}

#endif /* BPF_SLOT_RING_H */
