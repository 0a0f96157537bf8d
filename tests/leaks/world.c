/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world of world.h: a clock, a generator of random numbers, a queue of frees to come, and behind them the heap and the growth of
 * the tracer, which are driven as user/session.c does it: a sample each leak interval, then a look at the verdicts.
 */
#include "world.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../user/analyse/build.h"
#include "../../user/analyse/reasons.h"

#define S	   1000000000ull
#define PROCESS	   1
#define WINDOW	   30
#define GRACE_S	   30.0
#define THRESHOLD  0.1
#define BLOCK_STEP 64
#define SAMPLES	   1024

struct world_site {
	const char *name;
	bool leak;
	double first_s, evidence_s; /* < 0: not yet */
	uint64_t bytes[WINDOW + 1]; /* outstanding at the last samples, by second */
	uint64_t outstanding;
	bool called[SAMPLES], naive[SAMPLES]; /* a leak, at each look */
	uint8_t rules[SAMPLES];		      /* by which */
};

struct later {
	uint64_t time_ns, address;
};

struct world {
	struct heap *heap;
	struct growth *growth;
	uint64_t now_ns, next_sample_ns, end_ns, next_address, random, events;
	uint32_t thread, site_count, samples;
	struct world_site sites[WORLD_SITES];
	struct later *queue; /* a binary heap, the soonest first */
	size_t queued, queue_capacity;
	const struct world_options *options;
	bool wrong;
};

/* ---- chance ---- */

/* xorshift64* (Marsaglia 2003, Vigna 2016) */
static uint64_t next_random(struct world *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return w->random * 0x2545f4914f6cdd1dull;
}

/* [0, 1) */
static double uniform(struct world *w)
{
	return (double)(next_random(w) >> 11) * 0x1p-53;
}

double world_between(struct world *w, double low, double high)
{
	return low + (high - low) * uniform(w);
}

double world_scale(struct world *w, double low, double high)
{
	return low * pow(high / low, uniform(w));
}

bool world_chance(struct world *w, double probability)
{
	return uniform(w) < probability;
}

double world_exponential(struct world *w, double mean)
{
	return -mean * log1p(-uniform(w));
}

uint32_t world_below(struct world *w, uint32_t count)
{
	return count ? (uint32_t)(uniform(w) * count) : 0;
}

uint32_t world_poisson(struct world *w, double mean)
{
	uint32_t n = 0;

	for (double t = world_exponential(w, 1); t < mean; n++)
		t += world_exponential(w, 1);
	return n;
}

/* ---- sites ---- */

static uint32_t add_site(struct world *w, const char *name, bool leak)
{
	struct world_site *s = &w->sites[w->site_count];

	if (w->site_count == WORLD_SITES) {
		fprintf(stderr, "world: too many sites\n");
		w->wrong = true;
		return WORLD_SITES - 1;
	}
	*s = (struct world_site){.name = name, .leak = leak, .first_s = -1, .evidence_s = -1};
	return w->site_count++;
}

uint32_t world_leak(struct world *w, const char *name)
{
	return add_site(w, name, true);
}

uint32_t world_healthy(struct world *w, const char *name)
{
	return add_site(w, name, false);
}

double world_now(const struct world *w)
{
	return (double)w->now_ns / S;
}

void world_evidence(struct world *w, uint32_t site)
{
	if (w->sites[site].evidence_s < 0)
		w->sites[site].evidence_s = world_now(w);
}

/* ---- events ---- */

static struct event_header header(struct world *w, uint8_t type, size_t size)
{
	w->events++;
	return (struct event_header){
		.time_ns = w->now_ns + S, /* the clock of events does not begin with 0 */
		.process = PROCESS,
		.tid = w->thread,
		.size = (uint16_t)size,
		.type = type,
		.call = CALL_ID_MALLOC,
	};
}

static uint64_t new_address(struct world *w, uint32_t site)
{
	if (w->sites[site].first_s < 0)
		w->sites[site].first_s = world_now(w);
	return w->next_address += BLOCK_STEP;
}

uint64_t world_alloc(struct world *w, uint32_t site, uint64_t bytes)
{
	struct event_alloc e = {.h = header(w, EVENT_ALLOC, sizeof(e)),
				.address = new_address(w, site),
				.bytes = bytes,
				.stack = site + 1};

	heap_apply(w->heap, &e.h);
	return e.address;
}

uint64_t world_realloc(struct world *w, uint32_t site, uint64_t address, uint64_t bytes)
{
	struct event_realloc e = {.h = header(w, EVENT_REALLOC, sizeof(e)),
				  .address = new_address(w, site),
				  .old_address = address,
				  .bytes = bytes,
				  .stack = site + 1};

	e.entry_ns = e.h.time_ns;
	heap_apply(w->heap, &e.h);
	return e.address;
}

