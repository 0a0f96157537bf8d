/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From an address to its rule: cache, else mapping, page and row, each by binary search. A list of
 * mappings may be replaced while it is read here; the words stay readable, and who walks a stack
 * checks at its end that the list is still the one that it began with.
 *
 * Loops with two moving bounds are in global functions of their own, which the verifier looks at
 * once and not for each frame.
 */
#ifndef BPF_UNWIND_RULE_H
#define BPF_UNWIND_RULE_H

#define MAPPING_STEPS 11 /* for UNWIND_MAPPINGS_MAX */
#define ROW_STEPS     13 /* for as many rows as a page has bytes, and one */

static __always_inline const __u64 *unwind_word(__u32 index)
{
	__u32 chunk = index >> UNWIND_CHUNK_BITS, at = index & (UNWIND_CHUNK_WORDS - 1);
	void *words = bpf_map_lookup_elem(&unwind_chunks, &chunk);

	return words ? bpf_map_lookup_elem(words, &at) : NULL;
}

/* Index of the first word of the mapping around pc; 0: in none. */
__noinline __u32 unwind_find_mapping(__u64 list, __u64 pc)
{
	__u32 first = UNWIND_LIST_FIRST(list), low = 0, high = UNWIND_LIST_COUNT(list), i, middle;
	const __u64 *word;

	for (i = 0; i < MAPPING_STEPS; i++) {
		if (low >= high)
			break;
		middle = (low + high) / 2;
		word = unwind_word((first + middle) * UNWIND_MAPPING_WORDS);
		if (!word)
			return 0;
		if (*word <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	first = (first + low - 1) * UNWIND_MAPPING_WORDS;
	word = unwind_word(first + 1);
	return word && pc < *word ? first : 0;
}

static __always_inline __u32 unwind_page_row(__u32 table, __u32 page)
{
	const __u64 *word = unwind_word(table + page / 2);

	return word ? (__u32)(page & 1 ? *word >> 32 : *word) : 0;
}

/* The rule of the last row that starts at or before `address` (which counts as the rows do). */
__noinline __u32 unwind_find_row(__u32 table, __u32 pages, __u32 address)
{
	__u32 page = address >> UNWIND_PAGE_BITS, low, high, i, middle;
	const __u64 *row;

	if (page >= pages)
		return UNWIND_RULE_SPECIAL(UNWIND_NO_INFO);
	low = unwind_page_row(table, page);
	high = unwind_page_row(table, page + 1);
	table += UNWIND_INDEX_WORDS(pages);
	for (i = 0; i < ROW_STEPS; i++) {
		if (low >= high)
			break;
		middle = (low + high + 1) / 2;
		row = unwind_word(table + middle);
		if (!row)
			break;
		if (UNWIND_ROW_ADDRESS(*row) <= address)
			low = middle;
		else
			high = middle - 1;
	}
	row = unwind_word(table + low);
	return row ? UNWIND_ROW_RULE(*row) : UNWIND_RULE_SPECIAL(UNWIND_NO_INFO);
}

__noinline __u32 unwind_search(__u64 list, __u64 pc)
{
	__u32 mapping = unwind_find_mapping(list, pc), table, pages;
	const __u64 *base, *where;
	__u64 address;

	if (!mapping)
		return UNWIND_RULE_SPECIAL(UNWIND_NO_MAPPING);
	base = unwind_word(mapping + 2);
	where = unwind_word(mapping + 3);
	if (!base || !where)
		return UNWIND_RULE_SPECIAL(UNWIND_NO_MAPPING);
	table = (__u32)*where;
	pages = (__u32)(*where >> 32);
	if (!pages)
		return UNWIND_RULE_SPECIAL(table);
	address = pc - *base;
	if (address >> 32)
		return UNWIND_RULE_SPECIAL(UNWIND_NO_INFO);
	return unwind_find_row(table, pages, (__u32)address);
}

static __always_inline __u64 rule_mix(__u64 rule)
{
	rule *= 0x9e3779b97f4a7c15ull;
	return rule ^ rule >> 32;
}

static __always_inline __u32 unwind_rule(__u64 list, __u64 pc)
{
	__u64 key = (list & ~0ull << 47) | pc, rule;
	__u32 slot = (__u32)(pc ^ pc >> 16 ^ list >> 40) & (RULE_CACHE_SLOTS - 1);
	struct cached_rule *cached = bpf_map_lookup_elem(&unwind_rules, &slot);

	if (!cached || pc >> 47)
		return unwind_search(list, pc);
	rule = *(volatile __u64 *)&cached->rule;
	if ((*(volatile __u64 *)&cached->check ^ rule_mix(rule)) == key)
		return (__u32)rule;
	rule = unwind_search(list, pc);
	if (rule == UNWIND_RULE_SPECIAL(UNWIND_NO_MAPPING))
		return (__u32)rule;
	*(volatile __u64 *)&cached->rule = rule;
	*(volatile __u64 *)&cached->check = key ^ rule_mix(rule);
	return (__u32)rule;
}

#endif /* BPF_UNWIND_RULE_H */
