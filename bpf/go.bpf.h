/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Samples of the heap of a Go program, at three places of its runtime. A processor (P) allocates objects of a class from a
 * span of its own, without any call that could be seen; only when the span is used up does it take another one. There the
 * first object of the span is drawn. It stands for all that are allocated from the span until that is used up, or until
 * it is given back at the end of a collection: only then is it known how many these are, and the sample is sent. A large
 * object has a span of its own and stands for itself.
 *
 * Of spans that hold less than the mean of the sampling only a share is drawn, in proportion to what they hold, and each stands for more.
 *
 * The runtime's data is the target's: what is read is checked, and used for nothing but figures. No return probe, no first
 * instruction: Go moves its stacks.
 */
#ifndef BPF_GO_H
#define BPF_GO_H

#define GO_SPAN_IN_USE	 1
#define GO_PAGE_BYTES	 8192
#define GO_SMALL_MOST	 32768 /* bytes of an object that shares its span */
#define GO_LARGE_MOST	 (1ull << 46)
#define GO_ELEMS_MOST	 8192
#define GO_CACHED	 3 /* sweepgen of a span that a processor has, above that of the heap */
#define GO_CODE_LEAST	 4096
#define GO_PENDING_MAX	 (1 << 16)
#define GO_TELL_AGAIN_NS 300000ull

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GO_SHAPES);
	__type(key, __u32);
	__type(value, struct go_shape);
} go_shapes SEC(".maps");

/* What a processor allocates from. */
struct go_cache_key {
	__u64 cache; /* address of the mcache */
	__u32 number;
	__u32 class;
};

/* Its sample that is not sent yet. */
struct go_pending {
	__u64 span, address, stack;
	__u64 mean;   /* of the sampling when it was drawn; 0: it was certain to be */
	__u32 bytes;  /* of an object */
	__u32 count;  /* of the objects that were free in the span */
	__u32 before; /* and of those that were not */
	__u32 cycle;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GO_PENDING_MAX);
	__type(key, struct go_cache_key);
	__type(value, struct go_pending);
} go_pendings SEC(".maps");

/* Of a process: user space writes the mean when there are too many samples. */
struct go_thinning {
	__u64 mean_bytes;
	__u64 told_ns; /* of the last EVENT_COLLECTED */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 14);
	__type(key, __u32);
	__type(value, struct go_thinning);
} go_thinnings SEC(".maps");

/* Of the thread at the place. */
struct go_registers {
	__u64 ax, sp, bp;
};

/* An mspan, as far as it matters. */
struct go_span {
	__u64 address, start, bytes; /* of an object */
	__u32 elems, before, cycle;
};

static __always_inline bool go_read(void *to, __u32 size, __u64 from)
{
	return !bpf_probe_read_user(to, size, (const void *)from);
}

/* False: it makes no sense as one. */
static __always_inline bool go_read_span(const struct go_shape *shape, __u64 address,
					 struct go_span *span)
{
	__u16 elems, before;
	__u8 state;

	if (!address || address & 7 || !go_read(&state, 1, address + shape->state) ||
	    !go_read(&elems, 2, address + shape->elems) ||
	    !go_read(&before, 2, address + shape->count_before) ||
	    !go_read(&span->start, 8, address + shape->start) ||
	    !go_read(&span->bytes, 8, address + shape->elem_size) ||
	    !go_read(&span->cycle, 4, address + shape->sweepgen))
		return false;
	span->address = address;
	span->elems = elems;
	span->before = before;
	return state == GO_SPAN_IN_USE && !(span->start & (GO_PAGE_BYTES - 1)) && span->start &&
	       span->bytes && span->elems && span->elems <= GO_ELEMS_MOST;
}

/* ---- drawing ---- */

