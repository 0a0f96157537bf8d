/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Words of the stack, read where they lie. The kernel has all memory mapped at one place (its direct map), so a page of the current
 * thread is there, too, and its page tables say where. A program may load from there as from any kernel address, without a call: a
 * load that faults gives 0. A call that copies from user memory costs as much as some twenty such loads, and several times as much
 * where the kernel guards returns.
 *
 * Who reads so must not believe what it finds but compare it: the page may be moved or taken away meanwhile, and then this is
 * other memory. Nothing read here goes anywhere but into sums that are compared with sums of what was copied.
 *
 * Page tables as in Intel's manual, volume 3, 4.5 "4-level paging and 5-level paging".
 */
#ifndef BPF_STACK_PAGE_H
#define BPF_STACK_PAGE_H

#define PAGE_PRESENT  1ull
#define PAGE_OF_USER  4ull
#define PAGE_IS_LARGE 0x80ull
#define PAGE_ENTRY_ADDRESS                                                                         \
	0x3ffffffff000ull /* below 64 TB: what marks encrypted memory lies above */
#define LARGE_PAGE_BYTES (1ull << 21)
#define SMALL_PAGE_BYTES (1ull << 12)

/* Linux 6.2; no call: the verifier puts a move in its place. Where it is not there, what calls it must not be reached. */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

/* `address` must be a multiple of 8. */
static __always_inline __u64 kernel_word(const void *address)
{
	const struct timespec64 *word =
		bpf_rdonly_cast(address, bpf_core_type_id_kernel(struct timespec64));

	return word->tv_sec;
}

/* The entry of a page table for bits `shift` and up of an address, 0: nothing that a process may read. */
static __always_inline __u64 page_entry(__u64 table, __u64 address, __u32 shift)
{
	__u64 entry = kernel_word((void *)(table + (address >> shift & 511) * 8));

	return ~entry & (PAGE_PRESENT | PAGE_OF_USER) ? 0 : entry;
}

/*
 * What is remembered of a walk through the tables, in one word: the 2 MB of addresses that it holds for (their number, 26 bits), whether
 * they are one large page (TABLE_IS_LARGE), and the page in memory in which it is said where their pages are, or where the large one is.
 */
#define TABLE_REGION_SHIFT 21
#define TABLE_REGION_MASK  ((1ull << 26) - 1)
#define TABLE_IS_LARGE	   (1ull << 26)
#define TABLE_SHIFT	   27
#define TABLE(entry)	   (((entry)&PAGE_ENTRY_ADDRESS) >> 12 << TABLE_SHIFT)

/* By the page tables at `pgd`; the direct map begins at `base`. 0: not known. */
static __always_inline __u64 page_table_find(__u64 pgd, __u64 base, __u32 levels, __u64 address)
{
	__u64 region = address >> TABLE_REGION_SHIFT, above, entry;

	if (region & ~TABLE_REGION_MASK)
		return 0;
	if (levels == 5) {
		entry = page_entry(pgd, address, 48);
		if (!entry)
			return 0;
		pgd = base + (entry & PAGE_ENTRY_ADDRESS);
	}
	entry = page_entry(pgd, address, 39);
	if (!entry)
		return 0;
	above = page_entry(base + (entry & PAGE_ENTRY_ADDRESS), address, 30);
	if (!above || above & PAGE_IS_LARGE)
		return 0;
	entry = page_entry(base + (above & PAGE_ENTRY_ADDRESS), address, 21);
	if (entry & PAGE_IS_LARGE)
		return TABLE(above) | TABLE_IS_LARGE | region;
	return entry ? TABLE(entry) | region : 0;
}

/*
 * Where the page of an address lies now; 0: not known, or not in memory, which ends at `end`: what a device has mapped into a process is not
 * in the direct map.
 */
static __always_inline __u64 page_find(__u64 base, __u64 end, __u64 table, __u64 address)
{
	__u64 at = base + (table >> TABLE_SHIFT << 12), entry, page;

	if (!(table & TABLE_IS_LARGE)) {
		entry = page_entry(at, address, 12);
		page = entry & PAGE_ENTRY_ADDRESS;
		return entry && page < end ? base + page : 0;
	}
	entry = page_entry(at, address, 21);
	if (!(entry & PAGE_IS_LARGE))
		return 0;
	page = (entry & PAGE_ENTRY_ADDRESS & ~(LARGE_PAGE_BYTES - 1)) +
	       (address & (LARGE_PAGE_BYTES - SMALL_PAGE_BYTES));
	return page < end ? base + page : 0;
}

#ifdef BPF_MAPS_H

/* Goes through all levels. */
__noinline __u64 stack_table_find(__u64 address)
{
	const struct mm_struct *mm = bpf_get_current_task_btf()->mm;

	if (!mm || !config.direct_base)
		return 0;
	return page_table_find(kernel_word(&mm->pgd), config.direct_base, config.direct_levels,
			       address);
}

/*
 * The page of an address of the current thread, 0: copy. The kernel clears the entries of a table before it gives it up, so
 * one that has gone leads to nothing, and later on to whatever lies there: memory that is compared in vain. Then the table is to be
 * forgotten, by a 0. Not to be reached without config.direct_base.
 */
static __always_inline __u64 stack_page(__u64 *table, __u64 address)
{
	__u64 known = *table;

	if ((known & TABLE_REGION_MASK) != address >> TABLE_REGION_SHIFT)
		*table = known = stack_table_find(address);
	return known ? page_find(config.direct_base, config.direct_end, known, address) : 0;
}

#endif /* BPF_MAPS_H */

#endif /* BPF_STACK_PAGE_H */
