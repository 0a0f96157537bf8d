/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * When not all allocations are recorded (-s, -z, -Z): which blocks are, so that the free of any other costs no more than its
 * trap. The table has the blocks; before it is asked, and before anything else is looked at, counts of blocks for each hash of an address say
 * for nearly all others that they are not there. A wrong hit costs one event and no figure.
 *
 * There are small counts and large ones. The small ones lie in so few cache lines that they stay in the cache whatever the target does,
 * and tell nearly all where few blocks are recorded, as when sampling; where there are many, the large ones do. A small count that has come to
 * its largest value stays there.
 *
 * A block leaves the table when it is freed. Not so where children of fork are traced: they share the entries of the blocks that they
 * have inherited, and free them, too.
 */
#ifndef BPF_RECORDED_H
#define BPF_RECORDED_H

#define RECORDED_MAX   (1 << 20)
#define RECORDED_HINTS (1 << 18)
#define FEW_BITS       4 /* of a small count */
#define FEW_MOST       15u
#define FEW_WORDS      (1 << 14) /* of eight small counts each */
/* Each failure is another CPU that has changed the same word in between. */
#define FEW_TRIES 64

struct recorded_key {
	__u64 image;
	__u64 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RECORDED_MAX);
	__type(key, struct recorded_key);
	__type(value, __u8);
} recorded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RECORDED_HINTS);
	__type(key, __u32);
	__type(value, __u32);
} recorded_hints SEC(".maps");

__u32 recorded_few[FEW_WORDS] SEC(".data.few") = {};

/* The table was full once, or a small count could not be changed: from then on every free is sent. */
__u32 recorded_full = 0;

static __always_inline __u64 recorded_hash(__u64 address)
{
	return address * 0x9e3779b97f4a7c15ull;
}

static __always_inline __u32 *recorded_hint(__u64 address)
{
	__u32 slot = recorded_hash(address) >> 46;

	return bpf_map_lookup_elem(&recorded_hints, &slot);
}

static __always_inline __u32 *few_word(__u64 hash)
{
	return &recorded_few[(hash >> 50) & (FEW_WORDS - 1)];
}

static __always_inline __u32 few_shift(__u64 hash)
{
	return (hash >> 47 & 7) * FEW_BITS;
}

/* One block more (1) or less (-1). */
static __noinline int few_change(__u64 address, int by)
{
	__u64 hash = recorded_hash(address);
	__u32 *word = few_word(hash), shift = few_shift(hash), old, i;

	for (i = 0; i < FEW_TRIES; i++) {
		old = *(volatile __u32 *)word;
		if ((old >> shift & FEW_MOST) == FEW_MOST)
			return 0;
		if (__sync_val_compare_and_swap(word, old, old + ((__u32)by << shift)) == old)
			return 0;
	}
	if (by > 0)
		recorded_full = 1;
	return 0;
}

static __always_inline void recorded_count(__u64 address, int by)
{
	__u32 *hint = recorded_hint(address);

	few_change(address, by);
	if (hint)
		__sync_fetch_and_add(hint, by);
}

static __always_inline void recorded_add(const struct thread *t, __u64 address)
{
	struct recorded_key key = {.image = t->image, .address = address};
	__u8 one = 1;
	long err;

	if (!config.selective)
		return;
	recorded_count(address, 1);
	err = bpf_map_update_elem(&recorded, &key, &one, BPF_NOEXIST);
	if (!err)
		return;
	recorded_count(address, -1);
	if (err != -17) /* it is not there already */
		recorded_full = 1;
}

static __always_inline bool recorded_all(void)
{
	return !config.selective || recorded_full;
}

/* In any process. */
static __always_inline bool recorded_maybe(__u64 address)
{
	__u64 hash = recorded_hash(address);
	const __u32 *hint;

	if (recorded_all())
		return true;
	if (!(*(volatile const __u32 *)few_word(hash) >> few_shift(hash) & FEW_MOST))
		return false;
	hint = recorded_hint(address);
	return hint && *(volatile const __u32 *)hint;
}

static __always_inline bool recorded_has(const struct thread *t, __u64 address)
{
	struct recorded_key key = {.image = t->image, .address = address};

	return recorded_all() || bpf_map_lookup_elem(&recorded, &key);
}

static __always_inline void recorded_gone(const struct thread *t, __u64 address)
{
	struct recorded_key key = {.image = t->image, .address = address};

	if (!config.selective || config.follow || bpf_map_delete_elem(&recorded, &key))
		return;
	recorded_count(address, -1);
}

#endif /* BPF_RECORDED_H */