void world_free(struct world *w, uint64_t address)
{
	struct event_free e = {.h = header(w, EVENT_FREE, sizeof(e)), .address = address};

	if (address)
		heap_apply(w->heap, &e.h);
}

void world_thread(struct world *w, uint32_t thread)
{
	w->thread = thread;
}

/* ---- the queue of what comes later ---- */

static void put_at(struct world *w, size_t at, struct later item)
{
	while (at && w->queue[(at - 1) / 2].time_ns > item.time_ns) {
		w->queue[at] = w->queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->queue[at] = item;
}

void world_free_after(struct world *w, uint64_t address, double seconds)
{
	struct later item = {w->now_ns + (uint64_t)(fmax(seconds, 0) * S), address};

	if (w->queued == w->queue_capacity) {
		w->queue_capacity = w->queue_capacity ? w->queue_capacity * 2 : 1024;
		w->queue = realloc(w->queue, w->queue_capacity * sizeof(*w->queue));
		if (!w->queue)
			abort();
	}
	put_at(w, w->queued++, item);
}

static struct later take_first(struct world *w)
{
	struct later first = w->queue[0], last = w->queue[--w->queued];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < w->queued) {
		if (child + 1 < w->queued && w->queue[child + 1].time_ns < w->queue[child].time_ns)
			child++;
		if (w->queue[child].time_ns >= last.time_ns)
			break;
		w->queue[at] = w->queue[child];
		at = child;
	}
	w->queue[at] = last;
	return first;
}

/* ---- judging ---- */

/* The first and the last of the window, and nothing between them. */
static bool naive_says(const struct world *w, const struct world_site *s)
{
	uint64_t first = s->bytes[(w->samples + 1) % (WINDOW + 1)], last = s->outstanding;

	return w->samples >= WINDOW && (double)last - (double)first > THRESHOLD * (double)first;
}

static void say(const struct world *w, const struct world_site *s, const struct snapshot_site *row)
{
	struct buffer why = {0};

	reasons_add(&why, row);
	printf("%6.1f %-20s %-8s %d %5.1f %10llu B %8llu  %s\n", world_now(w), s->name,
	       verdict_name(row->verdict), row->rule, row->score,
	       (unsigned long long)row->totals.outstanding_bytes,
	       (unsigned long long)row->totals.outstanding_count, why.data);
	buffer_done(&why);
}

static void look(struct world *w)
{
	bool called[WORLD_SITES] = {false};
	int rules[WORLD_SITES] = {0};
	struct snapshot s;

	if (snapshot_build(&s, w->heap, w->growth, w->now_ns + S))
		abort();
	for (size_t i = 0; i < s.site_count; i++) {
		uint64_t id = heap_stack(w->heap, s.sites[i].stack)->id;
		struct world_site *site = &w->sites[id - 1];

		called[id - 1] = s.sites[i].verdict == VERDICT_LEAK;
		rules[id - 1] = s.sites[i].rule;
		site->outstanding = s.sites[i].totals.outstanding_bytes;
		if (w->options->verbose)
			say(w, site, &s.sites[i]);
	}
	for (uint32_t i = 0; i < w->site_count; i++) {
		w->sites[i].bytes[w->samples % (WINDOW + 1)] = w->sites[i].outstanding;
		w->sites[i].called[w->samples] = called[i];
		w->sites[i].rules[w->samples] = (uint8_t)rules[i];
		w->sites[i].naive[w->samples] = naive_says(w, &w->sites[i]);
	}
	snapshot_free(&s);
}

static void sample(struct world *w)
{
	if (growth_sample(w->growth, w->heap, w->now_ns + S))
		abort();
	look(w);
	w->samples++;
	w->next_sample_ns += S;
}

bool world_wait(struct world *w, double seconds)
{
	uint64_t until = w->now_ns + (uint64_t)(fmax(seconds, 0) * S);

	if (until > w->end_ns)
		until = w->end_ns;
	for (;;) {
		uint64_t next = w->queued ? w->queue[0].time_ns : UINT64_MAX;

		if (next > until && w->next_sample_ns > until)
			break;
		if (next < w->next_sample_ns) {
			w->now_ns = next;
			world_free(w, take_first(w).address);
		} else {
			w->now_ns = w->next_sample_ns;
			sample(w);
		}
	}
	w->now_ns = until;
	return until < w->end_ns;
}

