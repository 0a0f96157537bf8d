/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Poisson sampling by bytes (-s): points lie on the stream of allocated bytes of a processor with config.sample_bytes between
 * them on average, and an allocation is recorded when a point lies in it, so with probability 1 - exp(-size / mean),
 * independently of all others. User space scales by the inverse of it.
 *
 * What is left until the next point says nothing about how much has gone by: so it does not matter whose bytes they are, those of
 * all threads that the processor has run, traced or not. A thread that is preempted in the middle of a subtraction undoes those of
 * the threads that ran meanwhile; each of them was drawn with its probability all the same.
 *
 * The distance to the next point is -ln(u) * mean for a random u in (0, 1]. ln by a table: log2 of the leading bits, linear in
 * between; the error of 3e-6 is far below what any sample could show.
 */
#ifndef BPF_SAMPLE_H
#define BPF_SAMPLE_H

#define LOG2_BITS 24	      /* fraction bits of log2 values */
#define LN2_FIXED 11629080ull /* ln(2) << LOG2_BITS */

/* log2(1 + i / 256) << LOG2_BITS, filled in by the loader. */
const volatile __u32 log2_table[257] = {};

/* factor * mean for a factor with LOG2_BITS fraction bits; in halves, since the product has more than 64 bits */
static __always_inline __u64 scale(__u64 factor, __u64 mean)
{
	return factor * (mean >> LOG2_BITS) +
	       (factor * (mean & ((1 << LOG2_BITS) - 1)) >> LOG2_BITS);
}

static __noinline __u64 sample_distance(void)
{
	__u32 u = bpf_get_prandom_u32(), index, top = 31;
	__u64 fraction, low, high, log2;

	u = u ? u : 1;
	/* highest set bit */
	if (!(u >> 16)) {
		top -= 16;
		u <<= 16;
	}
	if (!(u >> 24)) {
		top -= 8;
		u <<= 8;
	}
	if (!(u >> 28)) {
		top -= 4;
		u <<= 4;
	}
	if (!(u >> 30)) {
		top -= 2;
		u <<= 2;
	}
	if (!(u >> 31)) {
		top -= 1;
		u <<= 1;
	}
	index = (u >> 23) & 0xff;
	fraction = u & 0x7fffff;
	low = log2_table[index];
	high = log2_table[index + 1];
	log2 = ((__u64)top << LOG2_BITS) + low + ((high - low) * fraction >> 23);
	/* -ln(u / 2^32), fixed point, times the mean */
	log2 = (32ull << LOG2_BITS) - log2;
	return scale(log2 * LN2_FIXED >> LOG2_BITS, config.sample_bytes) + 1;
}

/*
 * Does a point lie in the next `bytes` bytes? *left: bytes until the next point, 0: not drawn yet. No bytes are drawn as one: else
 * they would never be seen.
 */
static __always_inline bool sample_wanted(__u64 *left, __u64 bytes)
{
	if (!config.sample_bytes)
		return true;
	bytes += !bytes;
	if (!*left)
		*left = sample_distance();
	if (bytes < *left) {
		*left -= bytes;
		return false;
	}
	*left = sample_distance();
	return true;
}

#endif /* BPF_SAMPLE_H */
