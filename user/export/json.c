/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of JSON for a snapshot. What is not known is null, what does not apply to this run is null, too. Keys are those of the
 * CSV files where those have the figure. The fields are documented in docs/json.md and docs/tracer.schema.json, which the
 * live tests check against real lines.
 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include "../../include/calls.h"
#include "../analyse/counter_text.h"
#include "../base/clock.h"
#include "../probe/plan.h"
#include "../view/frames.h"
#include "json_facts.h"
#include "json_frames.h"
#include "json_goroutines.h"
#include "json_text.h"

static void add_cost(struct buffer *out, const struct snapshot_cost *cost)
{
	if (!cost->known) {
		json_null(out, "cost");
		return;
	}
	json_open(out, "cost", '{');
	json_number(out, "percent", cost->percent);
	json_number(out, "core_percent", cost->core_percent);
	json_number(out, "total_percent", cost->total_percent);
	json_number(out, "total_s", cost->total_s);
	json_close(out, '}');
}

static void add_coverage(struct buffer *out, const struct coverage_figures *c)
{
	double unknown = (double)NAN;

	if (!c->partial) {
		json_null(out, "coverage");
		return;
	}
	json_open(out, "coverage", '{');
	json_bool(out, "paused", c->paused);
	json_u64(out, "windows", c->windows);
	json_number(out, "time_percent", c->time_percent);
	json_number(out, "work_percent", c->work_percent);
	json_number(out, "alloc_bytes_error_percent",
		    c->error_known ? c->alloc_bytes_error : unknown);
	json_number(out, "alloc_count_error_percent",
		    c->error_known ? c->alloc_count_error : unknown);
	json_number(out, "outstanding_bytes_error_percent",
		    c->error_known ? c->kept_bytes_error : unknown);
	json_number(out, "outstanding_count_error_percent",
		    c->error_known ? c->kept_count_error : unknown);
	json_close(out, '}');
}

static void add_run(struct buffer *out, const struct snapshot *s)
{
	size_t i;

	json_open(out, "tracer", '{');
	json_string(out, "version", TRACER_VERSION);
	json_number(out, "cpu_percent", s->tracer_cpu_percent);
	json_known_u64(out, "rss_bytes", s->tracer_rss_bytes);
	json_close(out, '}');
	if (s->sampled)
		json_u64(out, "sample_bytes", s->sample_bytes);
	else
		json_null(out, "sample_bytes");
	json_number(out, "baseline_s", s->changes ? s->baseline_s : (double)NAN);
	add_coverage(out, &s->coverage);
	add_cost(out, &s->cost);
	json_u64(out, "lost_events", report_lost_events(s));
	json_open(out, "counters", '{');
	for (i = 0; i < counter_text_count; i++)
		json_u64(out, counter_texts[i].name, s->counts[counter_texts[i].id]);
	json_close(out, '}');
}

static void add_totals(struct buffer *out, const struct totals *t)
{
	json_u64(out, "outstanding_bytes", t->outstanding_bytes);
	json_u64(out, "outstanding_count", t->outstanding_count);
	json_u64(out, "alloc_bytes", t->alloc_bytes);
	json_u64(out, "alloc_count", t->alloc_count);
	json_u64(out, "free_bytes", t->free_bytes);
	json_u64(out, "free_count", t->free_count);
	json_u64(out, "peak_bytes", t->peak_bytes);
}

static const char *blind_name(enum blind blind)
{
	switch (blind) {
	case BLIND_NOT: break;
	case BLIND_ALL: return "everything";
	case BLIND_ALLOCATIONS: return "allocations";
	case BLIND_FREES: return "frees";
	}
	return NULL;
}

/* Since tracing began, as elapsed_s is. */
static double peak_s(const struct snapshot *s, const struct snapshot_process *p)
{
	if (!p->peak_ns || p->peak_ns > s->time_ns)
		return (double)NAN;
	return s->elapsed_s - (double)(s->time_ns - p->peak_ns) / NS_PER_S;
}

static void add_process(struct buffer *out, const struct export_input *in, size_t index)
{
	const struct snapshot *s = in->snapshot;
	const struct snapshot_process *p = &s->processes[index];

	json_open(out, NULL, '{');
	json_u64(out, "pid", p->pid);
	json_string(out, "comm", p->comm);
	json_bool(out, "ended", p->exited);
	json_bool(out, "attached", p->attached);
	add_totals(out, &p->totals);
	json_u64(out, "temporary_count", p->totals.temporary_count);
	json_number(out, "peak_s", peak_s(s, p));
	json_u64(out, "mapped_bytes", p->ranges_bytes);
	json_number(out, "alloc_bytes_per_s", p->alloc_bytes_per_s);
	json_number(out, "allocs_per_s", p->allocs_per_s);
	json_number(out, "frees_per_s", p->frees_per_s);
	json_number(out, "growth_bytes_per_s", p->growth_bytes_per_s);
	json_known_u64(out, "rss_bytes", p->rss_bytes);
	json_u64(out, "sites", p->site_count);
	json_u64(out, "leak_sites", p->leak_site_count);
	json_u64(out, "events", p->event_count);
	json_u64(out, "lost_events", p->lost_events);
	json_u64(out, "unknown_frees", p->unknown_frees);
	json_u64(out, "missed_allocs", p->missed_allocs);
	json_u64(out, "reused_addresses", p->reused_addresses);
	json_string(out, "blind_to", blind_name(p->blind));
	json_add_intervals(out, p->uncertain, p->growth_bytes_per_s);
	json_add_process_facts(out, p);
	json_add_goroutines(out, in, index);
	json_close(out, '}');
}

