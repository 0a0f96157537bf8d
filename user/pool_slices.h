/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When calls of sync.Pool are counted: the decision alone. Pure: its owner tells it the time and the totals, and does what it says.
 *
 * A slice lasts a second, or until it has cost the processes a tenth of one. The next one comes when the share of the time allows it, and
 * when what all of them have cost is a small part of the processor time that the processes have used.
 */
#ifndef USER_POOL_SLICES_H
#define USER_POOL_SLICES_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_SLICE_NS	       1000000000ull
#define POOL_SLICE_COST_NS     100000000.0 /* processor time of the processes */
#define POOL_SLICE_STEP_NS     20000000ull /* a slice is looked at so often */
#define POOL_SLICE_FIRST_NS    500000000ull
#define POOL_SLICE_PERCENT     (100.0 / 60) /* of the time, unless it is said: a second a minute */
#define POOL_SLICE_LIMIT       1.0	    /* percent of the processor time */
#define POOL_SLICE_BUDGET_PART 0.25	    /* of --max-overhead */

enum pool_slice_action { POOL_SLICE_STAY, POOL_SLICE_OPEN, POOL_SLICE_CLOSE };

struct pool_slices {
	double share, limit; /* 0 .. 1; a limit of 1 is none */
	bool on;
	uint64_t since_ns;	    /* of this slice, or of the pause */
	uint64_t pause_ns;	    /* at least so long, for the share */
	double begun_cost_ns;	    /* when the slice began */
	uint64_t count, covered_ns; /* slices that are over */
};

/* Now; percents more than 0. max_overhead 0: no such limit was asked for. */
void pool_slices_begin(struct pool_slices *s, double percent, double max_overhead, uint64_t now_ns);
/* What is due? Totals of what the slices have cost so far, and of the processor time of the processes. */
enum pool_slice_action pool_slices_step(const struct pool_slices *s, uint64_t now_ns,
					double cost_ns, double cpu_ns);
/* It was done, at that time. */
void pool_slices_switched(struct pool_slices *s, bool on, uint64_t now_ns, double cost_ns);
/* In which it is to be looked at again. */
uint64_t pool_slices_next_ns(const struct pool_slices *s, uint64_t now_ns);
/* Slices with the present one, and the time in them. */
uint64_t pool_slices_count(const struct pool_slices *s);
uint64_t pool_slices_covered_ns(const struct pool_slices *s, uint64_t now_ns);

#endif /* USER_POOL_SLICES_H */
