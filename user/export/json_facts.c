/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_facts.h"

#include <math.h>
#include "../analyse/baseline.h"
#include "../analyse/reasons.h"
#include "json_text.h"

static void add_interval(struct buffer *out, const char *key, struct interval i)
{
	json_open(out, key, '[');
	json_number(out, NULL, i.low);
	json_number(out, NULL, i.high);
	json_close(out, ']');
}

void json_add_intervals(struct buffer *out, const struct uncertain *u, double growth)
{
	if (!u) {
		json_null(out, "intervals");
		return;
	}
	json_open(out, "intervals", '{');
	add_interval(out, "outstanding_bytes", uncertain_bytes(u, FIGURE_OUTSTANDING));
	add_interval(out, "outstanding_count", uncertain_count(u, FIGURE_OUTSTANDING));
	add_interval(out, "alloc_bytes", uncertain_bytes(u, FIGURE_ALLOC));
	add_interval(out, "alloc_count", uncertain_count(u, FIGURE_ALLOC));
	add_interval(out, "free_bytes", uncertain_bytes(u, FIGURE_FREE));
	add_interval(out, "free_count", uncertain_count(u, FIGURE_FREE));
	add_interval(out, "growth_bytes_per_s", uncertain_growth(u, growth));
	json_close(out, '}');
}

/* p: that there is none. */
void json_add_trend(struct buffer *out, const char *key, const struct trend *t, double watched_s)
{
	if (!(watched_s > 0)) {
		json_null(out, key);
		return;
	}
	json_open(out, key, '{');
	json_number(out, "slope", t->slope);
	json_number(out, "low", t->low);
	json_number(out, "high", t->high);
	json_small_number(out, "p", t->p);
	json_close(out, '}');
}

static void add_growth(struct buffer *out, const struct trend *bytes, const struct trend *blocks,
		       double watched_s)
{
	json_number(out, "watched_s", watched_s);
	json_add_trend(out, "bytes_trend", bytes, watched_s);
	json_add_trend(out, "blocks_trend", blocks, watched_s);
}

static void add_change(struct buffer *out, const struct change *c)
{
	if (!c) {
		json_null(out, "change");
		return;
	}
	json_open(out, "change", '{');
	json_i64(out, "outstanding_bytes", c->outstanding_bytes);
	json_i64(out, "outstanding_count", c->outstanding_count);
	json_i64(out, "alloc_bytes", c->alloc_bytes);
	json_i64(out, "alloc_count", c->alloc_count);
	json_i64(out, "free_bytes", c->free_bytes);
	json_i64(out, "free_count", c->free_count);
	json_i64(out, "temporary_count", c->temporary_count);
	json_close(out, '}');
}

/* [lower end, count] of each bucket that has anything in it. */
static void add_histogram(struct buffer *out, const char *key, const struct histogram *h, bool ages)
{
	uint32_t i;

	json_open(out, key, '[');
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (!h->v[i])
			continue;
		json_open(out, NULL, '[');
		if (ages)
			json_small_number(out, NULL, lifetimes_age_start_s(i));
		else
			json_number(out, NULL, histogram_start(i));
		json_u64(out, NULL, h->v[i]);
		json_close(out, ']');
	}
	json_close(out, ']');
}

static void add_histograms(struct buffer *out, const struct export_input *in, uint32_t site)
{
	struct lifetimes l;

	if (!in->lifetimes || !in->lifetimes(in->context, site, &l)) {
		json_null(out, "lifetimes");
		json_null(out, "sizes");
		return;
	}
	add_histogram(out, "lifetimes", &l.ages, true);
	add_histogram(out, "sizes", &l.sizes, false);
}

void json_add_survival(struct buffer *out, const struct survival *s)
{
	if (!(s->age_s > 0)) {
		json_null(out, "survival");
		return;
	}
	json_open(out, "survival", '{');
	json_number(out, "age_s", s->age_s);
	json_u64(out, "elders", s->elders);
	json_u64(out, "alive", s->alive);
	json_close(out, '}');
}

static double known_age(double seconds)
{
	return seconds < 0 ? (double)NAN : seconds;
}

