/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the Go runtime of a build has what the probes read: user code finds it and writes it, the kernel side reads it. */
#ifndef INCLUDE_GO_SHAPE_H
#define INCLUDE_GO_SHAPE_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define GO_SHAPES	    1024 /* builds at once; fits into COOKIE_SHAPE */
#define GO_SPAN_CLASSES_MAX 136	 /* of spans: 68 sizes, with pointers and without */

struct go_shape {
	/* at the jump of (*mcache).nextFree: distances from the stack pointer */
	__u16 span_slot, cache_slot, class_slot;
	__u16 cache_spans; /* mcache.alloc */
	/* members of runtime.mspan */
	__u16 start, elems, sweepgen, alloc_count, count_before, elem_size, state;
	__u16 pad[5];
};

_Static_assert(sizeof(struct go_shape) == 32, "go_shape");

#endif /* INCLUDE_GO_SHAPE_H */
