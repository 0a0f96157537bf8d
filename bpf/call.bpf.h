/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What an allocator call means, by the kinds of include/calls.h. call_enter() runs at the entry and
 * returns 1 when the return side is of no interest (the session then never pays for it);
 * call_leave() runs at the return.
 */
#ifndef BPF_CALL_H
#define BPF_CALL_H

#define MAP_FIXED_FLAG		 0x10
#define MAP_FIXED_NOREPLACE_FLAG 0x100000

static __always_inline __u64 product(__u64 a, __u64 b)
{
	__u64 a_high = a >> 32, b_high = b >> 32, middle;

	/*
	 * On overflow the call fails, and the size must not look like 0, which would release a
	 * block. In halves: there is no 128-bit product here, and one of the high halves is 0
	 * below, so the middle cannot overflow.
	 */
	if (a_high && b_high)
		return ~0ull;
	middle = a_high * (__u32)b + b_high * (__u32)a;
	return middle >> 32 ? ~0ull : a * b;
}

/*
 * Fills in the arguments. They are read before the switch: else the compiler folds the reads of its arms into one with a computed
 * offset, which the verifier does not allow on the context.
 */
static __always_inline void arguments(struct pt_regs *ctx, struct pending *p, __u32 kind)
{
	__u64 arg0 = ctx->di, arg1 = ctx->si, arg2 = ctx->dx, arg3 = ctx->cx;

	barrier_var(arg0);
	barrier_var(arg1);
	barrier_var(arg2);
	barrier_var(arg3);
	p->pointer = arg0;
	p->bytes = arg1;
	p->old_bytes = arg1;
	p->fixed = !!(arg3 & MAP_FIXED_FLAG);
	switch (kind) {
	case CALL_ALLOC_SIZE0: p->bytes = arg0; break;
	case CALL_ALLOC_PRODUCT: p->bytes = product(arg0, arg1); break;
	case CALL_POSIX_MEMALIGN:
	case CALL_MREMAP: p->bytes = arg2; break;
	case CALL_REALLOC_PRODUCT: p->bytes = product(arg1, arg2); break;
	default: break;
	}
}

/*
 * Inner calls must find their outer one, wanted or not: those to mmap, and, where it is drawn which calls are recorded, those to the
 * allocator. An implementation may pass on what is no plain malloc or calloc, and a calloc that was seen to; the inner call would
 * be drawn once more.
 */
static __always_inline bool inner_are_counted(__u64 cookie)
{
	__u32 kind = COOKIE_KIND(cookie);

	if (config.ranges)
		return true;
	if (kind == CALL_ALLOC_PRODUCT)
		return config.sample_bytes && COOKIE_FLAGS(cookie) & CALL_PASSES;
	return config.sample_bytes && kind != CALL_ALLOC_SIZE0;
}

/* Is the return side of interest? Releases take effect at the time of the entry: only they need it. */
static __always_inline bool wanted(struct thread *t, struct pending *p, __u64 cookie)
{
	switch (COOKIE_KIND(cookie)) {
	case CALL_MUNMAP:
	case CALL_MREMAP:
	case CALL_RESIZE: p->entry_ns = moment_exact(t); return true;
	case CALL_STRING: /* its size is known at the return */
	case CALL_MMAP: return true;
	case CALL_REALLOC:
	case CALL_REALLOC_PRODUCT:
		p->unwanted = !bytes_wanted(p->bytes);
		if (!p->unwanted ||
		    (p->pointer && recorded_maybe(p->pointer) && recorded_has(t, p->pointer)))
			p->entry_ns = moment_exact(t);
		else if (!inner_are_counted(cookie))
			return false;
		else
			p->pointer = 0;
		return true;
	default:
		/* else call_is_left_out() has asked */
		p->unwanted = inner_are_counted(cookie) && !bytes_wanted(p->bytes);
		return true;
	}
}

#define STRING_PIECES 16

