// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Finds the kernel's direct map (stack_page.bpf.h) by trying. Its beginning is a multiple of 1 GB, and the page tables of this process
 * lie in it, below the end of the memory: so it is one of as many places as the machine has GB. At the right one, and nowhere else,
 * the way through the page tables leads to what user space has put into its memory.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "stack_page.bpf.h"
#include "direct_map.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u64 token_at = 0; /* address of the token in user memory, within a page */
__u64 token[DIRECT_TOKEN_WORDS] = {};
__u64 memory_end = 0;
__u32 first = 0; /* the candidate to begin with */
__u64 found_base = 0;
__u32 found_levels = 0;

static __always_inline bool fits(__u64 base, __u32 levels)
{
	const struct mm_struct *mm = bpf_get_current_task_btf()->mm;
	__u64 table = mm ? page_table_find(kernel_word(&mm->pgd), base, levels, token_at) : 0;
	__u64 page = table ? page_find(base, memory_end, table, token_at) : 0;
	int i;

	if (!page)
		return false;
	for (i = 0; i < DIRECT_TOKEN_WORDS; i++) {
		if (kernel_word((void *)(page + (token_at & (SMALL_PAGE_BYTES - 1)) + i * 8)) !=
		    token[i])
			return false;
	}
	return true;
}

__noinline int try_one(__u64 base)
{
	__u32 levels;

	for (levels = 4; levels <= 5; levels++) {
		if (fits(base, levels)) {
			found_base = base;
			found_levels = levels;
			return 1;
		}
	}
	return 0;
}

SEC("syscall")
int find(void *ctx)
{
	const struct mm_struct *mm = bpf_get_current_task_btf()->mm;
	__u64 highest;
	__u32 i;

	if (!mm)
		return 0;
	highest = kernel_word(&mm->pgd) & ~(DIRECT_ALIGNMENT - 1);
	for (i = 0; i < DIRECT_TRIES; i++) {
		if (try_one(highest - (first + i) * DIRECT_ALIGNMENT))
			return 1;
	}
	return 0;
}
