// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes snapshots and hands them to the report and the output files. Figures come from the heap under
 * its lock; names are looked up afterwards, without it.
 */
#include "outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/baseline.h"
#include "analyse/build.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "blindness.h"
#include "block_list.h"
#include "export/output.h"
#include "exports.h"
#include "facts.h"
#include "gather.h"
#include "go_profile.h"
#include "goroutine_rows.h"
#include "memory_facts.h"
#include "rows.h"
#include "site_resident.h"
#include "story.h"
#include "summary.h"
#include "suppressed.h"
#include "view/report.h"

struct outputs {
	const struct options *options;
	struct tracker *tracker;
	struct growth *growth;
	struct recording *recording; /* borrowed; NULL: none */
	struct gather gather;
	struct exports exports;
	struct output *reports;	   /* stdout; NULL: no report yet */
	struct snapshot *reported; /* of the report that is written: it is sorted for that */
	struct story story;
	struct rows rows;
	uint32_t heap_sites; /* when the last snapshot was taken */
	struct goroutine_rows goroutines;
	struct baseline baseline;
	struct suppressed suppressed;
	struct block_list blocks; /* of the snapshot that was taken to be written */
	struct breath *breath;	  /* borrowed; NULL: nobody waits for keys */
	bool failed;		  /* to write reports */
};

struct outputs *outputs_open(const struct options *options, struct tracker *tracker,
			     struct windows *windows, struct growth *growth)
{
	struct outputs *o = xcalloc(1, sizeof(*o));

	o->options = options;
	o->tracker = tracker;
	o->rows.tracker = tracker;
	o->gather = (struct gather){.tracker = tracker, .windows = windows, .options = options};
	o->growth = growth;
	goroutine_rows_init(&o->goroutines, tracker);
	o->suppressed.patterns = options->suppressions;
	story_init(&o->story, options, tracker);
	if (!exports_open(&o->exports, options)) {
		outputs_close(o);
		return NULL;
	}
	return o;
}

bool outputs_close(struct outputs *o)
{
	bool ok;

	if (!o)
		return true;
	gather_end(&o->gather);
	exports_close(&o->exports);
	if (output_close(o->reports))
		o->failed = true;
	story_done(&o->story);
	ok = !outputs_failed(o);
	block_list_done(&o->blocks);
	rows_done(&o->rows);
	goroutine_rows_done(&o->goroutines);
	baseline_reset(&o->baseline);
	suppressed_done(&o->suppressed);
	free(o);
	return ok;
}

void outputs_restart(struct outputs *o, struct growth *growth)
{
	rows_done(&o->rows);
	o->rows = (struct rows){.tracker = o->tracker};
	goroutine_rows_done(&o->goroutines);
	goroutine_rows_init(&o->goroutines, o->tracker);
	baseline_reset(&o->baseline);
	suppressed_done(&o->suppressed);
	o->suppressed = (struct suppressed){.patterns = o->options->suppressions};
	o->growth = growth;
}

void outputs_record(struct outputs *o, struct recording *recording)
{
	o->recording = recording;
}

void outputs_breathe(struct outputs *o, struct breath *breath)
{
	o->breath = breath;
}

void outputs_take_breath(struct outputs *o)
{
	breath_take(o->breath);
}

void outputs_begin(struct outputs *o, uint64_t now_ns)
{
	gather_begin(&o->gather, now_ns);
}

/* ---- snapshots ---- */

static void fill_own(struct outputs *o, struct snapshot *s, const struct facts *f)
{
	size_t i;

	s->realtime_ns = f->realtime_ns;
	s->sampled = o->options->sample_bytes > 0;
	s->sample_bytes = o->options->sample_bytes;
	s->elapsed_s = f->elapsed_s;
	s->tracer_cpu_percent = f->tracer_cpu_percent;
	s->tracer_cpu_s = f->tracer_cpu_s;
	s->tracer_rss_bytes = f->tracer_rss_bytes;
	s->cost = f->cost;
	for (i = 0; i < COUNTER_COUNT; i++)
		s->counts[i] += f->counts[i];
}

static uint64_t lost_in_kernel(const uint64_t counts[COUNTER_BPF_COUNT])
{
#define X(id, name, lost, help) ((lost) ? counts[COUNTER_##id] : 0) +
	return COUNTERS_BPF(X) 0;
#undef X
}

