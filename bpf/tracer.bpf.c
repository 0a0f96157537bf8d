// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Everything that is hooked: allocator functions (uprobes, in the variant that the kernel offers
 * best) and the three moments of a process's life. The programs decode and call; start reading at
 * call.bpf.h.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "calls.h"
#include "counters.h"
#include "event.h"
#include "config.h"
#include "go_shape.h"
#include "hits.h"
#include "turn.h"
#include "go_pools.h"
#include "unwind_row.h"
#include "maps.bpf.h"
#include "hits.bpf.h"
#include "sample.bpf.h"
#include "filter.bpf.h"
#include "thread.bpf.h"
#include "moment.bpf.h"
#include "recorded.bpf.h"
#include "pending.bpf.h"
#include "unwind_maps.bpf.h"
#include "stack_page.bpf.h"
#include "scratch.bpf.h"
#include "emit.bpf.h"
#include "slot_ring.bpf.h"
#include "uprobe_return.bpf.h"
#include "unwind_rule.bpf.h"
#include "unwind_step.bpf.h"
#include "unwind_record.bpf.h"
#include "unwind_memo.bpf.h"
#include "unwind.bpf.h"
#include "unwind_known.bpf.h"
#include "call.bpf.h"
#include "go.bpf.h"
#include "process.bpf.h"
#include "go_pools.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Linux 6.13, uprobe sessions. */
extern bool bpf_session_is_return(void) __ksym __weak;

/* 1: no return probe for this call. Only places that ask for both sides may get one: others may
 * throw. */
static __always_inline int enter_or_ret(struct pt_regs *ctx, const struct task_struct *task,
					__u64 cookie)
{
	__u32 side = COOKIE_SIDE(cookie);

	if (side == CALL_SIDE_RET) {
		call_leave(ctx, task, cookie, ctx->sp, false);
		return 1;
	}
	if (*(volatile __u32 *)&paused && COOKIE_KIND(cookie) != CALL_MODULES)
		return 1;
	if (COOKIE_KIND(cookie) >= CALL_GO_REFILL)
		return go_enter(cookie, ctx->ax, ctx->sp, ctx->bp);
	return call_enter(ctx, task, cookie) || side != CALL_SIDE_BOTH;
}

static __always_inline int at_entry(struct pt_regs *ctx, const struct task_struct *task,
				    __u64 cookie)
{
	enum hit_kind kind = cookie & COOKIE_STEPPED ? HIT_STEPPED : HIT_EMULATED;
	struct hit hit = hit_begin(kind);
	int result = enter_or_ret(ctx, task, cookie);

	hit_end(&hit);
	return result;
}

static __always_inline int at_return(struct pt_regs *ctx, const struct task_struct *task,
				     __u64 cookie)
{
	struct hit hit = hit_begin(HIT_RETURN);
	int result = call_leave(ctx, task, cookie, ctx->sp - 8, true);

	hit_end(&hit);
	return result;
}

/* What bpf_session_is_return() looks up, without calling it, where types say where that is. */
static __always_inline bool side_is_return(const struct task_struct *task)
{
	const struct bpf_session_run_ctx *session;

	if (!bpf_core_field_exists(struct bpf_session_run_ctx, is_return))
		return bpf_session_is_return();
	session =
		bpf_rdonly_cast(task->bpf_ctx, bpf_core_type_id_kernel(struct bpf_session_run_ctx));
	return session->is_return;
}

static __always_inline int at_either(struct pt_regs *ctx, __u64 cookie)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	return side_is_return(task) ? at_return(ctx, task, cookie) : at_entry(ctx, task, cookie);
}

SEC("uprobe")
int call_session(struct pt_regs *ctx)
{
	return at_either(ctx, bpf_get_attach_cookie(ctx));
}

/* Most calls are these two. Their programs know what they stand at: no cookie to ask for, nothing to be told apart. */
SEC("uprobe")
int call_malloc(struct pt_regs *ctx)
{
	return at_either(ctx, COOKIE_MALLOC);
}

SEC("uprobe")
int call_free(struct pt_regs *ctx)
{
	at_entry(ctx, NULL, COOKIE_FREE);
	return 0;
}

SEC("uprobe")
int call_entry(struct pt_regs *ctx)
{
	at_entry(ctx, NULL, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("uretprobe")
int call_return(struct pt_regs *ctx)
{
	return at_return(ctx, NULL, bpf_get_attach_cookie(ctx));
}

SEC("uprobe")
int go_pool(struct pt_regs *ctx)
{
	struct hit hit = hit_begin(HIT_EMULATED);

	on_go_pool(ctx, bpf_get_attach_cookie(ctx));
	hit_end(&hit);
	return 0;
}

/* For links whose only purpose is to be closed (attachment_sweep). */
SEC("uprobe")
int call_idle(struct pt_regs *ctx)
{
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	return on_fork(parent, child);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task)
{
	return on_exec(task);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	return on_exit(task);
}