static double evidence_of(const struct world_site *s)
{
	return s->leak && s->evidence_s < 0 ? s->first_s : s->evidence_s;
}

/* The first moment in [from, to] at which it was called a leak; -1: none. */
static double first_call(const bool *called, double from, double to)
{
	for (uint32_t i = (uint32_t)ceil(fmax(from, 0)); i < SAMPLES && i <= to; i++)
		if (called[i])
			return i;
	return -1;
}

/* When it was found, or called a leak although it was wrong to; -1: never. */
static double decisive_call(const struct world_site *s, const bool *called)
{
	double evidence = evidence_of(s);

	if (s->leak)
		return first_call(called, evidence, evidence + GRACE_S);
	return first_call(called, evidence < 0 ? 0 : evidence + GRACE_S, SAMPLES);
}

static enum outcome outcome_of(const struct world_site *s, const bool *called)
{
	double call = decisive_call(s, called);

	if (s->leak)
		return call < 0 ? OUTCOME_MISSED : OUTCOME_FOUND;
	return call < 0 ? OUTCOME_HEALTHY : OUTCOME_ALARM;
}

static double kept_since(const struct world_site *s, double from, uint32_t samples)
{
	uint32_t n = 0, leak = 0;

	for (uint32_t i = (uint32_t)fmax(from, 0); i < samples; i++, n++)
		leak += s->called[i];
	return n ? (double)leak / n : 1;
}

static struct judged_site judge(const struct world *w, const struct world_site *s)
{
	double call = decisive_call(s, s->called), any = first_call(s->called, 0, SAMPLES);

	return (struct judged_site){
		.name = s->name,
		.outcome = outcome_of(s, s->called),
		.naive = outcome_of(s, s->naive),
		.evidence_s = evidence_of(s),
		.called_s = call,
		.rule = call < 0 ? 0 : s->rules[(uint32_t)call],
		.kept = kept_since(s, call, w->samples),
		.early = !s->leak && any >= 0 && any < s->evidence_s + GRACE_S,
	};
}

static bool is_sound(struct world *w, const struct workload *workload)
{
	const char *wrong = heap_check(w->heap);

	if (wrong)
		fprintf(stderr, "world: %s: %s\n", workload->name, wrong);
	for (uint32_t i = 0; i < w->site_count; i++) {
		const struct world_site *s = &w->sites[i];

		/* then it is not known whether it was found in time */
		if (!s->leak || evidence_of(s) < 0 || evidence_of(s) + GRACE_S < workload->seconds)
			continue;
		fprintf(stderr, "world: %s: it ends less than %.0f s after the evidence of '%s'\n",
			workload->name, GRACE_S, s->name);
		wrong = s->name;
	}
	if (workload->seconds >= SAMPLES) {
		fprintf(stderr, "world: %s: it is too long\n", workload->name);
		wrong = workload->name;
	}
	return !wrong && !w->wrong;
}

static void open_world(struct world *w, const struct workload *workload, uint64_t seed,
		       const struct world_options *options)
{
	struct growth_options growth = {
		.window_s = WINDOW, .interval_s = 1, .threshold = THRESHOLD};
	struct heap_options heap = {.generation_ns = S,
				    .elder_ns = (uint64_t)(growth_elder_s(WINDOW) * S),
				    .sample_bytes = options->sample_bytes};

	w->options = options;
	w->random = seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
	for (const char *c = workload->name; *c; c++)
		w->random = (w->random ^ (unsigned char)*c) * 0x100000001b3ull;
	w->random += !w->random;
	for (int i = 0; i < 8; i++)
		next_random(w);
	w->thread = 1;
	w->end_ns = (uint64_t)(fmin(workload->seconds, SAMPLES - 1) * S);
	w->heap = heap_new(&heap);
	w->growth = growth_new(&growth);
	if (!w->heap || !w->growth)
		abort();
	heap_add_process(w->heap, PROCESS, 100, "world", S);
	sample(w);
}

bool world_run(const struct workload *workload, uint64_t seed, const struct world_options *options,
	       struct judged *judged)
{
	struct world *w = calloc(1, sizeof(*w));
	bool good;

	if (!w)
		abort();
	open_world(w, workload, seed, options);
	workload->run(w);
	while (world_wait(w, 1)) /* it may have ended before the world */
		;
	good = is_sound(w, workload);
	judged->count = 0;
	judged->events = w->events;
	for (uint32_t i = 0; i < w->site_count; i++)
		if (w->sites[i].first_s >= 0)
			judged->sites[judged->count++] = judge(w, &w->sites[i]);
	growth_free(w->growth);
	heap_free(w->heap);
	free(w->queue);
	free(w);
	return good;
}