static void fill_process(struct outputs *o, struct snapshot_process *p, const struct facts *f)
{
	struct tracked *t = tracker_find_number(o->tracker, p->number);
	const struct process_facts *known = facts_process(f, p->number);

	p->rss_bytes = UINT64_MAX;
	if (!t || !known)
		return;
	p->rss_bytes = known->rss_bytes;
	memory_facts_fill(t, known, p, o->options);
	p->lost_events += lost_in_kernel(known->counts);
	p->go = known->go;
	p->go_heap = known->go_heap;
	p->go_gc = known->go_gc;
	go_advice_make(o->options->go_workload, &p->go, &p->go_gc, &known->limits, &p->go_advice);
	p->go_only = known->go_only;
	p->go_pools = go_pools_figures_copy(&known->go_pools);
	if (!p->go_only)
		blindness_look(o->options, p, t, f->coverage.partial);
	p->attached = known->attached;
	p->notable_first = known->attached && !t->notable_said;
	snprintf(p->comm, sizeof(p->comm), "%s", known->comm);
}

const struct stack_names *outputs_names(void *outputs, const struct snapshot_site *site)
{
	struct outputs *o = outputs;

	return rows_names(&o->rows, site);
}

const struct stack_names *outputs_goroutine_names(void *outputs, const struct snapshot *s,
						  const struct snapshot_goroutines *row)
{
	struct outputs *o = outputs;

	return goroutine_rows_names(&o->goroutines, s, row);
}

const struct rows *outputs_rows(const struct outputs *o)
{
	return &o->rows;
}

/* What is recorded of a cut for these. */
static enum recording_cut cut_kind(enum output_when when)
{
	switch (when) {
	case WHEN_LOOK: break;
	case WHEN_INTERVAL: return CUT_INTERVAL;
	case WHEN_NOW:
	case WHEN_EXPORT: return CUT_EXTRA;
	case WHEN_END: return CUT_FINAL;
	}
	return 0;
}

/* Returns how many sites the heap has, of which some may be of no process's snapshot. */
static uint32_t build(struct outputs *o, struct snapshot *s, enum output_when when,
		      const struct facts *f)
{
	struct tracker *t = o->tracker;
	struct snapshot_builder b = {
		.heap = t->heap, .growth = o->growth, .coverage = &f->coverage};
	uint32_t sites, processes;
	int err;

	growth_cover(o->growth, &f->coverage);
	consumer_lock(t->consumer);
	sites = heap_site_count(t->heap);
	processes = heap_process_count(t->heap);
	consumer_unlock(t->consumer);
	err = snapshot_begin(&b, s, sites, processes, f->time_ns);
	consumer_lock(t->consumer);
	if (!err) {
		while (snapshot_some(&b))
			consumer_breathe(t->consumer, o->breath);
		consumer_breathe(t->consumer, o->breath);
		err = snapshot_settle(&b);
		sites = heap_site_count(t->heap);
	}
	if (exports_want_lifetimes(&o->exports, when))
		rows_keep_lifetimes(&o->rows, sites);
	if (when != WHEN_LOOK)
		recording_cut(o->recording, cut_kind(when), f, t->heap);
	consumer_unlock(t->consumer);
	if (err)
		log_error("cannot take a snapshot: %s", strerror(-err));
	else
		snapshot_end(&b);
	return sites;
}

static bool wants_report(const struct outputs *o, bool report)
{
	return report && !o->exports.to_stdout && !outputs_failed(o);
}

/* What is written of this snapshot beside its figures. */
static void take_blocks(struct outputs *o, const struct snapshot *s, bool report,
			enum output_when when)
{
	const struct options *opt = o->options;

	block_list_done(&o->blocks);
	if (exports_want_blocks(&o->exports, when) ||
	    (wants_report(o, report) && (opt->show_allocs || opt->older_ms)))
		block_list_take(&o->blocks, o->tracker, s->time_ns, opt->older_ms * NS_PER_MS,
				o->breath);
	if (exports_want_run(&o->exports, when))
		story_take(&o->story, s, o->breath);
}

void outputs_take(struct outputs *o, struct snapshot *s, bool report, enum output_when when,
		  const struct facts *f)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	names_pass(o->tracker->names);
	o->heap_sites = build(o, s, when, f);
	if (when != WHEN_LOOK)
		take_blocks(o, s, report, when);
	fill_own(o, s, f);
	for (i = 0; i < s->process_count; i++)
		fill_process(o, &s->processes[i], f);
	goroutine_rows_fill(&o->goroutines, s, f);
}

