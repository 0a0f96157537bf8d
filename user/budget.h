/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When is traced, so that the cost to the target stays below a limit: the decision alone. Pure: its owner tells it the time and the
 * totals, and does what it says.
 *
 * The limit is a share of the processor time that the targets use. All the time they earn credit by it (their time times the limit),
 * and tracing spends it. A window goes on while there is credit, and for a shortest time
 * whether or not. The next one opens when there is enough for one like the last; how much is a little at random, so that windows do not keep step with what
 * the target does. Credit does not grow without end: what was saved for long is not spent at once.
 */
#ifndef USER_BUDGET_H
#define USER_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_WINDOW_NS 500000000ull /* the shortest window */
#define BUDGET_SHARE_LEAST                                                                         \
	0.01 /* of the time that is traced; if even this is too much, tracing ends */
#define BUDGET_STEP_NS 50000000ull /* to be looked at so often */

enum budget_action { BUDGET_STAY, BUDGET_OPEN, BUDGET_CLOSE, BUDGET_GIVE_UP };

struct budget {
	double limit; /* share, 0 .. 1 */
	uint64_t random;
	bool on;
	uint64_t since_ns, last_ns; /* of this window or pause; the last step */
	double cost_ns, cpu_ns;	    /* totals at the last step */
	double credit_ns;
	double window_cost_ns, window_cpu_ns; /* of this window, or the last one */
	double closing_ns;		      /* how long the probes of the last one went */
	double processors;		      /* that the targets used in the last window */
	double pause_cpu_ns;		      /* since then */
	double needed_ns;		      /* credit for the next window */
	unsigned int too_dear; /* windows in succession that cannot be had rarely enough */
};

/* A window begins at now_ns. percent > 0. */
void budget_begin(struct budget *b, double percent, uint64_t seed, uint64_t now_ns, double cost_ns,
		  double cpu_ns);
/* What is due? Totals since tracing began. */
enum budget_action budget_step(struct budget *b, uint64_t now_ns, double cost_ns, double cpu_ns);
/* It was done, at that time: a window has begun or is over. */
void budget_switched(struct budget *b, bool on, uint64_t now_ns, double cost_ns, double cpu_ns);

#endif /* USER_BUDGET_H */
