/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the run was, how complete its figures are, and the figures of its processes. */
#include "html_run.h"

#include <math.h>
#include "../analyse/counter_text.h"
#include "../base/clock.h"
#include "json_text.h"

void html_totals_write(const struct totals *t, struct buffer *out)
{
	json_u64(out, NULL, t->outstanding_bytes);
	json_u64(out, NULL, t->outstanding_count);
	json_u64(out, NULL, t->alloc_bytes);
	json_u64(out, NULL, t->alloc_count);
	json_u64(out, NULL, t->free_bytes);
	json_u64(out, NULL, t->free_count);
	json_u64(out, NULL, t->peak_bytes);
	json_u64(out, NULL, t->temporary_count);
}

void html_range_write(const struct uncertain *u, struct buffer *out)
{
	struct interval range;

	if (!u) {
		json_null(out, NULL);
		json_null(out, NULL);
		return;
	}
	range = uncertain_bytes(u, FIGURE_OUTSTANDING);
	json_number(out, NULL, range.low);
	json_number(out, NULL, range.high);
}

static void add_coverage(struct buffer *out, const struct coverage_figures *c)
{
	double unknown = (double)NAN;

	if (!c->partial) {
		json_null(out, "coverage");
		return;
	}
	json_open(out, "coverage", '{');
	json_u64(out, "windows", c->windows);
	json_number(out, "time_percent", c->time_percent);
	json_number(out, "alloc_error", c->error_known ? c->alloc_bytes_error : unknown);
	json_number(out, "outstanding_error", c->error_known ? c->kept_bytes_error : unknown);
	json_close(out, '}');
}

/* Those that have counted something. */
static void add_counters(struct buffer *out, const uint64_t *counts)
{
	size_t i;

	json_open(out, "counters", '[');
	for (i = 0; i < counter_text_count; i++) {
		const struct counter_text *text = &counter_texts[i];

		if (!counts[text->id])
			continue;
		json_open(out, NULL, '[');
		json_string(out, NULL, text->name);
		json_u64(out, NULL, counts[text->id]);
		json_string(out, NULL, text->help);
		json_close(out, ']');
	}
	json_close(out, ']');
}

static void add_facts(struct buffer *out, const struct html_extra *extra)
{
	size_t i;

	json_open(out, "facts", '[');
	for (i = 0; i < extra->fact_count; i++) {
		json_open(out, NULL, '[');
		json_string(out, NULL, extra->facts[i].name);
		json_string(out, NULL, extra->facts[i].value);
		json_close(out, ']');
	}
	json_close(out, ']');
}

static void add_run(struct buffer *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;

	json_open(out, "run", '{');
	json_string(out, "version", TRACER_VERSION);
	json_u64(out, "time_ms", in->realtime_ns / NS_PER_MS);
	json_number(out, "elapsed", s->elapsed_s);
	json_u64(out, "lost", report_lost_events(s));
	json_known_u64(out, "sample_bytes", s->sampled ? s->sample_bytes : UINT64_MAX);
	json_number(out, "cost_percent", s->cost.known ? s->cost.total_percent : (double)NAN);
	add_coverage(out, &s->coverage);
	add_counters(out, s->counts);
	add_facts(out, in->html);
	json_close(out, '}');
}

/* What the kernel says of its memory, beside the heap; and which limit it meets. Null: not known. */
static void add_memory(struct buffer *out, const struct snapshot_process *p)
{
	struct buffer words = {0};
	char limit[200];

	if (p->beside.known) {
		beside_add_figures(&p->beside, &words);
		buffer_add_string(&words, ". ");
		beside_add_words(&p->beside, &words);
	}
	json_string(out, "memory", words.data);
	buffer_done(&words);
	exhaustion_text(&p->exhaustion, limit, sizeof(limit));
	json_string(out, "limit", *limit ? limit : NULL);
}

static void add_process(struct buffer *out, const struct snapshot_process *p)
{
	json_open(out, NULL, '{');
	json_u64(out, "pid", p->pid);
	json_string(out, "comm", p->comm);
	json_open(out, "totals", '[');
	html_totals_write(&p->totals, out);
	json_close(out, ']');
	json_open(out, "range", '[');
	html_range_write(p->uncertain, out);
	json_close(out, ']');
	json_u64(out, "events", p->event_count);
	json_u64(out, "lost", p->lost_events);
	json_u64(out, "unknown_frees", p->unknown_frees);
	json_known_u64(out, "rss", p->rss_bytes);
	json_number(out, "growth", p->growth_bytes_per_s);
	json_number(out, "growth_chance", p->watched_s > 0 ? p->bytes_trend.p : (double)NAN);
	json_number(out, "allocs_per_s", p->allocs_per_s);
	json_number(out, "frees_per_s", p->frees_per_s);
	json_bool(out, "exited", p->exited);
	json_bool(out, "attached", p->attached);
	json_int(out, "blind", (int)p->blind);
	add_memory(out, p);
	json_close(out, '}');
}

static void add_spread(struct buffer *out, const char *key, const struct spread_class *classes)
{
	unsigned int i;

	json_open(out, key, '[');
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		const struct spread_class *c = &classes[i];

		if (!(c->blocks > 0) && !(c->outstanding > 0)) {
			json_null(out, NULL);
			continue;
		}
		json_open(out, NULL, '[');
		json_number(out, NULL, c->blocks);
		json_number(out, NULL, c->outstanding);
		json_number(out, NULL, c->bytes);
		json_close(out, ']');
	}
	json_close(out, ']');
}

static void add_spreads(struct buffer *out, const struct spread *spreads, size_t processes)
{
	size_t i;

	json_open(out, "spreads", '[');
	for (i = 0; spreads && i < processes; i++) {
		json_open(out, NULL, '{');
		add_spread(out, "sizes", spreads[i].sizes);
		add_spread(out, "ages", spreads[i].ages);
		json_close(out, '}');
	}
	json_close(out, ']');
}

void html_run_write(const struct export_input *in, struct buffer *out)
{
	const struct snapshot *s = in->snapshot;
	size_t i;

	add_run(out, in);
	json_open(out, "processes", '[');
	for (i = 0; i < s->process_count; i++)
		add_process(out, &s->processes[i]);
	json_close(out, ']');
	add_spreads(out, in->html->spreads, s->process_count);
}
