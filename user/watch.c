/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * States are kept by the heap's index of a process; index 0, which no process has, stands for the run as a whole: events that
 * were lost without anybody knowing whose they were.
 */
#include "watch.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert_runner.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "view/report.h"

/* A look alone costs a snapshot. */
#define LOOK_LEAST_NS (NS_PER_S / 10)

struct watch {
	const struct options *options;
	struct alert_runner *runner; /* NULL: no command */
	struct alert_state *states;  /* by heap index */
	uint32_t capacity;
	uint64_t looked_ns;
	bool fired;
	struct watch_firing firings[WATCH_FIRINGS];
	size_t firing_count;
};

struct watch *watch_open(const struct options *o)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->options = o;
	if (o->on_alert) {
		w->runner = alert_runner_start(o->on_alert);
		if (!w->runner) {
			free(w);
			return NULL;
		}
	}
	return w;
}

void watch_finish(struct watch *w)
{
	alert_runner_stop(w->runner);
	w->runner = NULL;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	watch_finish(w);
	free(w->states);
	free(w);
}

bool watch_due(const struct watch *w, uint64_t since_ns)
{
	return w->options->alert_count && w->looked_ns + LOOK_LEAST_NS <= since_ns;
}

size_t watch_firings(const struct watch *w, const struct watch_firing **firings)
{
	*firings = w->firings;
	return w->firing_count;
}

uint64_t watch_over(const struct watch *w, uint32_t index)
{
	return index < w->capacity ? w->states[index].over : 0;
}

bool watch_fired(const struct watch *w)
{
	return w && w->fired;
}

const char *watch_firing_text(const struct watch_firing *f, char *out, size_t size)
{
	char value[32];

	alert_value_text(f->rule->metric, f->value, value, sizeof(value));
	if (f->pid)
		snprintf(out, size, "%s: %" PRIu32 " (%s) has %s", f->rule->text, f->pid, f->comm,
			 value);
	else
		snprintf(out, size, "%s: %s in all", f->rule->text, value);
	return out;
}

/* ---- facts for a command ---- */

static void add_variable(struct buffer *b, const char *name, const char *value)
{
	buffer_printf(b, "TRACER_%s=%s", name, value);
	buffer_add_char(b, '\0');
}

static void add_number(struct buffer *b, const char *name, double value)
{
	char text[32] = "";

	if (isfinite(value))
		snprintf(text, sizeof(text), "%.0f", value);
	add_variable(b, name, text);
}

/* A process names itself: what a shell could take for more than a word does not get through. */
static void add_comm(struct buffer *b, const char *comm)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._:+@/-";
	char text[sizeof(((struct watch_firing *)NULL)->comm)];

	snprintf(text, sizeof(text), "%s", comm);
	for (char *p = text; *p; p++) {
		if (!strchr(good, *p) || (p == text && *p == '-'))
			*p = '?';
	}
	add_variable(b, "COMM", text);
}

static void add_process(struct buffer *b, const struct snapshot_process *p)
{
	add_number(b, "PID", p->pid);
	add_comm(b, p->comm);
	add_number(b, "OUTSTANDING_BYTES", (double)p->totals.outstanding_bytes);
	add_number(b, "OUTSTANDING_COUNT", (double)p->totals.outstanding_count);
	add_number(b, "GROWTH_BYTES_PER_S", p->growth_bytes_per_s);
	add_number(b, "RSS_BYTES", p->rss_bytes == UINT64_MAX ? (double)NAN : (double)p->rss_bytes);
	add_number(b, "ALLOCS_PER_S", p->allocs_per_s);
	add_number(b, "LEAK_SITES", p->leak_site_count);
	add_number(b, "GOROUTINE_LEAKS", p->goroutines.leak_count);
	add_number(b, "LOST_EVENTS", (double)p->lost_events);
}

static void run_command(struct watch *w, const struct watch_firing *f, const struct snapshot *s,
			const struct snapshot_process *p, bool screen)
{
	struct buffer b = {0};
	char time[25];

	clock_format_utc(f->realtime_ns, time);
	add_variable(&b, "ALERT", f->rule->text);
	add_variable(&b, "ALERT_METRIC", alert_metric_name(f->rule->metric));
	add_number(&b, "ALERT_LIMIT", f->rule->limit);
	add_number(&b, "ALERT_VALUE", f->value);
	add_variable(&b, "ALERT_TIME", time);
	add_number(&b, "ELAPSED_S", s->elapsed_s);
	if (p)
		add_process(&b, p);
	alert_runner_run(w->runner, &b, screen);
	buffer_done(&b);
}