static void add_names(struct buffer *out, const struct stack_names *names)
{
	const struct frame_name *frame = frames_function(names);

	json_string(out, "type", names->type);
	json_string(out, "function", frame ? frame->function : NULL);
	json_string(out, "module", frame ? frame->module : NULL);
	json_string(out, "source", frame ? frame->file : NULL);
	if (frame && frame->line > 0)
		json_int(out, "line", frame->line);
	else
		json_null(out, "line");
}

static void add_cut(struct buffer *out, const struct stack_names *names, uint32_t flags)
{
	struct buffer words = {0};

	json_string(out, "stack_remark", frames_add_cut(&words, names, flags) ? words.data : NULL);
	buffer_done(&words);
}

static void add_site(struct buffer *out, const struct export_input *in,
		     const struct snapshot_site *site, const struct stack_names *names,
		     struct json_frames *frames)
{
	const struct snapshot *s = in->snapshot;
	bool has_process = site->process < s->process_count;
	char id[17];

	json_open(out, NULL, '{');
	snprintf(id, sizeof(id), "%016" PRIx64, names->site_id);
	json_string(out, "site", id);
	json_known_u64(out, "process", has_process ? site->process : UINT64_MAX);
	json_known_u64(out, "pid", has_process ? s->processes[site->process].pid : UINT64_MAX);
	json_u64(out, "rank", site->rank);
	json_string(out, "api",
		    site->call < CALL_ID_COUNT ? call_name((enum call_id)site->call) : NULL);
	json_string(out, "class", site->range ? "mmap" : "heap");
	add_totals(out, &site->totals);
	json_known_u64(out, "temporary_count",
		       site->bulk ? UINT64_MAX : site->totals.temporary_count);
	json_number(out, "allocs_per_s", site->allocs_per_s);
	json_number(out, "frees_per_s", site->frees_per_s);
	json_number(out, "growth_bytes_per_s", site->growth_bytes_per_s);
	json_number(out, "leak_score", site->score);
	json_string(out, "verdict",
		    site->verdict == VERDICT_NONE ? NULL : verdict_name(site->verdict));
	json_number(out, "oldest_s", site->oldest_s < 0 ? (double)NAN : site->oldest_s);
	json_add_intervals(out, site->uncertain, site->growth_bytes_per_s);
	json_add_site_facts(out, in, site);
	add_names(out, names);
	json_frames_add_stack(frames, out, names);
	add_cut(out, names, site->stack_flags);
	json_close(out, '}');
}

/* Whether a comma is due is seen from the last byte, so that one stays behind. */
static int spill_site(struct sink *out)
{
	int err;

	out->text.data[--out->text.length] = '\0';
	err = sink_spill(out);
	json_close(&out->text, '}');
	return err;
}

static void add_sites(struct sink *out, const struct export_input *in, struct json_frames *frames)
{
	const struct snapshot *s = in->snapshot;
	size_t i;

	json_open(&out->text, "sites", '[');
	for (i = 0; i < s->site_count; i++) {
		const struct snapshot_site *site = &s->sites[i];
		const struct stack_names *names;

		if (in->since_version && site->version <= in->since_version)
			continue;
		names = in->names(in->context, site);
		add_site(&out->text, in, site, names, frames);
		if (spill_site(out))
			break;
	}
	json_close(&out->text, ']');
}

void json_write(struct sink *out, const struct export_input *in)
{
	const struct snapshot *s = in->snapshot;
	struct json_frames frames = {.key = {0}};
	char time[25];
	size_t i;

	clock_format_utc(in->realtime_ns, time);
	json_open(&out->text, NULL, '{');
	json_int(&out->text, "version", JSON_VERSION);
	json_string(&out->text, "time", time);
	json_number(&out->text, "elapsed_s", s->elapsed_s);
	json_bool(&out->text, "complete", in->since_version == 0);
	add_run(&out->text, s);
	json_open(&out->text, "processes", '[');
	for (i = 0; i < s->process_count; i++)
		add_process(&out->text, in, i);
	json_close(&out->text, ']');
	add_sites(out, in, &frames);
	json_frames_end(&frames, &out->text);
	json_frames_done(&frames);
	json_close(&out->text, '}');
	buffer_add_char(&out->text, '\n');
}