void json_add_site_facts(struct buffer *out, const struct export_input *in,
			 const struct snapshot_site *site)
{
	struct buffer reasons = {0};

	reasons_add(&reasons, site);
	json_string(out, "reasons", reasons.length ? reasons.data : NULL);
	buffer_done(&reasons);
	add_growth(out, &site->bytes_trend, &site->blocks_trend, site->watched_s);
	json_add_survival(out, &site->survival);
	json_number(out, "median_age_s", known_age(site->median_age_s));
	json_small_number(out, "median_lifetime_s", known_age(site->lifetimes.median_s));
	json_number(out, "young_share", site->bulk ? (double)NAN : site->lifetimes.young_share);
	add_histograms(out, in, site->site);
	json_u64(out, "bytes_at_peak", site->bytes_at_peak);
	json_known_u64(out, "before_bytes", site->bulk ? site->before.bytes : UINT64_MAX);
	json_known_u64(out, "before_count", site->bulk ? site->before.count : UINT64_MAX);
	add_change(out, site->change);
}

static void add_use(struct buffer *out, const char *key, const struct memory_use *m)
{
	json_open(out, key, '{');
	json_known_u64(out, "mapped_bytes", m->size);
	json_known_u64(out, "rss_bytes", m->rss);
	json_known_u64(out, "anonymous_bytes", m->anonymous);
	json_known_u64(out, "file_bytes", m->file);
	json_known_u64(out, "shared_bytes", m->shared);
	json_known_u64(out, "swap_bytes", m->swap);
	json_known_u64(out, "pss_bytes", m->pss);
	json_close(out, '}');
}

/* [at first, now]; null: there is none of it. */
static void add_part(struct buffer *out, const char *key, const struct beside_use *u)
{
	if (!u->known) {
		json_null(out, key);
		return;
	}
	json_open(out, key, '[');
	json_u64(out, NULL, u->first);
	json_u64(out, NULL, u->now);
	json_close(out, ']');
}

static void add_memory(struct buffer *out, const struct beside *b)
{
	struct beside_change c;

	if (!b->known) {
		json_null(out, "memory");
		return;
	}
	c = beside_change(b);
	json_open(out, "memory", '{');
	add_use(out, "first", &b->first);
	add_use(out, "now", &b->now);
	json_u64(out, "growth_by_heap_bytes", c.explained[BESIDE_HEAP]);
	json_u64(out, "growth_by_go_bytes", c.explained[BESIDE_GO]);
	json_u64(out, "growth_by_files_bytes", c.by_files);
	json_u64(out, "growth_by_shared_bytes", c.by_shared);
	json_u64(out, "growth_unexplained_bytes", c.rest);
	json_u64(out, "growth_not_resident_bytes", c.not_resident);
	add_part(out, "heap_bytes", &b->parts[BESIDE_HEAP]);
	add_part(out, "go_bytes", &b->parts[BESIDE_GO]);
	json_u64(out, "other_bytes", beside_other(b));
	json_close(out, '}');
}

static const char *limit_name(enum limit_kind kind)
{
	switch (kind) {
	case LIMIT_CGROUP: return "cgroup";
	case LIMIT_ADDRESS_SPACE: return "address_space";
	case LIMIT_MACHINE: return "machine";
	case LIMIT_KINDS: break;
	}
	return NULL;
}

static void add_exhaustion(struct buffer *out, const struct exhaustion *e)
{
	if (!e->known) {
		json_null(out, "exhaustion");
		return;
	}
	json_open(out, "exhaustion", '{');
	json_string(out, "limit", limit_name(e->kind));
	json_u64(out, "limit_bytes", e->limit_bytes);
	json_u64(out, "left_bytes", e->left_bytes);
	json_number(out, "seconds", e->seconds);
	json_close(out, '}');
}

#define ADD_u64	    json_u64
#define ADD_u32	    json_u64
#define ADD_s64	    json_i64
#define ADD_flag    json_bool
#define ADD_real    json_small_number
#define ADD_maybe   json_known_u64
#define ADD_measure json_small_number

static void add_live_heap(struct buffer *out, const struct go_gc *g)
{
	uint32_t i;

	json_open(out, "LiveHeap", '[');
	for (i = 0; i < g->point_count; i++) {
		json_open(out, NULL, '[');
		json_u64(out, NULL, g->points[i].cycle);
		json_u64(out, NULL, g->points[i].end_ns);
		json_u64(out, NULL, g->points[i].bytes);
		json_close(out, ']');
	}
	json_close(out, ']');
}

