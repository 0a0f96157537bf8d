/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Records into the kernel's ring buffer of this CPU: what does not go into slots (slot_ring.bpf.h). What does not
 * fit is counted, never waited for.
 */
#ifndef BPF_EMIT_H
#define BPF_EMIT_H

static __always_inline void *ring_here(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

/* The consumer polls; it is woken only where rings are so small that a poll may come too late. */
static __always_inline __u64 ring_flags(void *ring)
{
	if (!config.ring_wake_bytes)
		return BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= config.ring_wake_bytes
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline void header_fill(struct event_header *h, __u32 type, __u32 size,
					__u32 number, __u32 call, __u64 time_ns)
{
	h->time_ns = time_ns;
	h->process = number;
	h->tid = (__u32)bpf_get_current_pid_tgid();
	h->size = size;
	h->type = type;
	h->call = call;
	h->flags = 0;
}

/* Reserves a fixed-size record in *ring and fills the header; NULL (counted) when the ring is full.
 */
#define EMIT_RESERVE(event, type_, number, call_, time_)                                           \
	({                                                                                         \
		void *ring_ = ring_here();                                                         \
		event = ring_ ? bpf_ringbuf_reserve(ring_, sizeof(*event), 0) : NULL;              \
		if (event)                                                                         \
			header_fill(&event->h, type_, sizeof(*event), number, call_, time_);       \
		else                                                                               \
			count_current(COUNTER_RING_FULL);                                          \
		event;                                                                             \
	})

static __always_inline void emit_submit(void *event)
{
	void *ring = config.ring_wake_bytes ? ring_here() : NULL;

	bpf_ringbuf_submit(event, ring ? ring_flags(ring) : BPF_RB_NO_WAKEUP);
}

static __always_inline int emit_alloc(__u32 type, __u32 number, __u32 call, __u64 address,
				      __u64 bytes, __u64 stack, __u32 flags)
{
	struct event_alloc *e;

	if (!EMIT_RESERVE(e, type, number, call, moment_now()))
		return 0;
	e->h.flags = flags;
	e->address = address;
	e->bytes = bytes;
	e->stack = stack;
	emit_submit(e);
	return 0;
}

static __always_inline int emit_free(__u32 number, __u32 call, __u64 address)
{
	struct event_free *e;

	if (!EMIT_RESERVE(e, EVENT_FREE, number, call, moment_now()))
		return 0;
	e->address = address;
	emit_submit(e);
	return 0;
}

static __always_inline int emit_realloc(struct thread *t, __u64 address, __u64 bytes, __u64 stack,
					const struct pending *p)
{
	struct event_realloc *e;

	if (!EMIT_RESERVE(e, EVENT_REALLOC, t->number, p->id, moment_exact(t)))
		return 0;
	e->address = address;
	e->bytes = bytes;
	e->stack = stack;
	e->old_address = p->pointer;
	e->entry_ns = p->entry_ns;
	emit_submit(e);
	return 0;
}

static __always_inline int emit_range(__u32 type, __u32 number, __u64 address, __u64 bytes,
				      __u64 stack, const struct pending *p)
{
	struct event_range *e;

	if (!EMIT_RESERVE(e, type, number, p->id, moment_now()))
		return 0;
	e->address = address;
	e->bytes = bytes;
	e->stack = stack;
	e->old_address = p->pointer;
	e->old_bytes = p->old_bytes;
	e->entry_ns = p->entry_ns;
	emit_submit(e);
	return 0;
}

static __always_inline int emit_process(__u32 type, __u32 number, struct task_struct *task,
					__u32 exit_code, __u32 flags)
{
	struct event_process *e;

	if (!EMIT_RESERVE(e, type, number, 0, moment_now()))
		return 0;
	e->h.flags = flags;
	e->pid = BPF_CORE_READ(task, tgid);
	e->exit_code = exit_code;
	if (bpf_core_read_str(e->comm, sizeof(e->comm), &task->comm) < 0)
		e->comm[0] = 0;
	/* user space has to act on it: it may not wait for the next poll */
	bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline struct sent_set *sent_set(__u64 id)
{
	__u32 set = (id >> 20) & (SENT_SETS - 1);

	return bpf_map_lookup_elem(&sent, &set);
}

/* Has user space got the frames of this stack? */
static __always_inline bool stack_is_sent(__u64 id, __u64 check)
{
	struct sent_set *known = sent_set(id);

	return known && ((known->newer.id == id && known->newer.check == check) ||
			 (known->older.id == id && known->older.check == check));
}

/*
 * Sends s->frames. A stack is marked as sent only after its frames were taken by the ring, so
 * a loss is repaired by the next event of that stack.
 */
static __always_inline void emit_stack(struct thread *t, struct scratch *s, __u32 n)
{
	struct sent_set *known = sent_set(s->walk.id);
	void *ring = ring_here();
	__u64 size;

	size = sizeof(struct event_stack) + n * sizeof(__u64);
	/* the bound has to be on the very number that the helper gets: older verifiers */
	barrier_var(size);
	if (size > sizeof(struct event_stack) + sizeof(s->frames))
		return;
	header_fill(&s->stack.h, EVENT_STACK, size, t->number, 0, moment_now());
	s->stack.h.flags = s->walk.flags;
	s->stack.id = s->walk.id;
	s->stack.frame_count = n;
	if (!ring || bpf_ringbuf_output(ring, &s->stack, size, ring_flags(ring))) {
		count_current(COUNTER_STACK_RING_FULL);
		return;
	}
	if (!known)
		return;
	known->older = known->newer;
	known->newer = (struct sent_stack){s->walk.id, s->walk.check};
}

#endif /* BPF_EMIT_H */
