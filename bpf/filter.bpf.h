/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Is this size wanted. */
#ifndef BPF_FILTER_H
#define BPF_FILTER_H

static __always_inline bool size_wanted(__u64 bytes)
{
	return bytes >= config.min_bytes && bytes <= config.max_bytes;
}

/* Is an allocation of that size to be recorded? To be asked once for each: it may be drawn. */
static __always_inline bool bytes_wanted(__u64 bytes)
{
	return size_wanted(bytes) && sample_wanted(&hits_here()->sample_left, bytes);
}

#endif /* BPF_FILTER_H */