static __always_inline __u64 go_random(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

static __always_inline __u64 go_mean(const struct thread *t)
{
	__u32 number = t->number;
	const struct go_thinning *thinning = bpf_map_lookup_elem(&go_thinnings, &number);

	if (thinning && thinning->mean_bytes > config.sample_bytes)
		return thinning->mean_bytes;
	return config.sample_bytes;
}

/* Is one of so many bytes drawn? *mean becomes 0 when that was certain. */
static __always_inline bool go_drawn(__u64 bytes, __u64 *mean)
{
	if (bytes >= *mean) {
		*mean = 0;
		return true;
	}
	return go_random() % *mean < bytes;
}

/* What was drawn with chance bytes / mean stands for mean / bytes as many; fractions are rounded at random. */
static __always_inline __u64 go_scaled(__u64 count, __u64 bytes, __u64 mean)
{
	__u64 all = count * mean;

	if (!mean || !bytes)
		return count;
	return all / bytes + (go_random() % bytes < all % bytes);
}

static __always_inline int go_emit(const struct thread *t, const struct go_pending *p, __u64 used)
{
	struct event_sample *e;

	if (!used || !EMIT_RESERVE(e, EVENT_SAMPLE, t->number, CALL_ID_GO, moment_now()))
		return 0;
	e->address = p->address;
	e->bytes = p->bytes;
	e->stack = p->stack;
	e->count = go_scaled(used, p->bytes * p->count, p->mean);
	e->span = p->span;
	e->cycle = p->cycle;
	e->pad = 0;
	emit_submit(e);
	return 0;
}

/* ---- stacks ---- */

/* Every function of Go keeps frame pointers, and they lead through the switches between the stacks of a thread. */
__noinline __u32 go_walk(struct scratch *s, __u64 bp)
{
	__u64 frame[2];
	__u32 i;

	if (!s)
		return 0;
	s->walk.flags = 0;
	for (i = 0; i < STACK_MAX_FRAMES; i++) {
		if (!bp)
			return i;
		if (i >= config.max_frames)
			break;
		if (bp & 7 || !go_read(frame, sizeof(frame), bp)) {
			s->walk.flags = bp & 7 ? STACK_F_BROKEN : STACK_F_FAULT;
			return i;
		}
		/* who has called the first function of a thread is not known */
		if (frame[1] < GO_CODE_LEAST)
			return i;
		s->frames.pcs[i] = frame[1];
		bp = frame[0];
	}
	s->walk.flags = STACK_F_CUT;
	return i;
}

static __always_inline __u64 go_stack(struct thread *t, __u64 bp)
{
	struct scratch *s = scratch_take(t);
	__u64 id;
	__u32 n;

	if (!s)
		return 0;
	n = go_walk(s, bp);
	stack_name(t, s, n);
	if (s->walk.flags)
		count_flags(s->walk.flags);
	if (!stack_is_sent(s->walk.id, s->walk.check))
		emit_stack(t, s, n);
	id = s->walk.id;
	scratch_give(s);
	return id;
}

/* ---- the three places ---- */

static __always_inline bool go_draw(const struct go_registers *at, struct thread *t,
				    const struct go_span *span, struct go_pending *p)
{
	__u16 index = (__u16)at->ax; /* some versions leave more in the register */

	*p = (struct go_pending){
		.span = span->address,
		.address = span->start + index * span->bytes,
		.mean = go_mean(t),
		.bytes = span->bytes,
		.count = span->elems - span->before,
		.before = span->before,
		.cycle = span->cycle - GO_CACHED,
	};

	if (index >= span->elems || span->before >= span->elems || span->bytes > GO_SMALL_MOST) {
		count_current(COUNTER_GO_BAD);
		return false;
	}
	if (!size_wanted(p->bytes) || !go_drawn((__u64)p->bytes * p->count, &p->mean))
		return false;
	p->stack = go_stack(t, at->bp);
	return true;
}

/* In the place of the one before, which is nobody else's: making and freeing entries costs as much as all the rest. */
static __always_inline void go_keep(const struct go_cache_key *key, struct go_pending *last,
				    const struct go_pending *p)
{
	if (last)
		*last = *p;
	else if (bpf_map_update_elem(&go_pendings, key, p, BPF_ANY))
		count_current(COUNTER_NO_STORAGE);
}

/* The span before is used up, else there would be no other one. */
static __always_inline void go_refill(const struct go_registers *at, struct thread *t,
				      const struct go_shape *shape)
{
	struct go_cache_key key = {.number = t->number};
	struct go_pending *last, drawn;
	struct go_span span;
	__u64 class, address;

	if (!go_read(&address, 8, at->sp + shape->span_slot) ||
	    !go_read(&key.cache, 8, at->sp + shape->cache_slot) ||
	    !go_read(&class, 8, at->sp + shape->class_slot) || class >= GO_SPAN_CLASSES_MAX ||
	    !go_read_span(shape, address, &span)) {
		count_current(COUNTER_GO_BAD);
		return;
	}
	key.class = class;
	last = bpf_map_lookup_elem(&go_pendings, &key);
	/* else it was given back unseen */
	if (last && last->cycle == span.cycle - GO_CACHED)
		go_emit(t, last, last->count);
	if (go_draw(at, t, &span, &drawn))
		go_keep(&key, last, &drawn);
	else if (last)
		bpf_map_delete_elem(&go_pendings, &key);
}

static __always_inline void go_large(const struct go_registers *at, struct thread *t,
				     const struct go_shape *shape)
{
	struct go_pending p = {.mean = go_mean(t), .count = 1};
	struct go_span span;

	if (!at->ax)
		return;
	if (!go_read_span(shape, at->ax, &span) || span.bytes > GO_LARGE_MOST ||
	    span.bytes & (GO_PAGE_BYTES - 1)) {
		count_current(COUNTER_GO_BAD);
		return;
	}
	if (!size_wanted(span.bytes) || !go_drawn(span.bytes, &p.mean))
		return;
	p.span = span.address;
	p.address = span.start;
	p.bytes = span.bytes;
	p.cycle = span.cycle;
	p.stack = go_stack(t, at->bp);
	go_emit(t, &p, 1);
}

/* `span`: what the processor has of that class now. */
__noinline int go_flush_class(struct thread *t, const struct go_shape *shape,
			      const struct go_cache_key *of, __u64 span)
{
	struct go_cache_key key;
	struct go_pending *p;
	__u16 now;

	if (!t || !shape || !of)
		return 0;
	key = *of; /* before Linux 6.2 what a global function is given is no key of a map */
	p = bpf_map_lookup_elem(&go_pendings, &key);
	if (!p)
		return 0;
	if (p->span == span && go_read(&now, 2, span + shape->alloc_count) && now > p->before &&
	    now - p->before <= p->count)
		go_emit(t, p, now - p->before);
	bpf_map_delete_elem(&go_pendings, &key);
	return 0;
}

/* User space may ask now which objects are left. */
static __always_inline void go_tell(const struct thread *t)
{
	struct go_thinning *known, fresh = {};
	__u64 now = bpf_ktime_get_ns();
	__u32 number = t->number;

	known = bpf_map_lookup_elem(&go_thinnings, &number);
	if (known && now - known->told_ns < GO_TELL_AGAIN_NS)
		return;
	fresh.told_ns = now;
	if (known)
		known->told_ns = now;
	else
		bpf_map_update_elem(&go_thinnings, &number, &fresh, BPF_NOEXIST);
	emit_process(EVENT_COLLECTED, number, bpf_get_current_task_btf(), 0, 0);
}

/* Each processor does it once a collection, and all do when the runtime is asked for its figures. */
static __always_inline void go_flush(const struct go_registers *at, struct thread *t,
				     const struct go_shape *shape)
{
	struct go_cache_key key = {.cache = at->ax, .number = t->number};
	struct scratch *s = scratch_take(t);
	__u32 i;

	if (s && go_read(s->frames.pcs, GO_SPAN_CLASSES_MAX * sizeof(__u64),
			 key.cache + shape->cache_spans)) {
		for (i = 0; i < GO_SPAN_CLASSES_MAX; i++) {
			key.class = i;
			go_flush_class(t, shape, &key, s->frames.pcs[i]);
		}
	}
	if (s)
		scratch_give(s);
	go_tell(t);
}

/* Global, so that the verifier looks at it once. */
__noinline int go_enter(__u64 cookie, __u64 ax, __u64 sp, __u64 bp)
{
	const struct go_registers at = {.ax = ax, .sp = sp, .bp = bp};
	__u32 index = COOKIE_SHAPE(cookie);
	const struct go_shape *shape;
	struct thread *t;

	if (!*(volatile __u32 *)&armed)
		return 1;
	t = thread_get();
	shape = bpf_map_lookup_elem(&go_shapes, &index);
	if (!t || !shape)
		return 1;
	switch (COOKIE_KIND(cookie)) {
	case CALL_GO_REFILL: go_refill(&at, t, shape); break;
	case CALL_GO_LARGE: go_large(&at, t, shape); break;
	case CALL_GO_FLUSH: go_flush(&at, t, shape); break;
	default: break;
	}
	return 1;
}

#endif /* BPF_GO_H */
