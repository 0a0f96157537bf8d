/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * First the model is fitted to what was seen: live heap, roots, allocation and cost of a cycle. Then settings are tried in steps, from
 * the one that needs least memory: the first that reaches the goals of the kind of work is advised, as long as it fits into the memory
 * that there is. A change that would not be worth the restart is none.
 */
#include "go_advice.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include "../base/units.h"

#define MIB	   1048576.0
#define HEAP_LEAST (4 * MIB) /* at GOGC=100: defaultHeapMinimum of runtime/mgcpacer.go */
#define LIMIT_PART                                                                                 \
	0.97 /* memoryLimitHeapGoalHeadroomPercent of the same; 1 MiB in Go 1.19 and 1.20 */
#define TRIGGER_LEAST 0.7  /* minTriggerRatioNum of the same, of 64 */
#define TRIGGER_MOST  0.95 /* maxTriggerRatioNum */
#define HEAD_ROOM                                                                                  \
	0.10 /* of a limit: for memory that is not Go's, and for what the model does not know */
#define LIMIT_MARGIN  1.10 /* GOMEMLIMIT is for the worst case: it must not bind all the time */
#define WORTH_CYCLES  0.85 /* a change that leaves more of the collections is none */
#define WORTH_MEMORY  0.95 /* the same of the heap's peak */
#define RELATED_LEAST 0.5  /* of D allocated in a cycle: below it, something else starts cycles */
#define RELATED_MOST  2.0

/* What a kind of work wants. Its first setting that reaches the goals is the best. */
struct goal {
	const char *name;
	double share_most; /* of the processor time */
	double cycles_most;
	int64_t gogc_least, gogc_most, step;
};

static const struct goal goals[GO_WORKLOADS] = {
	[GO_WORKLOAD_THROUGHPUT] = {"high-throughput", 0.01, (double)INFINITY, 100, 800, 25},
	[GO_WORKLOAD_LATENCY] = {"low-latency", 0.03, 1, 100, 400, 25},
	[GO_WORKLOAD_MEMORY] = {"memory-constrained", 0.10, (double)INFINITY, 20, 100, 5},
};

bool go_workload_parse(const char *name, enum go_workload *workload)
{
	int i;

	for (i = GO_WORKLOAD_NONE + 1; i < GO_WORKLOADS; i++) {
		if (strcmp(name, goals[i].name) != 0)
			continue;
		*workload = (enum go_workload)i;
		return true;
	}
	return false;
}

const char *go_workload_name(enum go_workload workload)
{
	return goals[workload].name;
}

/* ---- the model ---- */

struct model {
	double live, roots, others; /* bytes */
	double alloc_per_s;
	double runway, marking; /* M */
	double part;		/* of what the model says that was allocated really */
	double share_per_cycle; /* share for one cycle a second */
};

static double live_of(const struct go_gc *gc, const struct go_figures *go)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < gc->point_count; i++)
		sum += (double)gc->points[i].bytes;
	return gc->point_count ? sum / gc->point_count : (double)go->heap_marked;
}

/* Stacks and globals, by which GOGC counts, too. What the runtime has computed is turned round. */
static double roots_of(const struct go_figures *go, const struct go_gc *gc)
{
	double marked = (double)go->heap_marked, roots;

	if (go->gogc <= 0)
		return (double)go->stack_inuse;
	roots = ((double)gc->percent_goal - marked) * 100 / (double)go->gogc - marked;
	return roots > 0 && (double)gc->percent_goal > HEAP_LEAST * (double)go->gogc / 100 ? roots
											   : 0;
}

/* Where a cycle ends, from what is live. */
static double distance(const struct model *m, const struct go_setting *s)
{
	double by_percent = (double)INFINITY, by_limit = (double)INFINITY;

	if (s->gogc >= 0)
		by_percent = fmax((m->live + m->roots) * (double)s->gogc / 100,
				  HEAP_LEAST * (double)s->gogc / 100 - m->live);
	if (s->memory_limit != INT64_MAX)
		by_limit = LIMIT_PART * ((double)s->memory_limit - m->others) - m->live;
	return fmax(fmin(by_percent, by_limit), 1);
}