static void add_go_gc(struct buffer *out, const struct go_gc *g)
{
	if (!g->known) {
		json_null(out, "collector");
		return;
	}
	json_open(out, "collector", '{');
#define X(number, type, member, name) ADD_##type(out, name, g->member);
	GO_GC_FIGURES(X)
#undef X
	add_live_heap(out, g);
	json_close(out, '}');
}

static void add_setting(struct buffer *out, const char *key, const struct go_setting *s)
{
	json_open(out, key, '{');
	json_i64(out, "GOGC", s->gogc);
	json_i64(out, "GOMEMLIMIT", s->memory_limit);
	json_close(out, '}');
}

static void add_outcome(struct buffer *out, const char *key, const struct go_outcome *o)
{
	json_open(out, key, '{');
	json_small_number(out, "cycles_per_s", o->cycles_per_s);
	json_number(out, "heap_peak_bytes", o->peak_bytes);
	json_number(out, "memory_bytes", o->memory_bytes);
	json_small_number(out, "cpu_share", o->cpu_share);
	json_close(out, '}');
}

static void add_go_advice(struct buffer *out, const struct go_advice *a)
{
	struct buffer text = {0};

	if (a->state == GO_ADVICE_NONE) {
		json_null(out, "advice");
		return;
	}
	go_advice_text(&text, a);
	json_open(out, "advice", '{');
	json_string(out, "workload", go_workload_name(a->workload));
	json_string(out, "text", text.data);
	json_bool(out, "change", a->state == GO_ADVICE_CHANGE);
	json_u64(out, "cycles", a->cycles);
	if (a->state == GO_ADVICE_KEEP || a->state == GO_ADVICE_CHANGE) {
		add_setting(out, "wanted", &a->wanted);
		add_outcome(out, "before", &a->before);
		add_outcome(out, "after", &a->after);
	} else {
		json_null(out, "wanted");
		json_null(out, "before");
		json_null(out, "after");
	}
	json_close(out, '}');
	buffer_done(&text);
}

static void add_go(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_figures *g = &p->go;

	if (!g->known) {
		json_null(out, "go");
		return;
	}
	json_open(out, "go", '{');
#define X(number, type, member, name) ADD_##type(out, name, g->member);
	GO_FIGURES(X)
#undef X
	add_go_gc(out, &p->go_gc);
	add_go_advice(out, &p->go_advice);
	json_close(out, '}');
}

static const char *go_heap_name(uint32_t source)
{
	static const char *const names[] = {[GO_HEAP_OFF] = "off",
					    [GO_HEAP_UNKNOWN] = "unknown",
					    [GO_HEAP_PROFILE] = "profile",
					    [GO_HEAP_SAMPLES] = "samples"};

	return source < sizeof(names) / sizeof(names[0]) ? names[source] : NULL;
}

static void add_go_heap(struct buffer *out, const struct snapshot_process *p)
{
	const struct go_heap_facts *g = &p->go_heap;

	if (!go_heap_name(g->source)) {
		json_null(out, "go_heap");
		return;
	}
	json_open(out, "go_heap", '{');
	json_string(out, "source", go_heap_name(g->source));
	json_u64(out, "rate", g->rate);
	json_bool(out, "enabled", g->enabled);
	json_u64(out, "live_bytes",
		 g->source == GO_HEAP_SAMPLES ? p->go_live.bytes : g->live_bytes);
	json_u64(out, "live_count",
		 g->source == GO_HEAP_SAMPLES ? p->go_live.count : g->live_count);
	json_u64(out, "fresh_bytes", g->fresh_bytes);
	json_u64(out, "before_bytes", p->before.bytes);
	json_bool(out, "early", g->early);
	json_u64(out, "bad_records", g->bad);
	json_u64(out, "left_out_records", g->left_out);
	json_u64(out, "samples", g->samples);
	json_u64(out, "uncertain_samples", g->uncertain);
	json_u64(out, "missed_cycles", g->missed_cycles);
	json_u64(out, "thinned_bytes", g->thinned_bytes);
	json_close(out, '}');
}

void json_add_process_facts(struct buffer *out, const struct snapshot_process *p)
{
	add_growth(out, &p->bytes_trend, &p->blocks_trend, p->watched_s);
	add_memory(out, &p->beside);
	add_exhaustion(out, &p->exhaustion);
	add_go(out, p);
	add_go_heap(out, p);
	json_add_go_pools(out, &p->go_pools);
	add_change(out, p->change);
}
