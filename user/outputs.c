// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes snapshots and hands them to the report and the output files. Figures come from the heap under
 * its lock; names are looked up afterwards, without it.
 */
#include "outputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "analyse/baseline.h"
#include "analyse/build.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "base/xalloc.h"
#include "exports.h"
#include "blindness.h"
#include "rows.h"
#include "site_resident.h"
#include "suppressed.h"
#include "target/process.h"
#include "view/report.h"

struct collect {
	struct report_block *v;
	size_t count, capacity;
	uint64_t now_ns, older_ns;
	const uint32_t *primary;
	uint32_t primary_count;
};

struct outputs {
	const struct options *options;
	struct tracker *tracker;
	struct windows *windows;
	struct growth *growth;
	struct exports exports;
	struct buffer text;
	uint64_t begun_ns, begun_cpu_ns, last_ns, last_cpu_ns;
	struct rows rows;
	struct baseline baseline;
	struct suppressed suppressed;
	struct collect blocks_now; /* of the snapshot that was prepared */
	bool failed;
};

struct outputs *outputs_open(const struct options *options, struct tracker *tracker,
			     struct windows *windows, struct growth *growth)
{
	struct outputs *o = xcalloc(1, sizeof(*o));

	o->options = options;
	o->tracker = tracker;
	o->rows.tracker = tracker;
	o->windows = windows;
	o->growth = growth;
	o->suppressed.patterns = options->suppressions;
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
	exports_close(&o->exports);
	ok = !outputs_failed(o);
	buffer_done(&o->text);
	free(o->blocks_now.v);
	rows_done(&o->rows);
	baseline_reset(&o->baseline);
	suppressed_done(&o->suppressed);
	free(o);
	return ok;
}

static uint64_t own_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

void outputs_begin(struct outputs *o)
{
	struct tracked *t;

	o->begun_ns = o->last_ns = clock_monotonic_ns();
	o->begun_cpu_ns = o->last_cpu_ns = own_cpu_ns();
	overhead_begin(o->windows->overhead);
	for (t = o->tracker->first; t; t = t->next)
		process_facts_begin(t);
}

/* ---- snapshots ---- */

static void fill_own(struct outputs *o, struct snapshot *s)
{
	uint64_t now = clock_monotonic_ns(), cpu = own_cpu_ns();
	double wall = (double)(now - o->last_ns);

	s->sampled = o->options->sample_bytes > 0;
	s->sample_bytes = o->options->sample_bytes;
	s->tracer_cpu_percent = wall > 0 ? 100.0 * (double)(cpu - o->last_cpu_ns) / wall : 0;
	s->tracer_cpu_s = (double)cpu / 1e9;
	s->tracer_rss_bytes = process_rss(getpid());
	o->last_ns = now;
	o->last_cpu_ns = cpu;
	s->cost = overhead_cost(o->windows->overhead);
}

static void fill_counts(struct outputs *o, struct snapshot *s)
{
	uint64_t kernel[COUNTER_BPF_COUNT];
	size_t i;

	loader_counts(o->tracker->loader, kernel);
	for (i = 0; i < COUNTER_BPF_COUNT; i++)
		s->counts[i] += kernel[i];
	s->counts[COUNTER_LATE_EVENT] += consumer_late_count(o->tracker->consumer);
	s->counts[COUNTER_BAD_RECORD] += consumer_bad_count(o->tracker->consumer);
}

static uint64_t lost_in_kernel(const uint64_t counts[COUNTER_BPF_COUNT])
{
#define X(id, name, lost, help) ((lost) ? counts[COUNTER_##id] : 0) +
	return COUNTERS_BPF(X) 0;
#undef X
}

static void fill_process(struct outputs *o, struct snapshot_process *p)
{
	struct tracked *t = tracker_find_number(o->tracker, p->number);
	uint64_t counts[COUNTER_BPF_COUNT];

	p->rss_bytes = UINT64_MAX;
	if (!t)
		return;
	if (!t->ended) {
		loader_process_counts(o->tracker->loader, t->pid, counts);
		process_facts_fill(t, p, o->options);
		blindness_note_rss(t, p->rss_bytes);
	} else {
		memcpy(counts, t->counts, sizeof(counts));
	}
	p->lost_events += lost_in_kernel(counts);
	blindness_look(o->options, o->windows, p, t);
	p->attached = t->attached;
	p->notable_first = t->attached && !t->notable_said;
	snprintf(p->comm, sizeof(p->comm), "%s", t->comm);
}

const struct stack_names *outputs_names(void *outputs, const struct snapshot_site *site)
{
	struct outputs *o = outputs;

	return rows_names(&o->rows, site);
}

const struct rows *outputs_rows(const struct outputs *o)
{
	return &o->rows;
}

