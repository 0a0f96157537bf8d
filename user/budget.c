// SPDX-License-Identifier: GPL-2.0-or-later
#include "budget.h"

#include <math.h>

#define PAUSE_MOST_NS ((uint64_t)((double)BUDGET_WINDOW_NS / BUDGET_SHARE_LEAST))
#define SAVED_MOST_NS 10e9	    /* credit of so much time of one processor, at most */
#define RETRY_NS      5000000000ull /* a window that is too dear is tried once more after this */
#define TOO_DEAR_MOST 2
#define CPU_LEAST_NS  1e6 /* of a window: below, it says nothing about shares */

void budget_begin(struct budget *b, double percent, uint64_t seed, uint64_t now_ns, double cost_ns,
		  double cpu_ns)
{
	*b = (struct budget){.limit = percent / 100, .random = seed | 1};
	b->cost_ns = cost_ns;
	b->cpu_ns = cpu_ns;
	b->last_ns = b->since_ns = now_ns;
	b->on = true;
}

/* In [1, 2), by xorshift: less than the price of a window would break the limit. */
static double jitter(struct budget *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return 1 + (double)(b->random >> 11) * 0x1p-53;
}

static void account(struct budget *b, uint64_t now_ns, double cost_ns, double cpu_ns)
{
	double cost = fmax(cost_ns - b->cost_ns, 0), cpu = fmax(cpu_ns - b->cpu_ns, 0);

	b->credit_ns += b->limit * cpu - cost;
	if (b->on) {
		b->window_cost_ns += cost;
		b->window_cpu_ns += cpu;
	} else {
		b->pause_cpu_ns += cpu;
	}
	b->cost_ns = fmax(cost_ns, b->cost_ns);
	b->cpu_ns = fmax(cpu_ns, b->cpu_ns);
	b->last_ns = now_ns;
}

/* What has been saved for a window it has; what comes beside it may not pile up. */
static void limit_credit(struct budget *b, uint64_t now_ns)
{
	double wall = (double)(now_ns - b->since_ns);
	double processors = wall > 0 ? fmax(b->window_cpu_ns / wall, 1) : 1;
	double most = fmax(b->limit * SAVED_MOST_NS * processors, b->needed_ns);

	b->credit_ns = fmin(b->credit_ns, most);
}

/* Could windows like this one come so rarely that the limit holds? */
static bool is_too_dear(const struct budget *b)
{
	double length = fmax((double)(b->last_ns - b->since_ns), 1);
	double cost = b->window_cost_ns * (1 + b->closing_ns / length);

	return b->window_cpu_ns >= CPU_LEAST_NS &&
	       b->limit * b->window_cpu_ns < BUDGET_SHARE_LEAST * cost;
}

static enum budget_action step_on(struct budget *b, uint64_t now_ns)
{
	limit_credit(b, now_ns);
	if (b->credit_ns >= 0 || now_ns - b->since_ns < BUDGET_WINDOW_NS)
		return BUDGET_STAY;
	b->too_dear = is_too_dear(b) ? b->too_dear + 1 : 0;
	return b->too_dear >= TOO_DEAR_MOST ? BUDGET_GIVE_UP : BUDGET_CLOSE;
}

/* Less than half as busy as in the last window. */
static bool is_idle(const struct budget *b, uint64_t now_ns)
{
	return b->pause_cpu_ns < b->processors / 2 * (double)(now_ns - b->since_ns);
}

/* An idle target earns nothing, but what it does after a long pause is worth a look. */
static enum budget_action step_off(struct budget *b, uint64_t now_ns)
{
	uint64_t paused_ns = now_ns - b->since_ns;

	if (b->credit_ns >= b->needed_ns)
		return BUDGET_OPEN;
	if (b->too_dear && paused_ns >= RETRY_NS)
		return BUDGET_OPEN;
	if (paused_ns < PAUSE_MOST_NS || !is_idle(b, now_ns))
		return BUDGET_STAY;
	b->credit_ns = fmax(b->credit_ns, 0);
	return BUDGET_OPEN;
}

enum budget_action budget_step(struct budget *b, uint64_t now_ns, double cost_ns, double cpu_ns)
{
	account(b, now_ns, cost_ns, cpu_ns);
	return b->on ? step_on(b, now_ns) : step_off(b, now_ns);
}

static double overdrawn(const struct budget *b)
{
	return fmax(b->window_cost_ns - b->limit * b->window_cpu_ns, 0);
}

/*
 * What the shortest window would overdraw: its part of what this one did in its length, and all that was overdrawn since, while
 * the probes went: that is the same however long a window was.
 */
static double next_overdraft(const struct budget *b, double in_window, double length_ns)
{
	double part = fmin((double)BUDGET_WINDOW_NS / fmax(length_ns, 1), 1);

	return in_window * part + fmax(overdrawn(b) - in_window, 0);
}

void budget_switched(struct budget *b, bool on, uint64_t now_ns, double cost_ns, double cpu_ns)
{
	double before = overdrawn(b), closing_ns = (double)(now_ns - b->last_ns);
	double length = (double)(b->last_ns - b->since_ns);

	account(b, now_ns, cost_ns, cpu_ns);
	if (on) {
		b->window_cost_ns = b->window_cpu_ns = 0;
	} else {
		b->processors = b->window_cpu_ns / fmax((double)(now_ns - b->since_ns), 1);
		b->pause_cpu_ns = 0;
		b->closing_ns = closing_ns;
		b->needed_ns = next_overdraft(b, before, length) * jitter(b);
	}
	b->on = on;
	b->since_ns = now_ns;
}
