/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tracer is doing while threads of the target wait (bpf/stall.bpf.c, user/probe/stall.c). */
#ifndef INCLUDE_STALL_H
#define INCLUDE_STALL_H

enum stall_phase {
	STALL_ATTACHING = 0, /* to the processes that are asked for */
	STALL_TRACING = 1,   /* no probe changes */
	STALL_UPDATING = 2,  /* followed children, modules, sweeps */
	STALL_DETACHING = 3,
	STALL_PHASES = 4,
};

#endif /* INCLUDE_STALL_H */