/* Returns how many sites the heap has, of which some may be of no process's snapshot. */
static uint32_t build(struct outputs *o, struct snapshot *s,
		      const struct coverage_figures *coverage)
{
	struct tracker *t = o->tracker;
	struct snapshot_builder b = {.heap = t->heap, .growth = o->growth, .coverage = coverage};
	uint64_t now = clock_monotonic_ns();
	uint32_t sites, processes;
	int err;

	growth_cover(o->growth, coverage);
	consumer_lock(t->consumer);
	sites = heap_site_count(t->heap);
	processes = heap_process_count(t->heap);
	consumer_unlock(t->consumer);
	err = snapshot_begin(&b, s, sites, processes, now);
	if (!err) {
		consumer_lock(t->consumer);
		while (snapshot_some(&b))
			consumer_pause(t->consumer);
		consumer_pause(t->consumer);
		err = snapshot_settle(&b);
		sites = heap_site_count(t->heap);
		consumer_unlock(t->consumer);
	}
	if (err)
		log_error("cannot take a snapshot: %s", strerror(-err));
	else
		snapshot_end(&b);
	return sites;
}

/* All that was recorded until now, rows not folded. Returns what build() does. */
static uint32_t look(struct outputs *o, struct snapshot *s)
{
	struct coverage_figures coverage;
	uint32_t heap_sites;
	size_t i;

	memset(s, 0, sizeof(*s));
	consumer_sync(o->tracker->consumer);
	tracker_adopt(o->tracker);
	coverage = windows_figures(o->windows);
	heap_sites = build(o, s, &coverage);
	s->realtime_ns = clock_realtime_ns();
	s->elapsed_s = (double)(clock_monotonic_ns() - o->begun_ns) / 1e9;
	fill_counts(o, s);
	for (i = 0; i < s->process_count; i++)
		fill_process(o, &s->processes[i]);
	return heap_sites;
}

static void fold(struct outputs *o, struct snapshot *s, uint32_t heap_sites)
{
	rows_fold(&o->rows, s, heap_sites);
	if (baseline_apply(&o->baseline, s, o->rows.primary, o->rows.count))
		log_error("cannot compare with the baseline: out of memory");
	suppressed_apply(&o->suppressed, s, outputs_names, o);
}

void outputs_figures(struct outputs *o, struct snapshot *s)
{
	fold(o, s, look(o, s));
}

void outputs_snapshot(struct outputs *o, struct snapshot *s)
{
	uint32_t heap_sites;

	names_pass(o->tracker->names);
	heap_sites = look(o, s);
	fill_own(o, s);
	fold(o, s, heap_sites);
}

void outputs_set_baseline(struct outputs *o)
{
	struct snapshot s;

	look(o, &s);
	if (baseline_take(&o->baseline, &s))
		log_error("cannot take a baseline: out of memory");
	snapshot_free(&s);
}

void outputs_reset_baseline(struct outputs *o)
{
	baseline_reset(&o->baseline);
}

/* ---- blocks ---- */

static void collect_one(struct collect *c, struct report_block block, uint64_t born_ns)
{
	uint64_t age = c->now_ns > born_ns ? c->now_ns - born_ns : 0;

	if (age < c->older_ns)
		return;
	if (c->count == c->capacity) {
		c->capacity = c->capacity ? c->capacity * 2 : 1024;
		c->v = xrealloc(c->v, c->capacity * sizeof(*c->v));
	}
	if (block.site < c->primary_count && c->primary[block.site])
		block.site = c->primary[block.site];
	block.age_s = (double)age / 1e9;
	c->v[c->count++] = block;
}

static void collect_process(struct collect *c, const struct heap *h, struct heap_process *p)
{
	struct block *b;
	size_t it = 0, i;

	while ((b = blocks_next(&p->blocks, &it)))
		collect_one(c,
			    (struct report_block){.address = b->address,
						  .bytes = b->bytes,
						  .chance = chance_of(h, p, b),
						  .tid = b->tid,
						  .site = b->site},
			    b->born_ns);
	for (i = 0; i < p->ranges.count; i++) {
		const struct range *r = &p->ranges.v[i];

		collect_one(c,
			    (struct report_block){.address = r->start,
						  .bytes = r->bytes,
						  .chance = 1,
						  .tid = r->tid,
						  .site = r->site},
			    r->born_ns);
	}
}