/* strlen() + 1, up to what STRING_PIECES times the scratch memory holds. */
static __noinline __u64 string_length(struct scratch *s, __u64 address)
{
	__u64 total = 0;
	__u32 i;
	long n;

	if (!s)
		return 0;
	for (i = 0; i < STRING_PIECES; i++) {
		n = bpf_probe_read_user_str(s->frames.pcs, sizeof(s->frames.pcs),
					    (void *)(address + total));
		if (n <= 0)
			break;
		if (n < (long)sizeof(s->frames.pcs))
			return total + n;
		total += n - 1;
	}
	return total + 1;
}

static __always_inline __u64 string_bytes(const struct thread *t, __u64 address)
{
	struct scratch *s = scratch_take(t);
	__u64 bytes;

	if (!s)
		return 1;
	bytes = string_length(s, address);
	scratch_give(s);
	return bytes;
}

/* Whoever calls: it is not recorded, and nothing else hangs on it. */
static __always_inline bool call_is_left_out(struct pt_regs *ctx, __u64 cookie)
{
	__u32 kind = COOKIE_KIND(cookie);
	__u64 bytes = ctx->di, count = ctx->si, posix_bytes = ctx->dx;

	barrier_var(bytes);
	barrier_var(count);
	barrier_var(posix_bytes);
	if (!config.selective)
		return false;
	if (kind == CALL_FREE)
		return !recorded_maybe(bytes);
	if (inner_are_counted(cookie))
		return false;
	switch (kind) {
	case CALL_ALLOC_SIZE0: return !bytes_wanted(bytes);
	case CALL_ALLOC_SIZE1: return !bytes_wanted(count);
	case CALL_ALLOC_PRODUCT: return !bytes_wanted(product(bytes, count));
	case CALL_POSIX_MEMALIGN: return !bytes_wanted(posix_bytes);
	default: return false;
	}
}

/* `task`: the current one, where it is known already; NULL: it is asked for when it is needed. */
static __always_inline int call_enter(struct pt_regs *ctx, const struct task_struct *task,
				      __u64 cookie)
{
	__u32 kind = COOKIE_KIND(cookie), id = COOKIE_ID(cookie);
	enum where where;
	struct thread *t;

	if (!*(volatile __u32 *)&armed || call_is_left_out(ctx, cookie))
		return 1;
	if (!task)
		task = bpf_get_current_task_btf();
	t = thread_of(task);
	if (!t)
		return 1;
	if (kind == CALL_MODULES) {
		unwind_notice(t);
		emit_process(EVENT_MODULES, t->number, bpf_get_current_task_btf(), 0, 0);
		return 1;
	}
	where = pending_where(t, ctx->sp, id);
	if (where == WHERE_INSIDE)
		return 1;
	if (kind == CALL_FREE) {
		/* call_is_left_out() has looked whether it may be */
		if (ctx->di && recorded_has(t, ctx->di)) {
			slot_free(t, task, id, ctx->di);
			recorded_gone(t, ctx->di);
		}
		return 1;
	}
	if (where == WHERE_ELSEWHERE) {
		count_current(COUNTER_PENDING_UNSURE);
		return 1;
	}
	arguments(ctx, &t->pending, kind);
	if (!wanted(t, &t->pending, cookie))
		return 1;
	pending_begin(&t->pending, ctx->sp, id, COOKIE_SIDE(cookie) == CALL_SIDE_BOTH);
	return 0;
}

static __always_inline __u64 stack_now(struct pt_regs *ctx, struct thread *t, bool at_return)
{
	__u64 stack = at_return ? stack_known(t, ctx->ip, ctx->sp, ctx->bp) : 0;
	struct scratch *s;

	if (stack)
		return stack;
	s = scratch_take(t);
	stack = stack_of(ctx, t, s, at_return);
	if (s)
		scratch_give(s);
	return stack;
}