/* trigger() of runtime/mgcpacer.go. */
static double trigger(const struct model *m, double d)
{
	double most = fmax(TRIGGER_MOST * d, d - HEAP_LEAST);

	return fmin(fmax(d - m->runway, TRIGGER_LEAST * d), most);
}

/* Assists see to it that it does not go beyond the goal. */
static double allocated(const struct model *m, const struct go_setting *s)
{
	double d = distance(m, s);

	return m->part * fmin(trigger(m, d) + m->marking, d);
}

static void fit(struct model *m, const struct go_figures *go, const struct go_gc *gc)
{
	struct go_setting now = {go->gogc, go->memory_limit};
	double seen = gc->alloc_bytes_per_s / gc->cycles_per_s;

	m->live = live_of(gc, go);
	m->roots = roots_of(go, gc);
	m->others = fmax((double)go->sys - (double)go->heap_idle - (double)go->heap_alloc, 0);
	m->alloc_per_s = gc->alloc_bytes_per_s;
	m->share_per_cycle = gc->gc_share / gc->cycles_per_s;
	m->runway = isfinite(gc->runway) ? gc->runway : 0;
	m->marking = fmax(seen - trigger(m, distance(m, &now)), 0);
	m->part = 1;
	m->part = seen / allocated(m, &now);
}

static struct go_outcome outcome(const struct model *m, const struct go_setting *s)
{
	double bytes = allocated(m, s);
	struct go_outcome o = {.cycles_per_s = m->alloc_per_s / bytes,
			       .peak_bytes = m->live + bytes};

	o.memory_bytes = o.peak_bytes + m->others;
	o.cpu_share = m->share_per_cycle * o.cycles_per_s;
	return o;
}

/* ---- what there is ---- */

static void find_ceiling(const struct go_figures *go, const struct memory_limits *limits,
			 struct go_advice *a)
{
	double own = (double)go->sys - (double)go->heap_released;
	int kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		const struct memory_limit *l = &limits->v[kind];
		double most = own + (double)l->left_bytes - HEAD_ROOM * (double)l->limit_bytes;

		if (!l->known || (a->ceiling_known && most >= (double)a->ceiling_bytes))
			continue;
		a->ceiling_known = true;
		a->ceiling_bytes = most > 0 ? (uint64_t)most : 0;
		a->ceiling_kind = (enum limit_kind)kind;
	}
}

/* GOMEMLIMIT with which this outcome would not be bound by it. */
static double limit_for(const struct go_outcome *o)
{
	return o->memory_bytes / LIMIT_PART * LIMIT_MARGIN;
}

static bool fits(const struct go_advice *a, const struct go_outcome *o)
{
	return !a->ceiling_known || limit_for(o) <= (double)a->ceiling_bytes;
}

static int64_t whole_mib(double bytes, double (*round_it)(double))
{
	return (int64_t)(round_it(bytes / MIB) * MIB);
}

/*
 * A limit is a net below a process that the kernel would kill otherwise: where there is no other limit than the machine, none is needed.
 * One that is there stays as long as it does not bind.
 */
static int64_t limit_of(const struct go_advice *a, const struct go_outcome *o)
{
	double needed = limit_for(o);
	bool hard = a->ceiling_known && a->ceiling_kind != LIMIT_MACHINE;

	if (a->workload == GO_WORKLOAD_MEMORY)
		return whole_mib(needed, ceil);
	if (a->now.memory_limit != INT64_MAX && (double)a->now.memory_limit >= needed &&
	    (!a->ceiling_known || a->now.memory_limit <= (int64_t)a->ceiling_bytes))
		return a->now.memory_limit;
	if (hard)
		return whole_mib((double)a->ceiling_bytes, floor);
	return a->now.memory_limit == INT64_MAX ? INT64_MAX : whole_mib(needed, ceil);
}

