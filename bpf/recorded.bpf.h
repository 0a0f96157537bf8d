/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * When not all allocations are recorded (-s, -z, -Z): which blocks are, so that the free of any other costs no more than its
 * trap. The table has the blocks; before it is asked, and before anything else is looked at, a count of blocks for each hash of an address says
 * for nearly all others that they are not there. A wrong hit costs one event and no figure.
 *
 * A block leaves the table when it is freed. Not so where children of fork are traced: they share the entries of the blocks that they
 * have inherited, and free them, too.
 */
#ifndef BPF_RECORDED_H
#define BPF_RECORDED_H

#define RECORDED_MAX   (1 << 20)
#define RECORDED_HINTS (1 << 18)

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

/* The table was full once: from then on every free is sent. */
__u32 recorded_full = 0;

static __always_inline __u32 *recorded_hint(__u64 address)
{
	__u32 slot = (address * 0x9e3779b97f4a7c15ull) >> 46;

	return bpf_map_lookup_elem(&recorded_hints, &slot);
}

static __always_inline void recorded_add(const struct thread *t, __u64 address)
{
	struct recorded_key key = {.image = t->image, .address = address};
	__u32 *hint;
	__u8 one = 1;
	long err;

	if (!config.selective)
		return;
	hint = recorded_hint(address);
	if (hint)
		__sync_fetch_and_add(hint, 1);
	err = bpf_map_update_elem(&recorded, &key, &one, BPF_NOEXIST);
	if (!err)
		return;
	if (hint)
		__sync_fetch_and_add(hint, -1);
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
	const __u32 *hint;

	if (recorded_all())
		return true;
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
	__u32 *hint;

	if (!config.selective || config.follow || bpf_map_delete_elem(&recorded, &key))
		return;
	hint = recorded_hint(address);
	if (hint)
		__sync_fetch_and_add(hint, -1);
}

#endif /* BPF_RECORDED_H */