static __always_inline int leave_alloc(struct pt_regs *ctx, struct thread *t,
				       const struct task_struct *task, __u64 block, bool at_return)
{
	const struct pending *p = &t->pending;
	struct event_slot *e;
	__u64 lap;

	if (!slot_fits(t, block, p->bytes))
		return emit_alloc(EVENT_ALLOC, t->number, p->id, block, p->bytes,
				  stack_now(ctx, t, at_return), 0);
	e = slot_take(&lap);
	if (e) {
		slot_begin(e, t, p->bytes);
		e->stack = stack_now(ctx, t, at_return);
		slot_submit(e, t, task, p->id, block, lap);
	}
	return 0;
}

static __always_inline int leave_realloc(struct pt_regs *ctx, struct thread *t, __u64 result,
					 __u32 flags, bool at_return)
{
	struct pending *p = &t->pending;

	if (!result) {
		/* size 0 released the block; any other failure left it alone (but for reallocf) */
		if (p->pointer && (!p->bytes || (flags & CALL_FREE_ON_FAIL)))
			emit_realloc(t, 0, 0, 0, p);
		return 0;
	}
	if (p->unwanted) {
		if (p->pointer)
			emit_realloc(t, 0, 0, 0, p);
		return 0;
	}
	recorded_add(t, result);
	emit_realloc(t, result, p->bytes, stack_now(ctx, t, at_return), p);
	return 0;
}

static __always_inline int leave_range(struct pt_regs *ctx, struct thread *t, __u64 result,
				       __u32 kind, bool at_return)
{
	struct pending *p = &t->pending;

	if (kind == CALL_MUNMAP) {
		if ((__s32)result == 0)
			emit_range(EVENT_MUNMAP, t->number, 0, 0, 0, p);
		return 0;
	}
	if (result == (__u64)-1)
		return 0;
	if (kind == CALL_MREMAP)
		emit_range(EVENT_MREMAP, t->number, result, p->bytes, stack_now(ctx, t, at_return),
			   p);
	else
		emit_alloc(EVENT_MMAP, t->number, p->id, result, p->bytes,
			   stack_now(ctx, t, at_return), p->fixed ? EVENT_F_FIXED : 0);
	return 0;
}

/* `slot` is the stack address that held the return address. */
static __always_inline int call_leave(struct pt_regs *ctx, const struct task_struct *task,
				      __u64 cookie, __u64 slot, bool at_return)
{
	__u32 kind = COOKIE_KIND(cookie);
	struct thread *t;
	struct pending *p;
	__u64 result = ctx->ax, block = 0;

	if (!*(volatile __u32 *)&armed)
		return 0;
	if (!task)
		task = bpf_get_current_task_btf();
	t = thread_of(task);
	if (!t)
		return 0;
	p = &t->pending;
	if (p->slot != slot || p->id != COOKIE_ID(cookie))
		return 0;
	p->slot = 0;
	switch (kind) {
	case CALL_REALLOC:
	case CALL_REALLOC_PRODUCT:
		return leave_realloc(ctx, t, result, COOKIE_FLAGS(cookie), at_return);
	case CALL_MMAP:
	case CALL_MUNMAP:
	case CALL_MREMAP: return leave_range(ctx, t, result, kind, at_return);
	case CALL_RESIZE:
		if (result >= p->bytes)
			emit_alloc(EVENT_RESIZE, t->number, p->id, p->pointer, p->bytes, 0, 0);
		return 0;
	case CALL_POSIX_MEMALIGN:
		if ((__s32)result != 0)
			return 0;
		if (bpf_probe_read_user(&block, sizeof(block), (void *)p->pointer)) {
			count_current(COUNTER_RESULT_FAULT);
			return 0;
		}
		break;
	case CALL_STRING:
		block = result;
		p->bytes = block ? string_bytes(t, block) : 0;
		p->unwanted = !bytes_wanted(p->bytes);
		break;
	default: block = result;
	}
	if (!block || p->unwanted)
		return 0;
	recorded_add(t, block);
	return leave_alloc(ctx, t, task, block, at_return);
}

#endif /* BPF_CALL_H */
