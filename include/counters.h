/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every loss and every oddity has a counter, and this is the only list of them: the BPF side, the
 * reports and the summary are generated from it. Rows are X(ID, "name", lost, "help"); lost is 1
 * where one count means that one recorded event is missing from the figures. Append only.
 */
#ifndef INCLUDE_COUNTERS_H
#define INCLUDE_COUNTERS_H

/* clang-format off */
#define COUNTERS_BPF(X) \
	X(RING_FULL,      "ring_full",      1, "events lost: ring buffer full") \
	X(NO_STORAGE,     "no_storage",     1, "calls lost: no task storage for the calling thread") \
	X(RESULT_FAULT,   "result_fault",   1, "calls lost: the result of posix_memalign could not be read") \
	X(PENDING_STALE,  "pending_stale",  0, "calls that were entered and never returned (longjmp, exception)") \
	X(STACK_RING_FULL,"stack_ring_full",0, "stacks whose frames did not fit into the ring: sent again later") \
	X(STACK_FAILED,   "stack_failed",   0, "stacks that could not be walked") \
	X(STACK_CUT,      "stack_cut",      0, "stacks cut at the largest depth") \
	X(STACK_NO_INFO,  "stack_no_info",  0, "stacks cut at code without unwind information") \
	X(STACK_NO_MAPPING,"stack_no_mapping",0, "stacks cut at an address in no known module") \
	X(STACK_FAULT,    "stack_fault",    0, "stacks cut at memory that could not be read") \
	X(STACK_BROKEN,   "stack_broken",   0, "stacks cut where the frames make no sense") \
	X(STACK_CHANGED,  "stack_changed",  0, "stacks cut because modules changed meanwhile") \
	X(STACK_GUESSED,  "stack_guessed",  0, "stacks with frames guessed by frame pointers (generated code)") \
	X(PENDING_UNSURE, "pending_unsure", 1, "calls lost: another call of the thread may be in flight on another stack") \
	X(NO_SCRATCH,     "no_scratch",     0, "stacks not walked: all memory for walks was in use") \
	X(VFORK_UNSEEN,   "vfork_unseen",   0, "vfork children that were not seen: what they allocated before their exec is missing") \
	X(GO_BAD,         "go_bad",         1, "samples of a Go heap lost: the runtime's data made no sense")

#define COUNTERS_USER(X) \
	X(BAD_RECORD,      "bad_record",      1, "records that make no sense") \
	X(NO_MEMORY,       "no_memory",       1, "events lost: the tracer is out of memory") \
	X(UNKNOWN_FREE,    "unknown_free",    0, "frees of blocks from before the attach, filtered or unsampled") \
	X(UNKNOWN_UNMAP,   "unknown_unmap",   0, "unmapped ranges that were not seen mapped") \
	X(REUSED_ADDRESS,  "reused_address",  0, "blocks handed out at a live address: a free was missed") \
	X(LATE_EVENT,      "late_event",      0, "events that arrived after younger ones of the same CPU") \
	X(NO_PROCESS,      "no_process",      1, "events lost: the start of their process was lost") \
	X(STACK_UNKNOWN,   "stack_unknown",   0, "events whose stack never arrived") \
	X(STACK_COLLISION, "stack_collision", 0, "different stacks with one id") \
	X(LATE_CHILD,      "late_child",      0, "processes whose start was not seen") \
	X(MISSED_ALLOC,    "missed_alloc",    0, "addresses freed again without an allocation in between: it was not seen")
/* clang-format on */

enum counter_id {
#define X(id, name, lost, help) COUNTER_##id,
	COUNTERS_BPF(X)
#undef X
		COUNTER_BPF_COUNT,
	COUNTER_USER_FIRST = 32,
	COUNTER_BEFORE_USER = COUNTER_USER_FIRST - 1,
#define X(id, name, lost, help) COUNTER_##id,
	COUNTERS_USER(X)
#undef X
		COUNTER_COUNT
};

#endif /* INCLUDE_COUNTERS_H */