/* ---- looking ---- */

static void keep_firing(struct watch *w, const struct watch_firing *f)
{
	if (w->firing_count == WATCH_FIRINGS) {
		memmove(w->firings, w->firings + 1, (WATCH_FIRINGS - 1) * sizeof(*w->firings));
		w->firing_count--;
	}
	w->firings[w->firing_count++] = *f;
}

static void fire(struct watch *w, const struct alert_rule *rule, double value,
		 const struct snapshot *s, const struct snapshot_process *p, bool screen)
{
	struct watch_firing f = {.rule = rule, .realtime_ns = s->realtime_ns, .value = value};
	char text[256];

	if (p) {
		f.pid = p->pid;
		memcpy(f.comm, p->comm, sizeof(f.comm));
	}
	w->fired = true;
	keep_firing(w, &f);
	log_always("alert %s", watch_firing_text(&f, text, sizeof(text)));
	if (w->runner)
		run_command(w, &f, s, p, screen);
}

static void say_over(const struct alert_rule *rule, const struct snapshot_process *p)
{
	if (p)
		log_info("alert %s is over: %" PRIu32 " (%s)", rule->text, p->pid, p->comm);
}

static size_t step(struct watch *w, uint32_t index, const struct alert_figures *figures,
		   const struct snapshot *s, const struct snapshot_process *p, bool screen)
{
	const struct options *o = w->options;
	uint64_t before = w->states[index].over;
	uint64_t fired = alerts_step(o->alerts, o->alert_count, &w->states[index], figures);
	size_t count = 0;

	for (size_t i = 0; i < o->alert_count; i++) {
		uint64_t bit = 1ull << i;

		if (before & bit && !(w->states[index].over & bit))
			say_over(&o->alerts[i], p);
		if (!(fired & bit))
			continue;
		fire(w, &o->alerts[i], figures->v[o->alerts[i].metric], s, p, screen);
		count++;
	}
	return count;
}

static struct alert_figures figures_of(const struct snapshot_process *p)
{
	struct alert_figures f = {
		.v = {
			[ALERT_OUTSTANDING] = (double)p->totals.outstanding_bytes,
			[ALERT_GROWTH] = p->growth_bytes_per_s,
			[ALERT_RSS] = (double)p->rss_bytes,
			[ALERT_RATE] = p->allocs_per_s,
			[ALERT_LEAKS] = (double)p->leak_site_count + p->goroutines.leak_count,
			[ALERT_LOST] = (double)p->lost_events,
		}};

	if (p->rss_bytes == UINT64_MAX)
		f.v[ALERT_RSS] = (double)NAN;
	/* of one that has ended nothing grows or shrinks any more */
	if (p->exited)
		f.v[ALERT_GROWTH] = f.v[ALERT_RATE] = (double)NAN;
	return f;
}

/* Losses that are no process's. */
static struct alert_figures figures_of_run(const struct snapshot *s)
{
	uint64_t lost = report_lost_events(s), known = 0;
	struct alert_figures f;

	for (int i = 0; i < ALERT_METRICS; i++)
		f.v[i] = (double)NAN;
	for (size_t i = 0; i < s->process_count; i++)
		known += s->processes[i].lost_events;
	f.v[ALERT_LOST] = (double)(lost - known);
	return f;
}

static bool reserve(struct watch *w, size_t processes)
{
	struct alert_state *states =
		array_reserve(w->states, &w->capacity, (uint32_t)processes + 1, sizeof(*states));

	if (states)
		w->states = states;
	else
		log_error("cannot look for alerts: out of memory");
	return states != NULL;
}

size_t watch_look(struct watch *w, const struct snapshot *s, bool screen)
{
	size_t count = 0, i;
	struct alert_figures f = figures_of_run(s);

	if (w->runner)
		alert_runner_collect(w->runner);
	w->looked_ns = s->time_ns;
	if (!w->options->alert_count || !reserve(w, s->process_count))
		return 0;
	/* with none lost, "lost<1" is a matter of the processes */
	if (f.v[ALERT_LOST] > 0)
		count += step(w, 0, &f, s, NULL, screen);
	for (i = 0; i < s->process_count; i++) {
		f = figures_of(&s->processes[i]);
		count += step(w, s->processes[i].index, &f, s, &s->processes[i], screen);
	}
	return count;
}
