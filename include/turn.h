/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose turn it is to have events without reading the clock (bpf/moment.bpf.h). User space reads it, and ends TURN_OFF. */
#ifndef INCLUDE_TURN_H
#define INCLUDE_TURN_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define TURN_NOBODY  0ull
#define TURN_OWNED   1ull /* with a tid */
#define TURN_CLAIMED 2ull /* with a tid */
#define TURN_OFF     3ull
#define TURN_SHIFT   2 /* of the tid */

/* A line of cache of its own. */
struct turn {
	__u64 word;
	__u32 lost; /* claims in a row that have taken somebody's turn */
	__u32 pad[13];
};

_Static_assert(sizeof(struct turn) == 64, "turn: a cache line");

#endif /* INCLUDE_TURN_H */