void outputs_fold(struct outputs *o, struct snapshot *s)
{
	rows_fold(&o->rows, s, o->heap_sites, o->breath);
	if (baseline_apply(&o->baseline, s, o->rows.primary, o->rows.count))
		log_error("cannot compare with the baseline: out of memory");
	suppressed_apply(&o->suppressed, s, outputs_names, o);
}

/* What runtimes say of themselves belongs to the moment, as the events until then do. */
static void feed_profiles(struct outputs *o, uint64_t now_ns)
{
	consumer_lock(o->tracker->consumer);
	go_profiles_feed(o->tracker, o->options, now_ns);
	consumer_unlock(o->tracker->consumer);
}

/* Rows not folded. */
static void take_now(struct outputs *o, struct snapshot *s, bool report, enum output_when when,
		     void (*gather)(struct gather *g, uint64_t time_ns, struct facts *f))
{
	struct consumer *c = o->tracker->consumer;
	struct facts f;
	uint64_t now;

	go_profiles_read(o->tracker, o->options);
	now = clock_monotonic_ns();
	consumer_cut(c, now, o->breath);
	tracker_adopt(o->tracker);
	feed_profiles(o, now);
	gather(&o->gather, now, &f);
	outputs_take(o, s, report, when, &f);
	consumer_resume(c);
	facts_done(&f);
}

void outputs_snapshot(struct outputs *o, struct snapshot *s, bool report, enum output_when when)
{
	take_now(o, s, report, when, gather_facts);
	outputs_fold(o, s);
	if (when != WHEN_LOOK)
		recording_modules(o->recording, o->tracker, true);
}

void outputs_figures(struct outputs *o, struct snapshot *s)
{
	take_now(o, s, false, WHEN_LOOK, gather_figures);
	outputs_fold(o, s);
}

static void keep_baseline(struct outputs *o, struct snapshot *s)
{
	if (baseline_take(&o->baseline, s))
		log_error("cannot take a baseline: out of memory");
	snapshot_free(s);
}

void outputs_set_baseline(struct outputs *o)
{
	struct snapshot s;

	take_now(o, &s, false, WHEN_LOOK, gather_figures);
	keep_baseline(o, &s);
}

void outputs_take_baseline(struct outputs *o, const struct facts *f)
{
	struct snapshot s;

	outputs_take(o, &s, false, WHEN_LOOK, f);
	keep_baseline(o, &s);
}

void outputs_reset_baseline(struct outputs *o)
{
	baseline_reset(&o->baseline);
}

void outputs_sample(struct outputs *o, uint64_t now_ns)
{
	struct consumer *c = o->tracker->consumer;
	struct facts f;

	go_profiles_read(o->tracker, o->options);
	consumer_cut(c, now_ns, o->breath);
	feed_profiles(o, now_ns);
	gather_sample(&o->gather, now_ns, &f);
	if (o->recording)
		gather_processes(&o->gather, &f);
	else
		gather_goroutines(&o->gather, &f);
	outputs_take_sample(o, &f);
	consumer_resume(c);
	facts_done(&f);
	recording_modules(o->recording, o->tracker, false);
}

void outputs_take_sample(struct outputs *o, const struct facts *f)
{
	struct consumer *consumer = o->tracker->consumer;
	struct heap *heap = o->tracker->heap;
	uint32_t sites, processes;
	bool due;

	growth_cover(o->growth, &f->coverage);
	consumer_lock(consumer);
	sites = heap_site_count(heap);
	processes = heap_process_count(heap);
	due = growth_sample_begin(o->growth, sites, processes, f->time_ns);
	if (due) {
		while (growth_sample_some(o->growth, heap, f->time_ns))
			consumer_breathe(consumer, o->breath);
		growth_sample_end(o->growth);
	}
	recording_cut(o->recording, CUT_SAMPLE, f, heap);
	consumer_unlock(consumer);
	if (due)
		goroutine_rows_sample(&o->goroutines, o->growth, f);
}

/* ---- writing ---- */

static bool find_resident(void *outputs, const struct snapshot_site *site,
			  const struct report_block *blocks, size_t count, struct resident *r)
{
	struct outputs *o = outputs;

	return site_resident(o->tracker, site, blocks, count, r);
}