static int by_site(const void *a, const void *b)
{
	const struct report_block *x = a, *y = b;

	if (x->site != y->site)
		return x->site < y->site ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static void collect_blocks(struct outputs *o, const struct snapshot *s, struct collect *c)
{
	struct tracker *t = o->tracker;
	uint32_t i;

	*c = (struct collect){.now_ns = s->time_ns,
			      .older_ns = o->options->older_ms * NS_PER_MS,
			      .primary = o->rows.primary,
			      .primary_count = o->rows.count};
	consumer_lock(t->consumer);
	for (i = 1; i <= heap_process_count(t->heap); i++)
		collect_process(c, t->heap, heap_process(t->heap, i));
	consumer_unlock(t->consumer);
	if (c->count)
		qsort(c->v, c->count, sizeof(*c->v), by_site);
}

/* ---- writing ---- */

static void write_stdout(struct outputs *o)
{
	size_t done = 0;

	while (done < o->text.length) {
		ssize_t n = write(STDOUT_FILENO, o->text.data + done, o->text.length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_error("cannot write 'standard output': %s", strerror(errno));
			o->failed = true;
			return;
		}
		done += (size_t)n;
	}
}

static bool find_resident(void *outputs, const struct snapshot_site *site,
			  const struct report_block *blocks, size_t count, struct resident *r)
{
	struct outputs *o = outputs;

	return site_resident(o->tracker, site, blocks, count, r);
}

static void format_report(struct outputs *o, struct snapshot *s, bool written)
{
	struct report_options r = {
		.top = o->options->top,
		.sort = o->options->sort,
		.verbose = o->options->verbose,
		.show_process = s->process_count > 1,
		.blocks = o->blocks_now.v,
		.block_count = o->blocks_now.count,
		.show_allocs = o->options->show_allocs,
		.resident = written ? find_resident : NULL,
		.pools = o->options->pools,
		.only_blocks = o->options->older_ms > 0,
	};

	buffer_reset(&o->text);
	report_write(&o->text, s, &r, outputs_names, o);
}

static void write_report(struct outputs *o, struct snapshot *s)
{
	struct tracked *t;

	format_report(o, s, true);
	write_stdout(o);
	for (t = o->tracker->first; t; t = t->next)
		t->notable_said = true;
}

static bool wants_report(const struct outputs *o, bool report)
{
	return report && !o->exports.to_stdout && !outputs_failed(o);
}

static void forget_blocks(struct outputs *o)
{
	free(o->blocks_now.v);
	o->blocks_now = (struct collect){0};
}

static bool site_lifetimes(void *outputs, uint32_t site, struct lifetimes *out)
{
	struct outputs *o = outputs;

	return rows_lifetimes(&o->rows, site, out);
}

static struct export_input input_of(struct outputs *o, const struct snapshot *s)
{
	return (struct export_input){
		.snapshot = s,
		.blocks = o->blocks_now.v,
		.block_count = o->blocks_now.count,
		.names = outputs_names,
		.context = o,
		.folded = o->options->folded_value,
		.lifetimes = site_lifetimes,
	};
}

bool outputs_prepare(struct outputs *o, struct snapshot *s, bool report, enum output_when when)
{
	const struct options *opt = o->options;
	struct export_input in;

	report = wants_report(o, report);
	forget_blocks(o);
	if (exports_want_blocks(&o->exports, when) ||
	    (report && (opt->show_allocs || opt->older_ms)))
		collect_blocks(o, s, &o->blocks_now);
	/* asks for the names of exactly those that it will show */
	if (report)
		format_report(o, s, false);
	if (exports_want_names(&o->exports, when) && snapshot_rank(s))
		log_error("cannot rank sites: out of memory");
	in = input_of(o, s);
	return (exports_ask_names(&o->exports, &in, when) || report || o->suppressed.patterns) &&
	       names_pending(o->tracker->names) > 0;
}

void outputs_write(struct outputs *o, struct snapshot *s, bool report, enum output_when when)
{
	const struct export_input in = input_of(o, s);

	suppressed_apply(&o->suppressed, s, outputs_names, o);
	if (wants_report(o, report))
		write_report(o, s);
	exports_write(&o->exports, &in, when);
	forget_blocks(o);
}

bool outputs_export(struct outputs *o, const char *format, const char *path)
{
	return exports_once(&o->exports, format, path);
}

bool outputs_exported(const struct outputs *o)
{
	return !o->exports.once_failed;
}

void outputs_reopen(struct outputs *o)
{
	exports_reopen(&o->exports);
}

bool outputs_failed(const struct outputs *o)
{
	return o->failed || o->exports.failed;
}

static size_t stacks_outstanding(const struct snapshot *s, size_t process)
{
	size_t i, n = 0;

	for (i = 0; i < s->site_count; i++) {
		if (s->sites[i].process == process && s->sites[i].totals.outstanding_count)
			n++;
	}
	return n;
}

void outputs_summary(struct outputs *o, const struct snapshot *s)
{
	size_t i;

	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];
		const struct tracked *t = tracker_find_number(o->tracker, p->number);

		if (t && t->grew_unseen && !t->blind_said)
			blindness_warn(BLIND_ALL, p, t);
	}
	for (i = 0; i < s->process_count; i++) {
		const struct snapshot_process *p = &s->processes[i];

		log_always("%u (%s): %llu events, %llu lost, %llu bytes outstanding in %llu "
			   "allocations from %zu stacks",
			   p->pid, p->comm, (unsigned long long)p->event_count,
			   (unsigned long long)p->lost_events,
			   (unsigned long long)p->totals.outstanding_bytes,
			   (unsigned long long)p->totals.outstanding_count,
			   stacks_outstanding(s, i));
	}
}