/* ---- the choice ---- */

static bool reaches(const struct goal *g, const struct go_outcome *o)
{
	return o->cpu_share <= g->share_most && o->cycles_per_s <= g->cycles_most;
}

/*
 * The first that reaches the goals, else the last that fits; *found is false when not even the first fits. GOGC is tried without a
 * limit: the limit that is advised with it does not bind.
 */
static struct go_setting choose(const struct model *m, const struct goal *g,
				const struct go_advice *a, bool *found)
{
	struct go_setting best = {g->gogc_least, INT64_MAX};
	int64_t gogc;

	*found = false;
	for (gogc = g->gogc_least; gogc <= g->gogc_most; gogc += g->step) {
		struct go_setting s = {gogc, INT64_MAX};
		struct go_outcome o = outcome(m, &s);

		if (!fits(a, &o))
			break;
		*found = true;
		best = s;
		if (reaches(g, &o))
			break;
	}
	return best;
}

/* Would the change be noticed? */
static bool is_worth(const struct go_advice *a)
{
	if (a->now.memory_limit == INT64_MAX && a->wanted.memory_limit != INT64_MAX &&
	    a->ceiling_known && a->ceiling_kind != LIMIT_MACHINE)
		return true;
	if (a->workload == GO_WORKLOAD_MEMORY)
		return a->after.peak_bytes < WORTH_MEMORY * a->before.peak_bytes;
	return a->after.cycles_per_s < WORTH_CYCLES * a->before.cycles_per_s;
}

/* Only a net is missing, perhaps. */
static struct go_setting keep(const struct go_advice *a)
{
	struct go_setting s = a->now;

	if (s.memory_limit == INT64_MAX && s.gogc >= 0)
		s.memory_limit = limit_of(a, &a->before);
	return s;
}

/* The present settings already do what is asked, and have room. */
static bool is_good_now(const struct go_advice *a, const struct goal *g)
{
	return a->workload != GO_WORKLOAD_MEMORY && reaches(g, &a->before) && fits(a, &a->before);
}

static void decide(struct go_advice *a, const struct model *m)
{
	const struct goal *g = &goals[a->workload];
	bool found;

	a->before = outcome(m, &a->now);
	a->wanted = choose(m, g, a, &found);
	a->state = GO_ADVICE_NO_ROOM;
	if (!found)
		return;
	a->after = outcome(m, &a->wanted);
	a->wanted.memory_limit = limit_of(a, &a->after);
	if (is_good_now(a, g))
		a->wanted = keep(a);
	a->after = outcome(m, &a->wanted);
	a->state = is_worth(a) || !fits(a, &a->before) ? GO_ADVICE_CHANGE : GO_ADVICE_KEEP;
	if (a->state == GO_ADVICE_KEEP) {
		a->wanted = a->now;
		a->after = a->before;
	}
}

static bool has_evidence(const struct go_gc *gc)
{
	return gc->window_cycles >= GO_ADVICE_CYCLES && gc->window_s >= GO_ADVICE_SECONDS &&
	       gc->alloc_bytes_per_s > 0 && gc->cycles_per_s > 0 && isfinite(gc->gc_share);
}

void go_advice_make(enum go_workload workload, const struct go_figures *go, const struct go_gc *gc,
		    const struct memory_limits *limits, struct go_advice *out)
{
	struct model m;

	*out = (struct go_advice){.workload = workload,
				  .cycles = gc->window_cycles,
				  .now = {go->gogc, go->memory_limit}};
	if (workload == GO_WORKLOAD_NONE || !go->known || !gc->known)
		return;
	out->state = GO_ADVICE_FEW;
	if (!has_evidence(gc))
		return;
	out->state = GO_ADVICE_GROWS;
	if (gc->live_grows)
		return;
	fit(&m, go, gc);
	out->state = GO_ADVICE_UNRELATED;
	if (m.part < RELATED_LEAST || m.part > RELATED_MOST)
		return;
	find_ceiling(go, limits, out);
	decide(out, &m);
}