static void format_report(struct outputs *o, struct buffer *out, struct snapshot *s, bool written)
{
	struct report_options r = {
		.top = o->options->top,
		.sort = o->options->sort,
		.verbose = o->options->verbose,
		.show_process = s->process_count > 1,
		.blocks = o->blocks.v,
		.block_count = o->blocks.count,
		.show_allocs = o->options->show_allocs,
		.resident = written ? find_resident : NULL,
		.pools = o->options->pools,
		.goroutine_names = outputs_goroutine_names,
		.only_blocks = o->options->older_ms > 0,
	};

	report_write(out, s, &r, outputs_names, o);
}

static void ask_report_names(struct outputs *o, struct snapshot *s)
{
	struct buffer ignored = {0};

	/* asks for the names of exactly those that it will show */
	format_report(o, &ignored, s, false);
	buffer_done(&ignored);
}

static void report_as_format(struct sink *out, const struct export_input *in)
{
	struct outputs *o = in->context;

	format_report(o, &out->text, o->reported, true);
}

static const struct export_format report_format = {
	.name = "report", .streamed = true, .write = report_as_format};

static void write_report(struct outputs *o, struct snapshot *s, const struct export_input *in)
{
	struct tracked *t;

	o->reported = s;
	if (!o->reports)
		o->reports = output_open(&report_format, "/dev/stdout");
	if (!o->reports || output_write(o->reports, in))
		o->failed = true;
	for (t = o->tracker->first; t; t = t->next)
		t->notable_said = true;
}

static bool site_lifetimes(void *outputs, uint32_t site, struct lifetimes *out)
{
	struct outputs *o = outputs;

	return rows_lifetimes(&o->rows, site, out);
}

static struct export_input input_of(struct outputs *o, const struct snapshot *s,
				    enum output_when when)
{
	return (struct export_input){
		.snapshot = s,
		.blocks = o->blocks.v,
		.block_count = o->blocks.count,
		.names = outputs_names,
		.goroutine_names = outputs_goroutine_names,
		.context = o,
		.html = &o->story.extra,
		.folded = o->options->folded_value,
		.lifetimes = site_lifetimes,
		.breath = o->breath,
		.reader = exports_reader(&o->exports, when),
	};
}

bool outputs_prepare(struct outputs *o, struct snapshot *s, bool report, enum output_when when)
{
	bool names = exports_want_names(&o->exports, when);
	bool all = when == WHEN_END && o->recording; /* who reads it later may want any of them */
	struct export_input in;
	size_t i;

	report = wants_report(o, report);
	block_list_sort(&o->blocks, &o->rows, o->breath);
	/* rows have this order whether or not there is a report */
	if (names)
		snapshot_sort(s, o->options->sort, false);
	if (report)
		ask_report_names(o, s);
	if (names && snapshot_rank(s))
		log_error("cannot rank sites: out of memory");
	for (i = 0; all && i < s->site_count; i++)
		outputs_names(o, &s->sites[i]);
	for (i = 0; all && i < s->goroutine_count; i++)
		outputs_goroutine_names(o, s, &s->goroutines[i]);
	in = input_of(o, s, when);
	return (exports_ask_names(&o->exports, &in, when) || report || all ||
		o->suppressed.patterns) &&
	       names_pending(o->tracker->names) > 0;
}

void outputs_write(struct outputs *o, struct snapshot *s, bool report, enum output_when when)
{
	const struct export_input in = input_of(o, s, when);

	suppressed_apply(&o->suppressed, s, outputs_names, o);
	if (wants_report(o, report))
		write_report(o, s, &in);
	story_add(&o->story, s);
	exports_write(&o->exports, &in, when);
	block_list_done(&o->blocks);
}

bool outputs_export(struct outputs *o, const char *format, const char *path)
{
	return exports_once(&o->exports, format, path);
}

size_t outputs_count(const struct outputs *o)
{
	return exports_count(&o->exports);
}

void outputs_wait_for_readers(struct outputs *o)
{
	o->exports.waits_for_readers = true;
}

bool outputs_attend(struct outputs *o)
{
	if (o->reports && output_error(o->reports))
		o->failed = true;
	return exports_attend(&o->exports);
}

void outputs_finish(struct outputs *o)
{
	exports_finish(&o->exports, o->breath);
	if (o->reports)
		output_finish(o->reports, o->breath);
	outputs_attend(o);
}

void outputs_reopen(struct outputs *o)
{
	exports_reopen(&o->exports);
}

bool outputs_failed(const struct outputs *o)
{
	return o->failed || o->exports.failed;
}

void outputs_summary(struct outputs *o, const struct snapshot *s)
{
	summary_say(o->tracker, s);
}
