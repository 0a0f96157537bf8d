// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Counts its hits: user space attaches it to a function of its own to learn which way of attaching
 * works here. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 hits = 0;
__u64 last_cookie = 0;

SEC("uprobe")
int selftest(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}