/* ---- words ---- */

static void add_setting(struct buffer *out, const struct go_setting *s)
{
	if (s->gogc < 0)
		buffer_add_string(out, "GOGC=off");
	else
		buffer_printf(out, "GOGC=%" PRId64, s->gogc);
	if (s->memory_limit == INT64_MAX)
		buffer_add_string(out, " GOMEMLIMIT=off");
	else
		buffer_printf(out, " GOMEMLIMIT=%" PRId64 "MiB", s->memory_limit / (int64_t)MIB);
}

static void add_ceiling(struct buffer *out, const struct go_advice *a)
{
	static const char *const names[LIMIT_KINDS] = {
		[LIMIT_CGROUP] = "its cgroup",
		[LIMIT_ADDRESS_SPACE] = "its limit of address space",
		[LIMIT_MACHINE] = "the machine",
	};
	char text[16];

	if (a->ceiling_known)
		buffer_printf(out, "; %s has room for %s at most, with 10%% left free",
			      names[a->ceiling_kind],
			      units_bytes(a->ceiling_bytes, text, sizeof(text)));
}

static void add_outcomes(struct buffer *out, const struct go_advice *a)
{
	const struct go_outcome *b = &a->before, *c = &a->after;
	char text[4][16];

	buffer_printf(out,
		      "; predicted from %" PRIu64
		      " collections: %.3g -> %.3g collections a second, heap peak %s -> %s, all "
		      "of Go's memory %s -> %s, collector's share of the processor time %.2f%% -> "
		      "%.2f%%",
		      a->cycles, b->cycles_per_s, c->cycles_per_s,
		      units_bytes((uint64_t)b->peak_bytes, text[0], sizeof(text[0])),
		      units_bytes((uint64_t)c->peak_bytes, text[1], sizeof(text[1])),
		      units_bytes((uint64_t)b->memory_bytes, text[2], sizeof(text[2])),
		      units_bytes((uint64_t)c->memory_bytes, text[3], sizeof(text[3])),
		      100 * b->cpu_share, 100 * c->cpu_share);
	add_ceiling(out, a);
}

static void add_state(struct buffer *out, const struct go_advice *a)
{
	static const char *const words[] = {
		[GO_ADVICE_NONE] = "",
		[GO_ADVICE_GROWS] = "none: the live heap grows, so no setting is right for long; "
				    "find what grows first",
		[GO_ADVICE_UNRELATED] =
			"none: collections do not come when GOGC and GOMEMLIMIT say so, but are "
			"started otherwise (by runtime.GC(), or by the runtime every two minutes)",
		[GO_ADVICE_KEEP] = "nothing needs changing: ",
		[GO_ADVICE_CHANGE] = "set ",
		[GO_ADVICE_NO_ROOM] = "none: no setting fits into the memory that there is",
	};

	if (a->state == GO_ADVICE_FEW)
		buffer_printf(out,
			      "not enough evidence yet: %" PRIu64
			      " collections seen, %d in at least %.0f s are needed",
			      a->cycles, GO_ADVICE_CYCLES, GO_ADVICE_SECONDS);
	else
		buffer_add_string(out, words[a->state]);
}

void go_advice_text(struct buffer *out, const struct go_advice *a)
{
	if (a->state == GO_ADVICE_NONE)
		return;
	buffer_printf(out, "advice for %s: ", go_workload_name(a->workload));
	add_state(out, a);
	if (a->state == GO_ADVICE_NO_ROOM)
		add_ceiling(out, a);
	if (a->state != GO_ADVICE_KEEP && a->state != GO_ADVICE_CHANGE)
		return;
	add_setting(out, &a->wanted);
	if (a->state == GO_ADVICE_CHANGE) {
		buffer_add_string(out, " (now ");
		add_setting(out, &a->now);
		buffer_add_char(out, ')');
	}
	add_outcomes(out, a);
}
